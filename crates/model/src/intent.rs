//! What a run is about to create, written down before it does (TEAR-2), and what is found to
//! have been created.

use serde::{Deserialize, Serialize};

use crate::name::{AppId, StackName};

/// One effect a run is about to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Intent {
    /// A stack is deployed: services, tasks, and what its compose files declare.
    Stack {
        /// The app it serves.
        app: AppId,
        /// Its name: everything with Docker's namespace label of this name is ours.
        stack: StackName,
        /// Full names of the volumes it declares and may create.
        volumes: Vec<String>,
        /// Full names of the networks it declares and may create.
        networks: Vec<String>,
        /// Full names of the configs and secrets it declares and may create.
        configs: Vec<String>,
    },
    /// A secret is created through the API.
    Secret {
        /// Its full name.
        name: String,
    },
    /// A network is created through the API.
    Network {
        /// Its full name.
        name: String,
    },
}

/// A kind of thing on an engine that a run can leave behind.
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
pub enum ObjectKind {
    /// A service.
    Service,
    /// A task.
    Task,
    /// A container.
    Container,
    /// A network.
    Network,
    /// A secret.
    Secret,
    /// A config.
    Config,
    /// A volume.
    Volume,
}

impl ObjectKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ObjectKind::Service => "service",
            ObjectKind::Task => "task",
            ObjectKind::Container => "container",
            ObjectKind::Network => "network",
            ObjectKind::Secret => "secret",
            ObjectKind::Config => "config",
            ObjectKind::Volume => "volume",
        }
    }
}

/// A thing on the engine.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// The engine's id; volumes have none but their name.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The stack its namespace label names.
    pub stack: Option<String>,
    /// The run its cc-ci label names.
    pub run: Option<String>,
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

/// A child process, told apart from a later one with the same id by its start time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProcessId {
    /// The process id.
    pub pid: i32,
    /// Field 22 of `/proc/<pid>/stat`: clock ticks after boot.
    pub started_ticks: u64,
    /// The boot it belongs to (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}
