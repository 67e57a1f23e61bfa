//! The life of one task, from its creation to the removal of its container.

use std::sync::Arc;

use cc_ci_model::evidence::ImageFound;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::stack::{AnonymousVolume, TaskState};

use super::behaviour::{Health, Obstacle};
use super::health::{Checked, Past};
use super::sim::{Alarm, Container, Sim, Spec, Task};

/// What a task without a node says when every node is drained.
const NO_NODES: &str = "no suitable node (1 node not available for new tasks)";

impl Sim {
    /// What is found when an image is asked for now, if that was said.
    pub(super) fn image(&mut self, reference: &str) -> Option<ImageFound> {
        match self.images_at_first.get_mut(reference) {
            Some((times @ 1.., found)) => {
                *times -= 1;
                Some(found.clone())
            }
            _ => self.images.get(reference).cloned(),
        }
    }

    /// A new task of a service, from its current spec. Returns its id.
    pub(super) fn create_task(
        &mut self,
        service: &str,
        place: (Option<u64>, Option<String>),
        desired: TaskState,
    ) -> Option<String> {
        let (stack, service_name, spec) = {
            let service = self.service(service)?;
            (service.stack.clone(), service.name.clone(), Arc::clone(&service.spec))
        };
        let id = self.new_id("task");
        let begun =
            self.lives_begun.entry((service.to_owned(), spec.declared.image.clone())).or_default();
        let nth = *begun;
        *begun += 1;
        let life = self.behaviour(&spec.declared).life(nth);
        let starts_after = life.starts_after;
        let (slot, node) = place;
        let task = Task {
            id: id.clone(),
            service: service.to_owned(),
            stack,
            service_name,
            slot,
            node,
            state: TaskState::New,
            desired,
            spec,
            life,
            message: "created".into(),
            error: None,
            exit_code: None,
            container: None,
            stopping: false,
        };
        self.created(&task.object());
        self.tasks.push(task);
        self.after(starts_after / 4, Alarm::Prepare(id.clone()));
        self.after(starts_after, Alarm::Make(id.clone()));
        self.announce();
        Some(id)
    }

    /// A node takes the task, if one does.
    pub(super) fn prepare(&mut self, id: &str) {
        let nodes = self.nodes.clone();
        let Some(task) = self.task_mut(id).filter(|task| task.state == TaskState::New) else {
            return;
        };
        let refusal = match &task.life.obstacle {
            Some(Obstacle::NoNode(words)) => Some(words.clone()),
            Some(Obstacle::Refused(_)) | None => nodes.is_empty().then(|| NO_NODES.to_owned()),
        };
        if let Some(words) = refusal {
            task.state = TaskState::Pending;
            task.message = "pending task scheduling".into();
            task.error = Some(words);
        } else {
            let place = usize::try_from(task.slot.unwrap_or(1).saturating_sub(1)).unwrap_or(0);
            task.node =
                task.node.clone().or_else(|| nodes.get(place % nodes.len().max(1)).cloned());
            task.state = TaskState::Preparing;
            task.message = "preparing".into();
        }
        self.announce();
    }

    /// The node makes the container, or refuses to.
    pub(super) fn make(&mut self, id: &str) {
        let Some(task) = self.task(id).filter(|task| task.state == TaskState::Preparing) else {
            return;
        };
        let (spec, service) = (Arc::clone(&task.spec), task.service.clone());
        let refused = match &task.life.obstacle {
            Some(Obstacle::Refused(words)) => Some(words.clone()),
            Some(Obstacle::NoNode(_)) | None => self.missing_image(&spec.declared.image),
        };
        if let Some(words) = refused {
            if let Some(task) = self.task_mut(id) {
                task.state = TaskState::Rejected;
                task.message = "preparing".into();
                task.error = Some(words);
            }
            self.announce();
            self.orchestrate(&service);
            return;
        }
        self.make_container(id, &spec);
        let Some(task) = self.task_mut(id) else { return };
        task.state = TaskState::Ready;
        task.message = "ready".into();
        let goes_on = matches!(task.desired, TaskState::Running | TaskState::Complete);
        self.announce();
        if goes_on {
            self.start(id);
        }
    }

