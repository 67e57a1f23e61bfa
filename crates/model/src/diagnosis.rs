//! Why something is red, in words for whoever has to mend it, and what that is read from (RES-7).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::AppId;
use crate::outcome::Status;
use crate::stack::StackFacts;
use crate::stage::Rung;

/// What kind of cause it is. Whose fault it is stands in the status, never here.
#[derive(
    Debug,
    Clone,
    Copy,
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
pub enum CauseClass {
    /// An image does not exist.
    Image,
    /// A registry denies an image, or could not be asked for it.
    Registry,
    /// Docker does not take what the compose files say.
    Compose,
    /// A config or secret changed and kept its name, which Swarm refuses.
    ConfigVersion,
    /// A secret is missing.
    Secret,
    /// A port is taken.
    Port,
    /// No node can take a task, or the host has no room or memory left.
    Resources,
    /// A container cannot be started at all.
    Start,
    /// A process needed more memory than it may have.
    Oom,
    /// A name could not be looked up.
    Dns,
    /// The app does not come to terms with the data it finds.
    Migration,
    /// A health check fails.
    Health,
    /// A process ends though it is meant to run.
    CrashLoop,
    /// Its tasks run, and it does not answer as it should.
    Readiness,
    /// Swarm did not finish an update, or something else runs than was submitted.
    Update,
    /// Something was not there when the time was up, and nothing says why.
    Timeout,
    /// A hook failed.
    Hook,
    /// The backup does not hold the data.
    Backup,
    /// Data is lost, or was not restored.
    Data,
    /// A test of the pack or the recipe failed.
    Test,
    /// The Docker engine, the host, or cc-ci itself.
    Infrastructure,
}

impl CauseClass {
    /// Every class.
    pub const ALL: [CauseClass; 21] = [
        CauseClass::Image,
        CauseClass::Registry,
        CauseClass::Compose,
        CauseClass::ConfigVersion,
        CauseClass::Secret,
        CauseClass::Port,
        CauseClass::Resources,
        CauseClass::Start,
        CauseClass::Oom,
        CauseClass::Dns,
        CauseClass::Migration,
        CauseClass::Health,
        CauseClass::CrashLoop,
        CauseClass::Readiness,
        CauseClass::Update,
        CauseClass::Timeout,
        CauseClass::Hook,
        CauseClass::Backup,
        CauseClass::Data,
        CauseClass::Test,
        CauseClass::Infrastructure,
    ];

    /// The name in published formats.
    pub fn as_str(self) -> &'static str {
        match self {
            CauseClass::Image => "image",
            CauseClass::Registry => "registry",
            CauseClass::Compose => "compose",
            CauseClass::ConfigVersion => "config_version",
            CauseClass::Secret => "secret",
            CauseClass::Port => "port",
            CauseClass::Resources => "resources",
            CauseClass::Start => "start",
            CauseClass::Oom => "oom",
            CauseClass::Dns => "dns",
            CauseClass::Migration => "migration",
            CauseClass::Health => "health",
            CauseClass::CrashLoop => "crash_loop",
            CauseClass::Readiness => "readiness",
            CauseClass::Update => "update",
            CauseClass::Timeout => "timeout",
            CauseClass::Hook => "hook",
            CauseClass::Backup => "backup",
            CauseClass::Data => "data",
            CauseClass::Test => "test",
            CauseClass::Infrastructure => "infrastructure",
        }
    }
}

impl fmt::Display for CauseClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a stage is red, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Diagnosis {
    /// The stage.
    pub stage: String,
    /// The rung that stage counts for.
    pub rung: Option<Rung>,
    /// The app it was about.
    pub app: Option<AppId>,
    /// What became of the stage: whose fault it is.
    pub status: Status,
    /// The kind of cause.
    pub class: CauseClass,
    /// What happened, in a sentence or two.
    pub message: String,
    /// What to try next.
    pub next: String,
    /// The same again, anywhere: one line for a shell.
    pub reproduce: String,
    /// What it stands on: tasks, health checks, the last lines of logs, the host; and what could
    /// not be had.
    pub evidence: Vec<String>,
}

/// What was gathered after an act that did not go well (RES-7). No outcome rests on it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExamineSeen {
    /// The stack; `None` when nothing was deployed, or the engine did not answer.
    pub facts: Option<StackFacts>,
    /// The last lines of each service, those in trouble first; of ended tasks too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogSeen>,
    /// Room left where the engine keeps everything, in bytes.
    pub free_bytes: Option<u64>,
    /// Memory the host can still give, in bytes.
    pub memory_available_bytes: Option<u64>,
    /// What could not be had, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// The end of what a service wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogSeen {
    /// The service.
    pub service: String,
    /// Its last lines, newest last, each cut short.
    pub lines: Vec<String>,
}
