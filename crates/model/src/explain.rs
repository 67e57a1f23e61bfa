//! The trace of a run's decisions (RES-8): each yes and no, why, and the lines of the log it
//! stands on. What `cc-ci explain --output json` prints.

use serde::{Deserialize, Serialize};

use crate::name::{AppId, RecipeName, RunId};
use crate::outcome::{Status, Verdict};
use crate::time::Timestamp;

/// The version of this format.
pub const TRACE_SCHEMA_VERSION: u32 = 1;

/// Why a run says what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Trace {
    /// [`TRACE_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The log is sealed: nothing will change any more.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The run.
    pub run_id: RunId,
    /// The recipe.
    pub recipe: RecipeName,
    /// The verdict.
    pub verdict: Verdict,
    /// Essential rungs passed without a gap, 0 to 4.
    pub level: u8,
    /// What was decided: the verdict, every rung, stages that are no part of a rung, the plan.
    pub decisions: Vec<Decision>,
}

/// What a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// The verdict; its parts are the conditions that speak against a pass.
    Verdict,
    /// A reason for another exit code than 0.
    Condition,
    /// A rung of the ladder; its parts are stages and obligations.
    Rung,
    /// A stage, about one app; its parts are attempts that were made again, the checks that count
    /// and, when it is red, a diagnosis.
    Stage,
    /// An attempt that was not good enough, so that its stage was tried again; its parts are checks.
    Attempt,
    /// Something that was looked at.
    Check,
    /// Why a stage is red, and what to try.
    Diagnosis,
    /// Something that had to be proven for a rung to count.
    Obligation,
    /// A choice of the plan.
    Choice,
}

/// A yes or a no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// What it is about.
    pub kind: DecisionKind,
    /// The name of that rung, stage, check …
    pub name: String,
    /// The app it is about.
    pub app: Option<AppId>,
    /// What became of it; an obligation is `passed` or `unverified`, and conditions, choices and
    /// the verdict have none.
    pub status: Option<Status>,
    /// Why, in a sentence.
    pub because: String,
    /// The lines of the log it stands on.
    pub evidence: Vec<EvidenceLine>,
    /// The decisions it was made of.
    pub parts: Vec<Decision>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EvidenceLine {
    /// Its number in `events.jsonl`, from 1.
    pub line: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says, in a few words.
    pub says: String,
}
