//! Why a run's directory or log cannot be had.

use std::io;
use std::path::{Path, PathBuf};

/// Why a run's directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// Something is in it already.
    #[error("the directory `{}` is not empty", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no run `{wanted}`")]
    NotThere {
        /// What was asked for: a run's id or a path.
        wanted: String,
    },
    /// Its run is alive: another process holds its lock.
    #[error("the run in `{}` is alive", path.display())]
    Alive {
        /// The directory.
        path: PathBuf,
    },
    /// The file system would not.
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        /// `create directory`.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// A line before the last is no event.
    #[error("line {line} of `{}` is no event", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A newer cc-ci wrote it.
    #[error(
        "`{}` was written by a newer cc-ci: it has schema version {version}, and {known} is known",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        version: u64,
        /// The newest one that can be read.
        known: u32,
    },
}

/// Tells what was tried on `path`.
pub(crate) fn io_error(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> RunDirError {
    move |source| RunDirError::Io { operation, path: path.to_owned(), source }
}
