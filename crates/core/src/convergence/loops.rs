//! Crash loops (CONV-4): a service ends again and again although everything it could be waiting
//! for is up.
//!
//! Apps exit until their database is up, so only ends seen after that count. Whether a database
//! that runs is up is known only where a health check says so; elsewhere more patience is due.
//!
//! Tests: `convergence/hopeless_tests.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState};
use cc_ci_model::time::Timestamp;

use super::service::NodeKey;
use super::{WantedService, one_shot, service};

/// So many ends of one slot make a loop. Swarm waits five seconds between two by default.
const ENDS: usize = 5;

/// So many ends for failing health checks do: each has used up the time the recipe gives.
const SICK_ENDS: usize = 3;

/// A loop lasts at least that long, where all others are known to be up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The same where one of the others has no health check, so that its first start may still be
/// under way.
const PATIENCE_UNCHECKED: Duration = Duration::from_mins(2);

/// Why nothing is to be waited for: every service that is not up yet is in a loop of its own, so
/// none of them waits for another one that may still come.
pub(super) fn crash_loop(waiting: &[&WantedService], facts: &StackFacts) -> Option<String> {
    let others = Others::of(waiting, facts);
    let mut loops = Vec::new();
    for wanted in waiting {
        loops.push(Loop::of(wanted, facts, &others)?);
    }
    let told: Vec<String> = loops.iter().map(Loop::told).collect();
    (!told.is_empty()).then(|| told.join("; and "))
}

/// What the waiting ones could be waiting for.
struct Others {
    /// When the last of them came up.
    up_since: Timestamp,
    patience: Duration,
}

impl Others {
    fn of(waiting: &[&WantedService], facts: &StackFacts) -> Self {
        let is_other =
            |task: &&TaskFacts| waiting.iter().all(|service| service.name != task.service);
        let live: Vec<_> =
            facts.tasks.iter().filter(is_other).filter(|task| !task.state.is_terminal()).collect();
        let up_since = live.iter().filter_map(|task| task.seen_since).max().unwrap_or_default();
        let is_checked = |task: &&TaskFacts| {
            task.container.as_ref().is_some_and(|container| container.health.is_some())
        };
        let patience = if live.iter().all(is_checked) { PATIENCE } else { PATIENCE_UNCHECKED };
        Self { up_since, patience }
    }
}

struct Loop<'a> {
    name: &'a str,
    ends: usize,
    last: &'a TaskFacts,
}

impl<'a> Loop<'a> {
    /// The loop of a service, if one of its slots is in one: two replicas that fell once are not.
    fn of(wanted: &'a WantedService, facts: &'a StackFacts, others: &Others) -> Option<Self> {
        let mut slots: BTreeMap<_, Vec<(&TaskFacts, Timestamp)>> = BTreeMap::new();
        for task in facts.tasks_of(&wanted.name) {
            let Some(seen) = task.seen_since else { continue };
            if task.current && ended_badly(wanted, task) && seen > others.up_since {
                slots.entry((task.slot, task.node_key())).or_default().push((task, seen));
            }
        }
        slots.values().find_map(|ends| Self::in_slot(&wanted.name, ends, others))
    }

    fn in_slot(
        name: &'a str,
        ends: &[(&'a TaskFacts, Timestamp)],
        others: &Others,
    ) -> Option<Self> {
        let first = ends.iter().map(|(_, seen)| *seen).min()?;
        let (last, until) = ends.iter().copied().max_by_key(|(_, seen)| *seen)?;
        let sick = ends.iter().filter(|(task, _)| one_shot::unhealthy(task).is_some()).count();
        let is_loop = ends.len() >= ENDS || sick >= SICK_ENDS;
        let begun = if others.up_since == Timestamp::default() { first } else { others.up_since };
        let lasts = until.since(begun) >= others.patience;
        (is_loop && lasts).then_some(Loop { name, ends: ends.len(), last })
    }

    fn told(&self) -> String {
        format!(
            "service {}: crash loop: {} tasks ended while everything else was up; the last one, {}",
            self.name,
            self.ends,
            service::describe_end(self.last)
        )
    }
}

/// Exit code 0 too, where Swarm starts it again each time: an image that exits 0 on TERM does
/// so when it is stopped for being unhealthy.
fn ended_badly(service: &WantedService, task: &TaskFacts) -> bool {
    task.state == TaskState::Failed || service.starts_again && task.state == TaskState::Complete
}
