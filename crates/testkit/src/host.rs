//! Fakes of this host: signals, processes, programs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    ChildLog, Clock, CommandError, CommandLine, CommandOutput, Commands, Processes, Signals,
};
use cc_ci_model::intent::ProcessId;
use cc_ci_model::time::Timestamp;
use tokio::sync::Notify;

use crate::clock::VirtualClock;
use crate::faults::{Fate, Faults, injected};

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
    alive: Mutex<BTreeSet<i32>>,
    stubborn: Mutex<BTreeSet<i32>>,
}

impl FakeProcesses {
    /// A host on which only this process runs.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, alive: Mutex::new([1].into()), stubborn: Mutex::default() }
    }

    /// A process of a dead run that still runs; a stubborn one cannot be ended.
    pub fn with_orphan(&self, pid: i32, stubborn: bool) {
        lock(&self.alive).insert(pid);
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
        lock(&self.alive).contains(&process.pid)
    }

    async fn end(&self, process: &ProcessId, _grace: Duration) -> bool {
        let end = || {
            let stubborn = lock(&self.stubborn).contains(&process.pid);
            if !stubborn {
                lock(&self.alive).remove(&process.pid);
            }
            Ok(!stubborn)
        };
        self.faults.around("end a process", |_| (), end).await.unwrap_or(false)
    }
}

/// Programs that end as the test says, at once.
pub struct FakeCommands {
    faults: Arc<Faults>,
    inner: Mutex<Programs>,
}

#[derive(Default)]
struct Programs {
    log: Option<Arc<dyn ChildLog>>,
    next_pid: i32,
    running: Vec<ProcessId>,
    ran: Vec<CommandLine>,
    outputs: Vec<(String, CommandOutput)>,
    unfit: BTreeMap<String, String>,
}

impl FakeCommands {
    /// Every program ends with exit code 0 and says nothing.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, inner: Mutex::default() }
    }

    /// What `program` says whenever it runs.
    pub fn answer(&self, program: &str, output: CommandOutput) {
        lock(&self.inner).outputs.push((program.to_owned(), output));
    }

    /// `program` cannot be started, for that reason.
    pub fn unfit(&self, program: &str, why: &str) {
        lock(&self.inner).unfit.insert(program.to_owned(), why.to_owned());
    }

    /// Every program that ran, in order.
    pub fn ran(&self) -> Vec<CommandLine> {
        lock(&self.inner).ran.clone()
    }

    /// Programs that run now.
    pub fn running(&self) -> usize {
        lock(&self.inner).running.len()
    }

    /// Starts a child; it has ended when the answer is dropped.
    pub fn start(self: &Arc<Self>) -> Child {
        let (process, log) = self.spawn();
        // Made before the log hears of it: whatever happens there, the child is ended.
        let child = Child { process, commands: Arc::clone(self) };
        if let Some(log) = log {
            log.started(&child.process);
        }
        child
    }

    fn spawn(&self) -> (ProcessId, Option<Arc<dyn ChildLog>>) {
        let mut inner = lock(&self.inner);
        inner.next_pid += 1;
        let process = process(1000 + inner.next_pid);
        inner.running.push(process.clone());
        (process, inner.log.clone())
    }

    fn ended(&self, process: &ProcessId) {
        let log = {
            let mut inner = lock(&self.inner);
            inner.running.retain(|running| running != process);
            inner.log.clone()
        };
        if let Some(log) = log {
            log.ended(process);
        }
    }
}

/// A child process that runs until this is dropped.
#[derive(Debug)]
pub struct Child {
    process: ProcessId,
    commands: Arc<FakeCommands>,
}

impl Drop for Child {
    fn drop(&mut self) {
        self.commands.ended(&self.process);
    }
}

#[async_trait]
impl Commands for FakeCommands {
    fn can_start(&self, command: &CommandLine) -> Result<(), CommandError> {
        let unfit = lock(&self.inner).unfit.get(&command.program).cloned();
        let refused = |message| CommandError { program: command.program.clone(), message };
        unfit.map_or(Ok(()), |message| Err(refused(message)))
    }

    async fn run(&self, command: &CommandLine) -> Result<CommandOutput, CommandError> {
        let failed =
            CommandError { program: command.program.clone(), message: injected("run a program") };
        let fate = self.faults.enter("run a program").await;
        if fate == Fate::Fail {
            return Err(failed);
        }
        let (process, log) = self.spawn();
        if let Some(log) = log {
            log.started(&process);
        }
        let output = {
            let mut inner = lock(&self.inner);
            inner.ran.push(command.clone());
            let known = inner.outputs.iter().find(|(program, _)| *program == command.program);
            known.map_or_else(silent, |(_, output)| output.clone())
        };
        self.ended(&process);
        match fate {
            Fate::Go => Ok(output),
            Fate::Fail | Fate::GoThenFail => Err(failed),
            Fate::GoThenHang => std::future::pending().await,
        }
    }

    fn attach(&self, log: Arc<dyn ChildLog>) {
        lock(&self.inner).log = Some(log);
    }
}

fn silent() -> CommandOutput {
    CommandOutput { code: Some(0), expired: false, stdout: Vec::new(), stderr: Vec::new() }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for FakeCommands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeCommands").field("running", &self.running()).finish_non_exhaustive()
    }
}
