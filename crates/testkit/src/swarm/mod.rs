//! A Docker Swarm that exists only here, in virtual time.
//!
//! [`FakeSwarm`] is the test's handle and stands for [`StackView`], [`Objects`], [`Files`](cc_ci_core::ports::Files) and [`Images`];
//! [`crate::FakeDeployer`] submits stacks to it and [`crate::FakeProbe`] asks its tasks. What its
//! services do is said by a [`behaviour::Behaviour`] each.

pub mod behaviour;
pub mod commands;
mod database;
mod facts;
mod files;
mod health;
mod life;
mod logs;
mod objects;
mod orchestrate;
mod sim;
pub mod timeline;
mod update;
mod watch;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    Clock, EngineError, FileFacts, Images, Objects, Removal, Scope, StackView, StackWatch,
    TaskAddress,
};
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::TaskState;
use cc_ci_model::time::Timestamp;
use tokio::sync::Notify;

use crate::clock::VirtualClock;
use crate::faults::{Fate, Faults, injected};
use behaviour::Behaviour;
use sim::{Alarm, Service, Sim};
use watch::FakeWatch;

pub(crate) use sim::Spec;

/// How events reach watchers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventStream {
    /// Each one, once.
    Good,
    /// Each one, twice.
    Doubled,
    /// None at all.
    Deaf,
    /// Every n-th one is lost.
    LosesEvery(u64),
}

/// A time in which the engine does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// It begins that long from now.
    pub after: Duration,
    /// It lasts that long.
    pub lasts: Duration,
    /// Calls wait until it is over, instead of being refused.
    pub hangs: bool,
}

/// The handle to a simulated Swarm.
#[derive(Clone)]
pub struct FakeSwarm(Arc<Inner>);

struct Inner {
    clock: Arc<VirtualClock>,
    faults: Arc<Faults>,
    sim: Mutex<Sim>,
    outages: Mutex<Vec<(Timestamp, Timestamp, bool)>>,
    pull_takes: Mutex<Duration>,
    poked: Notify,
}

impl FakeSwarm {
    /// An empty Swarm of one node, on which every image is present.
    pub fn new(clock: Arc<VirtualClock>, faults: Arc<Faults>) -> Self {
        let sim = Mutex::new(Sim::new(clock.now()));
        Self(Arc::new(Inner {
            clock,
            faults,
            sim,
            outages: Mutex::default(),
            pull_takes: Mutex::default(),
            poked: Notify::new(),
        }))
    }

    /// How tasks of a service, or of an image, behave. Answers begin with the first one again.
    pub fn behave(&self, service_or_image: &str, behaviour: Behaviour) {
        let mut sim = self.sim();
        sim.behaviours.insert(service_or_image.to_owned(), behaviour);
        sim.requests.clear();
    }

    /// What is found when an image is asked for. One that is not found is missing on nodes too.
    pub fn image(&self, reference: &str, found: ImageFound) {
        self.sim().images.insert(reference.to_owned(), found);
    }

    /// What is found at first, that many times, before what there is.
    pub fn image_at_first(&self, reference: &str, times: u32, found: ImageFound) {
        self.sim().images_at_first.insert(reference.to_owned(), (times, found));
    }

    /// How long making an image present takes.
    pub fn pull_takes(&self, duration: Duration) {
        *self.0.pull_takes.lock().unwrap_or_else(PoisonError::into_inner) = duration;
    }

    /// The nodes there are. What ran on others moves.
    pub fn nodes(&self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.sim().set_nodes(&names);
        self.poke();
    }

    /// How events reach watchers from now on.
    pub fn events(&self, stream: EventStream) {
        self.sim().stream = stream;
    }

    /// The event stream breaks, that long from now.
    pub fn break_events_after(&self, later: Duration) {
        self.script(later, |sim| sim.gaps += 1);
    }

    /// The engine does not answer for a while.
    pub fn outage(&self, outage: Outage) {
        let from = self.0.clock.now().plus(outage.after);
        let mut outages = self.0.outages.lock().unwrap_or_else(PoisonError::into_inner);
        outages.push((from, from.plus(outage.lasts), outage.hangs));
    }

