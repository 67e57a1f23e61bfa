//! Ports through which `cc-ci doctor`, and a run before its plan, look at a host. None of them
//! changes anything but the one file in which the state folder remembers.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_model::event::Event;
use cc_ci_model::host::Tried;
use cc_ci_model::intent::Object;

use super::EngineError;

/// What an engine says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineState {
    /// Its id; changes when it is installed anew.
    pub id: String,
    /// Its version, e.g. `20.10.24+dfsg1`.
    pub version: String,
    /// The API version in use, e.g. `1.41`.
    pub api_version: String,
    /// The kernel it runs on.
    pub kernel: Kernel,
    /// The folder in which it keeps everything.
    pub root: Option<String>,
    /// What it is in a Swarm.
    pub swarm: SwarmState,
}

/// A kernel, as far as it can be told from another: one engine says this of its own, one process
/// of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// E.g. `6.1.0-25-amd64`.
    pub release: String,
    /// All memory it has, in bytes (`MemTotal`).
    pub memory_bytes: u64,
}

/// What an engine is in a Swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwarmState {
    /// In none.
    Inactive,
    /// In one whose keys are locked.
    Locked,
    /// About to join, or it failed to.
    Unready {
        /// `pending`, `error`.
        state: String,
        /// The engine's words.
        message: String,
    },
    /// A worker.
    Worker,
    /// A manager.
    Manager {
        /// The id of its own node.
        node: String,
        /// Every node, or why they cannot be listed (no leader).
        nodes: Result<Vec<Node>, String>,
    },
}

/// A node of a Swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// Its host's name.
    pub name: String,
    /// Whether it takes tasks: `active`, `pause`, `drain`.
    pub availability: String,
    /// Whether it is up: `ready`, `down`, `disconnected`, `unknown`.
    pub state: String,
}

/// The bridge between the tasks of a node and its host (`docker_gwbridge`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridge {
    /// The host's own address on it.
    pub gateway: Option<IpAddr>,
    /// Addresses of what is on it now; the ingress network's own is first.
    pub addresses: Vec<IpAddr>,
}

/// Looks at an engine.
#[async_trait]
pub trait EngineView: Send + Sync {
    /// What it says about itself.
    async fn state(&self) -> Result<EngineState, EngineError>;

    /// The bridge to its tasks; `None` where there is none yet (no Swarm).
    async fn bridge(&self) -> Result<Option<Bridge>, EngineError>;

    /// Everything that carries a run's label, whichever run's: services, containers, networks,
    /// secrets, configs, volumes.
    async fn marked(&self) -> Result<Vec<Object>, EngineError>;
}

/// Looks at the host this process runs on, as this process sees it.
#[async_trait]
pub trait HostView: Send + Sync {
    /// The kernel.
    fn kernel(&self) -> Kernel;

    /// The boot and the network this process is in: what was tried holds for both together.
    fn world(&self) -> String;

    /// Whether the kernel has `ip_vs`.
    fn has_ip_vs(&self) -> bool;

    /// Whether that is an address of this process's own network.
    fn is_own(&self, address: IpAddr) -> bool;

    /// Whether anything answers at an address, be it by refusing.
    async fn answers(&self, address: IpAddr, timeout: Duration) -> bool;

    /// Memory that can be had now, in bytes (`MemAvailable`).
    fn memory_available_bytes(&self) -> Option<u64>;

    /// How many files this process may open at once; `None` without a limit.
    fn open_files(&self) -> Option<u64>;

    /// Room for this user on the file system of a folder, in bytes, or why that cannot be told.
    fn free_bytes(&self, folder: &Path) -> Result<u64, String>;

    /// Whether the entries of a folder can be read, or why not.
    fn can_list(&self, folder: &Path) -> Result<(), String>;

    /// Whether this process may write into a folder, or make it; or why not. Nothing is written.
    fn can_write(&self, folder: &Path) -> Result<(), String>;
}

/// A run that was found in the state folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTrace {
    /// Its directory's name: the run's id.
    pub name: String,
    /// Its directory.
    pub path: String,
    /// Its log, as far as it is worth reading.
    pub trace: Trace,
}

/// What there is of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trace {
    /// Somebody holds its lock.
    Alive,
    /// A later cleanup left nothing.
    Cleaned,
    /// Its log.
    Log(Vec<Event>),
    /// Its log cannot be read.
    Unreadable(String),
}

/// What was tried on a host, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// [`HostView::world`] at that time.
    pub world: String,
    /// The engine it was tried with.
    pub engine_id: String,
    /// Whether this process reached tasks.
    pub task_addresses: Tried,
}

/// Looks at the folder in which runs are kept.
pub trait StateView: Send + Sync {
    /// The folder.
    fn folder(&self) -> &Path;

    /// Every run in it, sorted by name, or why they cannot be listed.
    fn runs(&self) -> Result<Vec<RunTrace>, String>;

    /// What was tried last, if it can be read.
    fn remembered(&self) -> Option<Remembered>;

    /// Remembers what was tried. Best effort: what cannot be kept is tried again.
    fn remember(&self, tried: &Remembered);
}
