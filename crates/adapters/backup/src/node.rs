//! What a snapshot's tree says about a file, and back.
//!
//! Owners are numbers only: the names of this host mean nothing in a container.
//!
//! Tests: at the end of this file, and `tests/it/snapshots.rs`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use rustix::fs::Timespec;
use serde_json::json;

use crate::inode::{Inode, Xattr};
use crate::walk::Found;

/// The format has these three bits where Go has them.
const SPECIAL_BITS: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];

/// The entry of a snapshot for what was found.
pub(crate) fn node(found: &Found) -> io::Result<Node> {
    let name = found.path.file_name().unwrap_or_default();
    let metadata = &found.metadata;
    let mut kept = Metadata {
        mode: Some(to_go(metadata.mode())),
        mtime: Some(timestamp(metadata.mtime(), metadata.mtime_nsec())?),
        atime: Some(timestamp(metadata.atime(), metadata.atime_nsec())?),
        ctime: Some(timestamp(metadata.ctime(), metadata.ctime_nsec())?),
        uid: Some(metadata.uid()),
        gid: Some(metadata.gid()),
        inode: metadata.ino(),
        device_id: metadata.dev(),
        links: metadata.nlink(),
        ..Metadata::default()
    };
    if metadata.is_file() {
        kept.size = metadata.len();
    }
    let xattrs = xattrs(&found.inode)?;
    if !xattrs.is_empty() {
        // Their type has no public name: it is made from what it looks like in the repository.
        let entries = xattrs.iter().map(xattr_entry).collect::<io::Result<_>>()?;
        kept.extended_attributes = serde_json::from_value(serde_json::Value::Array(entries))?;
    }
    Ok(Node::new_node(name, kind(&found.inode, metadata)?, kept))
}

/// Gives an entry of a volume the owner, mode, attributes and times that the snapshot has.
pub(crate) fn dress(inode: &Inode, node: &Node) -> io::Result<()> {
    // In this order: a new owner clears bits of the mode, and some attributes; who may not write
    // may not set attributes; and all of it changes times.
    inode.set_owner(node.meta.uid, node.meta.gid)?;
    inode.set_xattrs(&wanted_xattrs(node))?;
    if let (Some(mode), false) = (node.meta.mode, node.is_symlink()) {
        inode.set_mode(from_go(mode))?;
    }
    match node.meta.mtime {
        Some(changed) => {
            let read = node.meta.atime.unwrap_or(changed);
            inode.set_times(timespec(read), timespec(changed))
        }
        None => Ok(()),
    }
}

fn kind(inode: &Inode, metadata: &fs::Metadata) -> io::Result<NodeType> {
    let kind = metadata.file_type();
    let device = metadata.rdev();
    Ok(if kind.is_dir() {
        NodeType::Dir
    } else if kind.is_symlink() {
        NodeType::from_link(Path::new(&inode.link_target()?))
    } else if kind.is_fifo() {
        NodeType::Fifo
    } else if kind.is_socket() {
        NodeType::Socket
    } else if kind.is_block_device() {
        NodeType::Dev { device }
    } else if kind.is_char_device() {
        NodeType::Chardev { device }
    } else {
        NodeType::File
    })
}

fn xattrs(inode: &Inode) -> io::Result<Vec<Xattr>> {
    match inode.xattrs() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Vec::new()),
        xattrs => xattrs,
    }
}

fn xattr_entry((name, value): &Xattr) -> io::Result<serde_json::Value> {
    let Some(name) = name.to_str() else {
        let message = "it has an extended attribute whose name is no text";
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    };
    Ok(json!({ "name": name, "value": STANDARD.encode(value) }))
}

fn wanted_xattrs(node: &Node) -> Vec<Xattr> {
    let kept = node.meta.extended_attributes.iter();
    kept.map(|xattr| (OsString::from(&xattr.name), xattr.value.clone().unwrap_or_default()))
        .collect()
}

fn timestamp(seconds: i64, nanoseconds: i64) -> io::Result<Timestamp> {
    i32::try_from(nanoseconds)
        .ok()
        .and_then(|nanoseconds| Timestamp::new(seconds, nanoseconds).ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it has a time beyond all years"))
}

/// A second and what has passed of it: the kernel does not count backwards before 1970.
fn timespec(time: Timestamp) -> Timespec {
    let (second, nanosecond) = (time.as_second(), i64::from(time.subsec_nanosecond()));
    let (tv_sec, tv_nsec) = if nanosecond < 0 {
        (second - 1, nanosecond + 1_000_000_000)
    } else {
        (second, nanosecond)
    };
    Timespec { tv_sec, tv_nsec }
}

fn to_go(mode: u32) -> u32 {
    let special = SPECIAL_BITS.iter().filter(|(bit, _)| mode & bit != 0);
    special.fold(mode & 0o777, |go, (_, bit)| go | bit)
}

fn from_go(go: u32) -> u32 {
    let special = SPECIAL_BITS.iter().filter(|(_, bit)| go & bit != 0);
    special.fold(go & 0o777, |mode, (bit, _)| mode | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_comes_back() {
        for mode in 0..=0o7777 {
            assert_eq!(from_go(to_go(0o100_000 | mode)), mode);
        }
        // As Go writes it.
        assert_eq!(to_go(0o104_755), 0o755 | 1 << 23);
    }

    #[test]
    fn times_come_back_to_the_nanosecond() {
        for (seconds, nanoseconds) in
            [(0, 0), (1_700_000_000, 123_456_789), (-1, 999_999_999), (-5, 1)]
        {
            let back = timespec(timestamp(seconds, nanoseconds).unwrap());
            assert_eq!((back.tv_sec, back.tv_nsec), (seconds, nanoseconds));
        }
        assert!(timestamp(i64::MAX, 0).is_err());
    }
}
