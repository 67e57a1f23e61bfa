//! How many tasks a service wants, how it is updated and when it is restarted.

use cc_ci_model::compose::{FailureAction, RestartCondition, ServiceMode, UpdatePolicy};

use super::health::milliseconds;
use crate::compose::tree::{Fault, Node};

/// Swarm's default for `monitor`.
const MONITOR_MS: u64 = 5_000;

/// `deploy.mode` and `deploy.replicas`.
pub(super) fn mode(service: &Node) -> Result<ServiceMode, Fault> {
    let replicas = number(service, &["deploy", "replicas"]);
    let mode = service.get(&["deploy", "mode"]);
    let refused = |message: &str| {
        let spot = mode.map_or(service.spot, |mode| mode.spot);
        Err(Fault::new(spot, message))
    };
    match mode.and_then(Node::as_text).unwrap_or_default() {
        "" | "replicated" => Ok(ServiceMode::Replicated { replicas: replicas.unwrap_or(1) }),
        "replicated-job" => Ok(ServiceMode::ReplicatedJob { completions: replicas.unwrap_or(1) }),
        "global" | "global-job" if replicas.is_some() => {
            refused("replicas can only be used with replicated or replicated-job mode")
        }
        "global" => Ok(ServiceMode::Global),
        "global-job" => Ok(ServiceMode::GlobalJob),
        unknown => refused(&format!("unknown mode: `{unknown}`")),
    }
}

/// `deploy.update_config` with Swarm's defaults.
pub(super) fn update(service: &Node) -> Result<UpdatePolicy, Fault> {
    let config = service.get(&["deploy", "update_config"]);
    let at = |key: &str| config.and_then(|config| config.get(&[key]));
    let text = |key: &str| at(key).and_then(Node::as_text).unwrap_or_default();
    let unknown = |key: &str, known: &str| {
        let spot = at(key).map_or(service.spot, |node| node.spot);
        Err(Fault::new(spot, format!("`{}` is not one of {known}", text(key))))
    };
    let failure_action = match text("failure_action") {
        "" | "pause" => FailureAction::Pause,
        "continue" => FailureAction::Continue,
        "rollback" => FailureAction::Rollback,
        _ => return unknown("failure_action", "pause, continue, rollback"),
    };
    let start_first = match text("order") {
        "start-first" => true,
        "" | "stop-first" => false,
        _ => return unknown("order", "start-first, stop-first"),
    };
    let monitor_ms = at("monitor").and_then(Node::as_text).and_then(milliseconds);
    Ok(UpdatePolicy {
        start_first,
        failure_action,
        monitor_ms: monitor_ms.filter(|monitor| *monitor != 0).unwrap_or(MONITOR_MS),
        parallelism: number(service, &["deploy", "update_config", "parallelism"]).unwrap_or(1),
    })
}

/// `deploy.restart_policy.condition`; without a policy docker still reads `restart:`.
pub(super) fn restart(service: &Node) -> Result<RestartCondition, Fault> {
    let policy = service.get(&["deploy", "restart_policy"]);
    let node = match policy {
        Some(policy) => policy.get(&["condition"]),
        None => service.get(&["restart"]),
    };
    let text = node.and_then(Node::as_text).unwrap_or_default();
    let condition = if policy.is_some() { text } else { text.split(':').next().unwrap_or(text) };
    let spot = node.map_or(service.spot, |node| node.spot);
    match (policy.is_some(), condition) {
        (_, "") | (true, "any") | (false, "no" | "always" | "unless-stopped") => {
            Ok(RestartCondition::Any)
        }
        (_, "on-failure") => Ok(RestartCondition::OnFailure),
        (true, "none") => Ok(RestartCondition::None),
        _ => Err(Fault::new(spot, format!("unknown restart condition: `{condition}`"))),
    }
}

fn number(service: &Node, path: &[&str]) -> Option<u64> {
    service.text_at(path)?.parse().ok()
}
