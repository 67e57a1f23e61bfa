//! Ports to a Docker engine.

use std::net::IpAddr;

use async_trait::async_trait;
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::StackFacts;

/// The label that carries a run's id, on everything cc-ci creates itself (ISO-4).
pub const RUN_LABEL: &str = "cc-ci.run";

/// Docker's label that carries the name of the stack an object belongs to.
pub const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";

/// Why an engine did not do or tell something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// It could not be reached, or broke off.
    #[error("the Docker engine did not answer while cc-ci tried to {operation}: {message}")]
    Unreachable {
        /// `list the tasks of stack x`.
        operation: String,
        /// What happened.
        message: String,
    },
    /// It refused.
    #[error("the Docker engine refused to {operation}: {message} (status {status})")]
    Refused {
        /// `create secret x`.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// Its words.
        message: String,
    },
}

/// What made a watcher look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// Something of the stack changed.
    Changed,
    /// The event stream broke and was opened again: something may have been missed.
    Gap,
}

/// Looks at stacks.
#[async_trait]
pub trait StackView: Send + Sync {
    /// Begins to watch a stack. Events count from here on.
    async fn watch(&self, stack: &StackName) -> Result<Box<dyn StackWatch>, EngineError>;

    /// Addresses at which this host reaches the running tasks of a service, without a proxy
    /// (`docker_gwbridge`); those that are to stop and still run are among them.
    async fn addresses(
        &self,
        stack: &StackName,
        service: &str,
    ) -> Result<Vec<TaskAddress>, EngineError>;

    /// Whether the engine answers as a manager.
    async fn answers(&self) -> bool;

    /// The last lines each running or ended task of a service wrote, newest last: whole lines,
    /// a megabyte at most. What is kept of them is cut by whoever has scrubbed them.
    async fn log_tail(
        &self,
        stack: &StackName,
        service: &str,
        lines: u32,
    ) -> Result<String, EngineError>;
}

/// A running watch over one stack. It remembers containers that are gone and events that
/// passed, so that a task is judged by what was ever seen of it.
#[async_trait]
pub trait StackWatch: Send {
    /// Returns when something of the stack changed since the last look; never, if nothing does.
    ///
    /// # Cancellation
    /// Nothing is lost when it is dropped half-way.
    async fn changed(&mut self) -> Wake;

    /// Looks.
    async fn observe(&mut self) -> Result<StackFacts, EngineError>;
}

/// Where this host reaches a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskAddress {
    /// The task.
    pub task: String,
    /// The address.
    pub address: IpAddr,
    /// It is to stop: it still serves who reaches it, and nothing new counts on it.
    pub leaving: bool,
}

/// Makes images present.
#[async_trait]
pub trait Images: Send + Sync {
    /// Makes an image present and says what was found. A pinned image (a tag other than
    /// `latest`, or a digest) that is there already is not fetched: its registry is asked whether
    /// it has it, and need not answer. Tries once.
    async fn ensure(&self, reference: &str) -> ImageFound;
}

/// Whose objects are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The run whose label counts, if any.
    pub run: Option<RunId>,
    /// Stacks whose namespace label counts.
    pub stacks: Vec<StackName>,
    /// Volumes, networks, secrets and configs looked up by these exact names too.
    pub names: Vec<String>,
}

/// What became of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// It is gone, or was not there.
    Gone,
    /// Something still uses it: worth another try.
    InUse {
        /// The engine's words.
        message: String,
    },
    /// The engine will not.
    Refused {
        /// The engine's words.
        message: String,
    },
}

/// Creates and removes single objects, and finds those of a run.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Everything of that scope: services, tasks that are not over, containers (stopped ones
    /// too), networks, secrets, configs, volumes, and anonymous volumes of those containers.
    async fn inventory(&self, scope: &Scope) -> Result<Vec<Object>, EngineError>;

    /// The object of that kind and exact name, whoever's it is. Tasks and containers are not
    /// looked up by name.
    async fn find(&self, kind: ObjectKind, name: &str) -> Result<Option<Object>, EngineError>;

    /// Removes one object by its id (volumes: by name).
    async fn remove(&self, object: &Object) -> Result<Removal, EngineError>;

    /// Creates a secret that carries the run's label and the stack's namespace label.
    async fn create_secret(
        &self,
        run: &RunId,
        stack: &StackName,
        name: &str,
        value: &Secret,
    ) -> Result<(), EngineError>;

    /// Creates an attachable overlay network that carries the run's label and the stack's
    /// namespace label.
    async fn create_network(
        &self,
        run: &RunId,
        stack: &StackName,
        name: &str,
    ) -> Result<(), EngineError>;
}

/// Files inside running containers, seen through their mounts. Needs no shell in the image and
/// no access to the host's volumes (Engine API: container archives).
#[async_trait]
pub trait Files: Send + Sync {
    /// Writes a file into a folder that exists; owner root, mode 0644.
    async fn put(
        &self,
        container: &str,
        folder: &str,
        name: &str,
        content: &[u8],
    ) -> Result<(), EngineError>;

    /// Reads a file of at most a megabyte; `None` when there is none.
    async fn get(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, EngineError>;

    /// Paths in the container's own layer that were added or changed since it was made from its
    /// image, folders included (Engine API: container changes). What is in mounts is not among
    /// them; what they are mounted on may be.
    async fn changed(&self, container: &str) -> Result<Vec<String>, EngineError>;

    /// Bytes of a regular file; `None` when there is none, or something else.
    async fn size(&self, container: &str, path: &str) -> Result<Option<u64>, EngineError>;
}
