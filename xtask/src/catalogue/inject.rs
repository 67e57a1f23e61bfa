//! Does what an entry's `[[during]]` asks for, beside the run: with the docker CLI, to the run's
//! own stack only. What was asked for and could not be done is told: an entry that nothing
//! happened to shows nothing.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::during::{During, Follower, Incident};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long a service may be without a container before nothing can be done to it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Follows a run.
#[derive(Debug)]
pub struct Injector {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Injector {
    /// Follows the log of a run that begins, by the directory it is told to use. `pid` is cc-ci's.
    pub fn start(during: Vec<During>, run_directory: &Path, pid: u32) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (log, over) = (run_directory.join("events.jsonl"), is_over.clone());
        Self { is_over, thread: thread::spawn(move || follow(&during, &log, pid, &over)) }
    }

    /// The run is over: what should have happened to it and did not, and why.
    pub fn finish(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|_| vec!["what should happen to it: a panic".to_owned()])
    }
}

/// Reads the log to its end, each thing that is due in a thread of its own.
fn follow(during: &[During], log: &Path, pid: u32, is_over: &AtomicBool) -> Vec<String> {
    let mut follower = Follower::new(during);
    let mut tail = Tail { path: log.to_owned(), file: None, rest: Vec::new() };
    let mut missed = Vec::new();
    thread::scope(|scope| {
        let mut doing = Vec::new();
        loop {
            // Asked before the last look, so that nothing is written after it.
            let is_last = during.is_empty() || is_over.load(Ordering::Acquire);
            let read = tail.lines().and_then(|lines| {
                lines.iter().map(|line| follower.take(line)).collect::<Result<Vec<_>>>()
            });
            let due = read.unwrap_or_else(|error| {
                missed.push(format!("what should happen to it: {error:#}"));
                Vec::new()
            });
            doing.extend(due.into_iter().flatten().map(|(during, stack)| {
                scope.spawn(move || happen(during, &stack, pid).err().map(|why| (during, why)))
            }));
            if is_last {
                break;
            }
            thread::sleep(LOOK);
        }
        let failed = doing.into_iter().filter_map(|thread| thread.join().ok().flatten());
        let told = |(during, why): (&During, anyhow::Error)| {
            format!("{} at `{}`: {why:#}", during.incident, during.when)
        };
        missed.extend(failed.map(told));
    });
    let never =
        |during: &During| format!("{} at `{}`: it never came", during.incident, during.when);
    missed.extend(follower.left().map(never));
    missed
}

/// A file that grows.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
}

impl Tail {
    /// The whole lines that are new.
    fn lines(&mut self) -> Result<Vec<String>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(file) => self.file = Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error).context("cannot read the run's log"),
            }
        }
        if let Some(file) = &mut self.file {
            file.read_to_end(&mut self.rest)?;
        }
        let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let whole: Vec<u8> = self.rest.drain(..end).collect();
        Ok(String::from_utf8(whole)?.lines().map(str::to_owned).collect())
    }
}

fn happen(during: &During, stack: &str, pid: u32) -> Result<()> {
    thread::sleep(during.after());
    match &during.incident {
        Incident::Kill { service, signal } => {
            docker_each(stack, service, &["kill", "--signal", signal], &[])
        }
        Incident::Restart { service } => {
            let name = service_name(stack, service)?;
            docker(&["service", "update", "--force", "--detach", &name]).map(drop)
        }
        Incident::Pause { service, for_ms } => {
            docker_each(stack, service, &["pause"], &[])?;
            thread::sleep(Duration::from_millis(*for_ms));
            docker_each(stack, service, &["unpause"], &[])
        }
        Incident::Exec { service, command } => {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            docker_each(stack, service, &["exec"], &command)
        }
        Incident::Signal { signal } => {
            let status = Command::new("kill").args(["-s", signal, &pid.to_string()]).status()?;
            ensure!(status.success(), "`kill` failed ({status})");
            Ok(())
        }
    }
}

fn service_name(stack: &str, service: &str) -> Result<String> {
    ensure!(!stack.is_empty(), "the stage is about no app");
    Ok(format!("{stack}_{service}"))
}

/// A command for each running container of a service: `docker BEFORE CONTAINER AFTER`.
fn docker_each(stack: &str, service: &str, before: &[&str], after: &[&str]) -> Result<()> {
    let name = service_name(stack, service)?;
    let label = format!("label=com.docker.swarm.service.name={name}");
    let list = || docker(&["ps", "--quiet", "--no-trunc", "--filter", &label]);
    let mut containers = list()?;
    let began = Instant::now();
    // On a busy machine it may be about to come.
    while containers.trim().is_empty() && began.elapsed() < PATIENCE {
        thread::sleep(LOOK);
        containers = list()?;
    }
    ensure!(!containers.trim().is_empty(), "service {service} runs no container");
    for container in containers.lines() {
        docker(&[before, &[container], after].concat())?;
    }
    Ok(())
}

fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).output().context("cannot run `docker`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`docker {}`: {}", arguments.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(when: &str) -> During {
        // Signal 0 only asks whether the process is there.
        toml::from_str(&format!("when = '{when}'\ndo = 'signal'\nsignal = '0'")).unwrap()
    }

    #[test]
    fn what_never_came_and_what_failed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let log = r#"{"event":"stage_began","stage":"backup","app":"fresh"}
{"event":"act_began","act":{"act":"backup"}}
{"event":"act_ended""#;
        std::fs::write(folder.path().join("events.jsonl"), log).unwrap();
        let whole = signal("backup backup began");
        let torn = signal("backup backup ended");
        let mut homeless = signal("backup backup began");
        homeless.incident = Incident::Restart { service: "app".to_owned() };
        let injector =
            Injector::start(vec![whole, torn, homeless], folder.path(), std::process::id());
        assert_eq!(
            injector.finish(),
            [
                "restart of app at `backup backup began`: the stage is about no app",
                "0 to cc-ci at `backup backup ended`: it never came",
            ]
        );
    }

    #[test]
    fn a_run_without_a_log_is_followed_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Injector::start(Vec::new(), folder.path(), 1).finish(), [""; 0]);
    }
}
