//! Ports to this host: time, chance, processes, probes, signals.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_model::evidence::HttpSeen;
use cc_ci_model::intent::ProcessId;
use cc_ci_model::time::Timestamp;

/// Time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns when it is `until`, at once if it is later.
    async fn sleep_until(&self, until: Timestamp);
}

/// Chance, of cryptographic quality.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A request to one address that speaks for a domain (CONV-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The address to connect to.
    pub address: IpAddr,
    /// The port to connect to.
    pub port: u16,
    /// The domain: `Host`, `X-Forwarded-Host`; `X-Forwarded-Proto` is `https`.
    pub domain: String,
    /// The path, with its query.
    pub path: String,
    /// What is sent, where that is more than a question.
    pub send: HttpSend,
    /// How long the whole of it may take.
    pub timeout: Duration,
}

/// What a request sends beside its path: nothing, for a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpSend {
    /// The method; `GET` unless set. Redirects are followed only for that.
    pub method: Option<String>,
    /// The body.
    pub body: Option<String>,
    /// `Content-Type` of the body.
    pub content_type: Option<String>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProbeError {
    /// E.g. `connection refused`.
    pub message: String,
}

/// Asks an app as a client would.
#[async_trait]
pub trait Probe: Send + Sync {
    /// One request, redirects within the app's own domain followed (at most 5, to the same
    /// address: `https` is taken off, since the task itself speaks HTTP). The excerpt is a bit
    /// longer than what is kept of it, see [`crate::redact::MARGIN`].
    async fn http(&self, request: &HttpRequest) -> Result<HttpSeen, ProbeError>;
}

/// Child processes of this run and of dead ones.
#[async_trait]
pub trait Processes: Send + Sync {
    /// This process.
    fn own(&self) -> ProcessId;

    /// Whether that very process still runs.
    fn is_alive(&self, process: &ProcessId) -> bool;

    /// Ends that very process and its group: TERM, `grace`, KILL. Returns whether it is gone;
    /// one that was not there is gone.
    async fn end(&self, process: &ProcessId, grace: Duration) -> bool;
}

/// A program to run to its end. Never a shell string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program, found on `PATH` or by path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment: nothing is inherited.
    pub environment: BTreeMap<String, String>,
    /// Where it runs.
    pub directory: PathBuf,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// When it has to be over; then its group gets TERM and, after a grace, KILL.
    pub deadline: Timestamp,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The deadline ended it.
    pub expired: bool,
    /// Standard output, at most a megabyte: the beginning and the end.
    pub stdout: Vec<u8>,
    /// Standard error, likewise.
    pub stderr: Vec<u8>,
}

/// Why a program could not be run at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot run `{program}`: {message}")]
pub struct CommandError {
    /// The program.
    pub program: String,
    /// What happened, e.g. `No such file or directory`.
    pub message: String,
}

/// Runs programs. They form groups of their own and die with this process, SIGKILL included
/// (TEAR-3).
#[async_trait]
pub trait Commands: Send + Sync {
    /// Whether this host could start it: its file, its mode, its interpreter.
    ///
    /// # Errors
    /// What is in the way; what the program does once it runs is another matter.
    fn can_start(&self, command: &CommandLine) -> Result<(), CommandError>;

    /// Runs one to its end.
    ///
    /// # Cancellation
    /// Dropped half-way, the program's whole group is killed.
    async fn run(&self, command: &CommandLine) -> Result<CommandOutput, CommandError>;

    /// From here on every start and end of a program is told to `log`.
    fn attach(&self, log: Arc<dyn ChildLog>);
}

/// Hears of child processes.
pub trait ChildLog: Send + Sync {
    /// One runs now.
    fn started(&self, process: &ProcessId);

    /// One has ended.
    fn ended(&self, process: &ProcessId);
}

/// Signals that ask the run to stop.
#[async_trait]
pub trait Signals: Send + Sync {
    /// Returns when more than `seen` signals have arrived, with their number.
    async fn more_than(&self, seen: u8) -> u8;

    /// Signals so far.
    fn count(&self) -> u8;
}

/// Hears of every event right after it was written. Best effort: it can not fail, and it can
/// not change the run (RES-6).
pub trait Listener: Send + Sync {
    /// One event, and the state after it.
    fn heard(&self, event: &cc_ci_model::event::Event, state: &crate::state::RunState);

    /// What the current act of a lane still waits for, as last seen. Never in the log: the evidence of the
    /// act's end says it again.
    fn waits(&self, _lane: cc_ci_model::event::Lane, _what: &str) {}
}
