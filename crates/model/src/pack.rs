//! `recipe.toml`: what is known about testing one recipe. Schema version 1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::integrity::{BackupChecks, RestoreMode};
use crate::name::{ComposeName, RecipeName};
use crate::secret::Secret;
use crate::stage::Rung;
use crate::version::RecipeVersion;

mod marker;

pub use marker::PackMarker;

/// A pack's `recipe.toml`. Every key but `recipe` is optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// The recipe it is for.
    pub recipe: RecipeName,
    /// The app's env.
    #[serde(default)]
    pub app: PackApp,
    /// The run as a whole.
    #[serde(default)]
    pub run: PackRun,
    /// The HTTP gate.
    #[serde(default)]
    pub health: PackHealth,
    /// Time limits, e.g. `deploy = "15m"`.
    #[serde(default)]
    pub timeouts: PackTimeouts,
    /// The upgrade.
    #[serde(default)]
    pub upgrade: PackUpgrade,
    /// Data planted to prove that data survives, beside what is found by itself.
    #[serde(default, rename = "marker")]
    pub markers: Vec<PackMarker>,
    /// What a backup has to stand besides.
    #[serde(default)]
    pub backup: BackupChecks,
    /// The restore.
    #[serde(default)]
    pub restore: PackRestore,
    /// Tests.
    #[serde(default)]
    pub tests: PackTests,
    /// Rungs that do not apply, with the reason.
    #[serde(default)]
    pub expected_na: BTreeMap<Rung, String>,
}

/// `[app]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackApp {
    /// Variables that replace those of `.env.sample`.
    pub env: BTreeMap<String, String>,
    /// Further compose files of the recipe, merged after those its env names.
    pub compose: Vec<String>,
    /// Compose files of the pack, merged after all of the recipe's.
    pub overlays: Vec<PackOverlay>,
    /// Values of secrets, by their names in the compose files.
    pub secrets: BTreeMap<ComposeName, GivenSecret>,
}

/// One of `[[app.overlays]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackOverlay {
    /// The file, relative to the pack.
    pub file: String,
    /// What it is merged into.
    #[serde(rename = "for")]
    pub applies: OverlayFor,
}

/// What an overlay of a pack is for (PLAN-7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayFor {
    /// The release the upgrade starts from.
    Base,
    /// The commit under test.
    Head,
    /// Both.
    Both,
}

/// The value of a secret; it does not print, and is never written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenSecret(Secret);

impl GivenSecret {
    /// The secret.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl Serialize for GivenSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[secret]")
    }
}

impl<'de> Deserialize<'de> for GivenSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|value| Self(Secret::new(value)))
    }
}

impl schemars::JsonSchema for GivenSecret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "GivenSecret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "the value of a secret" })
    }
}

/// `[run]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackRun {
    /// The head is also installed from nothing, beside the upgrade; `true` unless set.
    pub fresh_head: Option<bool>,
    /// A pass below this level is not good enough.
    #[serde(deserialize_with = "level")]
    #[schemars(range(min = 1, max = 4))]
    pub require_level: Option<u8>,
}

fn level<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let level = u8::deserialize(deserializer)?;
    if (1..=4).contains(&level) {
        return Ok(Some(level));
    }
    let unexpected = serde::de::Unexpected::Unsigned(level.into());
    Err(serde::de::Error::invalid_value(unexpected, &"a level from 1 to 4"))
}

/// `[health]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackHealth {
    /// The service that answers, if not the routed one.
    pub service: Option<ComposeName>,
    /// The port it answers on, in the container.
    pub port: Option<u16>,
    /// The path to ask for; `/` unless set.
    pub path: Option<String>,
    /// Statuses that count as an answer.
    pub status: Option<Vec<u16>>,
    /// Successes in a row that are needed.
    pub stable: Option<u32>,
}

/// `[timeouts]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackTimeouts {
    /// Deploy, converge and ready together; 10 minutes unless set.
    pub deploy: Option<Span>,
    /// The same for the upgrade; 10 minutes unless set.
    pub upgrade: Option<Span>,
    /// A backup, all attempts together; 5 minutes unless set.
    pub backup: Option<Span>,
    /// A restore; 10 minutes unless set.
    pub restore: Option<Span>,
    /// One test; 60 seconds unless set.
    pub test: Option<Span>,
}

/// `[restore]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackRestore {
    /// How it is proven; in place unless set.
    pub mode: Option<RestoreMode>,
}

/// `[tests]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackTests {
    /// An unknown path has to be answered with 404; not looked at unless set.
    pub not_found: bool,
}

/// `[upgrade]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PackUpgrade {
    /// The release to start from.
    pub base: Option<RecipeVersion>,
    /// Variables set for the head.
    pub env: BTreeMap<String, String>,
    /// How long the app may be down while it is upgraded; told and not judged unless set.
    pub downtime_budget: Option<Span>,
}

/// A length of time as people write it: `90s`, `15m`, `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(std::time::Duration);

impl Span {
    /// The length of time.
    pub fn duration(self) -> std::time::Duration {
        self.0
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}ms", self.0.as_millis()))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Span;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a length of time such as \"90s\", \"15m\" or \"1h 30m\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Span, E> {
                let invalid = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                let span: jiff::SignedDuration = text.parse().map_err(|_| invalid())?;
                std::time::Duration::try_from(span).map(Span).map_err(|_| invalid())
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "a length of time such as `90s`, `15m` or `1h 30m`"
        })
    }
}
