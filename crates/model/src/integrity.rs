//! What a pack asks of a backup beside what cc-ci looks for itself (STG-4), and how a restore is
//! proven (STG-5).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::ComposeName;

/// `[backup]`: what a backup has to stand besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BackupChecks {
    /// A command that changes nothing and ends with exit code 0 when the backup is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifyCommand>,
    /// Paths that must be in the snapshot and hold something, as `<volume>/<path>`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<ExpectedPath>,
}

impl BackupChecks {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.verify.is_none() && self.expect.is_empty()
    }
}

/// `backup.verify`: run in a container of a service after the backup, post-hooks included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyCommand {
    /// The service.
    pub service: ComposeName,
    /// Program and arguments; a shell only if it is named.
    #[serde(deserialize_with = "a_program")]
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
}

fn a_program<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let command = Vec::<String>::deserialize(deserializer)?;
    if command.first().is_some_and(|program| !program.is_empty()) {
        return Ok(command);
    }
    let expected = "a list with at least a program, such as [\"test\", \"-s\", \"/dump.sql\"]";
    Err(serde::de::Error::invalid_length(command.len(), &expected))
}

/// A path that must be in a snapshot: a volume's compose name, and a path below its root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedPath {
    /// The volume.
    pub volume: ComposeName,
    /// The path, without a slash at its beginning or end.
    pub path: String,
}

/// A text that is no [`ExpectedPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no path in a volume: write `<volume>/<path>`, such as `db/dump.sql`")]
pub struct ExpectedPathError {
    /// The text.
    pub text: String,
}

impl FromStr for ExpectedPath {
    type Err = ExpectedPathError;

    fn from_str(text: &str) -> Result<Self, ExpectedPathError> {
        let refused = || ExpectedPathError { text: text.to_owned() };
        let (volume, path) = text.split_once('/').ok_or_else(refused)?;
        let path = path.trim_end_matches('/');
        let is_plain = |part: &str| !matches!(part, "" | "." | "..");
        if !path.split('/').all(is_plain) {
            return Err(refused());
        }
        Ok(Self { volume: volume.parse().map_err(|_| refused())?, path: path.to_owned() })
    }
}

impl fmt::Display for ExpectedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.volume, self.path)
    }
}

impl Serialize for ExpectedPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExpectedPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for ExpectedPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ExpectedPath".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "a path in a volume, as `<volume>/<path>`"
        })
    }
}

/// How a restore is proven (`restore.mode`).
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreMode {
    /// The snapshot is put back into the volumes of the app that runs.
    #[default]
    InPlace,
    /// The app is undeployed and its volumes are deleted; the snapshot is put back into the empty
    /// volumes of the same app, deployed anew with the same secrets.
    Disaster,
}

impl RestoreMode {
    /// Every mode.
    pub const ALL: [RestoreMode; 2] = [RestoreMode::InPlace, RestoreMode::Disaster];

    /// The name in published formats and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            RestoreMode::InPlace => "in-place",
            RestoreMode::Disaster => "disaster",
        }
    }

    /// Whether it is the one that needs no word.
    pub fn is_in_place(&self) -> bool {
        *self == RestoreMode::InPlace
    }
}

impl fmt::Display for RestoreMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A run of the pack's verify command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VerifySeen {
    /// The service in whose container it ran.
    pub service: String,
    /// Its exit code; `None` when it did not end in time or could not be run.
    pub code: Option<i64>,
    /// The end of what it said, or why it could not be run.
    pub said: String,
}

/// A path the pack expects, in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExpectedSeen {
    /// The path, as `<volume>/<path>`.
    pub path: String,
    /// Something is at that path.
    pub there: bool,
    /// Bytes of the file, or of all files below the folder.
    pub bytes: u64,
}

/// An app that was taken away, with its volumes, before a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UndeploySeen {
    /// The volumes that were there before.
    pub volumes: Vec<String>,
    /// What is still there and should not be.
    pub left: Vec<crate::intent::Object>,
    /// The secrets that were kept.
    pub kept: Vec<String>,
    /// Refusals met on the way.
    pub refusals: Vec<String>,
}
