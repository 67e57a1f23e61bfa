//! The canary: puts known faults into fixture recipes, runs cc-ci on them, and says how many it
//! caught for the right reason. A detector that catches nothing any more is found here, before
//! it publishes a false green.
//!
//! Needs a Swarm manager and the fixture images (`./scripts/engine up`).

mod answer;
mod trial;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::{Context, Result, ensure};

pub use answer::{Answer, Expected};
pub use trial::{Trial, attempt};

use crate::{mutations, workspace};

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Names of mutations; all when empty.
    pub names: Vec<String>,
    /// How many at once.
    pub jobs: usize,
    /// Start the next ones although one was missed.
    pub keep_going: bool,
    /// Where repositories and run directories go; a new temporary folder otherwise.
    pub out: Option<PathBuf>,
}

/// What is tried, with what, and where its files go.
struct Place {
    binary: PathBuf,
    /// The version of the docker CLI that deploys.
    cli: String,
    out: PathBuf,
}

/// Runs mutations and prints a line for each. `Ok(false)` when one was missed or did not run.
pub fn run(options: &Options) -> Result<bool> {
    let names = if options.names.is_empty() { mutations::names()? } else { options.names.clone() };
    // All are read before the first is run: a typo in the last one must not cost the others' time.
    let all = names.iter().map(|name| mutations::load(name)).collect::<Result<Vec<_>>>()?;
    let place = Place { binary: cc_ci()?, cli: cli_version()?, out: folder(options)? };
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let total = all.len();
    let mut caught = 0;
    let mut ran = 0;
    let queue = Mutex::new(VecDeque::from(all));
    let (sender, trials) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, total.max(1)) {
            let (sender, queue, place) = (sender.clone(), &queue, &place);
            scope.spawn(move || work(options, queue, place, &sender));
        }
        drop(sender);
        for trial in trials {
            println!("{}", trial.line(width));
            ran += 1;
            caught += usize::from(trial.is_caught());
        }
    });
    let rest = if ran < total {
        format!(" ({} not run after the miss)", total - ran)
    } else {
        String::new()
    };
    println!("caught {caught} of {total}{rest}");
    if caught == total && options.out.is_none() {
        std::fs::remove_dir_all(&place.out)
            .with_context(|| format!("cannot remove `{}`", place.out.display()))?;
    }
    Ok(caught == total)
}

/// Takes mutations from the queue until it is empty, or until one was missed and that is enough.
fn work(
    options: &Options,
    queue: &Mutex<VecDeque<mutations::Mutation>>,
    place: &Place,
    sender: &mpsc::Sender<Trial>,
) {
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some(mutation) = lock().pop_front() else {
            return;
        };
        let expected = mutation.expected_with(&place.cli);
        let trial = attempt(&mutation, expected, &place.binary, &place.out.join(&mutation.name));
        if !trial.is_caught() && !options.keep_going {
            lock().clear();
        }
        if sender.send(trial).is_err() {
            return;
        }
    }
}

fn folder(options: &Options) -> Result<PathBuf> {
    let Some(out) = &options.out else {
        return Ok(tempfile::Builder::new().prefix("cc-ci-canary.").tempdir()?.keep());
    };
    std::fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    // Handed to a program with another working directory, maybe.
    Ok(out.canonicalize()?)
}

/// The program under test: `CC_CI_BIN`, else built here and now.
fn cc_ci() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CC_CI_BIN") {
        let path = PathBuf::from(path);
        ensure!(path.is_file(), "CC_CI_BIN names `{}`, which is no file", path.display());
        return Ok(path);
    }
    let status = workspace::cargo().args(["build", "--quiet", "--package", "cc-ci"]).status()?;
    ensure!(status.success(), "cc-ci could not be built");
    let metadata = workspace::metadata()?;
    let target =
        metadata["target_directory"].as_str().context("cargo names no target directory")?;
    Ok(Path::new(target).join("debug/cc-ci"))
}

fn cli_version() -> Result<String> {
    let version = ["version", "--format", "{{.Client.Version}}"];
    let output = Command::new("docker").args(version).output().context("cannot run `docker`")?;
    // Without an engine it says the version all the same, and fails.
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    ensure!(!version.is_empty(), "`docker version` names no version of the CLI");
    Ok(version)
}
