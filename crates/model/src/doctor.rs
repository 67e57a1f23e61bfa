//! What `cc-ci doctor` says about a host: a published format.

use serde::{Deserialize, Serialize};

use crate::event::Tool;
use crate::time::Timestamp;

/// The version of the format. It grows with every change an old reader cannot follow.
pub const DOCTOR_SCHEMA_VERSION: u32 = 1;

/// Whether a run could work on a host, and what to do if not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DoctorReport {
    /// [`DOCTOR_SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The writer.
    pub tool: Tool,
    /// When the host was looked at.
    pub at: Timestamp,
    /// The engine's address.
    pub docker_host: String,
    /// Where runs are kept.
    pub state_folder: String,
    /// The worst level of all findings.
    pub level: Level,
    /// What the command ends with: 0, or 4 when a run could not work.
    pub exit_code: u8,
    /// Everything that was looked at, what is well too.
    pub findings: Vec<Finding>,
}

/// How bad a finding is; the later, the worse.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// A run works, but not as well as it could, or something is to be tidied up.
    Warning,
    /// A run could not work, or could not be believed.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    /// Which finding it is.
    pub id: FindingId,
    /// How bad it is: always the same for the same `id`.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// Where: a path, an address, a node, a run.
    pub place: String,
    /// What to do about it; nothing when all is well.
    pub next: Option<String>,
}

impl Finding {
    /// A finding of that kind without a next step.
    pub fn new(id: FindingId, what: impl Into<String>, place: impl Into<String>) -> Self {
        Self { id, level: id.level(), what: what.into(), place: place.into(), next: None }
    }

    /// The same with a next step.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

/// One list for the names, their levels and what they are about.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $level:ident, $topic:literal;)*) => {
        /// Every finding there is.
        #[derive(
            Debug,
            Clone,
            Copy,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Serialize,
            Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum FindingId {
            $($(#[$doc])* $name,)*
        }

        impl FindingId {
            /// All of them, in the order in which they are told.
            pub const ALL: &'static [FindingId] = &[$(FindingId::$name),*];

            /// How bad it is.
            pub fn level(self) -> Level {
                match self {
                    $(FindingId::$name => Level::$level,)*
                }
            }

            /// What it is about, in a word or two.
            pub fn topic(self) -> &'static str {
                match self {
                    $(FindingId::$name => $topic,)*
                }
            }
        }
    };
}

ids! {
    /// The docker CLI is there and new enough.
    Cli: Ok, "docker CLI";
    /// There is no docker CLI.
    CliMissing: Problem, "docker CLI";
    /// It is older than 20.10.
    CliOld: Problem, "docker CLI";
    /// It does not tell its version.
    CliUnreadable: Problem, "docker CLI";
    /// The engine answers.
    Engine: Ok, "engine";
    /// The engine does not answer.
    EngineSilent: Problem, "engine";
    /// The engine's socket may not be used by this user.
    EngineDenied: Problem, "engine";
    /// The engine's address is of a kind cc-ci cannot use.
    EngineAddress: Problem, "engine";
    /// The engine is older than any that cc-ci is tried on.
    EngineOld: Warning, "engine";
    /// A manager of a Swarm of one node that takes tasks.
    Swarm: Ok, "Swarm";
    /// The engine is in no Swarm.
    SwarmNone: Problem, "Swarm";
    /// The engine is a worker.
    SwarmWorker: Problem, "Swarm";
    /// The Swarm is locked.
    SwarmLocked: Problem, "Swarm";
    /// The node is about to join, or failed to.
    SwarmUnready: Problem, "Swarm";
    /// The Swarm has no leader.
    SwarmLeaderless: Problem, "Swarm";
    /// The node takes no tasks.
    NodeDrained: Problem, "Swarm";
    /// Other nodes take tasks too.
    NodesSeveral: Problem, "Swarm";
    /// Service VIPs answer.
    Vips: Ok, "service VIPs";
    /// Service VIPs do not answer; recipes are adapted.
    VipsSilent: Warning, "service VIPs";
    /// Whether service VIPs answer cannot be told from here.
    VipsUnknown: Warning, "service VIPs";
    /// Tasks can be reached from here.
    TaskAddresses: Ok, "task addresses";
    /// Tasks cannot be reached from here.
    TaskAddressesSilent: Problem, "task addresses";
    /// Whether tasks can be reached cannot be told.
    TaskAddressesUnknown: Warning, "task addresses";
    /// The files of volumes can be read.
    Volumes: Ok, "volumes";
    /// The files of volumes cannot be read.
    VolumesUnreadable: Problem, "volumes";
    /// Runs can be kept.
    StateFolder: Ok, "state folder";
    /// Nothing can be written where runs are kept.
    StateFolderReadonly: Problem, "state folder";
    /// There is room.
    Disk: Ok, "disk";
    /// There is little room.
    DiskLow: Warning, "disk";
    /// There is no room.
    DiskFull: Problem, "disk";
    /// There is memory.
    Memory: Ok, "memory";
    /// There is little memory.
    MemoryLow: Warning, "memory";
    /// There is too little memory for any app.
    MemoryShort: Problem, "memory";
    /// How much memory there is cannot be told.
    MemoryUnknown: Warning, "memory";
    /// This process may open as many files as it needs.
    OpenFiles: Ok, "open files";
    /// It may open only a few.
    OpenFilesLow: Warning, "open files";
    /// Programs that cc-ci calls are there.
    Tools: Ok, "programs";
    /// A program without which no run works is missing.
    ToolMissing: Problem, "programs";
    /// A program that many tests call is missing.
    ToolWanted: Warning, "programs";
    /// Nothing is left of dead runs.
    LeftoversNone: Ok, "leftovers";
    /// A run died before its end.
    RunDied: Warning, "leftovers";
    /// A run ended before it had a plan, and left its folder.
    RunUnplanned: Warning, "leftovers";
    /// A run that is over left something on the engine.
    RunLeft: Warning, "leftovers";
    /// A run left its app standing, as asked.
    RunKept: Ok, "leftovers";
    /// A run's log cannot be read.
    RunUnreadable: Warning, "leftovers";
    /// Something on the engine belongs to a run that is not known here.
    RunUnknown: Warning, "leftovers";
    /// Leftovers could not be looked for.
    LeftoversUnknown: Warning, "leftovers";
}
