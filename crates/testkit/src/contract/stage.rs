//! One stack on an engine: the stage of every contract of a Swarm.

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    EngineError, Exec, Files, Images, Objects, Restarts, Scope, StackView, StackWatch,
};
use cc_ci_model::compose::FailureAction;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState};
use tokio::time::Instant;

/// How long something may take to come about on a real engine.
const LIMIT: Duration = Duration::from_mins(1);

/// How long nothing may be heard until all is quiet.
pub(super) const QUIET: Duration = Duration::from_secs(2);

/// A service in a few words. Its image is the fixture `static-web`, unless it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its short name.
    pub name: &'static str,
    /// What its tasks do.
    pub life: Life,
    /// A variable `RELEASE`: another one is another spec.
    pub release: &'static str,
    /// It mounts the stack's volume `data` at `/data`, and an anonymous one at `/anonymous`.
    pub volumes: bool,
    /// It uses the network `proxy` and the secret `word`, made by the test under their full names
    /// (see [`word`] and [`proxy`]), and the config `page`, made by the deploy.
    pub rich: bool,
    /// What a failed update does.
    pub on_failure: FailureAction,
}

/// What the tasks of a service do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// Runs until it is stopped; answers on port 80. No health check.
    Steady,
    /// The same with a health check that succeeds.
    Healthy,
    /// Takes two seconds to stop.
    StopsSlowly,
    /// Its health check never succeeds; it exits with 0 when it is stopped, and is not started
    /// again.
    Sick,
    /// Ends well at once and is not started again; its health check never gets to run.
    OneShot,
    /// Writes `one`, `two` and `three` and ends with code 3; is not started again.
    Fails,
    /// Its image is nowhere; it is not started again.
    NoImage,
    /// A job with two completions whose tasks end well at once.
    Job,
}

impl Service {
    /// One that does that, without anything of its own.
    pub fn new(name: &'static str, life: Life) -> Self {
        Self {
            name,
            life,
            release: "one",
            volumes: false,
            rich: false,
            on_failure: FailureAction::Pause,
        }
    }
}

/// What a command inside a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Writes those words to standard output and standard error and ends with that code.
    Says(&'static str, &'static str, i64),
    /// Writes that many bytes `x` and then `end`.
    Floods(usize),
    /// Writes `begun` and does not end.
    Stays,
    /// Writes the number of the user it runs as.
    TellsItsUser,
    /// There is no such program.
    Missing,
}

/// An image to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// Has a tag other than `latest` and is present; its registry is not.
    PinnedAndHere,
    /// Has the tag `latest` and is present; its registry does not answer.
    FloatingAndHere,
    /// Is present; its registry says that it has none.
    OnlyHere,
    /// Is not present; its registry has it.
    InItsRegistry,
    /// Is not present; its registry says that it has none.
    Nowhere,
    /// Is not present; its registry does not answer.
    BehindAClosedDoor,
    /// Is no reference at all.
    Misspelled,
}

/// A stack of a test's own, empty at first, and the engine it is on.
#[async_trait(?Send)]
pub trait Stage {
    /// The stack.
    fn stack(&self) -> &StackName;

    /// The run everything belongs to.
    fn run(&self) -> &RunId;

    /// The engine.
    fn engine(&self) -> &dyn Engine;

    /// An engine that does not answer.
    fn away(&self) -> &dyn Engine;

    /// Deploys exactly those services and returns when they are accepted.
    async fn deploy(&self, services: &[Service]);

    /// Deploys a steady service `other` in another stack and returns when its task runs.
    async fn disturb(&self);

    /// Ends the process of a container with SIGKILL.
    async fn kill(&self, container: &str);

    /// Makes a volume, labelled as of that stack.
    async fn volume(&self, name: &str, stack: Option<&str>);

    /// How a file is seen inside its container: owner, group, permission bits.
    async fn look(&self, container: &str, path: &str) -> (u32, u32, u32);

    /// A command that does that.
    fn command(&self, does: Does) -> Vec<String>;

    /// Brings an image into that situation; gives its reference.
    async fn image(&self, situation: Situation) -> String;

    /// The image of services that have one.
    fn image_of_services(&self) -> String;
}

/// Every port of an engine.
pub trait Engine {
    /// Stacks.
    fn view(&self) -> &dyn StackView;
    /// Single objects.
    fn objects(&self) -> &dyn Objects;
    /// Files in containers.
    fn files(&self) -> &dyn Files;
    /// Commands in containers.
    fn exec(&self) -> &dyn Exec;
    /// Restarts of services.
    fn restarts(&self) -> &dyn Restarts;
    /// Images.
    fn images(&self) -> &dyn Images;
}

impl<T: StackView + Objects + Files + Exec + Restarts + Images> Engine for T {
    fn view(&self) -> &dyn StackView {
        self
    }

    fn objects(&self) -> &dyn Objects {
        self
    }

    fn files(&self) -> &dyn Files {
        self
    }

