//! What a plan takes over from a pack: overlays and tests.

use serde::{Deserialize, Serialize};

use super::Revision;
use crate::pack::OverlayFor;

/// A compose file of the pack, merged after the recipe's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedOverlay {
    /// The file, relative to the pack.
    pub file: String,
    /// What it is merged into.
    #[serde(rename = "for")]
    pub applies: OverlayFor,
    /// Its text.
    pub text: String,
}

impl PlannedOverlay {
    /// Whether it is merged into that revision.
    pub fn is_for(&self, revision: Revision) -> bool {
        match self.applies {
            OverlayFor::Base => revision == Revision::Base,
            OverlayFor::Head => revision == Revision::Head,
            OverlayFor::Both => true,
        }
    }
}

/// A test of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedTest {
    /// Its file, relative to its pack, e.g. `tests/10-page.sh`.
    pub name: String,
    /// Whose it is.
    pub from: TestsFrom,
}

/// Where tests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestsFrom {
    /// The pack that was given.
    Pack,
    /// `.cc-ci/` of the recipe, when no other pack was given.
    Recipe,
    /// `.cc-ci/` of the recipe, beside the pack that was given: for the rung `recipe_local`.
    Beside,
}
