//! What an upgrade changes, from base to head, and what it asks of an operator.

use serde::{Deserialize, Serialize};

/// What differs between what two revisions deploy (PLAN-1, PLAN-2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Difference {
    /// Services only the head has.
    pub added: Vec<String>,
    /// Services only the base has; an upgrade leaves them running.
    pub dropped: Vec<String>,
    /// Services whose tasks, networks or endpoint differ.
    pub changed: Vec<ServiceDifference>,
    /// Volumes, networks, secrets and configs that differ, e.g. `volume data: new`.
    pub objects: Vec<String>,
    /// Differences Swarm starts no new task for: deploy labels, replicas, policies.
    pub policy: Vec<ValueDifference>,
}

/// What differs about one service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ServiceDifference {
    /// The service.
    pub service: String,
    /// What differs.
    pub values: Vec<ValueDifference>,
}

/// One value that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ValueDifference {
    /// Where, e.g. `image` or `environment.TZ`.
    pub path: String,
    /// In the base; `None` when it is not there.
    pub base: Option<String>,
    /// In the head; `None` when it is not there.
    pub head: Option<String>,
}

impl Difference {
    /// Whether an upgrade would start no new task: nothing would be proven by it.
    pub fn is_hollow(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty()
    }
}

/// Something an operator has to do by hand when upgrading (STG-3a).
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct OperatorStep {
    /// The env key or secret it is about.
    pub key: String,
    /// What to do.
    pub step: String,
    /// The release notes of the head's version name it.
    pub noted: bool,
}
