//! What a Swarm manager does about its services: makes, restarts and removes tasks.

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
        let behaviour = self.behaviour(&spec.declared);
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
        let delay =
            self.service(service).map(|known| self.behaviour(&known.spec.declared).restart_delay);
        let desired = if is_job { TaskState::Complete } else { TaskState::Ready };
        let next = self.create_task(service, place, desired);
        if let (Some(next), Some(delay)) = (next, delay) {
            self.after(delay, Alarm::Go(next));
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
