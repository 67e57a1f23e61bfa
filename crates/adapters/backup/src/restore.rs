//! Puts what is in a snapshot back into volumes.
//!
//! Nothing is written before all that is asked for was found in the snapshot. Every file is put
//! in its place complete, as a new one; what the snapshot does not hold stays. Below what was
//! asked for no link is followed: one that stands where the snapshot has a folder gives way to it.
//! Sockets are left out: a process makes its own.
//!
//! rustic's own restore is not used: it only logs owners, modes and attributes that it could not
//! set, follows links that a container left in its way, and takes a file for the right one if its
//! size and time are.
//!
//! Tests: at the end of this file, and `tests/it/snapshots.rs`.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cc_ci_core::ports::SnapshotSource;
use rustic_core::repofile::{Node, NodeType};
use rustix::fs::{AtFlags, FileType, Mode, linkat, mknodat, symlinkat, unlinkat};

use crate::inode::Inode;
use crate::node::dress;
use crate::paths::{at, shown};
use crate::replace::{create, make_folder, replace};
use crate::repository::{Snapshot, Store};
use crate::stop::Stop;
use crate::take::{Part, checked};
use crate::trail::{Step, Trail};

/// What file systems keep at least: runs of zeros as long as this become holes.
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Puts the sources back as that snapshot has them.
pub(crate) fn restore(
    store: &Store,
    stop: &Stop,
    id: &str,
    sources: &[SnapshotSource],
) -> io::Result<()> {
    let parts = checked(sources)?;
    let snapshot = store.snapshot(id)?;
    let mut found = Vec::new();
    for part in &parts {
        found.push(on_the_way(&snapshot, part)?);
    }
    let mut links = HashMap::new();
    for (part, nodes) in parts.iter().zip(found) {
        let root = Inode::folder(&part.root).map_err(at(&part.root))?;
        let mut restore = Restore {
            snapshot: &snapshot,
            stop,
            root: Arc::new(root),
            volume: &part.volume,
            links: &mut links,
        };
        restore.put_part(part, nodes)?;
    }
    Ok(())
}

/// The entries from a volume's root to what is asked for.
fn on_the_way(snapshot: &Snapshot, part: &Part) -> io::Result<Vec<Node>> {
    let mut nodes = Vec::new();
    let mut path = PathBuf::new();
    for name in [OsStr::new("")].into_iter().chain(part.names.iter().map(OsString::as_os_str)) {
        path.push(name);
        let Some(node) = snapshot.find(&part.volume, &path)? else {
            let message = format!("{} is not in it", shown(&part.path()));
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        };
        nodes.push(node);
    }
    Ok(nodes)
}

/// A file with several names, and where its first one is: volume, folders, name.
type Links = HashMap<(String, u64, u64), (Vec<OsString>, OsString)>;

struct Restore<'a> {
    snapshot: &'a Snapshot,
    stop: &'a Stop,
    root: Arc<Inode>,
    volume: &'a str,
    links: &'a mut Links,
}

/// A folder that is being filled.
struct Level {
    folder: Arc<Inode>,
    names: Vec<OsString>,
    node: Node,
    children: std::vec::IntoIter<Node>,
}

