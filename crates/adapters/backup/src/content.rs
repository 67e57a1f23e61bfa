//! What is in a snapshot.
//!
//! Tests: at the end of this file, and `tests/it/snapshots.rs`.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cc_ci_core::ports::SnapshotEntry;
use memchr::memmem::Finder;
use rustic_core::BlobId;
use rustic_core::repofile::{BlobType, Node};

use crate::paths::{check_volume, parts};
use crate::repository::{Snapshot, rustic};
use crate::stop::Stop;

impl Snapshot {
    /// What is in it, volumes themselves with an empty path.
    pub(crate) fn entries(&self) -> io::Result<Vec<SnapshotEntry>> {
        let mut entries = Vec::new();
        for item in self.below(&self.root)? {
            let (path, node) = item?;
            let mut parts = path.components();
            let volume = parts.next().map(|part| part.as_os_str().to_string_lossy());
            entries.push(SnapshotEntry {
                volume: volume.unwrap_or_default().into_owned(),
                path: parts.as_path().to_owned(),
                is_file: node.is_file(),
                bytes: self.length(&node)?,
            });
        }
        Ok(entries)
    }

    /// Whether a file of that volume has those bytes. No bytes at all are in no file.
    pub(crate) fn contains(&self, stop: &Stop, volume: &str, needle: &[u8]) -> io::Result<bool> {
        let (Some(top), false) = (self.find(volume, Path::new(""))?, needle.is_empty()) else {
            return Ok(false);
        };
        let finder = Finder::new(needle);
        for item in self.below(&top)? {
            let (_, node) = item?;
            let mut window = Window::new(&finder);
            let found = self.each_blob(stop, &node, |blob| Ok(window.look_at(blob)))?;
            if found.is_break() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The entry of that path; `None` when it is not in it.
    pub(crate) fn find(&self, volume: &str, path: &Path) -> io::Result<Option<Node>> {
        check_volume(volume)?;
        let mut node = self.root.clone();
        for name in [volume.into()].into_iter().chain(parts(path)?) {
            let child = self.children(&node)?.into_iter().find(|child| child.name() == name);
            match child {
                Some(child) => node = child,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// What is in a folder; nothing is in what is no folder.
    pub(crate) fn children(&self, node: &Node) -> io::Result<Vec<Node>> {
        match &node.subtree {
            Some(tree) => Ok(self.repository.get_tree(tree).map_err(rustic)?.nodes),
            None => Ok(Vec::new()),
        }
    }

    /// Hands over the bytes of a file, piece by piece, until there are enough.
    pub(crate) fn each_blob(
        &self,
        stop: &Stop,
        node: &Node,
        mut see: impl FnMut(&[u8]) -> io::Result<ControlFlow<()>>,
    ) -> io::Result<ControlFlow<()>> {
        for id in node.content.iter().flatten() {
            stop.check()?;
            let blob = self
                .repository
                .get_blob_cached(&BlobId::from(**id), BlobType::Data)
                .map_err(rustic)?;
            if see(&blob)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Everything below a folder, folders before what is in them.
    fn below(&self, node: &Node) -> io::Result<Below<'_>> {
        Ok(Below {
            snapshot: self,
            folders: vec![(PathBuf::new(), self.children(node)?.into_iter())],
        })
    }

    /// The bytes that are there: the size that the file had before it was read may be another.
    fn length(&self, node: &Node) -> io::Result<u64> {
        let mut length = 0;
        for id in node.content.iter().flatten() {
            let place = self.repository.get_index_entry(id).map_err(rustic)?;
            length += u64::from(place.data_length());
        }
        Ok(length)
    }
}

struct Below<'a> {
    snapshot: &'a Snapshot,
    folders: Vec<(PathBuf, std::vec::IntoIter<Node>)>,
}

impl Iterator for Below<'_> {
    type Item = io::Result<(PathBuf, Node)>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((path, nodes)) = self.folders.last_mut() {
            let Some(node) = nodes.next() else {
                self.folders.pop();
                continue;
            };
            let path = path.join(node.name());
            return Some(self.snapshot.children(&node).map(|children| {
                if node.is_dir() {
                    self.folders.push((path.clone(), children.into_iter()));
                }
                (path, node)
            }));
        }
        None
    }
}

/// Looks for bytes in pieces that follow each other, across their borders.
struct Window<'a> {
    finder: &'a Finder<'a>,
    /// The end of what was seen, one byte too short to be a find.
    end: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(finder: &'a Finder<'a>) -> Self {
        Self { finder, end: Vec::new() }
    }

    fn look_at(&mut self, piece: &[u8]) -> ControlFlow<()> {
        let overlap = self.finder.needle().len().saturating_sub(1);
        self.end.extend_from_slice(&piece[..overlap.min(piece.len())]);
        if self.finder.find(&self.end).is_some() || self.finder.find(piece).is_some() {
            return ControlFlow::Break(());
        }
        if piece.len() > overlap {
            self.end.clear();
            self.end.extend_from_slice(&piece[piece.len() - overlap..]);
        } else {
            let too_long = self.end.len().saturating_sub(overlap);
            self.end.drain(..too_long);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], needle: &str, expected: bool) {
        let finder = Finder::new(needle);
        let mut window = Window::new(&finder);
        let found = pieces.iter().any(|piece| window.look_at(piece.as_bytes()).is_break());
        assert_eq!(found, expected, "{needle} in {pieces:?}");
    }

    #[test]
    fn bytes_are_found_across_pieces() {
        check(&["abcdef"], "cde", true);
        check(&["abc", "def"], "cd", true);
        check(&["ab", "c", "d", "ef"], "bcde", true);
        check(&["a", "", "b"], "ab", true);
        check(&["abcx", "yzdef"], "xyz", true);
        check(&["a", "b", "c"], "abc", true);
        check(&["abc", "abd"], "abd", true);
        check(&["ab", "xab", "xb"], "abb", false);
        check(&["abc"], "c", true);
        check(&["abc", "def"], "ce", false);
        check(&["long piece with an end", " and more"], "end and", true);
        check(&["xx", "a long piece"], "xa", true);
        check(&[], "a", false);
    }

    /// Every split of a text into two or three pieces.
    #[test]
    fn no_split_hides_anything() {
        let text = "abacabadabacaba";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                for from in 0..text.len() {
                    for to in from + 1..=text.len() {
                        check(&pieces, &text[from..to], true);
                    }
                }
                check(&pieces, "dd", false);
                check(&pieces, "abacabadabacabaa", false);
            }
        }
    }
}