    /// Every running task of a service ends with that code, that long from now.
    pub fn kill_after(&self, later: Duration, service: &str, code: i64) {
        let service = service.to_owned();
        self.script(later, move |sim| {
            let is_hit = |task: &&sim::Task| {
                task.service_name == service && task.state == TaskState::Running
            };
            let hit: Vec<String> =
                sim.tasks.iter().filter(is_hit).map(|task| task.id.clone()).collect();
            for task in &hit {
                sim.exit(task, code);
            }
        });
    }

    /// The process of that container is killed.
    pub fn kill(&self, container: &str) {
        let mut sim = self.sim();
        let task = sim.containers.iter().find(|known| known.id == container);
        if let Some(task) = task.map(|container| container.task.clone()) {
            sim.exit(&task, 137);
        }
        drop(sim);
        self.poke();
    }

    /// What tasks of a service write, line by line.
    pub fn writes(&self, service: &str, lines: &[&str]) {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        self.sim().written.insert(service.to_owned(), lines);
    }

    /// A file as it is seen inside a container.
    pub fn look(&self, container: &str, path: &str) -> Option<FileFacts> {
        self.sim().look(container, path)
    }

    /// Something that was there before and belongs to somebody else.
    pub fn foreign(&self, kind: ObjectKind, name: &str) {
        self.foreign_of(kind, name, None);
    }

    /// The same, of somebody else's stack.
    pub fn foreign_of(&self, kind: ObjectKind, name: &str, stack: Option<&str>) {
        let mut sim = self.sim();
        let id = if kind == ObjectKind::Volume { name.to_owned() } else { sim.new_id("foreign") };
        let stack = stack.map(str::to_owned);
        let object = Object { kind, id, name: name.to_owned(), stack, run: None };
        sim.things.push(sim::Thing { object, foreign: true });
    }

    /// A text with the values of all secrets so far in the place of `{secret}`: an app that tells
    /// what it should not.
    pub(crate) fn leaking(&self, text: &str) -> String {
        text.replace("{secret}", &self.secret_values().join(", "))
    }

    /// Values of every secret that was made.
    pub fn secret_values(&self) -> Vec<String> {
        self.sim().secret_values.clone()
    }

    /// Everything that is there now and was not there before.
    pub fn left(&self) -> Vec<Object> {
        self.sim().left()
    }

    /// Names of the foreign things that are still there.
    pub fn foreign_left(&self) -> Vec<String> {
        let sim = self.sim();
        sim.things
            .iter()
            .filter(|thing| thing.foreign)
            .map(|thing| thing.object.name.clone())
            .collect()
    }

    /// `hook` hears of everything right before it is created.
    pub fn on_create(&self, hook: impl Fn(&Object) + Send + Sync + 'static) {
        self.sim().on_create = Some(Arc::new(hook));
    }

    fn script(&self, later: Duration, script: impl FnOnce(&mut Sim) + Send + 'static) {
        self.sim().after(later, Alarm::Script(Box::new(script)));
        self.0.poked.notify_waiters();
    }

    /// The simulation, at the present.
    pub(crate) fn sim(&self) -> MutexGuard<'_, Sim> {
        let mut sim = self.0.sim.lock().unwrap_or_else(PoisonError::into_inner);
        sim.advance(self.0.clock.now());
        sim
    }

    pub(crate) fn clock(&self) -> &VirtualClock {
        &self.0.clock
    }

    /// Tells watchers to look at the simulation again.
    pub(crate) fn poke(&self) {
        self.0.poked.notify_waiters();
    }

    /// Gets through to the engine, or does not.
    pub(crate) async fn reach(&self, operation: &str) -> Result<(), EngineError> {
        let now = self.0.clock.now();
        let outage = {
            let outages = self.0.outages.lock().unwrap_or_else(PoisonError::into_inner);
            outages.iter().copied().find(|(from, until, _)| *from <= now && now < *until)
        };
        match outage {
            None => Ok(()),
            Some((_, until, true)) => {
                self.0.clock.sleep_until(until).await;
                Ok(())
            }
            Some((_, _, false)) => Err(unreachable(operation, "connection refused")),
        }
    }

    /// One call to the engine.
    async fn call<T: Send>(
        &self,
        operation: &str,
        effect: impl FnOnce(&mut Sim) -> Result<T, EngineError> + Send,
    ) -> Result<T, EngineError> {
        let fate = self.0.faults.enter(operation).await;
        self.reach(operation).await?;
        if fate == Fate::Fail {
            return Err(unreachable(operation, &injected(operation)));
        }
        let answer = effect(&mut self.sim());
        self.poke();
        match fate {
            Fate::Go => answer,
            Fate::Fail | Fate::GoThenFail => Err(unreachable(operation, &injected(operation))),
            Fate::GoThenHang => std::future::pending().await,
        }
    }
}

