//! The run's append-only log: one JSON document a line (VER-6).

use serde::{Deserialize, Serialize};

use crate::evidence::{Act, Evidence};
use crate::intent::{Intent, Object, ProcessId};
use crate::name::AppId;
use crate::plan::{Finding, Plan};
use crate::stage::Stage;
use crate::time::Timestamp;

/// The version of the log's format. It grows with every change an old reader cannot follow.
pub const EVENTS_SCHEMA_VERSION: u32 = 1;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Event {
    /// 1 for the first, one more for each next.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// In which lane: stages and acts of one lane follow each other.
    #[serde(default, skip_serializing_if = "Lane::is_main")]
    pub lane: Lane,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// One of the two sequences of stages that a run can go through at once.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Everything, but for what has a lane of its own.
    #[default]
    Main,
    /// The install of the fresh head, where the plan lets it go on beside the upgrade (STG-2).
    Beside,
}

impl Lane {
    /// Both.
    pub const ALL: [Lane; 2] = [Lane::Main, Lane::Beside];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_main(&self) -> bool {
        *self == Lane::Main
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// Always the first.
    Planned {
        /// [`EVENTS_SCHEMA_VERSION`] of the writer.
        schema_version: u32,
        /// The writer.
        tool: Tool,
        /// The process that runs it.
        owner: ProcessId,
        /// What it is going to do.
        plan: Box<Plan>,
    },
    /// A stage begins.
    StageBegan {
        /// The stage.
        stage: Stage,
        /// The app it is about.
        app: Option<AppId>,
    },
    /// An act of the current stage begins.
    ActBegan {
        /// The act.
        act: Act,
        /// When it has to be over.
        deadline: Timestamp,
    },
    /// An act ended with this to show.
    ActEnded {
        /// What was seen.
        evidence: Box<Evidence>,
    },
    /// An act could not be carried out: infrastructure, or cc-ci itself.
    ActErrored {
        /// What was tried, and what happened.
        message: String,
    },
    /// The current stage ends.
    StageEnded,
    /// An effect is about to be had.
    Intended {
        /// Which.
        intent: Intent,
    },
    /// A child process runs.
    ProcessStarted {
        /// Which.
        process: ProcessId,
    },
    /// A child process has ended.
    ProcessEnded {
        /// Which.
        process: ProcessId,
    },
    /// Something a reader should know.
    Noted {
        /// What.
        finding: Finding,
    },
    /// Somebody asked the run to stop.
    CancelRequested {
        /// How often so far.
        signals: u8,
    },
    /// What is left of everything the run created.
    InventoryTaken {
        /// Should be empty.
        left: Vec<Object>,
        /// The engine could be asked.
        complete: bool,
    },
    /// Always the last: SHA-256 of every byte of the log before this line.
    Sealed {
        /// Lower-case hexadecimal.
        sha256: String,
    },
}

/// The program that wrote a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tool {
    /// Its version.
    pub version: String,
    /// The commit it was built from, if that was known.
    pub commit: Option<String>,
}
