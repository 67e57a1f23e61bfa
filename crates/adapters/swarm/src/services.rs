//! Services as the engine lists them, told as facts.
//!
//! Tests: at the end of this file.

use std::collections::BTreeMap;

use cc_ci_core::ports::{EngineError, NAMESPACE_LABEL};
use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::{RestartFacts, ServiceFacts, UpdateState};
use serde::Deserialize;
use serde_json::Value;

use crate::raw::{Endpoint, with_filters};
use crate::template::flatten;

/// Swarm's monitor period where a service names none.
const DEFAULT_MONITOR_MS: u64 = 5000;

/// A service of `GET /services?status=true`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Service {
    #[serde(rename = "ID")]
    pub(crate) id: String,
    version: Version,
    pub(crate) spec: Spec,
    #[serde(rename = "UpdateStatus")]
    update: Option<UpdateStatus>,
    #[serde(rename = "ServiceStatus")]
    status: Option<ServiceStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Spec {
    pub(crate) name: String,
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) task_template: Value,
    #[serde(default)]
    mode: Mode,
    update_config: Option<UpdateConfig>,
    networks: Option<Value>,
    #[serde(rename = "EndpointSpec")]
    endpoint: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Mode {
    replicated: Option<Replicated>,
    global: Option<Value>,
    replicated_job: Option<ReplicatedJob>,
    global_job: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replicated {
    replicas: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicatedJob {
    max_concurrent: Option<u64>,
    total_completions: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateConfig {
    monitor: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct UpdateStatus {
    state: String,
    message: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ServiceStatus {
    desired_tasks: u64,
    completed_tasks: u64,
}

/// Lists a stack's services, ordered by name.
pub(crate) async fn list(
    endpoint: &Endpoint,
    stack: &StackName,
) -> Result<Vec<Service>, EngineError> {
    let label = [format!("{NAMESPACE_LABEL}={stack}")];
    let target = with_filters("/services?status=true", &[("label", &label)]);
    let operation = format!("list the services of stack {stack}");
    let mut services: Vec<Service> = endpoint.get(&operation, &target).await?;
    services.sort_by(|a, b| a.spec.name.cmp(&b.spec.name));
    Ok(services)
}

/// A service's name without its stack's prefix.
pub(crate) fn short_name(stack: &StackName, full: &str) -> String {
    full.strip_prefix(stack.as_str())
        .and_then(|rest| rest.strip_prefix('_'))
        .unwrap_or(full)
        .to_owned()
}

impl Service {
    /// Ids of the networks its tasks are in.
    pub(crate) fn network_ids(&self) -> impl Iterator<Item = &str> {
        let in_template = self.spec.task_template.get("Networks");
        in_template
            .into_iter()
            .chain(&self.spec.networks)
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(|network| network.get("Target")?.as_str())
    }

    /// What it makes containers of, for engines that cannot say which tasks are up to date.
    pub(crate) fn container_spec(&self) -> Option<&Value> {
        self.spec.task_template.get("ContainerSpec")
    }

    /// The service as facts.
    pub(crate) fn facts(
        &self,
        stack: &StackName,
        network_names: &BTreeMap<String, String>,
    ) -> ServiceFacts {
        let spec = &self.spec;
        let mode = spec.mode.told();
        let image = self.container_spec().and_then(|container| container.get("Image")?.as_str());
        let endpoint = spec.endpoint.as_ref();
        let ports = endpoint.and_then(|endpoint| endpoint.get("Ports")?.as_array());
        let update = self.update.as_ref();
        let status = self.status.as_ref();
        ServiceFacts {
            id: self.id.clone(),
            name: short_name(stack, &spec.name),
            mode,
            version_index: self.version.index,
            image: image.unwrap_or_default().to_owned(),
            update: update.map_or(UpdateState::None, |update| update_state(&update.state)),
            update_message: update.map(|update| update.message.clone()).filter(|m| !m.is_empty()),
            monitor_ms: monitor_ms(spec.update_config.as_ref()),
            desired_tasks: status.map_or_else(|| wanted(mode), |status| status.desired_tasks),
            completed_tasks: status.map_or(0, |status| status.completed_tasks),
            publishes: ports.is_some_and(|ports| !ports.is_empty()),
            restart: restart(&spec.task_template),
            labels: spec.labels.clone().unwrap_or_default(),
            template: flatten(&spec.task_template, endpoint, spec.networks.as_ref(), network_names),
        }
    }
}

impl Mode {
    fn told(&self) -> ServiceMode {
        if self.global.is_some() {
            return ServiceMode::Global;
        }
        if self.global_job.is_some() {
            return ServiceMode::GlobalJob;
        }
        if let Some(job) = &self.replicated_job {
            let completions = job.total_completions.or(job.max_concurrent).unwrap_or(1);
            return ServiceMode::ReplicatedJob { completions };
        }
        let replicas = self.replicated.as_ref().and_then(|mode| mode.replicas).unwrap_or(1);
        ServiceMode::Replicated { replicas }
    }
}

/// Engines before API 1.41 have no `ServiceStatus`.
fn wanted(mode: ServiceMode) -> u64 {
    match mode {
        ServiceMode::Replicated { replicas } => replicas,
        ServiceMode::ReplicatedJob { completions } => completions,
        ServiceMode::Global | ServiceMode::GlobalJob => 0,
    }
}

fn monitor_ms(config: Option<&UpdateConfig>) -> u64 {
    match config.and_then(|config| config.monitor) {
        None | Some(0) => DEFAULT_MONITOR_MS,
        Some(nanoseconds) => nanoseconds / 1_000_000,
    }
}

/// `None` for a condition nobody knew: nothing is concluded from it.
fn restart(template: &Value) -> Option<RestartFacts> {
    let policy = template.get("RestartPolicy");
    let named = policy.and_then(|policy| policy.get("Condition")?.as_str());
    let condition = match named {
        None | Some("" | "any") => RestartCondition::Any,
        Some("on-failure") => RestartCondition::OnFailure,
        Some("none") => RestartCondition::None,
        Some(_) => return None,
    };
    let max_attempts = policy.and_then(|policy| policy.get("MaxAttempts")?.as_u64());
    Some(RestartFacts { condition, max_attempts: max_attempts.unwrap_or_default() })
}

fn update_state(state: &str) -> UpdateState {
    match state {
        "" => UpdateState::None,
        "updating" => UpdateState::Updating,
        "paused" => UpdateState::Paused,
        "completed" => UpdateState::Completed,
        "rollback_started" => UpdateState::RollbackStarted,
        "rollback_paused" => UpdateState::RollbackPaused,
        "rollback_completed" => UpdateState::RollbackCompleted,
        other => UpdateState::Unknown(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(spec: &Value, more: &Value) -> ServiceFacts {
        let mut json = serde_json::json!({
            "ID": "s1",
            "Version": { "Index": 7 },
            "Spec": { "Name": "st_app", "TaskTemplate": { "ContainerSpec": { "Image": "a:1" } } },
        });
        for (key, value) in spec.as_object().unwrap() {
            json["Spec"][key] = value.clone();
        }
        for (key, value) in more.as_object().unwrap() {
            json[key] = value.clone();
        }
        let service: Service = serde_json::from_value(json).unwrap();
        service.facts(&"st".parse().unwrap(), &BTreeMap::new())
    }

    #[track_caller]
    fn check_mode(mode: &Value, expected: ServiceMode) {
        let facts = service(&serde_json::json!({ "Mode": mode }), &serde_json::json!({}));
        assert_eq!(facts.mode, expected, "{mode}");
    }

    #[test]
    fn modes_are_told_apart() {
        check_mode(
            &serde_json::json!({ "Replicated": { "Replicas": 0 } }),
            ServiceMode::Replicated { replicas: 0 },
        );
        check_mode(&serde_json::json!({ "Global": {} }), ServiceMode::Global);
        check_mode(&serde_json::json!({ "GlobalJob": {} }), ServiceMode::GlobalJob);
        check_mode(
            &serde_json::json!({ "ReplicatedJob": { "MaxConcurrent": 1, "TotalCompletions": 3 } }),
            ServiceMode::ReplicatedJob { completions: 3 },
        );
    }

    #[test]
    fn an_update_state_nobody_knew_is_kept_as_it_is() {
        let status = serde_json::json!({ "UpdateStatus": { "State": "frozen", "Message": "m" } });
        let facts = service(&serde_json::json!({}), &status);
        assert_eq!(facts.update, UpdateState::Unknown("frozen".into()));
        assert_eq!(facts.update_message.as_deref(), Some("m"));
        let facts = service(&serde_json::json!({}), &serde_json::json!({}));
        assert_eq!((facts.update, facts.update_message), (UpdateState::None, None));
    }

    #[test]
    fn status_monitor_and_ports_are_read() {
        let spec = serde_json::json!({
            "UpdateConfig": { "Monitor": 1_500_000_000_u64 },
            "EndpointSpec": { "Ports": [{ "TargetPort": 80 }] },
            "Labels": { "a": "b" },
        });
        let status = serde_json::json!({ "ServiceStatus": { "DesiredTasks": 2 } });
        let facts = service(&spec, &status);
        assert_eq!((facts.monitor_ms, facts.desired_tasks, facts.publishes), (1500, 2, true));
        assert_eq!(facts.labels["a"], "b");
        assert_eq!((facts.name.as_str(), facts.version_index), ("app", 7));
        let plain = service(&serde_json::json!({}), &serde_json::json!({}));
        assert_eq!((plain.monitor_ms, plain.desired_tasks, plain.publishes), (5000, 1, false));
    }

    #[test]
    fn a_restart_policy_is_read_with_the_engines_defaults() {
        let restart = |policy: Value| {
            service(
                &serde_json::json!({ "TaskTemplate": { "RestartPolicy": policy } }),
                &serde_json::json!({}),
            )
            .restart
        };
        let told = |condition, max_attempts| Some(RestartFacts { condition, max_attempts });
        assert_eq!(restart(Value::Null), told(RestartCondition::Any, 0));
        assert_eq!(
            restart(serde_json::json!({ "MaxAttempts": 2 })),
            told(RestartCondition::Any, 2)
        );
        let named = |condition: &str| {
            restart(serde_json::json!({ "Condition": condition, "MaxAttempts": 0 }))
        };
        assert_eq!(named("any"), told(RestartCondition::Any, 0));
        assert_eq!(named("on-failure"), told(RestartCondition::OnFailure, 0));
        assert_eq!(named("none"), told(RestartCondition::None, 0));
        assert_eq!(named("unless-friday"), None);
    }

    #[test]
    fn a_name_loses_its_stack_only() {
        let stack: StackName = "st".parse().unwrap();
        assert_eq!(short_name(&stack, "st_app"), "app");
        assert_eq!(short_name(&stack, "st2_app"), "st2_app");
        assert_eq!(short_name(&stack, "st_st_app"), "st_app");
    }
}
