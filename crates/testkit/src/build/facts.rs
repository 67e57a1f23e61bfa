//! Observations of a stack in a few words, for tests of what they mean.

use std::collections::BTreeMap;

use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::stack::{
    ContainerFacts, HealthFacts, RestartFacts, ServiceFacts, StackFacts, TaskFacts, TaskState,
    UpdateState,
};
use cc_ci_model::time::Timestamp;

/// Builds [`StackFacts`] service by service.
#[derive(Debug, Clone, Default)]
pub struct FactsBuilder(StackFacts);

impl FactsBuilder {
    /// A stack without services.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more service of that mode, with a monitor period of a second.
    #[must_use]
    pub fn service(mut self, name: &str, mode: ServiceMode) -> Self {
        let desired_tasks = match mode {
            ServiceMode::Replicated { replicas } => replicas,
            ServiceMode::ReplicatedJob { completions } => completions,
            ServiceMode::Global | ServiceMode::GlobalJob => 1,
        };
        self.0.services.push(ServiceFacts {
            id: format!("id-{name}"),
            name: name.to_owned(),
            mode,
            version_index: 10,
            image: format!("registry.test/{name}:1.0.0"),
            update: UpdateState::None,
            update_message: None,
            monitor_ms: 1000,
            desired_tasks,
            completed_tasks: 0,
            publishes: false,
            restart: None,
            labels: BTreeMap::new(),
            template: BTreeMap::new(),
        });
        self
    }

    /// One more service with that many replicas.
    #[must_use]
    pub fn replicated(self, name: &str, replicas: u64) -> Self {
        self.service(name, ServiceMode::Replicated { replicas })
    }

    /// The update state of the last service.
    #[must_use]
    pub fn update(self, state: UpdateState) -> Self {
        self.with(|service| service.update = state)
    }

    /// The restart policy of the last service.
    #[must_use]
    pub fn restarts(self, condition: RestartCondition, max_attempts: u64) -> Self {
        self.with(|service| service.restart = Some(RestartFacts { condition, max_attempts }))
    }

    /// Any other change to the last service.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ServiceFacts)) -> Self {
        change(self.0.services.last_mut().expect("a service comes first"));
        self
    }

    /// One more task of the last service.
    ///
    /// # Panics
    /// When there is no service.
    #[must_use]
    pub fn task(mut self, task: TaskBuilder) -> Self {
        let mut task = task.0;
        task.service.clone_from(&self.0.services.last().expect("a service comes first").name);
        if task.id.is_empty() {
            task.id = format!("t{}", self.0.tasks.len() + 1);
        }
        self.0.tasks.push(task);
        self
    }

    /// The event stream broke.
    #[must_use]
    pub fn gap(mut self) -> Self {
        self.0.events_gap = true;
        self
    }

    /// The observation.
    pub fn build(self) -> StackFacts {
        self.0
    }
}

/// Builds a [`TaskFacts`].
#[derive(Debug, Clone)]
pub struct TaskBuilder(TaskFacts);

impl TaskBuilder {
    /// A task in slot 1, made from the current spec, that is meant to run.
    pub fn new(state: TaskState) -> Self {
        Self(TaskFacts {
            id: String::new(),
            service: String::new(),
            slot: Some(1),
            node: Some("node-1".into()),
            state,
            desired: TaskState::Running,
            current: true,
            message: "started".into(),
            error: None,
            exit_code: None,
            container: None,
            seen_since: None,
        })
    }

    /// One that runs as it should.
    pub fn up() -> Self {
        Self::new(TaskState::Running)
    }

    /// One that ended with exit code 0 and is not wanted any more.
    pub fn complete() -> Self {
        let mut task = Self::new(TaskState::Complete).desired(TaskState::Shutdown).exit(0);
        task.0.message = "finished".into();
        task
    }

    /// One that ended with that exit code and is not wanted any more.
    pub fn failed(code: i64) -> Self {
        let task = Self::new(TaskState::Failed).desired(TaskState::Shutdown).exit(code);
        task.error(&format!("task: non-zero exit ({code})"))
    }

    /// Another id.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.0.id);
        self
    }

    /// Where Swarm wants it.
    #[must_use]
    pub fn desired(mut self, desired: TaskState) -> Self {
        self.0.desired = desired;
        self
    }

    /// Another slot.
    #[must_use]
    pub fn slot(mut self, slot: u64) -> Self {
        self.0.slot = Some(slot);
        self
    }

    /// A task of a global service on that node.
    #[must_use]
    pub fn on_node(mut self, node: &str) -> Self {
        self.0.slot = None;
        self.0.node = Some(node.to_owned());
        self
    }

    /// Made from an earlier spec.
    #[must_use]
    pub fn old(mut self) -> Self {
        self.0.current = false;
        self
    }

    /// Its exit code.
    #[must_use]
    pub fn exit(mut self, code: i64) -> Self {
        self.0.exit_code = Some(code);
        self
    }

    /// Its error.
    #[must_use]
    pub fn error(mut self, error: &str) -> Self {
        self.0.error = Some(error.to_owned());
        self
    }

    /// First seen like that so many seconds after the epoch.
    #[must_use]
    pub fn since(mut self, seconds: i64) -> Self {
        self.0.seen_since = Some(Timestamp::from_millis(seconds * 1000));
        self
    }

    /// A container without a health check.
    #[must_use]
    pub fn container(mut self) -> Self {
        self.0.container = Some(container(None));
        self
    }

    /// A container with a health check (3 retries), as the engine would show it.
    #[must_use]
    pub fn health(mut self, status: &str, failing_streak: u64) -> Self {
        let log = if failing_streak > 0 { vec!["connection refused".into()] } else { Vec::new() };
        let health = HealthFacts { status: status.to_owned(), failing_streak, retries: 3, log };
        self.0.container = Some(container(Some(health)));
        self
    }

    /// An event `health_status: unhealthy` was seen for its container.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn unhealthy_seen(mut self) -> Self {
        self.0.container.as_mut().expect("a container comes first").unhealthy_seen = true;
        self
    }

    /// Its memory ran out.
    ///
    /// # Panics
    /// When it has no container.
    #[must_use]
    pub fn oom(mut self) -> Self {
        self.0.container.as_mut().expect("a container comes first").oom_killed = true;
        self
    }
}

fn container(health: Option<HealthFacts>) -> ContainerFacts {
    ContainerFacts {
        id: "container".into(),
        health,
        oom_killed: false,
        unhealthy_seen: false,
        anonymous_volumes: Vec::new(),
    }
}
