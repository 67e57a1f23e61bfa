//! The steps of a run and the rungs of the ladder (spec of both: `docs/rules.md`).

use std::fmt;

/// A step of a run, in the order in which a run goes through them.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The head is installed from nothing.
    Install,
    /// The base is installed and upgraded to the head in place.
    Upgrade,
    /// The head is installed again, because the upgrade left none standing.
    Reinstall,
    /// A backup of the head is taken.
    Backup,
    /// The backup is put back after a loss.
    Restore,
    /// The pack's tests run.
    Functional,
    /// The tests that the recipe carries beside another pack run.
    RecipeLocal,
    /// What the run created is removed.
    Teardown,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 8] = [
        Stage::Install,
        Stage::Upgrade,
        Stage::Reinstall,
        Stage::Backup,
        Stage::Restore,
        Stage::Functional,
        Stage::RecipeLocal,
        Stage::Teardown,
    ];

    /// The name in published formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Install => "install",
            Stage::Upgrade => "upgrade",
            Stage::Reinstall => "reinstall",
            Stage::Backup => "backup",
            Stage::Restore => "restore",
            Stage::Functional => "functional",
            Stage::RecipeLocal => "recipe_local",
            Stage::Teardown => "teardown",
        }
    }

    /// The rung this stage counts for; `None` for stages that act on the verdict only.
    pub fn rung(self) -> Option<Rung> {
        match self {
            Stage::Install => Some(Rung::Install),
            Stage::Upgrade => Some(Rung::Upgrade),
            Stage::Backup | Stage::Restore => Some(Rung::BackupRestore),
            Stage::Functional => Some(Rung::Functional),
            Stage::RecipeLocal => Some(Rung::RecipeLocal),
            Stage::Reinstall | Stage::Teardown => None,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the ladder counts. Every rung is a statement about the head.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// L1.
    Install,
    /// L2.
    Upgrade,
    /// L3.
    BackupRestore,
    /// L4.
    Functional,
    /// Optional: what needs another recipe.
    Integration,
    /// Optional: the tests a recipe carries beside another pack.
    RecipeLocal,
}

impl Rung {
    /// The essential rungs, from the first.
    pub const ESSENTIAL: [Rung; 4] =
        [Rung::Install, Rung::Upgrade, Rung::BackupRestore, Rung::Functional];

    /// Every rung, essential ones first.
    pub const ALL: [Rung; 6] = [
        Rung::Install,
        Rung::Upgrade,
        Rung::BackupRestore,
        Rung::Functional,
        Rung::Integration,
        Rung::RecipeLocal,
    ];

    /// The name in published formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Install => "install",
            Rung::Upgrade => "upgrade",
            Rung::BackupRestore => "backup_restore",
            Rung::Functional => "functional",
            Rung::Integration => "integration",
            Rung::RecipeLocal => "recipe_local",
        }
    }

    /// The stages whose outcomes make this rung.
    pub fn stages(self) -> &'static [Stage] {
        match self {
            Rung::Install => &[Stage::Install],
            Rung::Upgrade => &[Stage::Upgrade],
            Rung::BackupRestore => &[Stage::Backup, Stage::Restore],
            Rung::Functional => &[Stage::Functional],
            Rung::RecipeLocal => &[Stage::RecipeLocal],
            Rung::Integration => &[],
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
