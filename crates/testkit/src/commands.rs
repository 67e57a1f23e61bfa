//! Programs that do what the test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cc_ci_core::ports::{ChildLog, Clock, CommandError, CommandLine, CommandOutput, Commands};
use cc_ci_model::intent::ProcessId;

use crate::clock::VirtualClock;
use crate::faults::{Fate, Faults, injected};
use crate::host::process;

/// How much of each end of an output is kept.
const HALF_BYTES: usize = 512 << 10;

/// What a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Play {
    /// Ends like that, at once.
    End(CommandOutput),
    /// Says what it was given and ends well.
    Repeat,
    /// Says `begun` and runs until it is ended.
    Stay,
}

/// Programs that do what the test says; others end with exit code 0 and say nothing.
pub struct FakeCommands {
    clock: Arc<VirtualClock>,
    faults: Arc<Faults>,
    programs: Arc<Mutex<Programs>>,
}

#[derive(Default)]
struct Programs {
    log: Option<Arc<dyn ChildLog>>,
    next_pid: i32,
    running: Vec<ProcessId>,
    ran: Vec<CommandLine>,
    plays: Vec<(String, Play)>,
    unfit: BTreeMap<String, String>,
}

impl FakeCommands {
    /// Every program ends with exit code 0 and says nothing.
    pub fn new(clock: Arc<VirtualClock>, faults: Arc<Faults>) -> Self {
        Self { clock, faults, programs: Arc::default() }
    }

    /// What `program` says whenever it runs.
    pub fn answer(&self, program: &str, output: CommandOutput) {
        self.play(program, Play::End(output));
    }

    /// What `program` does whenever it runs.
    pub fn play(&self, program: &str, play: Play) {
        lock(&self.programs).plays.push((program.to_owned(), play));
    }

    /// `program` cannot be started, for that reason.
    pub fn unfit(&self, program: &str, why: &str) {
        lock(&self.programs).unfit.insert(program.to_owned(), why.to_owned());
    }

    /// Every program that ran, in order.
    pub fn ran(&self) -> Vec<CommandLine> {
        lock(&self.programs).ran.clone()
    }

    /// Programs that run now.
    pub fn running(&self) -> usize {
        lock(&self.programs).running.len()
    }

    /// Starts a child; it has ended when the answer is dropped.
    pub fn start(&self) -> Child {
        let (process, log) = {
            let mut programs = lock(&self.programs);
            programs.next_pid += 1;
            let process = process(1000 + programs.next_pid);
            programs.running.push(process.clone());
            (process, programs.log.clone())
        };
        // Made before the log hears of it: whatever happens there, the child is ended.
        let child = Child { process, programs: Arc::clone(&self.programs) };
        if let Some(log) = log {
            log.started(&child.process);
        }
        child
    }

    async fn carry_out(&self, command: &CommandLine, play: Play) -> CommandOutput {
        let _child = self.start();
        lock(&self.programs).ran.push(command.clone());
        match play {
            Play::End(output) => output,
            Play::Repeat => said(Some(0), command.input.clone()),
            Play::Stay => {
                self.clock.sleep_until(command.deadline).await;
                CommandOutput { expired: true, ..said(None, b"begun\n".to_vec()) }
            }
        }
    }
}

/// A child process that runs until this is dropped.
pub struct Child {
    process: ProcessId,
    programs: Arc<Mutex<Programs>>,
}

impl Drop for Child {
    fn drop(&mut self) {
        let log = {
            let mut programs = lock(&self.programs);
            programs.running.retain(|running| *running != self.process);
            programs.log.clone()
        };
        if let Some(log) = log {
            log.ended(&self.process);
        }
    }
}

#[async_trait]
impl Commands for FakeCommands {
    fn can_start(&self, command: &CommandLine) -> Result<(), CommandError> {
        let unfit = lock(&self.programs).unfit.get(&command.program).cloned();
        let refused = |message| CommandError { program: command.program.clone(), message };
        unfit.map_or(Ok(()), |message| Err(refused(message)))
    }

    async fn run(&self, command: &CommandLine) -> Result<CommandOutput, CommandError> {
        let failed = |message| CommandError { program: command.program.clone(), message };
        let fate = self.faults.enter("run a program").await;
        if fate == Fate::Fail {
            return Err(failed(injected("run a program")));
        }
        let play = {
            let programs = lock(&self.programs);
            let known = programs.plays.iter().find(|(program, _)| *program == command.program);
            known.map_or_else(|| Play::End(said(Some(0), Vec::new())), |(_, play)| play.clone())
        };
        self.can_start(command)?;
        let output = self.carry_out(command, play).await;
        match fate {
            Fate::Go => Ok(CommandOutput {
                stdout: shortened(output.stdout),
                stderr: shortened(output.stderr),
                ..output
            }),
            Fate::Fail | Fate::GoThenFail => Err(failed(injected("run a program"))),
            Fate::GoThenHang => std::future::pending().await,
        }
    }

    fn attach(&self, log: Arc<dyn ChildLog>) {
        lock(&self.programs).log = Some(log);
    }
}

fn said(code: Option<i32>, stdout: Vec<u8>) -> CommandOutput {
    CommandOutput { code, expired: false, stdout, stderr: Vec::new() }
}

/// The beginning and the end of a long output, with a word about what is missing.
fn shortened(written: Vec<u8>) -> Vec<u8> {
    let left_out = written.len().saturating_sub(2 * HALF_BYTES);
    if left_out == 0 {
        return written;
    }
    let told = format!("\n[… {left_out} bytes left out …]\n");
    [&written[..HALF_BYTES], told.as_bytes(), &written[HALF_BYTES + left_out..]].concat()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for FakeCommands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeCommands").field("running", &self.running()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Child").field("process", &self.process).finish_non_exhaustive()
    }
}
