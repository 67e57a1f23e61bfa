//! Tasks as the engine lists them, told as facts.
//!
//! Tests: at the end of this file.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_core::ports::{EngineError, NAMESPACE_LABEL};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::{ContainerFacts, TaskFacts, TaskState};
use serde::Deserialize;
use serde_json::Value;

use crate::raw::{Endpoint, with_filters};
use crate::services::Service;

/// A task of `GET /tasks`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Task {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    #[serde(rename = "ServiceID", default)]
    pub(crate) service_id: String,
    pub(crate) slot: Option<u64>,
    #[serde(default)]
    created_at: String,
    #[serde(rename = "NodeID", default)]
    node_id: String,
    status: Status,
    pub(crate) desired_state: TaskState,
    #[serde(default)]
    spec: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    state: TaskState,
    #[serde(default)]
    message: String,
    #[serde(default)]
    err: String,
    #[serde(rename = "ContainerStatus")]
    container: Option<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerStatus {
    #[serde(rename = "ContainerID", default)]
    container_id: String,
    #[serde(default)]
    exit_code: i64,
}

/// Whether this engine says which tasks are made from the current spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpToDateFilter {
    /// It does, or was not asked yet.
    Works,
    /// It refused the filter: container specs are compared instead.
    Refused,
}

/// Lists a stack's tasks, those of services removed already included.
///
/// The label filter looks at what a task remembers of its service, so it finds tasks whose
/// service is gone; they are listed until they have stopped.
pub(crate) async fn list(endpoint: &Endpoint, stack: &StackName) -> Result<Vec<Task>, EngineError> {
    let label = [format!("{NAMESPACE_LABEL}={stack}")];
    let target = with_filters("/tasks", &[("label", &label)]);
    endpoint.get(&format!("list the tasks of stack {stack}"), &target).await
}

/// Lists the tasks of one service, by its full name, that are to run, and those that are to stop;
/// none when there is no such service.
pub(crate) async fn list_of(endpoint: &Endpoint, service: &str) -> Result<Vec<Task>, EngineError> {
    let wanted = ["running".to_owned(), "shutdown".to_owned()];
    let filters: [(&str, &[String]); 2] =
        [("service", &[service.to_owned()]), ("desired-state", &wanted)];
    let operation = format!("list the tasks of service {service}");
    match endpoint.get(&operation, &with_filters("/tasks", &filters)).await {
        Err(EngineError::Refused { status: 404, .. }) => Ok(Vec::new()),
        other => other,
    }
}

/// Which of `tasks` are made from their service's current spec.
///
/// Has to be asked *after* the tasks were listed: asked before, a task could be called current
/// although an update came in between.
pub(crate) async fn current(
    endpoint: &Endpoint,
    stack: &StackName,
    tasks: &[Task],
    services: &[Service],
    filter: &mut UpToDateFilter,
) -> Result<BTreeSet<String>, EngineError> {
    if *filter == UpToDateFilter::Works {
        match up_to_date(endpoint, stack).await {
            Err(EngineError::Refused { status: 400, .. }) => *filter = UpToDateFilter::Refused,
            other => return other,
        }
    }
    Ok(same_spec(tasks, services))
}

async fn up_to_date(
    endpoint: &Endpoint,
    stack: &StackName,
) -> Result<BTreeSet<String>, EngineError> {
    let label = [format!("{NAMESPACE_LABEL}={stack}")];
    let filters: [(&str, &[String]); 2] = [("label", &label), ("_up-to-date", &["true".into()])];
    let operation = format!("list the current tasks of stack {stack}");
    let tasks: Vec<Task> = endpoint.get(&operation, &with_filters("/tasks", &filters)).await?;
    Ok(tasks.into_iter().map(|task| task.id).collect())
}

/// Only container specs can be compared: a task's copy of the rest carries resolved defaults.
fn same_spec(tasks: &[Task], services: &[Service]) -> BTreeSet<String> {
    let specs: BTreeMap<&str, Option<&Value>> =
        services.iter().map(|service| (service.id.as_str(), service.container_spec())).collect();
    tasks
        .iter()
        .filter(|task| {
            specs
                .get(task.service_id.as_str())
                .is_some_and(|wanted| task.spec.get("ContainerSpec") == *wanted)
        })
        .map(|task| task.id.clone())
        .collect()
}

impl Task {
    /// When it was created, as a text that sorts: in UTC, and without its `Z` a shorter fraction
    /// comes before every longer one that begins with it. Ids are random and say nothing.
    pub(crate) fn age(&self) -> &str {
        self.created_at.trim_end_matches('Z')
    }

