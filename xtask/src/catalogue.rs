//! The catalogue: known faults and known weather, put into fixture recipes or done to them while
//! cc-ci tests them, with the one answer that is right. A detector that catches nothing any more is
//! found here, before it publishes a false green; an impatient one, before it publishes a false red.
//!
//! Needs a Swarm manager and the fixture images (`./scripts/engine up`). What an entry is:
//! `tests-e2e/catalogue/README.md`.

mod answer;
mod during;
mod inject;
mod order;
mod table;
mod trial;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

pub use answer::{Answer, Expected};
pub use during::{During, Incident, Moment};
pub use inject::Injector;
pub use table::{Reading, Table};
pub use trial::Trial;

use crate::mutations::{self, Mutation};
use crate::workspace;

/// Which entries.
#[derive(Debug, Clone)]
pub enum Choice {
    /// These.
    Named(Vec<String>),
    /// Those marked `sample = true`: about a tenth, with every rung.
    Sample,
    /// Every one.
    All,
}

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which entries.
    pub choice: Choice,
    /// How many at once.
    pub jobs: usize,
    /// How often each.
    pub repeat: usize,
    /// What the order is made from; the clock otherwise.
    pub seed: Option<u64>,
    /// Start no more after the first that is not right.
    pub fail_fast: bool,
    /// Standard output is one JSON document; lines for people go to standard error.
    pub json: bool,
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

type Queue<'a> = Mutex<VecDeque<(&'a Mutation, usize)>>;

/// Runs entries, prints a line for each and what they come to. `Ok(false)` when one was not right
/// or did not run.
pub fn run(options: &Options) -> Result<bool> {
    // All are read before the first is run: a typo in the last one must not cost the others' time.
    let entries = chosen(&options.choice)?;
    let seed = options.seed.map_or_else(seed_of_the_clock, Ok)?;
    let place = Place { binary: cc_ci()?, cli: cli_version()?, out: folder(options)? };
    let trials = order::trials(&entries, options.repeat, seed);
    let asked = trials.len();
    tell(options, &format!("{asked} trials of {} entries; seed {seed}", entries.len()));
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let queue = Mutex::new(VecDeque::from(trials));
    let (sender, receiver) = mpsc::channel();
    let mut trials = Vec::new();
    thread::scope(|scope| {
        for _ in 0..options.jobs.clamp(1, asked.max(1)) {
            let (sender, queue, place) = (sender.clone(), &queue, &place);
            scope.spawn(move || work(options, queue, place, &sender));
        }
        drop(sender);
        for trial in receiver {
            tell(options, &trial.line(width));
            trials.push(trial);
        }
    });
    let table = Table::of(seed, options.repeat, asked, &trials);
    tell(options, &format!("\n{}", table.text()));
    if options.json {
        println!("{}", serde_json::to_string_pretty(&table)?);
    }
    if table.is_all_right() && options.out.is_none() {
        std::fs::remove_dir_all(&place.out)
            .with_context(|| format!("cannot remove `{}`", place.out.display()))?;
    }
    Ok(table.is_all_right())
}

fn chosen(choice: &Choice) -> Result<Vec<Mutation>> {
    let names = match choice {
        Choice::Named(names) => names.clone(),
        Choice::Sample | Choice::All => mutations::names()?,
    };
    let mut entries = names.iter().map(|name| mutations::load(name)).collect::<Result<Vec<_>>>()?;
    entries.retain(|entry| entry.sample || !matches!(choice, Choice::Sample));
    Ok(entries)
}

#[expect(clippy::print_stderr, reason = "standard output is the document's, if one is asked for")]
fn tell(options: &Options, line: &str) {
    if options.json {
        eprintln!("{line}");
    } else {
        println!("{line}");
    }
}

fn seed_of_the_clock() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

/// Takes trials from the queue until it is empty, or until one was not right and that is enough.
fn work(options: &Options, queue: &Queue<'_>, place: &Place, sender: &mpsc::Sender<Trial>) {
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let Some((entry, round)) = lock().pop_front() else {
            return;
        };
        let name = match round {
            1 => entry.name.clone(),
            _ => format!("{}.{round}", entry.name),
        };
        let expected = entry.expected_with(&place.cli);
        let trial = trial::attempt(entry, expected, &place.binary, place.out.join(name));
        if trial.reading != Reading::Right && options.fail_fast {
            lock().clear();
        }
        if sender.send(trial).is_err() {
            return;
        }
    }
}

fn folder(options: &Options) -> Result<PathBuf> {
    let Some(out) = &options.out else {
        return Ok(tempfile::Builder::new().prefix("cc-ci-catalogue.").tempdir()?.keep());
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
