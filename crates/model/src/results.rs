//! `results.json`: the published answer of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::diagnosis::{CauseClass, Diagnosis};
use crate::difference::{Difference, OperatorStep};
use crate::event::Tool;
use crate::exit::Condition;
use crate::integrity::RestoreMode;
use crate::intent::Object;
use crate::meter::Availability;
use crate::name::{AppId, CommitSha, RecipeName, RunId};
use crate::outcome::{Status, Verdict};
use crate::plan::{Adaptation, EngineId, Finding};
use crate::stage::Rung;
use crate::time::Timestamp;

/// The version of this format.
pub const RESULTS_SCHEMA_VERSION: u32 = 1;

/// The answer of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Results {
    /// [`RESULTS_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The log is sealed: nothing will change any more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Not every essential stage was asked for.
    pub partial: bool,
    /// The run.
    pub run_id: RunId,
    /// The recipe.
    pub recipe: RecipeName,
    /// The commit under test.
    pub head: HeadResult,
    /// The release the upgrade started from.
    pub base: Option<BaseResult>,
    /// How apps were deployed.
    pub engine: EngineId,
    /// What cc-ci changed about the recipe.
    pub adaptations: Vec<Adaptation>,
    /// The verdict.
    pub verdict: Verdict,
    /// Everything that speaks for an exit code other than 0.
    pub conditions: Vec<Condition>,
    /// Essential rungs passed without a gap, 0 to 4.
    pub level: u8,
    /// The first essential rung that did not pass.
    pub level_cap_rung: Option<Rung>,
    /// Every rung.
    pub rungs: BTreeMap<Rung, RungResult>,
    /// Rungs that were not attempted.
    pub skips: Skips,
    /// Stages, in the order in which they ran; those that did not run last.
    pub stages: Vec<StageResult>,
    /// Why each red stage is red.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnosis: Vec<Diagnosis>,
    /// Submissions of each app.
    pub deploys: Vec<DeployCount>,
    /// What had to be proven.
    pub obligations: Vec<Obligation>,
    /// What the upgrade changed, from base to head; `null` without a base.
    pub difference: Option<Difference>,
    /// What an operator has to do by hand when upgrading.
    pub operator_steps: Vec<OperatorStep>,
    /// How the app could be reached while it was upgraded; absent when that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// Images used.
    pub images: Vec<ImageResult>,
    /// Services seen.
    pub services: Vec<ServiceResult>,
    /// What a reader should know.
    pub warnings: Vec<Finding>,
    /// What this result proves.
    pub proves: Vec<String>,
    /// What it does not.
    pub does_not_prove: Vec<String>,
    /// Assertions that passed only when they were tried again; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaky: Vec<Flaky>,
    /// How the restore was to be proven; in place when it is absent.
    #[serde(default, skip_serializing_if = "RestoreMode::is_in_place")]
    pub restore_mode: RestoreMode,
    /// What is left of the run.
    pub cleanup: Cleanup,
    /// SHA-256 of the log up to its seal.
    pub events_sha256: Option<String>,
    /// The program that ran it.
    pub tool: Tool,
}

/// The commit under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeadResult {
    /// The ref that was asked for.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit.
    pub commit: CommitSha,
    /// Its version.
    pub version: Option<String>,
    /// The commit a dirty working copy was based on.
    pub dirty_of: Option<CommitSha>,
}

/// The release the upgrade started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BaseResult {
    /// Its version.
    pub version: String,
    /// Its commit.
    pub commit: CommitSha,
}

/// What became of a rung.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RungResult {
    /// The status.
    pub status: Status,
    /// Why.
    pub reason: Option<String>,
    /// What stood in the way, when blocked.
    pub by: Option<String>,
    /// Whether a skip was declared.
    pub intended: Option<bool>,
    /// The kind of cause, when red.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<CauseClass>,
}

/// Rungs that were not attempted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Skips {
    /// Declared by the pack.
    pub intentional: Vec<Rung>,
    /// Not declared.
    pub unintentional: Vec<Rung>,
}

/// What became of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StageResult {
    /// Its name.
    pub name: String,
    /// The app it was about.
    pub app: Option<AppId>,
    /// The status.
    pub status: Status,
    /// Why.
    pub reason: Option<String>,
    /// When it began; absent when it did not.
    pub started_at: Option<Timestamp>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// What was looked at, in the last attempt.
    pub checks: Vec<CheckResult>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the attempts before the last one saw; `checks` are those of the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<AttemptResult>,
}

/// An attempt that was not good enough, so that the stage was tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttemptResult {
    /// Its number, from 1.
    pub attempt: u32,
    /// What became of it.
    pub status: Status,
    /// Why.
    pub reason: Option<String>,
    /// What was looked at.
    pub checks: Vec<CheckResult>,
}

/// An assertion that passed only when it was tried again (VER-7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Flaky {
    /// The stage.
    pub stage: String,
    /// The app it was about.
    pub app: Option<AppId>,
    /// The check that failed at first.
    pub check: String,
    /// The attempt at which it passed.
    pub attempt: u32,
    /// What was wrong when it failed first.
    pub reason: String,
}

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CheckResult {
    /// Its name.
    pub name: String,
    /// The app it was about.
    pub app: Option<AppId>,
    /// The status.
    pub status: Status,
    /// What was seen.
    pub detail: String,
}

/// Submissions of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeployCount {
    /// The app.
    pub app: AppId,
    /// How many the plan says, that of a restore after a disaster included once it began.
    pub planned: u32,
    /// How many there were.
    pub actual: u32,
}

/// Something that must have been proven for a rung to count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Obligation {
    /// The rung.
    pub rung: Rung,
    /// What had to be proven.
    pub name: String,
    /// Whether it was.
    pub met: bool,
    /// The evidence, or what is missing.
    pub evidence: String,
}

/// An image that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ImageResult {
    /// The app; `None` while it served several.
    pub app: Option<AppId>,
    /// The service.
    pub service: String,
    /// The reference as rendered.
    pub reference: String,
    /// The registry's digest, else the image's id.
    pub digest: Option<String>,
}

/// A service that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServiceResult {
    /// The app.
    pub app: AppId,
    /// Its name.
    pub name: String,
    /// Tasks that were replaced without our doing.
    pub restarts: u32,
}

/// What is left of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cleanup {
    /// Nothing is left, and the engine could be asked; true also when the app was to be kept.
    pub complete: bool,
    /// What is left.
    pub left: Vec<Object>,
}