    /// Its container's id, once it has one.
    pub(crate) fn container_id(&self) -> Option<&str> {
        let id = self.status.container.as_ref()?.container_id.as_str();
        (!id.is_empty()).then_some(id)
    }

    /// Where it is.
    pub(crate) fn state(&self) -> TaskState {
        self.status.state
    }

    /// Whether it ended and is nothing but history: it is wanted shut down, or was a job's and
    /// is wanted complete. The engine keeps a job's tasks for good, beyond their service (seen on
    /// 20.10), and has no removal for them. One that is wanted removed is about to be.
    pub(crate) fn is_over(&self) -> bool {
        let is_history = matches!(self.desired_state, TaskState::Shutdown | TaskState::Complete);
        is_history && self.status.state.is_terminal()
    }

    /// The stack it belongs to.
    pub(crate) fn stack(&self) -> Option<&str> {
        self.spec.get("ContainerSpec")?.get("Labels")?.get(NAMESPACE_LABEL)?.as_str()
    }

    /// The task as facts; whether it is current and what its container is were found out apart.
    pub(crate) fn facts(
        &self,
        service: String,
        current: &BTreeSet<String>,
        container: Option<ContainerFacts>,
    ) -> TaskFacts {
        TaskFacts {
            id: self.id.clone(),
            service,
            slot: self.slot,
            node: (!self.node_id.is_empty()).then(|| self.node_id.clone()),
            state: self.status.state,
            desired: self.desired_state,
            current: current.contains(&self.id),
            message: self.status.message.clone(),
            error: (!self.status.err.is_empty()).then(|| self.status.err.clone()),
            exit_code: self.exit_code(),
            container,
            seen_since: None,
        }
    }

    /// The engine writes 0 for tasks that still run and for those that never had a container:
    /// that is no exit code.
    fn exit_code(&self) -> Option<i64> {
        let has_ended = self.status.state.is_terminal() && self.container_id().is_some();
        let status = self.status.container.as_ref()?;
        has_ended.then_some(status.exit_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(state: &str, container: &str, exit_code: i64) -> Task {
        let json = serde_json::json!({
            "ID": "t1",
            "ServiceID": "s1",
            "Slot": 1,
            "NodeID": "n1",
            "Status": {
                "State": state,
                "Message": "started",
                "ContainerStatus": { "ContainerID": container, "PID": 0, "ExitCode": exit_code },
            },
            "DesiredState": "running",
            "Spec": { "ContainerSpec": { "Image": "a:1", "Labels": { NAMESPACE_LABEL: "st" } } },
        });
        serde_json::from_value(json).unwrap()
    }

    fn service(image: &str) -> Service {
        let json = serde_json::json!({
            "ID": "s1",
            "Version": { "Index": 1 },
            "Spec": { "Name": "st_app", "TaskTemplate": { "ContainerSpec": {
                "Image": image, "Labels": { NAMESPACE_LABEL: "st" },
            } } },
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn only_an_ended_container_has_an_exit_code() {
        assert_eq!(task("running", "c1", 0).exit_code(), None);
        assert_eq!(task("rejected", "", 0).exit_code(), None);
        assert_eq!(task("complete", "c1", 0).exit_code(), Some(0));
        assert_eq!(task("failed", "c1", 137).exit_code(), Some(137));
    }

    #[test]
    fn without_the_filter_container_specs_are_compared() {
        let tasks = [task("running", "c1", 0)];
        assert_eq!(same_spec(&tasks, &[service("a:1")]).len(), 1);
        assert_eq!(same_spec(&tasks, &[service("a:2")]).len(), 0);
        assert_eq!(same_spec(&tasks, &[]).len(), 0);
        assert_eq!(tasks[0].stack(), Some("st"));
    }

    #[test]
    fn a_task_is_told_as_it_is() {
        let mut seen = task("failed", "c1", 1);
        seen.status.err = "task: non-zero exit (1)".into();
        let facts = seen.facts("app".into(), &BTreeSet::from(["t1".into()]), None);
        assert_eq!((facts.state, facts.desired), (TaskState::Failed, TaskState::Running));
        assert!(facts.current);
        assert_eq!(facts.error.as_deref(), Some("task: non-zero exit (1)"));
    }

    #[test]
    fn history_is_what_ended_and_is_wanted_ended() {
        let is_over = |state, desired| {
            let mut task = task(state, "c1", 0);
            task.desired_state = desired;
            task.is_over()
        };
        assert!(is_over("failed", TaskState::Shutdown));
        assert!(is_over("complete", TaskState::Complete));
        assert!(!is_over("running", TaskState::Shutdown));
        assert!(!is_over("complete", TaskState::Remove));
        assert!(!is_over("failed", TaskState::Running));
    }
}
