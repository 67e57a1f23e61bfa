//! A command of cc-ci that ended, and what a test expects of it.

use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context as _, Result};
use cc_ci_model::results::Results;

use crate::engine;
use crate::log::Log;

/// A command that ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
    /// The run directory, if the command was a run; else the lab.
    pub directory: PathBuf,
}

impl Ran {
    pub(crate) fn of(output: &Output, directory: PathBuf) -> Self {
        Self {
            exit: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            directory,
        }
    }

    /// The results it printed.
    ///
    /// # Errors
    /// When it printed none.
    pub fn results(&self) -> Result<Results> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("no results; exit {:?}, it said: {}", self.exit, self.stderr))
    }

    /// The results it left in its directory.
    ///
    /// # Errors
    /// When there are none.
    pub fn results_file(&self) -> Result<Results> {
        Ok(serde_json::from_str(&std::fs::read_to_string(self.directory.join("results.json"))?)?)
    }

    /// Its log.
    pub fn log(&self) -> Log {
        Log::read(&self.directory)
    }

    /// It ended with that exit code.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn exited(&self, code: i32) -> &Self {
        assert_eq!(self.exit, Some(code), "{}\n{}", self.stderr, self.stdout);
        self
    }

    /// It said that to people, as part of what it wrote to standard error.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn said(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no `{text}` in: {}", self.stderr);
        self
    }

    /// Nothing of the run is on the engine, its anonymous volumes included; and the run says so.
    ///
    /// # Panics
    /// When something is, or when the log does not tell which run it was.
    #[track_caller]
    pub fn left_nothing(&self) -> &Self {
        let log = self.log();
        assert_eq!(engine::leftovers(&log.run_id(), &log.stacks()), [""; 0]);
        for volume in log.anonymous_volumes() {
            assert!(!engine::object_exists("volume", &volume), "anonymous volume {volume}");
        }
        if let Ok(results) = self.results() {
            assert!(results.is_final && results.cleanup.complete, "{:?}", results.cleanup);
        }
        self
    }
}
