//! What a Swarm manager does about its services: makes, restarts and removes tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::stack::{TaskState, UpdateState};

use super::sim::{Alarm, Service, Sim, Spec, Task};

/// Where a task is: its slot, or its node.
pub(super) type Place = (Option<u64>, Option<String>);

/// Ended tasks the engine remembers for each place.
const HISTORY: usize = 5;

impl Sim {
    /// Takes a service's spec, as the engine does: accepts it and acts on it later.
    pub(crate) fn submit(&mut self, stack: &str, spec: Spec) {
        let name = spec.declared.name.to_string();
        let behaviour = self.behaviour(&spec.declared).clone();
        let known = self.services.iter().position(|s| s.stack == stack && s.name == name);
        let version = self.next_number();
        if let Some(place) = known {
            let service = &mut self.services[place];
            if *service.spec == spec {
                return;
            }
            // The engine clears the update state at once; the updater sets it when it begins.
            (service.state, service.message, service.update) = (UpdateState::None, None, None);
            service.version = version;
            service.attempts.clear();
            service.previous = Some(std::mem::replace(&mut service.spec, Arc::new(spec)));
            let id = service.id.clone();
            self.after(behaviour.appears_after, Alarm::Populate(id.clone()));
            self.after(behaviour.update_begins_after, Alarm::BeginUpdate(id, version));
        } else {
            let id = self.new_id("service");
            let service = Service {
                id: id.clone(),
                stack: stack.to_owned(),
                name,
                version,
                spec: Arc::new(spec),
                previous: None,
                state: UpdateState::None,
                message: None,
                update: None,
                completed: 0,
                attempts: BTreeMap::new(),
            };
            self.created(&service.object());
            self.services.push(service);
            self.after(behaviour.appears_after, Alarm::Populate(id));
        }
        self.announce();
    }

    /// Has every task of a service replaced, though nothing changed.
    pub(super) fn force(&mut self, id: &str) -> bool {
        let Some(service) = self.service(id) else { return false };
        let (stack, mut spec) = (service.stack.clone(), Spec::clone(&service.spec));
        spec.forced += 1;
        self.submit(&stack, spec);
        true
    }

    /// Makes as many tasks as the spec says, and stops those beyond.
    pub(super) fn populate(&mut self, id: &str) {
        let Some(service) = self.service(id) else { return };
        let mode = service.spec.declared.mode;
        let wanted: Vec<Place> = match mode {
            ServiceMode::Replicated { replicas: count }
            | ServiceMode::ReplicatedJob { completions: count } => {
                (1..=count).map(|slot| (Some(slot), None)).collect()
            }
            ServiceMode::Global | ServiceMode::GlobalJob => {
                self.nodes.iter().map(|node| (None, Some(node.clone()))).collect()
            }
        };
        if mode.is_job() && !self.is_new_job(id) {
            return;
        }
        let desired = if mode.is_job() { TaskState::Complete } else { TaskState::Running };
        for place in &wanted {
            if self.tasks_at(id, place).is_empty() {
                self.create_task(id, place.clone(), desired);
            }
        }
        let surplus: Vec<String> = self
            .tasks
            .iter()
            .filter(|task| task.service == id && !wanted.contains(&task.place()))
            .map(|task| task.id.clone())
            .collect();
        for task in surplus {
            self.stop(&task, TaskState::Shutdown);
        }
    }

    /// A job runs again only when its tasks would be others; the old ones are stopped.
    fn is_new_job(&mut self, id: &str) -> bool {
        let Some(service) = self.service(id) else { return false };
        let spec = Arc::clone(&service.spec);
        let mut tasks = self.tasks.iter().filter(|task| task.service == id).peekable();
        let is_new = tasks.peek().is_none() || !tasks.any(|task| task.spec.makes_same_task(&spec));
        let old: Vec<String> = self
            .tasks
            .iter()
            .filter(|task| task.service == id && !task.spec.makes_same_task(&spec))
            .map(|task| task.id.clone())
            .collect();
        for task in old {
            self.stop(&task, TaskState::Remove);
        }
        if is_new && let Some(service) = self.service_mut(id) {
            service.completed = 0;
        }
        is_new
    }

    /// Tasks of a place that are wanted and not over.
    pub(super) fn tasks_at(&self, service: &str, place: &Place) -> Vec<String> {
        let is_live = |task: &&Task| {
            matches!(task.desired, TaskState::Ready | TaskState::Running | TaskState::Complete)
                && !task.state.is_terminal()
        };
        self.tasks
            .iter()
            .filter(|task| task.service == service && task.place() == *place)
            .filter(is_live)
            .map(|task| task.id.clone())
            .collect()
    }

    /// Acts on whatever became of the tasks of a service.
    pub(super) fn orchestrate(&mut self, id: &str) {
        self.step_update(id);
        let ended: Vec<String> = self
            .tasks
            .iter()
            .filter(|task| task.service == id && task.state.is_terminal())
            .filter(|task| {
                matches!(task.desired, TaskState::Ready | TaskState::Running | TaskState::Complete)
            })
            .map(|task| task.id.clone())
            .collect();
        for task in ended {
            self.follow_up(id, &task);
        }
        self.step_update(id);
        self.forget_history(id);
    }

