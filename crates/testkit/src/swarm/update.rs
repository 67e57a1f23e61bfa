//! A rolling update, as swarmkit's updater does it.
//!
//! Modelled: it begins later than it was accepted, replaces place by place, watches new tasks for
//! the monitor period, counts a task that *completes* as a failure too, and then stops (`paused`),
//! goes on, or goes back. It never waits for anything again once it is paused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cc_ci_model::compose::FailureAction;
use cc_ci_model::stack::{TaskState, UpdateState};
use cc_ci_model::time::Timestamp;

use super::orchestrate::Place;
use super::sim::{Alarm, Sim};

/// An update under way.
pub(super) struct Update {
    number: u64,
    is_rollback: bool,
    queue: VecDeque<Place>,
    active: Vec<Replacing>,
    /// New tasks, and since when each has been up.
    fresh: Vec<(String, Option<Timestamp>)>,
    failed: Vec<String>,
    is_watching: bool,
}

/// One place whose task is being replaced.
struct Replacing {
    old: Vec<String>,
    new: String,
}

/// What a look at an update says.
enum Turn {
    Failed(String),
    GoOn,
}

impl Sim {
    /// The updater comes round to an update that was accepted earlier.
    pub(super) fn begin_update(&mut self, id: &str, version: u64) {
        let Some(service) = self.service(id).filter(|service| service.version == version) else {
            return;
        };
        if service.spec.declared.mode.is_job() {
            return;
        }
        let queue = self.dirty(id);
        if !queue.is_empty() {
            self.set_state(id, UpdateState::Updating, "update in progress");
            self.install_update(id, queue, false);
        }
    }

    fn install_update(&mut self, id: &str, queue: VecDeque<Place>, is_rollback: bool) {
        let number = self.next_number();
        let update = Update {
            number,
            is_rollback,
            queue,
            active: Vec::new(),
            fresh: Vec::new(),
            failed: Vec::new(),
            is_watching: false,
        };
        if let Some(service) = self.service_mut(id) {
            service.update = Some(update);
        }
        self.step_update(id);
    }

    /// Places whose task was made from another spec.
    fn dirty(&self, id: &str) -> VecDeque<Place> {
        let Some(service) = self.service(id) else { return VecDeque::new() };
        let mut places: VecDeque<Place> = VecDeque::new();
        for task in self.tasks.iter().filter(|task| task.service == id) {
            let is_old = !task.spec.makes_same_task(&service.spec);
            if is_old && task.desired <= TaskState::Running && !places.contains(&task.place()) {
                places.push_back(task.place());
            }
        }
        places
    }

    /// Whether a place still has a task made from another spec.
    fn is_dirty(&self, id: &str, place: &Place) -> bool {
        let Some(service) = self.service(id) else { return false };
        let live = self.tasks_at(id, place);
        let mut tasks = live.iter().filter_map(|task| self.task(task));
        live.is_empty() || tasks.any(|task| !task.spec.makes_same_task(&service.spec))
    }

    fn set_state(&mut self, id: &str, state: UpdateState, message: &str) {
        if let Some(service) = self.service_mut(id) {
            service.state = state;
            service.message = Some(message.to_owned());
        }
        self.announce();
    }

    /// Moves an update on as far as it goes now.
    pub(super) fn step_update(&mut self, id: &str) {
        let Some(mut update) = self.service_mut(id).and_then(|service| service.update.take())
        else {
            return;
        };
        match self.turn(id, &mut update) {
            Turn::Failed(task) => {
                let Some(action) = self.service(id).map(|s| s.spec.declared.update.failure_action)
                else {
                    return;
                };
                self.fail_update(id, &update, &task, action);
            }
            Turn::GoOn => {
                if let Some(service) = self.service_mut(id) {
                    service.update = Some(update);
                }
            }
        }
    }

