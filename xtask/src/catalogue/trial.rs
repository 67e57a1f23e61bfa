//! One entry, run by the built program as a user would run it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::answer::{Answer, Expected};
use super::inject::Injector;
use super::table::Reading;
use crate::mutations::{self, Mutation};

/// Longer than any run of a fixture recipe may take; what is left of it then is a bug.
const LIMIT: Duration = Duration::from_mins(30);

/// How long a run may clean up after it was asked to stop.
const GRACE: Duration = Duration::from_mins(5);

/// What became of an entry.
#[derive(Debug, Serialize)]
pub struct Trial {
    /// The entry's name.
    pub name: String,
    /// What was expected, in a few words.
    pub expected: String,
    /// The verdict that was expected.
    pub expected_verdict: String,
    /// The cause class that was expected, if one was.
    pub expected_class: Option<String>,
    /// What cc-ci said, in a few words.
    pub got: String,
    /// Its verdict, if there was one.
    pub verdict: Option<String>,
    /// The cause class it gave.
    pub class: Option<String>,
    /// How long it took.
    pub took_ms: u64,
    /// How what it said differs from what was expected.
    pub differences: Vec<String>,
    /// What that is worth.
    pub reading: Reading,
    /// Where repository, run directory and outputs lie.
    pub folder: PathBuf,
}

impl Trial {
    /// A line about it; for a miss, all differences below.
    pub fn line(&self, width: usize) -> String {
        let Self { name, expected, got, took_ms, reading, .. } = self;
        let tenths = took_ms / 100;
        let (seconds, tenth) = (tenths / 10, tenths % 10);
        let mut lines = vec![format!(
            "{:12}  {name:width$}  expected {expected}; got {got}; {seconds}.{tenth} s",
            reading.word()
        )];
        lines.extend(self.differences.iter().map(|difference| format!("        {difference}")));
        if *reading != Reading::Right {
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

/// Runs an entry in a folder of its own, and compares with what is expected of it here. Never
/// fails: what goes wrong is a difference.
pub(super) fn attempt(
    entry: &Mutation,
    expected: &Expected,
    cc_ci: &Path,
    folder: PathBuf,
) -> Trial {
    let began = Instant::now();
    let (answer, mut differences) = match run(entry, cc_ci, &folder) {
        Ok((answer, missed)) => (Some(answer), missed),
        Err(error) => (None, vec![format!("{error:#}")]),
    };
    differences.extend(answer.iter().flat_map(|answer| expected.differences(answer)));
    let verdict = answer.as_ref().and_then(Answer::verdict);
    let got =
        answer.as_ref().map_or_else(|| "no answer".to_owned(), |seen| expected.brief_of(seen));
    Trial {
        name: entry.name.clone(),
        expected: expected.brief(),
        expected_verdict: expected.verdict.clone(),
        expected_class: expected.class.clone(),
        got,
        class: answer.as_ref().and_then(|answer| expected.class_of(answer)),
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        reading: Reading::of(&expected.verdict, verdict.as_deref(), !differences.is_empty()),
        verdict,
        differences,
        folder,
    }
}

/// What it said, and what should have happened to it and did not.
fn run(entry: &Mutation, cc_ci: &Path, folder: &Path) -> Result<(Answer, Vec<String>)> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let rendered = mutations::render(entry, folder)?;
    let run_directory = folder.join("run");
    if run_directory.exists() {
        // An entry that is run again into the same folder.
        fs::remove_dir_all(&run_directory)?;
    }
    let stdout = folder.join("stdout.json");
    let mut command = Command::new(cc_ci);
    command.arg("run").arg(&rendered.repository).arg("--out").arg(&run_directory);
    command.args(["--output", "json"]).args(&entry.arguments);
    if let Some(pack) = &rendered.pack {
        command.arg("--pack").arg(pack);
    }
    command.stdin(Stdio::null());
    command.stdout(File::create(&stdout)?).stderr(File::create(folder.join("stderr.txt"))?);
    let mut child = command.spawn().with_context(|| format!("cannot run `{}`", cc_ci.display()))?;
    let injector = Injector::start(entry.during.clone(), &run_directory, child.id());
    let status = finish(&mut child);
    let missed = injector.finish();
    let code = status?.code();
    let stdout = fs::read_to_string(&stdout).context("cannot read what it printed")?;
    Ok((Answer { exit: code, stdout }, missed))
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
