//! Running programs to their end.
//!
//! A program forms a process group of its own. The group is killed when the program has ended
//! (so that nothing it started outlives it), when its deadline passes, and when the caller
//! stops waiting. Grandchildren that left the group escape all of this.
//!
//! Tests: in `tests/it/main.rs`, with real processes.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{ChildLog, Clock, CommandError, CommandLine, CommandOutput, Commands};
use cc_ci_model::intent::ProcessId;
use cc_ci_model::time::Timestamp;
use rustix::process::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::capture::Capture;
use crate::child::Helper;
use crate::clock::SystemClock;
use crate::exit::{ChildSignals, Exit};
use crate::group::Group;
use crate::lookup;
use crate::proc_files;

/// How long a group may take to end by itself after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// How long a killed program may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// How long to read on after a program has ended, when something it started holds its output
/// open.
const DRAIN: Duration = Duration::from_millis(250);

/// Runs programs on this host.
///
/// With a [`Helper`] they die with this process. The kernel ties that to the *thread* that
/// started them, so use it in a current-thread runtime on the main thread: a worker thread that
/// ends would take its children along.
pub struct HostCommands {
    helper: Option<Helper>,
    boot_id: String,
    clock: SystemClock,
    log: Mutex<Option<Arc<dyn ChildLog>>>,
}

impl HostCommands {
    /// Prepares to run programs, through `helper` if there is one.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn new(helper: Option<Helper>) -> io::Result<Self> {
        Ok(Self {
            helper,
            boot_id: proc_files::boot_id()?,
            clock: SystemClock::new(),
            log: Mutex::new(None),
        })
    }

    fn start(&self, command: &CommandLine) -> Result<Running, CommandError> {
        let refused = |message: String| CommandError { program: command.program.clone(), message };
        let program = lookup::program(command).map_err(refused)?;
        let mut line = self.line(&program, &command.arguments);
        line.env_clear()
            .envs(&command.environment)
            .current_dir(&command.directory)
            .process_group(0)
            // The group is killed by its guard; this is for a failure before there is one.
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Listened to before there is a child, so that no end is missed.
        let signals = ChildSignals::listen().map_err(|error| refused(error.to_string()))?;
        let child = line.spawn().map_err(|error| refused(error.to_string()))?;
        self.watch_over(child, signals).map_err(|error| refused(error.to_string()))
    }

    #[expect(clippy::disallowed_methods, reason = "this is what the Commands port starts")]
    fn line(&self, program: &Path, arguments: &[String]) -> Command {
        let Some(helper) = &self.helper else {
            let mut line = Command::new(program);
            line.args(arguments);
            return line;
        };
        let mut line = Command::new(&helper.program);
        line.args(&helper.arguments).arg(std::process::id().to_string());
        line.arg(program).args(arguments);
        line
    }

    fn watch_over(&self, child: Child, signals: ChildSignals) -> io::Result<Running> {
        let gone = || io::Error::other("it was reaped by somebody else");
        let id = child.id().and_then(|id| i32::try_from(id).ok()).ok_or_else(gone)?;
        let pid = Pid::from_raw(id).ok_or_else(gone)?;
        // It is there at least as a zombie until it is reaped below.
        let started_ticks = proc_files::stat(id).ok_or_else(gone)?.started_ticks;
        let process = ProcessId { pid: id, started_ticks, boot_id: self.boot_id.clone() };
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let group = Group::new(pid, process, log);
        Ok(Running { group, exit: Exit::of(pid, signals), child })
    }
}

impl fmt::Debug for HostCommands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCommands").field("helper", &self.helper).finish_non_exhaustive()
    }
}

#[async_trait]
impl Commands for HostCommands {
    fn can_start(&self, command: &CommandLine) -> Result<(), CommandError> {
        let refused = |message| CommandError { program: command.program.clone(), message };
        lookup::program(command).map(drop).map_err(refused)
    }

