//! The lock that says that a run lives.
//!
//! A kernel lock (`flock`) on a file in the run's directory: the kernel gives it back when the
//! process ends, however it ends. The file stays: removing it would let two processes lock two
//! files of one name.
//!
//! Tests: at the end of this file.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::error::{RunDirError, io_error};

pub(crate) const LOCK_FILE: &str = "lock";

/// Proof that this process holds a run's lock, as long as it exists.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl RunLock {
    /// Takes the lock of the run in `directory`, if nobody has it.
    ///
    /// # Errors
    /// [`RunDirError::Alive`] when another process, or another part of this one, holds it.
    pub fn take(directory: &Path) -> Result<Self, RunDirError> {
        let path = directory.join(LOCK_FILE);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io_error("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(RunDirError::Alive { path: directory.to_owned() }),
            Err(TryLockError::Error(source)) => Err(io_error("lock", &path)(source)),
        }
    }
}

impl Drop for RunLock {
    /// Unlocks by word, not by closing: a child that was just started holds the file open for a
    /// moment longer, and the lock with it.
    fn drop(&mut self) {
        let _closing_unlocks_too = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let lock = RunLock::take(directory.path()).unwrap();
        let refused = RunLock::take(directory.path()).unwrap_err();
        assert!(matches!(refused, RunDirError::Alive { .. }), "{refused}");
        drop(lock);
        drop(RunLock::take(directory.path()).unwrap());
        assert!(directory.path().join(LOCK_FILE).exists(), "lock files stay");
    }
}
