//! The adapter keeps what its ports promise; the fakes' half is in `testkit/tests/it`.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    Clock, CommandLine, Commands, Entropy, HostView, HttpRequest, HttpSend, Probe, Processes,
    Signals,
};
use cc_ci_host::{
    HostCommands, HostProcesses, HttpProbe, OsEntropy, SystemClock, ThisHost, UnixSignals,
};
use cc_ci_model::intent::ProcessId;
use cc_ci_testkit::Answer;
use cc_ci_testkit::contract::commands::Does;
use cc_ci_testkit::contract::{
    self, clock, commands, entropy, host_view, probe, processes, signals,
};
use rustix::process::{Signal, getpid, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::processes::start;
use crate::support::{eventually, ignores_term};

struct Time(SystemClock);

impl clock::Stage for Time {
    fn clock(&self) -> &dyn Clock {
        &self.0
    }
}

#[tokio::test]
async fn clock() {
    contract::clock::check(async || Time(SystemClock::new())).await;
}

struct Chance;

impl entropy::Stage for Chance {
    fn entropy(&self) -> &dyn Entropy {
        &OsEntropy
    }
}

#[tokio::test]
async fn entropy() {
    contract::entropy::check(async || Chance).await;
}

struct Interrupted(UnixSignals);

#[async_trait(?Send)]
impl signals::Stage for Interrupted {
    fn signals(&self) -> &dyn Signals {
        &self.0
    }

    /// SIGINT, SIGTERM and SIGHUP take turns: all three count.
    async fn raise(&self) {
        static TURN: Mutex<usize> = Mutex::new(0);
        let mut turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = [Signal::INT, Signal::TERM, Signal::HUP][*turn % 3];
        *turn += 1;
        kill_process(getpid(), kind).unwrap();
    }
}

#[tokio::test]
async fn signals() {
    // A listener of this test's own, from first to last: between two cases nothing else may end it.
    let _always = UnixSignals::listen().unwrap();
    contract::signals::check(async || Interrupted(UnixSignals::listen().unwrap())).await;
}

struct Strangers {
    processes: HostProcesses,
    children: Mutex<Vec<Child>>,
}

impl Strangers {
    fn new() -> Self {
        Self { processes: HostProcesses::new().unwrap(), children: Mutex::default() }
    }

    fn start(&self, script: &str) -> ProcessId {
        let (child, process) = start(script, Some(0));
        self.children.lock().unwrap().push(child);
        process
    }
}

impl Drop for Strangers {
    fn drop(&mut self) {
        for child in self.children.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }
}

#[async_trait(?Send)]
impl processes::Stage for Strangers {
    fn processes(&self) -> &dyn Processes {
        &self.processes
    }

    async fn start(&self, stubborn: bool) -> ProcessId {
        if !stubborn {
            return self.start("exec sleep 1000");
        }
        let process = self.start("trap '' TERM; echo; while :; do sleep 1; done");
        eventually("the trap is set", || ignores_term(process.pid));
        process
    }

    /// A zombie: its parent, this test, does not wait for it yet.
    async fn ended(&self) -> ProcessId {
        let process = self.start("read _; exit 0");
        kill_process(rustix::process::Pid::from_raw(process.pid).unwrap(), Signal::KILL).unwrap();
        eventually("it has ended", || !crate::support::runs(process.pid));
        process
    }
}

#[tokio::test]
async fn processes() {
    contract::processes::check(async || Strangers::new()).await;
}

struct Programs {
    commands: HostCommands,
    clock: SystemClock,
    folder: TempDir,
}

impl Programs {
    fn new() -> Self {
        Self {
            commands: HostCommands::new(None).unwrap(),
            clock: SystemClock::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "tests prepare what they look at")]
    fn file(&self, name: &str, content: &[u8]) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }
}

#[async_trait(?Send)]
impl commands::Stage for Programs {
    fn commands(&self) -> &dyn Commands {
        &self.commands
    }

    fn clock(&self) -> &dyn Clock {
        &self.clock
    }

    fn program(&self, does: Does) -> CommandLine {
        let mut program = "sh";
        let script = match does {
            Does::Says { out, err, code } => {
                self.file("out", &out);
                self.file("err", &err);
                format!("cat out; cat err >&2; exit {code}")
            }
            Does::Repeats => "exec cat".to_owned(),
            Does::Dies => "kill -KILL $$".to_owned(),
            Does::Stays => "echo begun; exec sleep 1000".to_owned(),
            Does::Missing => {
                program = "no-such-program";
                String::new()
            }
        };
        CommandLine {
            program: program.into(),
            arguments: vec!["-c".into(), script],
            environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            directory: self.folder.path().into(),
            input: Vec::new(),
            deadline: self.clock.now().plus(Duration::from_mins(1)),
        }
    }
}

#[tokio::test]
async fn commands() {
    contract::commands::check(async || Programs::new()).await;
}

/// Apps that are sockets of this test.
struct Apps {
    probe: HttpProbe,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Apps {
    fn new() -> Self {
        Self { probe: HttpProbe::new().unwrap(), running: Mutex::default() }
    }
}

impl Drop for Apps {
    fn drop(&mut self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().for_each(JoinHandle::abort);
    }
}

fn request(port: u16) -> HttpRequest {
    HttpRequest {
        address: Ipv4Addr::LOCALHOST.into(),
        port,
        domain: "app.example.org".into(),
        path: "/".into(),
        send: HttpSend::default(),
        timeout: Duration::from_secs(5),
    }
}

/// One request a connection.
async fn serve(listener: TcpListener, answers: Vec<Answer>) {
    let last = answers.len() - 1;
    for nth in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        answer(stream, &answers[last.min(nth)]).await;
    }
}

async fn answer(mut stream: TcpStream, answer: &Answer) {
    let mut request = [0; 4096];
    let n_bytes = stream.read(&mut request).await.unwrap();
    assert!(n_bytes > 0, "a probe asks something");
    let head = |status: u16, length: usize| {
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n")
    };
    let text = match answer {
        Answer::Status(status, body) => {
            format!("{}Content-Type: text/html\r\n\r\n{body}", head(*status, body.len()))
        }
        Answer::Redirect(to) => format!("{}Location: {to}\r\n\r\n", head(302, 0)),
        // A body that breaks off.
        Answer::Reset => format!("{}\r\nhalf", head(200, 100)),
        Answer::Silence => std::future::pending().await,
    };
    // A probe that has read enough hangs up.
    let _hung_up = stream.write_all(text.as_bytes()).await;
}

#[async_trait(?Send)]
impl probe::Stage for Apps {
    fn probe(&self) -> &dyn Probe {
        &self.probe
    }

    async fn app(&self, answers: Vec<Answer>) -> HttpRequest {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        self.running.lock().unwrap().push(tokio::spawn(serve(listener, answers)));
        request(port)
    }

    async fn nobody(&self) -> HttpRequest {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        request(listener.local_addr().unwrap().port())
    }
}

#[tokio::test]
async fn probe() {
    contract::probe::check(async || Apps::new()).await;
}

/// This very host, with a folder for the case.
struct Here(TempDir);

impl host_view::Stage for Here {
    fn host(&self) -> &dyn HostView {
        &ThisHost
    }

    fn folder(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Below a file no folder can be, whoever asks: root may write into any other.
    fn refused(&self) -> (&dyn HostView, PathBuf) {
        (&ThisHost, "/dev/null/folder".into())
    }
}

#[tokio::test]
async fn host_view() {
    contract::host_view::check(async || Here(tempfile::tempdir().unwrap())).await;
}
