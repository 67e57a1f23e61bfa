//! What was found out about the host a run happens on.

use serde::{Deserialize, Serialize};

/// The host and its engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(transform = without_task_addresses)]
pub struct HostFacts {
    /// The engine's id; changes when it is installed anew.
    pub engine_id: String,
    /// The engine's version, e.g. `20.10.24`.
    pub engine_version: String,
    /// The API version in use, e.g. `1.41`.
    pub api_version: String,
    /// The docker CLI's version.
    pub cli_version: String,
    /// What this engine is in a Swarm.
    pub swarm: SwarmRole,
    /// Whether service VIPs answer.
    pub vips: Tried,
    /// Whether this process reaches tasks at their own addresses; `unknown` in logs of before this
    /// was tried, which have no such member.
    #[serde(default = "Tried::unknown")]
    pub task_addresses: Tried,
    /// What the engine's node has; absent where it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// The engine's volumes can be read by host path.
    pub volume_root: Option<String>,
}

/// What a node has (`NCPU` and `MemTotal` of the engine's `/info`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Capacity {
    /// Processors.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

/// What an engine is in a Swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SwarmRole {
    /// In no Swarm.
    Inactive,
    /// A manager.
    Manager,
    /// A worker: it cannot deploy.
    Worker,
}

/// The result of a trial on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// It works.
    Works,
    /// It does not.
    Fails,
    /// Nobody tried since the host started, or it cannot be told.
    Unknown,
}

/// It is always written, but a reader of earlier logs has to do without.
fn without_task_addresses(schema: &mut schemars::Schema) {
    let required = schema.get_mut("required").and_then(|required| required.as_array_mut());
    if let Some(required) = required {
        required.retain(|name| name != "task_addresses");
    }
}

impl Tried {
    fn unknown() -> Self {
        Tried::Unknown
    }
}
