//! From look to look: what has to stay the same, for how long, and what is not forgotten.

use std::time::Duration;

use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState, UpdateState};
use cc_ci_model::time::Timestamp;

use super::service::is_condemned;
use super::{Convergence, Wanted, judge};

/// Without any event, look again after that long: the safety net (CONV-5).
pub const POLL: Duration = Duration::from_secs(2);

/// What a wait keeps between two looks: how the stack looked, and since when.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    held: Option<(Fingerprint, Timestamp)>,
    looked_at: Timestamp,
}

impl Hold {
    /// Nothing was seen yet.
    pub fn new(now: Timestamp) -> Self {
        Self { held: None, looked_at: now }
    }

    /// Takes in a look that was asked for at `asked` and answered at `answered`, and judges it.
    ///
    /// What it shows was true at some time between the two, so a change counts from `answered`,
    /// and what did not change is known until `asked` only.
    pub fn take(
        &mut self,
        wanted: &Wanted,
        facts: &StackFacts,
        asked: Timestamp,
        answered: Timestamp,
    ) -> Convergence {
        let print = fingerprint(facts);
        let since = match &self.held {
            Some((known, since)) if *known == print => *since,
            Some(_) | None => answered,
        };
        self.held = Some((print, since));
        self.looked_at = asked.max(since);
        judge(wanted, facts, self.looked_at.since(since), self.looked_at)
    }

    /// When to look again although nothing was heard.
    pub fn look_again(&self, wanted: &Wanted, facts: &StackFacts, now: Timestamp) -> Timestamp {
        let poll = now.plus(POLL);
        let ends = self.since().plus(window(wanted, facts));
        if ends > self.looked_at { poll.min(ends) } else { poll }
    }

    /// Since when the stack has looked as in the last look.
    pub fn since(&self) -> Timestamp {
        self.held.as_ref().map_or(self.looked_at, |(_, since)| *since)
    }

    /// Until when that is known.
    pub fn looked_at(&self) -> Timestamp {
        self.looked_at
    }
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

/// What has to stay the same for an observation to hold: spec versions, update states, the tasks
/// that are not over, and those that did their work.
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
            .filter(|task| counts(task))
            .map(|task| TaskPrint {
                id: task.id.clone(),
                states: (task.state, task.desired),
                is_current: task.current,
                is_condemned: is_condemned(task),
            })
            .collect(),
    }
}

/// Whether a task is part of what holds: it is not over, nobody has acted on its end yet, or it
/// may be a one-shot's whose work is done. Without the last, one that came and went between two
/// looks would not have changed anything.
fn counts(task: &TaskFacts) -> bool {
    let is_over = task.state.is_terminal() && task.desired.is_terminal();
    !is_over || task.current && task.state == TaskState::Complete
}

/// See [`fingerprint`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    services: Vec<(String, u64, UpdateState, u64)>,
    tasks: Vec<TaskPrint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct TaskPrint {
    id: String,
    /// Where it is, and where it is wanted.
    states: (TaskState, TaskState),
    is_current: bool,
    is_condemned: bool,
}

/// Adds to a fresh look what earlier looks knew and the engine has forgotten since: ended tasks
/// (it keeps five a slot), containers that are gone, and since when each task has been as it is.
#[must_use]
pub fn recall(earlier: &StackFacts, mut fresh: StackFacts, now: Timestamp) -> StackFacts {
    for task in &mut fresh.tasks {
        let known = earlier.tasks.iter().find(|known| known.id == task.id);
        if task.container.is_none() {
            task.container = known.and_then(|known| known.container.clone());
        }
        let same = known.filter(|known| (known.state, known.desired) == (task.state, task.desired));
        task.seen_since = same.and_then(|known| known.seen_since).or(Some(now));
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
