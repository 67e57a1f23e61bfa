//! Telling a finished one-shot from a service that never became healthy.
//!
//! Under `restart_policy: on-failure` a service that Swarm stops for being unhealthy, and whose
//! image exits 0 on SIGTERM, ends in the same task state as a one-shot that did its work:
//! complete, exit code 0, 0/1, for ever (measured, Engine 20.10). Only its container tells.

use cc_ci_model::stack::{ContainerFacts, TaskFacts};

use super::{Standing, WantedService};

/// So many different outputs of health checks are told.
const HEALTH_LINES: usize = 3;

/// Whether Swarm stopped a container, or would have, for being unhealthy. On an ended one the
/// status says `unhealthy` in any case: only the streak and the event tell.
pub(super) fn was_unhealthy(container: &ContainerFacts) -> bool {
    let failing =
        container.health.as_ref().is_some_and(|health| health.failing_streak >= health.retries);
    container.unhealthy_seen || failing
}

/// What a task that completed with exit code 0, with no successor, says of its service.
pub(super) fn stand(wanted: &WantedService, task: &TaskFacts) -> Standing {
    let name = &wanted.name;
    if let Some(why) = unhealthy(task) {
        return Standing::Failed(format!(
            "service {name}: {why}, and it exited with code 0, so it looks like a finished one-shot"
        ));
    }
    if let Some(why) = &wanted.must_stay_up {
        return Standing::Failed(format!(
            "service {name}: its task ended with exit code 0 and nothing starts it again, but it is meant to stay up: {why}"
        ));
    }
    if task.container.is_none() {
        return Standing::Undecidable(format!(
            "service {name}: task {} ended with exit code 0, and its container was gone before it could be looked at: \
             a finished one-shot and a service that never became healthy look the same from here",
            task.id
        ));
    }
    Standing::Settled { warning: None, assumed_one_shot: true }
}

/// Why Swarm ended a task, if it was for its health checks.
pub(super) fn unhealthy(task: &TaskFacts) -> Option<String> {
    let container = task.container.as_ref()?;
    let health = container.health.as_ref();
    // Not `status`: the engine calls every ended container with a health check unhealthy.
    let failing = health.filter(|health| health.failing_streak >= health.retries);
    if failing.is_none() && !container.unhealthy_seen {
        return None;
    }
    let streak = health.map_or(0, |health| health.failing_streak);
    let said = health.map(|health| last_words(&health.log)).unwrap_or_default();
    Some(format!(
        "it never became healthy: {streak} health checks in a row failed, Swarm stopped it{said}"
    ))
}

/// What the last checks said, each thing once, oldest first.
fn last_words(log: &[String]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for line in log.iter().rev().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        if words.len() < HEALTH_LINES && !words.contains(&line) {
            words.push(line);
        }
    }
    words.reverse();
    if words.is_empty() {
        String::new()
    } else {
        format!("; the last check said: {}", words.join(" | "))
    }
}
