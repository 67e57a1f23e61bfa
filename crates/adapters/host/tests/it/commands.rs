//! `HostCommands`: ends, deadlines, streams, and dying with the parent.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cc_ci_core::ports::{ChildLog, Clock, CommandLine, CommandOutput, Commands};
use cc_ci_host::{Helper, HostCommands, HostProcesses, SystemClock};
use cc_ci_model::intent::ProcessId;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{eventually, now, runs};

const PROGRAM: &str = env!("CARGO_BIN_EXE_host-test-program");

fn shell(script: &str, within: Duration) -> CommandLine {
    CommandLine {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
        environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        directory: "/".into(),
        input: Vec::new(),
        deadline: SystemClock::new().now().plus(within),
    }
}

async fn run(script: &str) -> CommandOutput {
    run_line(&shell(script, Duration::from_secs(20))).await
}

async fn run_line(line: &CommandLine) -> CommandOutput {
    HostCommands::new(None).unwrap().run(line).await.unwrap()
}

fn through_helper() -> HostCommands {
    let helper = Helper { program: PROGRAM.into(), arguments: vec!["child".into()] };
    HostCommands::new(Some(helper)).unwrap()
}

fn written_pid(directory: &Path) -> i32 {
    let file = directory.join("pid");
    eventually("the process id is written", || file.exists());
    fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

/// IN-6: nothing of this process's environment leaks into a program.
#[tokio::test]
async fn a_program_sees_its_own_environment_only() {
    let mut line = shell("/usr/bin/env; pwd", Duration::from_secs(20));
    line.environment.insert("A".into(), "b c".into());
    line.directory = "/usr".into();
    let text = String::from_utf8(run_line(&line).await.stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("_=")).collect();
    lines.sort_unstable();
    assert_eq!(lines, ["/usr", "A=b c", "PATH=/usr/bin:/bin", "PWD=/usr"]);
}

#[tokio::test]
async fn a_program_need_not_read_its_input() {
    let mut line = shell("exec <&-; echo done", Duration::from_secs(20));
    line.input = vec![b'x'; 1 << 20];
    assert_eq!(run_line(&line).await.stdout, b"done\n");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error() {
    let mut line = shell("", Duration::from_secs(20));
    line.program = "no-such-program".into();
    let error = HostCommands::new(None).unwrap().run(&line).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot run `no-such-program`: not found on its PATH `/usr/bin:/bin`"
    );
}

/// The group ignores TERM: it gets KILL after the grace.
#[tokio::test]
async fn a_deadline_ends_grandchildren_too() {
    let directory = tempfile::tempdir().unwrap();
    let script = "trap '' TERM; sleep 1000 & echo $! > new; mv new pid; echo said; wait";
    let mut line = shell(script, Duration::from_millis(300));
    line.directory = directory.path().into();
    let began = now();
    let output = run_line(&line).await;
    assert!(output.expired);
    assert_eq!((output.code, output.stdout), (None, b"said\n".to_vec()));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let grandchild = written_pid(directory.path());
    eventually("the grandchild is gone", || !runs(grandchild));
}

#[tokio::test]
async fn a_deadline_lets_a_program_end_by_itself() {
    let script = "trap 'echo bye; exit 3' TERM; while :; do sleep 0.05; done";
    let began = now();
    let output = run_line(&shell(script, Duration::from_millis(200))).await;
    assert_eq!((output.code, output.expired), (Some(3), true));
    assert_eq!(output.stdout, b"bye\n");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// A background process inherits the pipes: nobody waits for it, and it does not stay.
#[tokio::test]
async fn a_leftover_neither_holds_the_run_nor_outlives_it() {
    let began = now();
    let output = run("sleep 1000 & echo $!").await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((output.code, output.expired), (Some(0), false));
    let leftover: i32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    eventually("the leftover is gone", || !runs(leftover));
}

#[tokio::test]
async fn dropping_the_run_kills_the_group() {
    let directory = tempfile::tempdir().unwrap();
    let mut line = shell("sleep 1000 & echo $! > new; mv new pid; wait", Duration::from_mins(1));
    line.directory = directory.path().into();
    let task = tokio::spawn(async move { run_line(&line).await });
    let path = directory.path().to_owned();
    let sleeper = tokio::task::spawn_blocking(move || written_pid(&path)).await.unwrap();
    assert!(runs(sleeper));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    eventually("the group is gone", || !runs(sleeper));
}

#[derive(Default)]
struct Heard(Mutex<Vec<(&'static str, ProcessId)>>);

impl ChildLog for Heard {
    fn started(&self, process: &ProcessId) {
        self.0.lock().unwrap().push(("started", process.clone()));
    }

    fn ended(&self, process: &ProcessId) {
        self.0.lock().unwrap().push(("ended", process.clone()));
    }
}

#[tokio::test]
async fn the_helper_becomes_the_program_that_is_told() {
    let commands = through_helper();
    let heard = Arc::new(Heard::default());
    commands.attach(heard.clone());
    let output = commands.run(&shell("echo $$", Duration::from_secs(20))).await.unwrap();
    let pid: i32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
    let heard = heard.0.lock().unwrap().clone();
    assert_eq!(heard.iter().map(|(what, _)| *what).collect::<Vec<_>>(), ["started", "ended"]);
    assert_eq!((heard[0].1.pid, &heard[1].1), (pid, &heard[0].1), "the helper becomes the program");
    let own = cc_ci_core::ports::Processes::own(&HostProcesses::new().unwrap());
    assert_eq!(heard[0].1.boot_id, own.boot_id);
}

/// TEAR-3: an orphaned deploy could create objects after the cleanup.
#[test]
fn a_killed_parent_takes_its_children_along() {
    let directory = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a parent to kill")]
    let mut parent =
        std::process::Command::new(PROGRAM).arg("parent").arg(directory.path()).spawn().unwrap();
    let child = written_pid(directory.path());
    assert!(runs(child));
    let pid = Pid::from_raw(i32::try_from(parent.id()).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    parent.wait().unwrap();
    eventually("the child died with its parent", || !runs(child));
}

/// The parent died before the helper could ask for the signal.
#[tokio::test]
async fn a_helper_with_another_parent_runs_nothing() {
    let mut line = shell("", Duration::from_secs(20));
    line.program = PROGRAM.into();
    line.arguments = ["child", "1", "/bin/sh", "-c", "echo ran"].map(String::from).to_vec();
    let output = run_line(&line).await;
    assert_eq!((output.code, output.stdout), (Some(127), Vec::new()));
}
