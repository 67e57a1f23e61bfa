//! Everything below some places, folders before what is in them, names in their order.
//!
//! What vanishes while one walks is passed over: it is no longer there. One descriptor is held for
//! each folder on the way down, not for each that is still to come.
//!
//! Tests: those of the modules above, in `tests/it/main.rs`.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::inode::Inode;
use crate::paths::at;

/// A place to begin at.
#[derive(Debug)]
pub(crate) struct Start {
    /// How it is called in what is found.
    pub(crate) path: PathBuf,
    pub(crate) inode: Arc<Inode>,
    pub(crate) reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The thing itself only.
    Itself,
    /// And everything below it.
    Below,
}

/// Something on the way.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) inode: Arc<Inode>,
    pub(crate) metadata: Metadata,
}

#[derive(Debug)]
pub(crate) struct Walk {
    starts: std::vec::IntoIter<Start>,
    folders: Vec<Folder>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    inode: Arc<Inode>,
    names: std::vec::IntoIter<OsString>,
}

impl Walk {
    pub(crate) fn new(starts: Vec<Start>) -> Self {
        Self { starts: starts.into_iter(), folders: Vec::new() }
    }

    fn found(&mut self, path: PathBuf, inode: Arc<Inode>, reach: Reach) -> io::Result<Found> {
        let metadata = inode.metadata().map_err(at(&path))?;
        if reach == Reach::Below && metadata.is_dir() {
            let names = inode.names().map_err(at(&path))?.into_iter();
            self.folders.push(Folder { path: path.clone(), inode: Arc::clone(&inode), names });
        }
        Ok(Found { path, inode, metadata })
    }
}

impl Iterator for Walk {
    type Item = io::Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(folder) = self.folders.last_mut() {
            let Some(name) = folder.names.next() else {
                self.folders.pop();
                continue;
            };
            let path = folder.path.join(&name);
            match folder.inode.child(&name) {
                Ok(None) => {}
                Ok(Some(child)) => return Some(self.found(path, Arc::new(child), Reach::Below)),
                Err(error) => return Some(Err(at(&path)(error))),
            }
        }
        let start = self.starts.next()?;
        Some(self.found(start.path, start.inode, start.reach))
    }
}
