//! Fakes of what `cc-ci doctor` looks at: an engine, a host and a state folder that are as the
//! test says. They begin as a host on which all is well.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    Bridge, EngineError, EngineState, EngineView, HostView, Kernel, Node, Remembered, RunTrace,
    StateView, SwarmState,
};
use cc_ci_model::intent::Object;

use crate::faults::Faults;

const GIB: u64 = 1 << 30;

/// The kernel of the fake host, and of the fake engine.
pub fn kernel() -> Kernel {
    Kernel { release: "6.1.0".into(), memory_bytes: 16 * GIB }
}

/// An engine that says what the test says.
#[derive(Debug)]
pub struct FakeEngine {
    faults: Arc<Faults>,
    /// What it says of itself.
    pub state: Mutex<EngineState>,
    /// The bridge to its tasks.
    pub bridge: Mutex<Option<Bridge>>,
    /// What is on it.
    pub marked: Mutex<Vec<Object>>,
}

impl FakeEngine {
    /// The only node of a Swarm, with nothing on it.
    pub fn new(faults: Arc<Faults>) -> Self {
        let node = Node {
            id: "n1".into(),
            name: "host".into(),
            availability: "active".into(),
            state: "ready".into(),
        };
        let state = EngineState {
            id: "ENGINE".into(),
            version: "20.10.24".into(),
            api_version: "1.41".into(),
            kernel: kernel(),
            root: Some("/var/lib/docker".into()),
            swarm: SwarmState::Manager { node: "n1".into(), nodes: Ok(vec![node]) },
        };
        let bridge = Bridge {
            gateway: Some(IpAddr::from([172, 18, 0, 1])),
            addresses: vec![IpAddr::from([172, 18, 0, 2])],
        };
        Self {
            faults,
            state: Mutex::new(state),
            bridge: Mutex::new(Some(bridge)),
            marked: Mutex::default(),
        }
    }

    async fn tell<T: Clone + Send>(&self, call: &str, what: &Mutex<T>) -> Result<T, EngineError> {
        let error = |message| EngineError::Unreachable { operation: call.to_owned(), message };
        let told = lock(what).clone();
        self.faults.around(call, error, || Ok(told)).await
    }
}

#[async_trait]
impl EngineView for FakeEngine {
    async fn state(&self) -> Result<EngineState, EngineError> {
        self.tell("read the engine's state", &self.state).await
    }

    async fn bridge(&self) -> Result<Option<Bridge>, EngineError> {
        self.tell("look at the bridge", &self.bridge).await
    }

    async fn marked(&self) -> Result<Vec<Object>, EngineError> {
        self.tell("look for leftovers", &self.marked).await
    }
}

/// A host that is as the test says.
#[derive(Debug)]
pub struct FakeHost {
    /// What differs from a host on which all is well.
    pub odd: Mutex<OddHost>,
    /// Addresses that were asked.
    pub asked: Mutex<Vec<IpAddr>>,
}

/// What differs from a host on which all is well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OddHost {
    /// It is another boot, or another network, than this.
    pub world: String,
    /// It is not on the tasks' bridge, and nothing there answers.
    pub is_away: bool,
    /// Why no folder can be read or written.
    pub denied: Option<String>,
}

impl FakeHost {
    /// A host on which all is well.
    pub fn new() -> Self {
        Self { odd: Mutex::default(), asked: Mutex::default() }
    }

    fn allowed(&self) -> Result<(), String> {
        lock(&self.odd).denied.clone().map_or(Ok(()), Err)
    }
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl HostView for FakeHost {
    fn kernel(&self) -> Kernel {
        kernel()
    }

    fn world(&self) -> String {
        lock(&self.odd).world.clone()
    }

    fn has_ip_vs(&self) -> bool {
        true
    }

    fn is_own(&self, address: IpAddr) -> bool {
        let is_nobodys = matches!(address, IpAddr::V4(address) if address.is_documentation());
        !is_nobodys && !lock(&self.odd).is_away
    }

    async fn answers(&self, address: IpAddr, _timeout: Duration) -> bool {
        lock(&self.asked).push(address);
        !lock(&self.odd).is_away
    }

    fn memory_available_bytes(&self) -> Option<u64> {
        Some(8 * GIB)
    }

    fn open_files(&self) -> Option<u64> {
        Some(1024)
    }

    fn free_bytes(&self, _folder: &Path) -> Result<u64, String> {
        self.allowed().map(|()| 100 * GIB)
    }

    fn can_list(&self, _folder: &Path) -> Result<(), String> {
        self.allowed()
    }

    fn can_write(&self, _folder: &Path) -> Result<(), String> {
        self.allowed()
    }
}

/// A state folder in memory.
#[derive(Debug)]
pub struct FakeState {
    folder: PathBuf,
    /// Runs in it.
    pub runs: Mutex<Vec<RunTrace>>,
    /// What is remembered.
    pub remembered: Mutex<Option<Remembered>>,
}

impl FakeState {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            folder: PathBuf::from("/var/lib/cc-ci"),
            runs: Mutex::default(),
            remembered: Mutex::default(),
        }
    }
}

impl Default for FakeState {
    fn default() -> Self {
        Self::new()
    }
}

impl StateView for FakeState {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn runs(&self) -> Result<Vec<RunTrace>, String> {
        let mut runs = lock(&self.runs).clone();
        runs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(runs)
    }

    fn remembered(&self) -> Option<Remembered> {
        lock(&self.remembered).clone()
    }

    fn remember(&self, tried: &Remembered) {
        *lock(&self.remembered) = Some(tried.clone());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
