//! When a stack has settled (CONV-1 to CONV-3): a pure function of what an engine said.
//!
//! [`judge`] looks at one observation and at how long it has held. It says *converged* only if
//! every service, at once, runs what its current spec wants, nothing else occupies a slot, no
//! update is under way, and all that has held for the stability window. Every "not yet" and
//! every "failed" names the service, the task and the field it rests on.
//!
//! Tests: `convergence/tests.rs`.

mod one_shot;
mod service;
#[cfg(test)]
mod tests;
mod wanted;

use std::time::Duration;

use cc_ci_model::plan::Finding;
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState, UpdateState};

pub use service::describe_end;
pub use wanted::{Wanted, WantedService};

/// Failed tasks of one service, all others being settled, that make a crash loop. Swarm waits
/// five seconds between two by default; apps that exit until their database is up need a few.
pub const CRASH_LOOP_TASKS: usize = 10;

/// What [`judge`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Convergence {
    /// It has settled.
    Converged {
        /// What a reader should know about it, e.g. an update left `paused`.
        warnings: Vec<Finding>,
        /// Services that ended with exit code 0 and are taken for one-shots though nothing
        /// declares them as such.
        one_shots: Vec<String>,
    },
    /// It may still settle.
    NotYet {
        /// What is missing: service, task, field.
        why: String,
    },
    /// It will not settle by itself.
    Failed {
        /// What is wrong.
        why: String,
    },
    /// What happened can no longer be told.
    Undecidable {
        /// What is missing.
        why: String,
    },
}

/// What [`judge`] says of one service; the window is not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Settled { warning: Option<Finding>, assumed_one_shot: bool },
    NotYet(String),
    Failed(String),
    Undecidable(String),
}

/// Judges one observation that has held for `held`.
pub fn judge(wanted: &Wanted, facts: &StackFacts, held: Duration) -> Convergence {
    let mut warnings = Vec::new();
    let mut one_shots = Vec::new();
    let mut waiting: Vec<&WantedService> = Vec::new();
    let mut not_yet = None;
    for service in &wanted.services {
        match service::stand(service, facts) {
            Standing::Settled { warning, assumed_one_shot } => {
                warnings.extend(warning);
                if assumed_one_shot {
                    one_shots.push(service.name.clone());
                }
            }
            Standing::NotYet(why) => {
                waiting.push(service);
                not_yet.get_or_insert(why);
            }
            Standing::Failed(why) => return Convergence::Failed { why },
            Standing::Undecidable(why) => return Convergence::Undecidable { why },
        }
    }
    if let Some(why) = crash_loop(&waiting, facts) {
        return Convergence::Failed { why };
    }
    if let Some(why) = not_yet {
        return Convergence::NotYet { why };
    }
    let window = window(wanted, facts);
    if held < window {
        let why = format!(
            "everything runs; it has held for {} of {} ms",
            held.as_millis(),
            window.as_millis()
        );
        return Convergence::NotYet { why };
    }
    Convergence::Converged { warnings, one_shots }
}

/// How long an observation has to hold: the largest monitor period of the wanted services, at
/// least the configured minimum.
pub fn window(wanted: &Wanted, facts: &StackFacts) -> Duration {
    let monitors = wanted
        .services
        .iter()
        .filter_map(|service| facts.service(&service.name))
        .map(|service| Duration::from_millis(service.monitor_ms));
    monitors.fold(wanted.stability, Duration::max)
}

/// What has to stay the same for an observation to hold: spec versions, update states, and the
/// tasks that are not over.
pub fn fingerprint(facts: &StackFacts) -> Fingerprint {
    Fingerprint {
        services: facts
            .services
            .iter()
            .map(|s| (s.name.clone(), s.version_index, s.update.clone(), s.completed_tasks))
            .collect(),
        tasks: facts
            .tasks
            .iter()
            .filter(|task| !task.state.is_terminal() || !task.desired.is_terminal())
            .map(|task| (task.id.clone(), task.state, task.desired, task.current))
            .collect(),
    }
}

/// See [`fingerprint`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    services: Vec<(String, u64, UpdateState, u64)>,
    tasks: Vec<(String, TaskState, TaskState, bool)>,
}

/// One service dies again and again although everything it could be waiting for is up.
fn crash_loop(waiting: &[&WantedService], facts: &StackFacts) -> Option<String> {
    let [only] = waiting else {
        return None;
    };
    let failed: Vec<_> =
        facts.tasks_of(&only.name).filter(|task| task.current && ended_badly(only, task)).collect();
    if failed.len() < CRASH_LOOP_TASKS {
        return None;
    }
    let last = failed.last()?;
    Some(format!(
        "service {}: crash loop: {} tasks ended while everything else was up; the last one, {}",
        only.name,
        failed.len(),
        service::describe_end(last)
    ))
}

/// Exit code 0 too, where Swarm starts it again each time: an image that exits 0 on TERM does
/// so when it is stopped for being unhealthy.
fn ended_badly(service: &WantedService, task: &TaskFacts) -> bool {
    task.state == TaskState::Failed || service.starts_again && task.state == TaskState::Complete
}

/// Adds to a fresh look what earlier looks knew and the engine has forgotten since: ended tasks
/// (it keeps five a slot), and containers that are gone.
#[must_use]
pub fn recall(earlier: &StackFacts, mut fresh: StackFacts) -> StackFacts {
    for task in &mut fresh.tasks {
        if task.container.is_none() {
            let known = earlier.tasks.iter().find(|known| known.id == task.id);
            task.container = known.and_then(|known| known.container.clone());
        }
    }
    let forgotten: Vec<_> = earlier
        .tasks
        .iter()
        .filter(|task| task.state.is_terminal())
        .filter(|task| !fresh.tasks.iter().any(|known| known.id == task.id))
        .cloned()
        .collect();
    fresh.tasks.splice(0..0, forgotten);
    fresh.events_gap |= earlier.events_gap;
    fresh
}
