//! One mutation, run by the built program as a user would run it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::answer::{Answer, Expected};
use crate::mutations::{self, Mutation};

/// Longer than any run of a fixture recipe may take; what is left of it then is a bug.
const LIMIT: Duration = Duration::from_mins(30);

/// How long a run may clean up after it was asked to stop.
const GRACE: Duration = Duration::from_mins(5);

/// What became of a mutation.
#[derive(Debug)]
pub struct Trial {
    /// The mutation's name.
    pub name: String,
    /// What was expected, in a few words.
    pub expected: String,
    /// What cc-ci said, in a few words.
    pub got: String,
    /// How long it took.
    pub took: Duration,
    /// How what it said differs from what was expected.
    pub differences: Vec<String>,
    /// Where repository, run directory and outputs lie.
    pub folder: PathBuf,
}

impl Trial {
    /// Whether cc-ci said exactly what was expected.
    pub fn is_caught(&self) -> bool {
        self.differences.is_empty()
    }

    /// A line about it; for a miss, all differences below.
    pub fn line(&self, width: usize) -> String {
        let Self { name, expected, got, .. } = self;
        let word = if self.is_caught() { "caught" } else { "MISSED" };
        let seconds = self.took.as_secs_f64();
        let mut lines =
            vec![format!("{word}  {name:width$}  expected {expected}; got {got}; {seconds:.1} s")];
        lines.extend(self.differences.iter().map(|difference| format!("        {difference}")));
        if !self.is_caught() {
            lines.push(format!(
                "        the run's directory: {}",
                self.folder.join("run").display()
            ));
            lines.push(format!(
                "        what it printed: {}",
                self.folder.join("stderr.txt").display()
            ));
        }
        lines.join("\n")
    }
}

/// Runs a mutation in a folder of its own, and compares with what is expected of it here. Never
/// fails: what goes wrong is a difference.
pub fn attempt(mutation: &Mutation, expected: &Expected, cc_ci: &Path, folder: &Path) -> Trial {
    let began = Instant::now();
    let ran = run(mutation, cc_ci, folder);
    let (got, differences) = match ran {
        Ok(answer) => (expected.brief_of(&answer), expected.differences(&answer)),
        Err(error) => ("no answer".to_owned(), vec![format!("{error:#}")]),
    };
    Trial {
        name: mutation.name.clone(),
        expected: expected.brief(),
        got,
        took: began.elapsed(),
        differences,
        folder: folder.to_owned(),
    }
}

fn run(mutation: &Mutation, cc_ci: &Path, folder: &Path) -> Result<Answer> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let rendered = mutations::render(mutation, folder)?;
    let run_directory = folder.join("run");
    if run_directory.exists() {
        // A canary that is run again into the same folder.
        fs::remove_dir_all(&run_directory)?;
    }
    let stdout = folder.join("stdout.json");
    let mut command = Command::new(cc_ci);
    command.arg("run").arg(&rendered.repository).arg("--out").arg(&run_directory);
    command.args(["--output", "json"]).args(&mutation.arguments);
    if let Some(pack) = &rendered.pack {
        command.arg("--pack").arg(pack);
    }
    command.stdin(Stdio::null());
    command.stdout(File::create(&stdout)?).stderr(File::create(folder.join("stderr.txt"))?);
    let mut child = command.spawn().with_context(|| format!("cannot run `{}`", cc_ci.display()))?;
    let status = finish(&mut child)?;
    let stdout = fs::read_to_string(&stdout).context("cannot read what it printed")?;
    Ok(Answer { exit: status.code(), stdout })
}

/// Waits for the end of a run; one that takes far too long is asked to clean up and stop.
fn finish(child: &mut Child) -> Result<ExitStatus> {
    if let Some(status) = wait(child, LIMIT)? {
        return Ok(status);
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::TERM)?;
    }
    if let Some(status) = wait(child, GRACE)? {
        return Ok(status);
    }
    child.kill()?;
    Ok(child.wait()?)
}

fn wait(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() > limit {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(100));
    }
}