impl Restore<'_> {
    fn put_part(&mut self, part: &Part, mut nodes: Vec<Node>) -> io::Result<()> {
        let node = nodes.pop().expect("the way begins with the volume's root");
        let Some((name, folders)) = part.names.split_last() else {
            let level = self.level(Arc::clone(&self.root), Vec::new(), node)?;
            return self.fill(level);
        };
        let mut trail = Trail::from(Arc::clone(&self.root));
        let mut made = Vec::new();
        // The first node is the volume's root, which is there.
        for (folder, node) in folders.iter().zip(&nodes[1..]) {
            if trail.step(folder)? == Step::NoFolder {
                make_folder(trail.here(), folder).map_err(at(&part.path()))?;
                let _taken = trail.step(folder)?;
                made.push((Arc::clone(trail.here()), node));
            }
        }
        let level = Level {
            folder: Arc::clone(trail.here()),
            names: folders.to_vec(),
            node: Node::default(),
            children: Vec::new().into_iter(),
        };
        if let Some(level) = self.put(&level, name, node)? {
            self.fill(level)?;
        }
        // Only now: what is put into a folder changes its time.
        for (folder, node) in made.into_iter().rev() {
            dress(&folder, node).map_err(at(&part.path()))?;
        }
        Ok(())
    }

    fn fill(&mut self, level: Level) -> io::Result<()> {
        let mut levels = vec![level];
        while let Some(mut level) = levels.pop() {
            let Some(child) = level.children.next() else {
                dress(&level.folder, &level.node).map_err(at(&self.shown(&level.names)))?;
                continue;
            };
            let name = child.name().into_owned();
            let deeper = self.put(&level, &name, child)?;
            levels.push(level);
            levels.extend(deeper);
        }
        Ok(())
    }

    /// Puts one entry into a folder; what is in it, if it is a folder too, is still to come.
    fn put(&mut self, into: &Level, name: &OsStr, node: Node) -> io::Result<Option<Level>> {
        self.stop.check()?;
        let mut names = into.names.clone();
        names.push(name.to_owned());
        let path = self.shown(&names);
        let folder = &into.folder;
        match &node.node_type {
            NodeType::Dir => {
                let deeper = folder_in(folder, name).map_err(at(&path))?;
                return self.level(Arc::new(deeper), names, node).map(Some);
            }
            NodeType::File => self.put_file(into, name, &node),
            NodeType::Symlink { .. } => {
                let target = node.node_type.to_link();
                put_special(folder, name, &node, |new| Ok(symlinkat(target, folder.file(), new)?))
            }
            NodeType::Fifo => put_device(folder, name, &node, FileType::Fifo, 0),
            NodeType::Dev { device } => {
                put_device(folder, name, &node, FileType::BlockDevice, *device)
            }
            NodeType::Chardev { device } => {
                put_device(folder, name, &node, FileType::CharacterDevice, *device)
            }
            NodeType::Socket => Ok(()),
        }
        .map_err(at(&path))?;
        Ok(None)
    }

    fn put_file(&mut self, into: &Level, name: &OsStr, node: &Node) -> io::Result<()> {
        let has_more_names = node.meta.links > 1;
        let key = (self.volume.to_owned(), node.meta.device_id, node.meta.inode);
        if has_more_names && let Some((folders, first)) = self.links.get(&key) {
            let Some(there) = Trail::from(Arc::clone(&self.root)).follow(folders)? else {
                return Err(io::Error::other("its other name is gone again"));
            };
            let link = |new: &OsStr| {
                let (from, to) = (there.here().file(), into.folder.file());
                Ok(linkat(from, first, to, new, AtFlags::empty())?)
            };
            return replace(&into.folder, name, link, |()| Ok(()));
        }
        replace(
            &into.folder,
            name,
            |new| create(&into.folder, new),
            |file| {
                self.write(&file, node)?;
                dress(&Inode::of(file), node)
            },
        )?;
        if has_more_names {
            self.links.insert(key, (into.names.clone(), name.to_owned()));
        }
        Ok(())
    }

    fn write(&self, file: &File, node: &Node) -> io::Result<()> {
        let mut length = 0;
        let _all = self.snapshot.each_blob(self.stop, node, |blob| {
            write_with_holes(file, length, blob)?;
            length += blob.len() as u64;
            Ok(ControlFlow::Continue(()))
        })?;
        file.set_len(length)
    }

    fn level(&self, folder: Arc<Inode>, names: Vec<OsString>, node: Node) -> io::Result<Level> {
        let children = self.snapshot.children(&node)?.into_iter();
        Ok(Level { folder, names, node, children })
    }

    fn shown(&self, names: &[OsString]) -> PathBuf {
        Path::new(self.volume).join(names.iter().collect::<PathBuf>())
    }
}

/// The folder of that name, made if it is not there, in the place of anything else.
fn folder_in(folder: &Inode, name: &OsStr) -> io::Result<Inode> {
    if let Some(there) = folder.child(name)? {
        if there.metadata()?.is_dir() {
            return Ok(there);
        }
        unlinkat(folder.file(), name, AtFlags::empty())?;
    }
    make_folder(folder, name)?;
    folder.child(name)?.ok_or_else(gone)
}

fn put_device(
    folder: &Inode,
    name: &OsStr,
    node: &Node,
    kind: FileType,
    device: u64,
) -> io::Result<()> {
    put_special(folder, name, node, |new| {
        Ok(mknodat(folder.file(), new, kind, Mode::empty(), device)?)
    })
}

fn put_special(
    folder: &Inode,
    name: &OsStr,
    node: &Node,
    make: impl Fn(&OsStr) -> io::Result<()>,
) -> io::Result<()> {
    let create = |new: &OsStr| {
        make(new)?;
        folder.child(new)?.ok_or_else(gone)
    };
    replace(folder, name, create, |made| dress(&made, node))
}

fn gone() -> io::Error {
    io::Error::other("it was just made and is gone")
}

fn write_with_holes(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    for (from, to) in runs(offset, bytes) {
        file.write_all_at(&bytes[from..to], offset + from as u64)?;
    }
    Ok(())
}

/// What has to be written: all but blocks of the file that are all zeros.
fn runs(offset: u64, bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let into_block = usize::try_from(offset % BLOCK as u64).unwrap_or_default();
    let mut from = 0;
    let mut to = bytes.len().min(BLOCK - into_block);
    while from < to {
        let block = &bytes[from..to];
        match runs.last_mut() {
            _ if block == &ZEROS[..block.len()] => {}
            Some((_, end)) if *end == from => *end = to,
            _ => runs.push((from, to)),
        }
        from = to;
        to = bytes.len().min(to + BLOCK);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_of_zeros_are_left_out() {
        let mut bytes = vec![0; 5 * BLOCK];
        assert_eq!(runs(0, &bytes), []);
        assert_eq!(runs(7, &[]), []);
        bytes[BLOCK + 1] = 1;
        bytes[2 * BLOCK] = 1;
        bytes[5 * BLOCK - 1] = 1;
        assert_eq!(runs(0, &bytes), [(BLOCK, 3 * BLOCK), (4 * BLOCK, 5 * BLOCK)]);
        // Blocks are the file's, not the piece's.
        assert_eq!(runs(10, &bytes), [(BLOCK - 10, 3 * BLOCK - 10), (5 * BLOCK - 10, 5 * BLOCK)]);
        assert_eq!(runs(1, &[0, 0, 1]), [(0, 3)]);
    }
}
