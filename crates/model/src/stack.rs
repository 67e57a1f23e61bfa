//! What an engine says about a stack at one moment, in our own words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compose::{RestartCondition, ServiceMode};
use crate::time::Timestamp;

/// One look at a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StackFacts {
    /// Its services, ordered by name.
    pub services: Vec<ServiceFacts>,
    /// All its tasks the engine still knows, ended ones included, oldest first (`CreatedAt`).
    pub tasks: Vec<TaskFacts>,
    /// The event stream broke since the watch began, so something may have been missed.
    pub events_gap: bool,
}

/// A service as the engine holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServiceFacts {
    /// The engine's id.
    pub id: String,
    /// Its name without the stack's prefix.
    pub name: String,
    /// How many tasks it wants.
    pub mode: ServiceMode,
    /// `Version.Index`: grows with every accepted change.
    pub version_index: u64,
    /// The image of the task template; a digest that docker added is kept.
    pub image: String,
    /// `UpdateStatus`.
    pub update: UpdateState,
    /// `UpdateStatus.Message`.
    pub update_message: Option<String>,
    /// The monitor period of its update policy, milliseconds.
    pub monitor_ms: u64,
    /// Tasks the engine counts as wanted: eligible nodes for a global service (API 1.41
    /// `ServiceStatus.DesiredTasks`).
    pub desired_tasks: u64,
    /// Completed tasks of a job (`ServiceStatus.CompletedTasks`).
    pub completed_tasks: u64,
    /// It publishes a port.
    pub publishes: bool,
    /// When a task that ended is followed by another one; not in logs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartFacts>,
    /// `Spec.Labels`.
    pub labels: BTreeMap<String, String>,
    /// Everything in the service's spec that makes a task: path → value, with names of networks,
    /// secrets and configs instead of ids, and without digests that docker added.
    pub template: BTreeMap<String, String>,
}

/// `Spec.TaskTemplate.RestartPolicy` of a service, as the engine applies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RestartFacts {
    /// After which ends.
    pub condition: RestartCondition,
    /// How often, for each slot; 0 is without a limit.
    pub max_attempts: u64,
}

/// `UpdateStatus.State` of a service (Engine API 1.41 and newer).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// Never updated, or an update was accepted and has not begun.
    None,
    /// Tasks are being replaced.
    Updating,
    /// Stopped by its failure action; never goes on by itself.
    Paused,
    /// All slots were replaced and watched.
    Completed,
    /// Going back to the previous spec.
    RollbackStarted,
    /// Going back failed; never goes on by itself.
    RollbackPaused,
    /// The previous spec is back.
    RollbackCompleted,
    /// A state this version does not know.
    Unknown(String),
}

/// A task as the engine holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TaskFacts {
    /// The engine's id.
    pub id: String,
    /// Its service's name without the stack's prefix.
    pub service: String,
    /// Its slot; `None` for global services.
    pub slot: Option<u64>,
    /// Its node's id, once it has one.
    pub node: Option<String>,
    /// Where it is.
    pub state: TaskState,
    /// Where Swarm wants it.
    pub desired: TaskState,
    /// It was made from the service's current spec (the engine's `_up-to-date` filter).
    pub current: bool,
    /// `Status.Message`.
    pub message: String,
    /// `Status.Err`.
    pub error: Option<String>,
    /// The exit code the engine recorded.
    pub exit_code: Option<i64>,
    /// Its container, as long as anybody has seen it.
    pub container: Option<ContainerFacts>,
    /// When it was first seen in that state, wanted like that, by cc-ci's own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_since: Option<Timestamp>,
}

/// Task states in the order in which a task goes through them (swarmkit `api/types.proto`).
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
pub enum TaskState {
    /// Created.
    New,
    /// Has its resources.
    Allocated,
    /// Waits for a node.
    Pending,
    /// Has a node.
    Assigned,
    /// The node took it.
    Accepted,
    /// Pulls its image, makes its container.
    Preparing,
    /// Could start.
    Ready,
    /// Started, not yet healthy.
    Starting,
    /// Runs, and is healthy where it has a health check.
    Running,
    /// Ended with exit code 0.
    Complete,
    /// Was stopped.
    Shutdown,
    /// Ended with an error.
    Failed,
    /// The node refused it.
    Rejected,
    /// Is to be removed.
    Remove,
    /// Its node is lost.
    Orphaned,
}

impl TaskState {
    /// It has ended and will not run again.
    pub fn is_terminal(self) -> bool {
        self > TaskState::Running
    }
}

/// A container of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContainerFacts {
    /// The engine's id.
    pub id: String,
    /// Its health, where it has a health check.
    pub health: Option<HealthFacts>,
    /// `State.OOMKilled`.
    pub oom_killed: bool,
    /// An event `health_status: unhealthy` was seen for it.
    pub unhealthy_seen: bool,
    /// Names of volumes mounted in it that nobody named.
    pub anonymous_volumes: Vec<AnonymousVolume>,
}

/// A volume nobody named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AnonymousVolume {
    /// The engine's name of it: 64 hexadecimal digits.
    pub name: String,
    /// Where it is mounted.
    pub target: String,
}

/// `State.Health` of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HealthFacts {
    /// `starting`, `healthy`, `unhealthy`, `none`.
    pub status: String,
    /// Failures in a row. On an ended container this is what tells a service that never became
    /// healthy from a finished one-shot: the status says `unhealthy` for both.
    pub failing_streak: u64,
    /// Failures in a row until unhealthy, as the engine applies it (default 3).
    pub retries: u64,
    /// Output of the last checks, newest last, each cut short.
    pub log: Vec<String>,
}

impl StackFacts {
    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&ServiceFacts> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The tasks of that service.
    pub fn tasks_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a TaskFacts> {
        self.tasks.iter().filter(move |task| task.service == service)
    }
}