    fn missing_image(&self, reference: &str) -> Option<String> {
        match self.images.get(reference) {
            Some(ImageFound::NotFound { .. }) => Some(format!("No such image: {reference}")),
            Some(_) | None => None,
        }
    }

    fn make_container(&mut self, id: &str, spec: &Spec) {
        let container = self.new_id("container");
        let Some(task) = self.task(id) else { return };
        let (stack, name) = (task.stack.clone(), format!("{}.{id}", task.place_name()));
        let life_health = task.life.health;
        for (volume, _) in &spec.volumes {
            self.create_thing(ObjectKind::Volume, volume, Some(&stack), None);
            self.fill_volume(volume);
        }
        let anonymous = self.make_anonymous(spec);
        for path in self.behaviour(&spec.declared).writes.clone() {
            self.put(&container, &path, super::files::plain(b"ten bytes\n"));
        }
        let address = u8::try_from(self.next_number() % 250 + 2).unwrap_or(2);
        let container = Container {
            id: container.clone(),
            task: id.to_owned(),
            stack,
            name,
            running: false,
            started: self.now,
            health: (life_health != Health::Unchecked).then(|| Checked::new(&spec.declared.health)),
            oom: false,
            volumes: spec.volumes.clone(),
            anonymous,
            networks: spec.networks.clone(),
            address,
        };
        self.created(&container.object());
        if let Some(task) = self.task_mut(id) {
            task.container = Some(container.id.clone());
        }
        self.containers.push(container);
    }

    /// The volumes that nobody named, of one container.
    fn make_anonymous(&mut self, spec: &Spec) -> Vec<AnonymousVolume> {
        let targets = self.behaviour(&spec.declared).anonymous.clone();
        let mut volumes = Vec::new();
        for target in targets {
            let name = format!("{:064x}", self.next_number());
            self.create_thing(ObjectKind::Volume, &name, None, None);
            volumes.push(AnonymousVolume { name, target });
        }
        volumes
    }

    /// A task that was held back may run now.
    pub(super) fn go(&mut self, id: &str) {
        let Some(task) = self.task_mut(id).filter(|task| task.desired == TaskState::Ready) else {
            return;
        };
        task.desired = TaskState::Running;
        let is_ready = task.state == TaskState::Ready;
        self.announce();
        if is_ready {
            self.start(id);
        }
    }

    fn start(&mut self, id: &str) {
        let now = self.now;
        let Some(container) = self.container_of_mut(id) else { return };
        container.running = true;
        container.started = now;
        let is_checked = container.health.is_some();
        let Some(task) = self.task_mut(id) else { return };
        task.state = if is_checked { TaskState::Starting } else { TaskState::Running };
        task.message = if is_checked { "starting".into() } else { "started".into() };
        let (ends, spec) = (task.life.ends, Arc::clone(&task.spec));
        if let Some(exit) = ends {
            self.after(exit.after, Alarm::Exit(id.to_owned(), exit.code));
        }
        if is_checked {
            let every = self.behaviour(&spec.declared).check_every;
            self.after(every, Alarm::Check(id.to_owned()));
        }
        self.announce();
        let service = self.task(id).map(|task| task.service.clone()).unwrap_or_default();
        self.orchestrate(&service);
    }

    /// Swarm does not want the task any more.
    pub(super) fn stop(&mut self, id: &str, desired: TaskState) {
        let Some(task) = self.task_mut(id) else { return };
        task.desired = desired;
        if task.state.is_terminal() || task.stopping {
            return;
        }
        if self.container_of(id).is_some_and(|container| container.running) {
            self.term(id);
        } else if let Some(task) = self.task_mut(id) {
            task.state = TaskState::Shutdown;
            task.message = "shutdown".into();
        }
        self.announce();
    }

