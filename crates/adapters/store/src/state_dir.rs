//! Where runs are kept.
//!
//! Tests: at the end of this file.

use std::path::{Path, PathBuf};

use cc_ci_model::name::RunId;

use crate::error::RunDirError;
use crate::run_dir::EVENTS_FILE;

/// cc-ci's state on this host: `<state>/runs/<run id>/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// State kept in `path`; nothing is created yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a run of that id is kept.
    pub fn run(&self, id: &RunId) -> PathBuf {
        self.path.join("runs").join(id.as_str())
    }

    /// Finds a run by its id or by the path of its directory.
    ///
    /// # Errors
    /// [`RunDirError::NotThere`] when there is none with a log.
    pub fn find_run(&self, wanted: &str) -> Result<PathBuf, RunDirError> {
        let by_id = wanted.parse().ok().map(|id: RunId| self.run(&id));
        [by_id, Some(PathBuf::from(wanted))]
            .into_iter()
            .flatten()
            .find(|path| path.join(EVENTS_FILE).is_file())
            .ok_or_else(|| RunDirError::NotThere { wanted: wanted.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_dir::RunDir;

    #[test]
    fn runs_are_found_by_id_or_path() {
        let parent = tempfile::tempdir().unwrap();
        let state = StateDir::new(parent.path());
        let id: RunId = "20261124T053000-a-0a1b2c".parse().unwrap();
        let path = state.run(&id);
        assert_eq!(path, parent.path().join("runs/20261124T053000-a-0a1b2c"));
        assert!(state.find_run(id.as_str()).is_err());
        let run = RunDir::create(&path).unwrap();
        assert_eq!(state.find_run(id.as_str()).unwrap(), path);
        assert_eq!(state.find_run(run.path().to_str().unwrap()).unwrap(), path);
        assert!(state.find_run("../elsewhere").is_err());
    }
}
