//! A run that is alive.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::log::Log;
use crate::ran::Ran;
use crate::waiting::wait_for;

/// Longer than any of these tests waits for anything.
const LIMIT: Duration = Duration::from_mins(2);

/// A run that is alive. Killed when it is dropped before its end.
#[derive(Debug)]
pub struct LiveRun {
    child: Option<Child>,
    directory: PathBuf,
}

impl LiveRun {
    pub(crate) fn new(child: Child, directory: PathBuf) -> Self {
        Self { child: Some(child), directory }
    }

    pub(crate) fn is_in(&mut self, directory: PathBuf) {
        self.directory = directory;
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits until its log is as wanted, and gives it.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, is_wanted: impl Fn(&Log) -> bool) -> Log {
        let directory = self.directory.clone();
        let found = wait_for(LIMIT, || {
            let log = Log::read(&directory);
            let ended =
                self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            let wanted = is_wanted(&log);
            (wanted || ended).then_some((wanted, log))
        });
        let (wanted, log) = found.unwrap_or_else(|| panic!("`{what}` did not happen in time"));
        assert!(wanted, "the run ended before `{what}`");
        log
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is not there any more.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("the run has ended")?;
        let pid =
            i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When its output can not be read.
    pub fn finish(mut self) -> Result<Ran> {
        let child = self.child.take().context("the run has ended")?;
        let output = child.wait_with_output()?;
        Ok(Ran::of(&output, self.directory.clone()))
    }
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