    fn turn(&mut self, id: &str, update: &mut Update) -> Turn {
        let Some((policy, monitor)) = self.service(id).map(|service| {
            let policy = service.spec.declared.update.clone();
            let monitor = Duration::from_millis(policy.monitor_ms);
            (policy, monitor)
        }) else {
            return Turn::GoOn;
        };
        self.replace(update, policy.start_first);
        if let Some(failed) = self.newly_failed(update, monitor) {
            update.failed.push(failed.clone());
            if policy.failure_action != FailureAction::Continue {
                return Turn::Failed(failed);
            }
        }
        let room = if policy.parallelism == 0 {
            usize::MAX
        } else {
            usize::try_from(policy.parallelism).unwrap_or(1)
        };
        while update.active.len() < room
            && let Some(place) = update.queue.pop_front()
        {
            if !self.is_dirty(id, &place) {
                continue;
            }
            self.begin_replacing(id, &place, update, policy.start_first);
        }
        self.replace(update, policy.start_first);
        if update.queue.is_empty() && update.active.is_empty() && !update.is_watching {
            update.is_watching = true;
            self.after(monitor, Alarm::Watched(id.to_owned(), update.number));
        }
        Turn::GoOn
    }

    fn begin_replacing(&mut self, id: &str, place: &Place, update: &mut Update, start_first: bool) {
        let old = self.tasks_at(id, place);
        let desired = if start_first { TaskState::Running } else { TaskState::Ready };
        let Some(new) = self.create_task(id, place.clone(), desired) else { return };
        if !start_first {
            for task in &old {
                self.stop(task, TaskState::Shutdown);
            }
        }
        update.fresh.push((new.clone(), None));
        update.active.push(Replacing { old, new });
    }

    /// Starts new tasks whose old ones have gone, and takes places off the list that are done.
    fn replace(&mut self, update: &mut Update, start_first: bool) {
        for replacing in std::mem::take(&mut update.active) {
            let is_over = |id: &String| self.task(id).is_none_or(|task| task.state.is_terminal());
            if start_first || replacing.old.iter().all(is_over) {
                // Reentrant for `start`, which looks at updates: this one is not in its place now.
                self.go(&replacing.new);
            }
            let state = self.task(&replacing.new).map_or(TaskState::Remove, |task| task.state);
            if state < TaskState::Running {
                update.active.push(replacing);
                continue;
            }
            let now = self.now;
            if let Some(fresh) = update.fresh.iter_mut().find(|fresh| fresh.0 == replacing.new) {
                fresh.1.get_or_insert(now);
            }
            if start_first && state == TaskState::Running {
                for task in &replacing.old {
                    self.stop(task, TaskState::Shutdown);
                }
            }
        }
    }

    fn newly_failed(&self, update: &Update, monitor: Duration) -> Option<String> {
        let failed = update.fresh.iter().find(|(id, since)| {
            let is_over = self.task(id).is_some_and(|task| task.state.is_terminal());
            let in_time = since.is_none_or(|since| self.now.since(since) <= monitor);
            is_over && in_time && !update.failed.contains(id)
        });
        failed.map(|(id, _)| id.clone())
    }

    fn fail_update(&mut self, id: &str, update: &Update, task: &str, action: FailureAction) {
        for replacing in &update.active {
            self.go(&replacing.new);
        }
        let why = format!("due to failure or early termination of task {task}");
        let previous = self.service_mut(id).and_then(|service| service.previous.take());
        match (action, previous) {
            (FailureAction::Rollback, Some(previous)) if !update.is_rollback => {
                let version = self.next_number();
                if let Some(service) = self.service_mut(id) {
                    service.spec = Arc::clone(&previous);
                    service.version = version;
                }
                self.set_state(
                    id,
                    UpdateState::RollbackStarted,
                    &format!("update rolled back {why}"),
                );
                let queue = self.dirty(id);
                self.install_update(id, queue, true);
            }
            _ if update.is_rollback => {
                self.set_state(id, UpdateState::RollbackPaused, &format!("rollback paused {why}"));
            }
            _ => self.set_state(id, UpdateState::Paused, &format!("update paused {why}")),
        }
    }

    /// The monitor period of the last new task is over.
    pub(super) fn watched(&mut self, id: &str, number: u64) {
        let Some(service) = self.service_mut(id) else { return };
        let Some(update) = service.update.take_if(|update| update.number == number) else { return };
        let (state, message) = if update.is_rollback {
            (UpdateState::RollbackCompleted, "rollback completed")
        } else {
            (UpdateState::Completed, "update completed")
        };
        self.set_state(id, state, message);
    }
}
