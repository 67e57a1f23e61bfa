//! Fakes of this host: signals and processes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, Processes, Signals};
use cc_ci_model::intent::ProcessId;
use cc_ci_model::time::Timestamp;
use tokio::sync::Notify;

use crate::clock::VirtualClock;
use crate::faults::Faults;

/// Signals that come when the test says.
#[derive(Debug)]
pub struct FakeSignals {
    clock: Arc<VirtualClock>,
    /// Times at which signals come, in order.
    times: Mutex<Vec<Timestamp>>,
    raised: Notify,
}

impl FakeSignals {
    /// None so far.
    pub fn new(clock: Arc<VirtualClock>) -> Self {
        Self { clock, times: Mutex::default(), raised: Notify::new() }
    }

    /// One more signal, now.
    pub fn raise(&self) {
        self.raise_after(Duration::ZERO);
    }

    /// One more signal, `later` from now.
    pub fn raise_after(&self, later: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.push(self.clock.now().plus(later));
        times.sort();
        drop(times);
        self.raised.notify_waiters();
    }

    fn next(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.iter().copied().find(|time| *time > now)
    }
}

#[async_trait]
impl Signals for FakeSignals {
    async fn more_than(&self, seen: u8) -> u8 {
        loop {
            let raised = self.raised.notified();
            tokio::pin!(raised);
            raised.as_mut().enable();
            let count = self.count();
            if count > seen {
                return count;
            }
            match self.next() {
                Some(next) => tokio::select! {
                    () = raised => {}
                    () = self.clock.sleep_until(next) => {}
                },
                None => raised.await,
            }
        }
    }

    fn count(&self) -> u8 {
        let now = self.clock.now();
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let count = times.iter().filter(|time| **time <= now).count();
        u8::try_from(count).unwrap_or(u8::MAX)
    }
}

/// Makes a process id of the fake host.
pub fn process(pid: i32) -> ProcessId {
    ProcessId { pid, started_ticks: 100, boot_id: "00000000-0000-0000-0000-000000000001".into() }
}

/// Processes of a host that exists only here.
#[derive(Debug)]
pub struct FakeProcesses {
    faults: Arc<Faults>,
    alive: Mutex<Vec<ProcessId>>,
    stubborn: Mutex<BTreeSet<i32>>,
}

impl FakeProcesses {
    /// A host on which only this process runs.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, alive: Mutex::new(vec![process(1)]), stubborn: Mutex::default() }
    }

    /// A process of a dead run that still runs; a stubborn one cannot be ended.
    pub fn with_orphan(&self, pid: i32, stubborn: bool) {
        lock(&self.alive).push(process(pid));
        if stubborn {
            lock(&self.stubborn).insert(pid);
        }
    }
}

#[async_trait]
impl Processes for FakeProcesses {
    fn own(&self) -> ProcessId {
        process(1)
    }

    fn is_alive(&self, process: &ProcessId) -> bool {
        lock(&self.alive).contains(process)
    }

    async fn end(&self, process: &ProcessId, _grace: Duration) -> bool {
        let end = || {
            let stubborn = self.is_alive(process) && lock(&self.stubborn).contains(&process.pid);
            lock(&self.alive).retain(|known| stubborn || known != process);
            Ok(!stubborn)
        };
        self.faults.around("end a process", |_| (), end).await.unwrap_or(false)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
