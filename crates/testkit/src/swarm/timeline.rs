//! The simulated Swarm alone, without ports and runtime: for tests that play thousands of
//! timelines. It moves only when it is told to, and says what is really true at any moment.

use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::{StackFacts, TaskState};
use cc_ci_model::time::Timestamp;

use super::behaviour::Behaviour;
use super::health::Past;
use super::sim::{Sim, Spec, Task};
use super::{EventStream, Service};
use crate::build::stack::StackBuilder;
use crate::deployer::spec;

/// One stack on a simulated Swarm.
pub struct Timeline {
    sim: Sim,
    stack: StackName,
    /// What was submitted last, whatever the Swarm has made of it since.
    submitted: Vec<Spec>,
}

/// What is really the case, said from processes and not from what the engine lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Tasks whose process runs and was made from another spec than the one submitted last.
    pub old: Vec<String>,
    /// Services that do not have exactly what was submitted, up or done.
    pub missing: Vec<String>,
    /// Services with an update under way.
    pub moving: Vec<String>,
    /// Tasks whose process runs and serves.
    pub serving: Vec<String>,
    /// Tasks whose work is done.
    pub done: Vec<String>,
}

impl Truth {
    /// Everything that was submitted is up or done, and nothing else runs.
    pub fn is_settled(&self) -> bool {
        self.old.is_empty() && self.missing.is_empty()
    }
}

impl Timeline {
    /// An empty Swarm.
    ///
    /// # Panics
    /// When `stack` is no name of a stack.
    pub fn new(stack: &str, nodes: &[&str], now: Timestamp) -> Self {
        let mut sim = Sim::new(now);
        sim.nodes = nodes.iter().map(|name| (*name).to_owned()).collect();
        let stack = stack.parse().expect("tests use valid names of stacks");
        Self { sim, stack, submitted: Vec::new() }
    }

    /// How tasks of a service, or of an image, behave.
    pub fn behave(&mut self, service_or_image: &str, behaviour: Behaviour) {
        self.sim.behaviours.insert(service_or_image.to_owned(), behaviour);
    }

    /// Submits a revision: as a deploy does, service by service.
    pub fn submit(&mut self, revision: &StackBuilder) {
        let declared = revision.declared(&self.stack);
        self.submitted.clear();
        for service in &declared.services {
            let spec = spec(&declared, service, self.stack.as_str(), &[], service.labels.clone());
            self.sim.submit(self.stack.as_str(), spec.clone());
            self.submitted.push(spec);
        }
    }

    /// From now on there are those nodes.
    pub fn nodes(&mut self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.sim.set_nodes(&names);
    }

    /// How events reach whoever watches.
    pub fn events(&mut self, stream: EventStream) {
        self.sim.stream = stream;
    }

    /// Every running process of a service ends with that code.
    pub fn kill(&mut self, service: &str, code: i64) {
        let is_hit =
            |task: &&Task| task.service_name == service && task.state == TaskState::Running;
        let hit: Vec<String> =
            self.sim.tasks.iter().filter(is_hit).map(|task| task.id.clone()).collect();
        for task in hit {
            self.sim.exit(&task, code);
        }
    }

    /// Lets everything happen that is due until then.
    pub fn advance(&mut self, to: Timestamp) {
        self.sim.advance(to);
    }

    /// When something happens next.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.sim.next_alarm()
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.sim.now
    }

    /// How many changes could be heard of so far.
    pub fn heard(&self) -> u64 {
        self.sim.announced
    }

    /// How many changes there were, heard of or not.
    pub fn changes(&self) -> u64 {
        self.sim.changes
    }

    /// What the engine says now.
    pub fn look(&self) -> StackFacts {
        self.sim.facts(self.stack.as_str())
    }

    /// What is the case now; services of `stay` cannot be one-shots.
    pub fn truth(&self, stay: &[&str]) -> Truth {
        let mut truth = Truth::default();
        for spec in &self.submitted {
            let name = spec.declared.name.as_str();
            let tasks: Vec<&Task> =
                self.sim.tasks.iter().filter(|task| task.service_name == name).collect();
            let running = |task: &&&Task| self.is_running(task);
            let own = |task: &&&Task| task.spec.makes_same_task(spec);
            truth.old.extend(
                tasks.iter().filter(running).filter(|t| !own(t)).map(|task| task.id.clone()),
            );
            let up = tasks.iter().filter(own).filter(|task| self.is_up(task));
            let done = tasks.iter().filter(own).filter(|task| self.is_done(task));
            let live = tasks.iter().filter(running).count() as u64;
            let (up, done): (Vec<_>, Vec<_>) = (up.collect(), done.collect());
            let service = self.sim.services.iter().find(|service| service.name == name);
            let may_end = spec.declared.restart != RestartCondition::Any && !stay.contains(&name);
            let done_counts = if may_end { done.len() as u64 } else { 0 };
            let counts = (up.len() as u64, done_counts, live);
            if !service.is_some_and(|service| self.has_all(service, spec, counts)) {
                truth.missing.push(name.to_owned());
            }
            if service.is_some_and(|service| service.update.is_some()) {
                truth.moving.push(name.to_owned());
            }
            truth.serving.extend(up.iter().map(|task| task.id.clone()));
            truth.done.extend(done.iter().map(|task| task.id.clone()));
        }
        truth
    }

    fn has_all(&self, service: &Service, spec: &Spec, (up, done, live): (u64, u64, u64)) -> bool {
        let nodes = self.sim.nodes.len() as u64;
        let is_same = service.spec.makes_same_task(spec);
        let keeps = |want: u64| up == live && (up == want || up < want && up + done == want);
        is_same
            && match spec.declared.mode {
                ServiceMode::Replicated { replicas } => keeps(replicas),
                ServiceMode::Global => nodes > 0 && keeps(nodes),
                ServiceMode::ReplicatedJob { completions } => {
                    live == 0 && service.completed >= completions
                }
                ServiceMode::GlobalJob => live == 0 && nodes > 0 && service.completed >= nodes,
            }
    }

    fn is_running(&self, task: &Task) -> bool {
        self.sim.container_of(&task.id).is_some_and(|container| container.running)
    }

    /// Its process runs, is healthy where it is checked, and nobody is ending it.
    fn is_up(&self, task: &Task) -> bool {
        let healthy = |container: &super::sim::Container| {
            container.health.as_ref().is_none_or(|health| health.past == Past::WasHealthy)
        };
        !task.stopping
            && self.is_running(task)
            && self.sim.container_of(&task.id).is_some_and(healthy)
    }

    /// It did its work: exit code 0, and not for being unhealthy.
    fn is_done(&self, task: &Task) -> bool {
        let condemned = self.sim.container_of(&task.id).and_then(|container| {
            container.health.as_ref().map(|health| health.past == Past::Condemned)
        });
        task.state == TaskState::Complete && condemned != Some(true)
    }
}

impl std::fmt::Debug for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timeline").field("now", &self.sim.now).finish_non_exhaustive()
    }
}
