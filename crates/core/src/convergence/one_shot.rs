//! Telling a finished one-shot from a service that never became healthy.
//!
//! Under `restart_policy: on-failure` a service that Swarm stops for being unhealthy, and whose
//! image exits 0 on SIGTERM, ends in the same task state as a one-shot that did its work:
//! complete, exit code 0, 0/1, for ever (measured, Engine 20.10). Only its container tells.

use cc_ci_model::stack::TaskFacts;

use super::{Standing, WantedService};

/// What a task that completed with exit code 0, with no successor, says of its service.
pub(super) fn stand(wanted: &WantedService, task: &TaskFacts) -> Standing {
    let name = &wanted.name;
    let Some(container) = &task.container else {
        return Standing::Undecidable(format!(
            "service {name}: task {} ended with exit code 0, and its container was gone before it could be looked at: \
             a finished one-shot and a service that never became healthy look the same from here",
            task.id
        ));
    };
    if let Some(health) = &container.health
        && (container.unhealthy_seen || health.failing_streak >= health.retries)
    {
        let last = health
            .log
            .last()
            .map(|line| format!("; the last check said: {line}"));
        return Standing::Failed(format!(
            "service {name}: it never became healthy: {} health checks in a row failed, Swarm stopped it, \
             and it exited with code 0, so it looks like a finished one-shot{}",
            health.failing_streak,
            last.unwrap_or_default()
        ));
    }
    if container.unhealthy_seen {
        return Standing::Failed(format!(
            "service {name}: it was unhealthy when Swarm stopped it; it exited with code 0"
        ));
    }
    if let Some(why) = &wanted.must_stay_up {
        return Standing::Failed(format!(
            "service {name}: its task ended with exit code 0 and nothing starts it again, but it is meant to stay up: {why}"
        ));
    }
    Standing::Settled {
        warning: None,
        assumed_one_shot: true,
    }
}