    async fn run(&self, command: &CommandLine) -> Result<CommandOutput, CommandError> {
        let mut running = self.start(command)?;
        let (mut stdout, mut stderr) = (Capture::default(), Capture::default());
        let pipes = Pipes::of(&mut running.child);
        let ending = {
            let talk = pin!(pipes.talk(&command.input, &mut stdout, &mut stderr));
            let mut talk = Talk { talk, is_over: false };
            running.accompany(&mut talk, &self.clock, command.deadline).await
        };
        Ok(CommandOutput {
            code: running.reap(ending).await,
            expired: ending != Ending::Itself,
            stdout: stdout.finish(),
            stderr: stderr.finish(),
        })
    }

    fn attach(&self, log: Arc<dyn ChildLog>) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Some(log);
    }
}

/// A program that runs. The group comes first: it is killed before the child is let go.
struct Running {
    group: Group,
    exit: Exit,
    child: Child,
}

/// How a program came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// By itself.
    Itself,
    /// Its deadline passed.
    Expired,
    /// Its deadline passed, and the kernel would not even kill it.
    Stuck,
}

impl Running {
    async fn accompany(
        &mut self,
        talk: &mut Talk<'_, impl Future<Output = ()>>,
        clock: &SystemClock,
        deadline: Timestamp,
    ) -> Ending {
        let ending = tokio::select! {
            biased;
            () = talk.during(self.exit.happened()) => Ending::Itself,
            () = clock.sleep_until(deadline) => Ending::Expired,
        };
        if ending == Ending::Itself {
            talk.finish_within(DRAIN).await;
            self.group.kill();
            talk.finish_within(DRAIN).await;
            return ending;
        }
        self.group.terminate();
        let _graceful = timeout(GRACE, talk.during(self.exit.happened())).await;
        self.group.kill();
        let is_gone = timeout(KILLED_WITHIN, talk.during(self.exit.happened())).await.is_ok();
        talk.finish_within(DRAIN).await;
        if is_gone { ending } else { Ending::Stuck }
    }

    /// Its exit code. The rest of its group is killed first.
    async fn reap(self, ending: Ending) -> Option<i32> {
        let Self { group, mut child, .. } = self;
        drop(group);
        match ending {
            Ending::Stuck => None,
            Ending::Itself | Ending::Expired => child.wait().await.ok()?.code(),
        }
    }
}

/// The talk with a program: it can go on while something else is waited for.
struct Talk<'a, F> {
    talk: Pin<&'a mut F>,
    is_over: bool,
}

impl<F: Future<Output = ()>> Talk<'_, F> {
    /// Waits for `event`, and talks meanwhile.
    async fn during(&mut self, event: impl Future<Output = ()>) {
        let mut event = pin!(event);
        loop {
            tokio::select! {
                biased;
                () = &mut event => return,
                () = self.talk.as_mut(), if !self.is_over => self.is_over = true,
            }
        }
    }

    async fn finish_within(&mut self, limit: Duration) {
        if !self.is_over {
            self.is_over = timeout(limit, self.talk.as_mut()).await.is_ok();
        }
    }
}

/// A program's three streams.
struct Pipes<O, E> {
    stdin: Option<ChildStdin>,
    stdout: Option<O>,
    stderr: Option<E>,
}

impl Pipes<tokio::process::ChildStdout, tokio::process::ChildStderr> {
    fn of(child: &mut Child) -> Self {
        Self { stdin: child.stdin.take(), stdout: child.stdout.take(), stderr: child.stderr.take() }
    }

    /// Writes and reads at the same time, so that neither side waits for the other for ever.
    async fn talk(self, input: &[u8], stdout: &mut Capture, stderr: &mut Capture) {
        let ((), (), ()) = tokio::join!(
            write(self.stdin, input),
            read(self.stdout, stdout),
            read(self.stderr, stderr)
        );
    }
}

/// A program need not read what it is given.
async fn write(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        let _not_read = stdin.write_all(input).await;
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>, capture: &mut Capture) {
    let Some(mut stream) = stream else {
        return;
    };
    let mut buffer = vec![0; 32 << 10];
    while let Ok(n_bytes @ 1..) = stream.read(&mut buffer).await {
        capture.push(&buffer[..n_bytes]);
    }
}
