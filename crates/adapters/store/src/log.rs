//! The log while it is written: one JSON document a line, synced line by line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use cc_ci_model::event::Event;
use sha2::{Digest, Sha256};

/// A log that can be written to until a write fails. What a failed write left behind is not
/// known, so nothing is written after it: at most the last line is torn.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    sha256: Sha256,
    is_broken: bool,
}

impl Log {
    /// Begins a new log.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        Ok(Self { file, sha256: Sha256::new(), is_broken: false })
    }

    /// Appends an event; it is on disk when this returns.
    pub(crate) fn append(&mut self, event: &Event) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("an earlier write to it failed"));
        }
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        self.is_broken = written.is_err();
        if !self.is_broken {
            self.sha256.update(&line);
        }
        written
    }

    /// SHA-256 of all that was appended.
    pub(crate) fn sha256(&self) -> String {
        hex::encode(self.sha256.clone().finalize())
    }

    /// A log in a file that exists already and may refuse writes.
    #[cfg(test)]
    pub(crate) fn of_file(file: File) -> Self {
        Self { file, sha256: Sha256::new(), is_broken: false }
    }
}