    fn exec(&self) -> &dyn Exec {
        self
    }

    fn restarts(&self) -> &dyn Restarts {
        self
    }

    fn images(&self) -> &dyn Images {
        self
    }
}

/// The full name of something of the stack.
pub(super) fn full<S: Stage>(stage: &S, name: &str) -> String {
    format!("{}_{name}", stage.stack())
}

/// The full name of the secret `word`.
pub fn word(stack: &StackName) -> String {
    format!("{stack}_word_v1")
}

/// The full name of the network `proxy`.
pub fn proxy(stack: &StackName) -> String {
    format!("{stack}_proxy")
}

/// Everything of the stack and the run, and those names.
pub(super) fn scope<S: Stage>(stage: &S, names: &[&str]) -> Scope {
    Scope {
        run: Some(stage.run().clone()),
        stacks: vec![stage.stack().clone()],
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

pub(super) async fn inventory<S: Stage>(stage: &S) -> Vec<Object> {
    stage.engine().objects().inventory(&scope(stage, &[])).await.expect("the engine answers")
}

pub(super) async fn make_word<S: Stage>(stage: &S) -> Result<(), EngineError> {
    let (run, stack) = (stage.run(), stage.stack());
    let value = Secret::new("correct horse");
    stage.engine().objects().create_secret(run, stack, &word(stack), &value).await
}

pub(super) async fn make_proxy<S: Stage>(stage: &S) -> Result<(), EngineError> {
    let (run, stack) = (stage.run(), stage.stack());
    stage.engine().objects().create_network(run, stack, &proxy(stack)).await
}

/// Names of that kind.
pub(super) fn names(objects: &[Object], kind: ObjectKind) -> Vec<&str> {
    let of_kind = objects.iter().filter(|object| object.kind == kind);
    of_kind.map(|object| object.name.as_str()).collect()
}

pub(super) async fn watch<S: Stage>(stage: &S) -> Box<dyn StackWatch> {
    stage.engine().view().watch(stage.stack()).await.expect("the engine answers")
}

/// Looks whenever something changes, and twice a second, until `holds`.
pub(super) async fn until(
    watch: &mut Box<dyn StackWatch>,
    what: &str,
    holds: impl Fn(&StackFacts) -> bool,
) -> StackFacts {
    let limit = Instant::now() + LIMIT;
    loop {
        let facts = watch.observe().await.expect("the engine answers");
        if holds(&facts) {
            return facts;
        }
        assert!(Instant::now() < limit, "no {what}, seen last: {facts:#?}");
        let _polled = tokio::time::timeout(Duration::from_millis(500), watch.changed()).await;
    }
}

/// Looks until nothing has been heard for a while.
pub(super) async fn until_quiet(watch: &mut Box<dyn StackWatch>) -> StackFacts {
    let limit = Instant::now() + LIMIT;
    while tokio::time::timeout(QUIET, watch.changed()).await.is_ok() {
        watch.observe().await.expect("the engine answers");
        assert!(Instant::now() < limit, "it never becomes quiet");
    }
    watch.observe().await.expect("the engine answers")
}

/// Deploys one service and waits for its only task to run; gives that task.
pub(super) async fn running<S: Stage>(stage: &S, service: &Service) -> TaskFacts {
    let mut watch = watch(stage).await;
    stage.deploy(std::slice::from_ref(service)).await;
    let facts = until(&mut watch, "running task", runs).await;
    only_task(&facts, service.name).clone()
}

/// The same, and gives its container.
pub(super) async fn container<S: Stage>(stage: &S, service: &Service) -> String {
    running(stage, service).await.container.expect("a task that runs has a container").id
}

pub(super) fn runs(facts: &StackFacts) -> bool {
    facts.tasks.iter().any(|task| task.state == TaskState::Running)
}

pub(super) fn ended(service: &str) -> impl Fn(&StackFacts) -> bool {
    let service = service.to_owned();
    move |facts| facts.tasks_of(&service).any(|task| task.state.is_terminal())
}

/// The only task of a service.
pub(super) fn only_task<'a>(facts: &'a StackFacts, service: &'a str) -> &'a TaskFacts {
    let tasks: Vec<&TaskFacts> = facts.tasks_of(service).collect();
    assert_eq!(tasks.len(), 1, "{tasks:#?}");
    tasks[0]
}

/// Whether an engine was not reached, which is no refusal.
pub(super) fn is_away<T: std::fmt::Debug>(answer: &Result<T, EngineError>) {
    assert!(matches!(answer, Err(EngineError::Unreachable { .. })), "{answer:?}");
}

/// Whether it was refused with that status.
pub(super) fn is_refused<T: std::fmt::Debug>(answer: &Result<T, EngineError>, expected: u16) {
    let is = matches!(answer, Err(EngineError::Refused { status, .. }) if *status == expected);
    assert!(is, "{answer:?} is no refusal with status {expected}");
}