fn unreachable(operation: &str, message: &str) -> EngineError {
    EngineError::Unreachable { operation: operation.to_owned(), message: message.to_owned() }
}

#[async_trait]
impl StackView for FakeSwarm {
    async fn watch(&self, stack: &StackName) -> Result<Box<dyn StackWatch>, EngineError> {
        let (announced, gaps) =
            self.call("watch a stack", |sim| Ok((sim.announced, sim.gaps))).await?;
        let known = self.sim().facts(stack.as_str());
        Ok(Box::new(FakeWatch::new(self.clone(), stack.clone(), (announced, gaps), known)))
    }

    async fn addresses(
        &self,
        stack: &StackName,
        service: &str,
    ) -> Result<Vec<TaskAddress>, EngineError> {
        let addresses = |sim: &mut Sim| {
            let is_up = |task: &&sim::Task| {
                task.stack == stack.as_str()
                    && task.service_name == service
                    && task.state == TaskState::Running
            };
            let up = sim.tasks.iter().filter(is_up).filter_map(|task| {
                let container = sim.container_of(&task.id).filter(|container| container.running)?;
                let address = IpAddr::V4(Ipv4Addr::new(172, 18, 0, container.address));
                let leaving = task.desired != TaskState::Running;
                Some(TaskAddress { task: task.id.clone(), address, leaving })
            });
            Ok(up.collect())
        };
        self.call("look up addresses", addresses).await
    }

    async fn answers(&self) -> bool {
        self.call("ping", |_| Ok(())).await.is_ok()
    }

    async fn log_tail(
        &self,
        stack: &StackName,
        service: &str,
        lines: u32,
    ) -> Result<String, EngineError> {
        self.call("read logs", |sim| sim.log_tail(stack, service, lines)).await
    }
}

#[async_trait]
impl Images for FakeSwarm {
    async fn ensure(&self, reference: &str) -> ImageFound {
        let takes = *self.0.pull_takes.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.clock.sleep_until(self.0.clock.now().plus(takes)).await;
        let found = self.call("ensure an image", |sim| Ok(sim.image(reference))).await;
        match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                ImageFound::Present { id: "sha256:0123".into(), digest: None, asked: false }
            }
            Err(error) => ImageFound::Unreachable { message: error.to_string() },
        }
    }
}

#[async_trait]
impl Objects for FakeSwarm {
    async fn inventory(&self, scope: &Scope) -> Result<Vec<Object>, EngineError> {
        self.call("take the inventory", |sim| Ok(sim.inventory(scope))).await
    }

    async fn find(&self, kind: ObjectKind, name: &str) -> Result<Option<Object>, EngineError> {
        self.call("find an object", |sim| Ok(sim.find(kind, name))).await
    }

    async fn remove(&self, object: &Object) -> Result<Removal, EngineError> {
        self.call("remove an object", |sim| Ok(sim.remove(object))).await
    }

    async fn create_secret(
        &self,
        run: &RunId,
        stack: &StackName,
        name: &str,
        value: &Secret,
    ) -> Result<(), EngineError> {
        let create = |sim: &mut Sim| {
            sim.secret_values.push(value.expose().to_owned());
            sim.create_new(ObjectKind::Secret, name, Some(stack.as_str()), run)
        };
        self.call("create a secret", create).await
    }

    async fn create_network(
        &self,
        run: &RunId,
        stack: &StackName,
        name: &str,
    ) -> Result<(), EngineError> {
        let create =
            |sim: &mut Sim| sim.create_new(ObjectKind::Network, name, Some(stack.as_str()), run);
        self.call("create a network", create).await
    }
}

impl std::fmt::Debug for FakeSwarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeSwarm").field("left", &self.left()).finish_non_exhaustive()
    }
}