    /// One task ended by itself: count it, or start another one.
    fn follow_up(&mut self, service: &str, task: &str) {
        let Some((place, state)) = self.task_mut(task).map(|task| {
            task.desired = TaskState::Shutdown;
            (task.place(), task.state)
        }) else {
            return;
        };
        let Some(known) = self.service_mut(service) else { return };
        let declared = &known.spec.declared;
        let is_job = declared.mode.is_job();
        let completed = state == TaskState::Complete;
        let restarts = match declared.restart {
            RestartCondition::Any => !(is_job && completed),
            RestartCondition::OnFailure => !completed,
            RestartCondition::None => false,
        };
        if is_job && completed {
            known.completed += 1;
        }
        if !restarts || !self.tasks_at(service, &place).is_empty() {
            return;
        }
        if self.may_try_again(service, &place) {
            self.replace_task(service, place);
        }
    }

    /// Counts one more attempt, if the restart policy has one left.
    fn may_try_again(&mut self, service: &str, place: &Place) -> bool {
        let Some(known) = self.service(service) else { return false };
        let most = self.behaviour(&known.spec.declared).max_attempts;
        let Some(known) = self.service_mut(service) else { return false };
        let tried = known.attempts.entry(place.clone()).or_default();
        let may = most == 0 || *tried < most;
        *tried += u64::from(may);
        may
    }

    /// Another task for a place, held back for the restart delay.
    fn replace_task(&mut self, service: &str, place: Place) {
        let Some(known) = self.service(service) else { return };
        let declared = &known.spec.declared;
        let delay = self.behaviour(declared).restart_delay;
        let desired = if declared.mode.is_job() { TaskState::Complete } else { TaskState::Ready };
        if let Some(next) = self.create_task(service, place, desired) {
            self.after(delay, Alarm::Go(next));
        }
    }

    /// From now on there are those nodes. Tasks of others are stopped and move; those that had no
    /// node try again.
    pub(super) fn set_nodes(&mut self, names: &[String]) {
        self.nodes = names.to_vec();
        let is_homeless = |task: &&Task| {
            let is_gone = task.node.as_ref().is_some_and(|node| !names.contains(node));
            is_gone && !task.state.is_terminal() && task.desired <= TaskState::Complete
        };
        let homeless: Vec<(String, String, Place)> = self
            .tasks
            .iter()
            .filter(is_homeless)
            .map(|task| (task.id.clone(), task.service.clone(), task.place()))
            .collect();
        for (task, service, place) in homeless {
            self.stop(&task, TaskState::Shutdown);
            if place.0.is_some() {
                self.replace_task(&service, place);
            }
            self.orchestrate(&service);
        }
        self.schedule_again();
        self.fill_nodes();
    }

    /// Global services want a task on every node, but for those where it ended for good.
    fn fill_nodes(&mut self) {
        let globals: Vec<String> = self
            .services
            .iter()
            .filter(|service| service.spec.declared.mode == ServiceMode::Global)
            .map(|service| service.id.clone())
            .collect();
        for service in globals {
            for node in self.nodes.clone() {
                let place = (None, Some(node));
                let mut known = self.tasks.iter().rev().filter(|task| task.service == service);
                let last = known.find(|task| task.place() == place);
                let was_stopped = |task: &Task| {
                    use TaskState::{Complete, Failed, Rejected};
                    let by_itself = matches!(task.state, Complete | Failed | Rejected);
                    task.desired > TaskState::Running && !by_itself
                };
                if last.is_none_or(was_stopped) {
                    self.create_task(&service, place, TaskState::Running);
                }
            }
        }
    }

    /// Tasks that found no node look for one again.
    fn schedule_again(&mut self) {
        let mut waiting = Vec::new();
        for task in self.tasks.iter_mut().filter(|task| task.state == TaskState::Pending) {
            (task.state, task.error) = (TaskState::New, None);
            waiting.push((task.id.clone(), task.life.starts_after));
        }
        for (task, starts_after) in waiting {
            self.prepare(&task);
            self.after(starts_after, Alarm::Make(task));
        }
    }

    /// The engine keeps a few ended tasks of each place.
    fn forget_history(&mut self, id: &str) {
        let mut over: Vec<(Place, String)> = self
            .tasks
            .iter()
            .filter(|task| task.service == id && task.state.is_terminal())
            .map(|task| (task.place(), task.id.clone()))
            .collect();
        over.reverse();
        let mut kept: Vec<Place> = Vec::new();
        for (place, task) in over {
            if kept.iter().filter(|known| **known == place).count() < HISTORY {
                kept.push(place);
            } else {
                self.forget_task(&task);
            }
        }
    }

    /// Removes a service: at once for whoever asks, its tasks when their processes have ended.
    pub(super) fn remove_service(&mut self, id: &str) {
        self.services.retain(|service| service.id != id);
        let tasks: Vec<String> = self
            .tasks
            .iter()
            .filter(|task| task.service == id)
            .map(|task| task.id.clone())
            .collect();
        for task in tasks {
            self.stop(&task, TaskState::Remove);
            if self.task(&task).is_some_and(|task| task.state.is_terminal()) {
                self.forget_task(&task);
            }
        }
        self.announce();
    }
}

impl Task {
    pub(super) fn place(&self) -> Place {
        if self.slot.is_some() { (self.slot, None) } else { (None, self.node.clone()) }
    }
}

impl Service {
    pub(super) fn object(&self) -> Object {
        Object {
            kind: ObjectKind::Service,
            id: self.id.clone(),
            name: format!("{}_{}", self.stack, self.name),
            stack: Some(self.stack.clone()),
            run: None,
        }
    }
}