    /// TERM, then KILL after the grace period.
    pub(super) fn term(&mut self, id: &str) {
        let Some(task) = self.task_mut(id).filter(|task| !task.stopping) else { return };
        task.stopping = true;
        let (exit, spec) = (task.life.on_term, Arc::clone(&task.spec));
        let grace = self.behaviour(&spec.declared).stop_grace;
        let (after, code) = if exit.after > grace { (grace, 137) } else { (exit.after, exit.code) };
        self.after(after, Alarm::Exit(id.to_owned(), code));
    }

    /// The process of the task has ended.
    pub(super) fn exit(&mut self, id: &str, code: i64) {
        let Some(container) = self.container_of_mut(id).filter(|container| container.running)
        else {
            return;
        };
        container.running = false;
        let mut condemned = false;
        if let Some(checked) = &mut container.health {
            // The engine calls every ended container with a health check unhealthy (measured).
            checked.status = "unhealthy";
            condemned = checked.past == Past::Condemned;
        }
        let Some(task) = self.task_mut(id) else { return };
        let oom = task.life.oom && !task.stopping;
        task.ended(code, condemned);
        let (service, is_gone) = (task.service.clone(), task.desired == TaskState::Remove);
        if let Some(container) = self.container_of_mut(id) {
            container.oom = oom;
        }
        self.announce();
        if is_gone {
            self.forget_task(id);
        } else {
            self.orchestrate(&service);
        }
    }

    /// The engine forgets an ended task; its container goes a little later. That of a finished job
    /// stays until somebody removes it (moby 44312).
    pub(super) fn forget_task(&mut self, id: &str) {
        let Some(place) = self.tasks.iter().position(|task| task.id == id) else { return };
        let task = self.tasks.remove(place);
        let lingers = self.behaviour(&task.spec.declared).lingers;
        let stays = task.spec.declared.mode.is_job() && task.state == TaskState::Complete;
        if let Some(container) = task.container.filter(|_| !stays) {
            self.after(lingers, Alarm::Reap(container));
        }
        self.announce();
    }

    pub(super) fn reap(&mut self, id: &str) {
        let Some(place) = self.containers.iter().position(|container| container.id == id) else {
            return;
        };
        let container = self.containers.remove(place);
        let stay = self.behaviours.values().any(|behaviour| behaviour.anonymous_stay);
        if !stay {
            let own = |name: &String| container.anonymous.iter().any(|volume| volume.name == *name);
            self.things.retain(|thing| !own(&thing.object.name));
        }
        self.announce();
    }
}

impl Task {
    fn ended(&mut self, code: i64, condemned: bool) {
        self.exit_code = Some(code);
        let stopped = matches!(self.desired, TaskState::Shutdown | TaskState::Remove);
        if stopped {
            self.state = TaskState::Shutdown;
            self.message = "shutdown".into();
        } else if code == 0 {
            // Also after the engine stopped it for being unhealthy (measured, Engine 20.10).
            self.state = TaskState::Complete;
            self.message = "finished".into();
        } else {
            self.state = TaskState::Failed;
            let why = if condemned { ": dockerexec: unhealthy container" } else { "" };
            self.error = Some(format!("task: non-zero exit ({code}){why}"));
        }
    }

    /// `<stack>_<service>.<slot>`.
    pub(super) fn place_name(&self) -> String {
        let place = self
            .slot
            .map_or_else(|| self.node.clone().unwrap_or_default(), |slot| slot.to_string());
        format!("{}_{}.{place}", self.stack, self.service_name)
    }

    pub(super) fn object(&self) -> Object {
        Object {
            kind: ObjectKind::Task,
            id: self.id.clone(),
            name: self.place_name(),
            stack: Some(self.stack.clone()),
            run: None,
        }
    }
}

impl Container {
    pub(super) fn object(&self) -> Object {
        Object {
            kind: ObjectKind::Container,
            id: self.id.clone(),
            name: self.name.clone(),
            stack: Some(self.stack.clone()),
            run: None,
        }
    }
}
