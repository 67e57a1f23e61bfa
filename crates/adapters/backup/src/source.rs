//! What goes into a snapshot, as rustic reads it.
//!
//! rustic only logs what it cannot read and leaves it out; here every such thing is counted, so
//! that a snapshot that lacks something is an error.
//!
//! Tests: at the end of this file, and `tests/it/snapshots.rs`.

use std::fs::File;
use std::io::{self, Read, Take};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustic_core::repofile::SnapshotSummary;
use rustic_core::{
    ErrorKind, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticError, RusticResult,
};

use crate::inode::Inode;
use crate::node::node;
use crate::paths::at;
use crate::stop::Stop;
use crate::walk::{Found, Start, Walk};

/// What happened on the way into a snapshot.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    folders: AtomicU64,
    others: AtomicU64,
    problems: Mutex<Problems>,
}

#[derive(Debug, Default)]
struct Problems {
    first: Option<io::Error>,
    more: usize,
}

impl Tally {
    /// Whether everything that was found is in the snapshot.
    pub(crate) fn check(&self, summary: Option<&SnapshotSummary>) -> io::Result<()> {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = problems.first.take() {
            let more = problems.more;
            return Err(match more {
                0 => error,
                _ => io::Error::other(format!("{error} (and {more} more)")),
            });
        }
        let found = (self.folders.load(Ordering::Relaxed), self.others.load(Ordering::Relaxed));
        // The tree above the volumes counts as a folder too.
        let kept = summary.map_or((0, 0), |summary| {
            let folders = summary.total_dirs_processed.saturating_sub(1);
            (folders, summary.total_files_processed)
        });
        if found == kept {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "of {} folders and {} files only {} and {} got into it",
            found.0, found.1, kept.0, kept.1
        )))
    }

    fn found(&self, found: &Found) {
        let count = if found.metadata.is_dir() { &self.folders } else { &self.others };
        count.fetch_add(1, Ordering::Relaxed);
    }

    fn problem(&self, error: io::Error) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match problems.first {
            None => problems.first = Some(error),
            Some(_) => problems.more += 1,
        }
    }
}

/// Places of volumes, to be read once.
#[derive(Debug)]
pub(crate) struct Source {
    starts: Mutex<Vec<Start>>,
    tally: Arc<Tally>,
    stop: Stop,
}

impl Source {
    pub(crate) fn new(starts: Vec<Start>, stop: &Stop) -> Self {
        Self { starts: Mutex::new(starts), tally: Arc::default(), stop: stop.clone() }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl ReadSource for Source {
    type Open = Waiting;
    type Iter = Entries;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Entries {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        Entries {
            walk: Walk::new(std::mem::take(&mut *starts)),
            tally: Arc::clone(&self.tally),
            stop: self.stop.clone(),
        }
    }
}

/// One entry of the snapshot after the other.
#[derive(Debug)]
pub(crate) struct Entries {
    walk: Walk,
    tally: Arc<Tally>,
    stop: Stop,
}

impl Iterator for Entries {
    type Item = RusticResult<ReadSourceEntry<Waiting>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.stop.check() {
            self.tally.problem(error);
            return None;
        }
        let entry = self.walk.next()?.and_then(|found| {
            let node = node(&found).map_err(at(&found.path))?;
            self.tally.found(&found);
            let open = found.metadata.is_file().then(|| Waiting {
                path: found.path.clone(),
                inode: found.inode,
                tally: Arc::clone(&self.tally),
                stop: self.stop.clone(),
            });
            Ok(ReadSourceEntry { path: Path::new("/").join(&found.path), node, open })
        });
        Some(entry.map_err(|error| {
            let told = rustic_error(&error);
            self.tally.problem(error);
            told
        }))
    }
}

/// A file that is still to be read.
#[derive(Debug)]
pub(crate) struct Waiting {
    path: PathBuf,
    inode: Arc<Inode>,
    tally: Arc<Tally>,
    stop: Stop,
}

impl ReadSourceOpen for Waiting {
    type Reader = Reader;

    fn open(self) -> RusticResult<Reader> {
        let opened = self.inode.open().and_then(|file| {
            // What is appended from now on is not waited for: a log may grow faster than one reads.
            let length = file.metadata()?.len();
            Ok(file.take(length))
        });
        match opened {
            Ok(file) => Ok(Reader { file, waiting: self }),
            Err(error) => {
                let told = rustic_error(&error);
                self.tally.problem(at(&self.path)(error));
                Err(told)
            }
        }
    }
}

/// A file that is being read. It may change meanwhile: what is read is what goes in.
#[derive(Debug)]
pub(crate) struct Reader {
    file: Take<File>,
    waiting: Waiting,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let done = self.waiting.stop.check().and_then(|()| self.file.read(buffer));
        done.inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                let error = io::Error::new(error.kind(), error.to_string());
                self.waiting.tally.problem(at(&self.waiting.path)(error));
            }
        })
    }
}

fn rustic_error(error: &io::Error) -> Box<RusticError> {
    RusticError::new(ErrorKind::InputOutput, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(folders: u64, files: u64) -> SnapshotSummary {
        let mut summary = SnapshotSummary::default();
        summary.total_dirs_processed = folders + 1;
        summary.total_files_processed = files;
        summary
    }

    #[test]
    fn whatever_is_lacking_is_an_error() {
        let tally = Tally::default();
        tally.folders.store(2, Ordering::Relaxed);
        tally.others.store(5, Ordering::Relaxed);
        assert!(tally.check(Some(&kept(2, 5))).is_ok());
        for (folders, files) in [(2, 4), (1, 5), (2, 6), (0, 0)] {
            assert!(tally.check(Some(&kept(folders, files))).is_err());
        }
        let error = tally.check(None).unwrap_err().to_string();
        assert_eq!(error, "of 2 folders and 5 files only 0 and 0 got into it");

        tally.problem(at(Path::new("v/a"))(io::Error::other("cannot be read")));
        tally.problem(io::Error::other("another"));
        let error = tally.check(Some(&kept(2, 5))).unwrap_err().to_string();
        assert_eq!(error, "`v/a`: cannot be read (and 1 more)");
    }
}
