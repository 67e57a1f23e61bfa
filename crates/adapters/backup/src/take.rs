//! Takes a snapshot.
//!
//! In it, a volume is a folder at the top with the volume's name, whatever path it has on this
//! host. Folders on the way to a part of a volume are in it too, with their owners and modes, but
//! nothing else of what they hold.
//!
//! Tests: at the end of this file, and `tests/it/snapshots.rs`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cc_ci_core::ports::SnapshotSource;
use rustic_core::{BackupOptions, ParentOptions, SnapshotOptions};

use crate::inode::Inode;
use crate::paths::{at, check_volume, parts, refused, shown};
use crate::repository::{Store, rustic};
use crate::source::Source;
use crate::stop::Stop;
use crate::trail::{Step, Trail};
use crate::walk::{Reach, Start};

/// A source, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) volume: String,
    pub(crate) root: PathBuf,
    pub(crate) names: Vec<OsString>,
}

impl Part {
    fn holds(&self, other: &Self) -> bool {
        self.volume == other.volume && other.names.starts_with(&self.names)
    }

    pub(crate) fn path(&self) -> PathBuf {
        Path::new(&self.volume).join(self.names.iter().collect::<PathBuf>())
    }
}

/// Takes one of all sources; gives its id.
pub(crate) fn take(
    store: &Store,
    stop: &Stop,
    tag: &str,
    sources: &[SnapshotSource],
) -> io::Result<String> {
    let parts = checked(sources)?;
    let source = Source::new(starts(&parts)?, stop);
    // Only what somebody would read in the repository: volumes, since these have to be text.
    let mut paths: Vec<PathBuf> =
        parts.iter().map(|part| Path::new("/").join(&part.volume)).collect();
    paths.dedup();
    // Every file is read: whether one changed is not guessed from times and sizes.
    let options =
        BackupOptions::default().no_scan(true).parent_opts(ParentOptions::default().force(true));
    let new = SnapshotOptions::default()
        .host("cc-ci".to_owned())
        .command("cc-ci".to_owned())
        .add_tags(tag)
        .and_then(|options| options.to_snapshot())
        .map_err(rustic)?;
    let repository = store.open()?.to_indexed_ids().map_err(rustic)?;
    let taken = repository.archive(&options, &source, new, &paths).map_err(rustic)?;
    let lacks = source.tally().check(taken.summary.as_ref());
    if lacks.is_err() {
        // Best effort: its id is given to nobody.
        let _removed = repository.delete_snapshots(&[taken.id]);
    }
    lacks.map(|()| taken.id.to_hex().as_str().to_owned())
}

/// The sources without those that are in others already, in the order of their paths.
pub(crate) fn checked(sources: &[SnapshotSource]) -> io::Result<Vec<Part>> {
    let mut parts = sources.iter().map(part).collect::<io::Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Err(refused("there is nothing to take it of"));
    }
    parts.sort_by(|one, other| (&one.volume, &one.names).cmp(&(&other.volume, &other.names)));
    let mut kept: Vec<Part> = Vec::new();
    for part in parts {
        match kept.last() {
            Some(last) if last.volume == part.volume && last.root != part.root => {
                let message = format!("volume {} is said to be in two places", part.volume);
                return Err(refused(&message));
            }
            Some(last) if last.holds(&part) => {}
            _ => kept.push(part),
        }
    }
    Ok(kept)
}

fn part(source: &SnapshotSource) -> io::Result<Part> {
    let about = Path::new(&source.volume).join(&source.path);
    check_volume(&source.volume).map_err(at(Path::new(&source.volume)))?;
    Ok(Part {
        volume: source.volume.clone(),
        root: source.root.clone(),
        names: parts(&source.path).map_err(at(&about))?,
    })
}

/// Where to begin reading: the folders on the way, and what is asked for. In the order of their
/// paths, which is the order that the archive needs.
fn starts(parts: &[Part]) -> io::Result<Vec<Start>> {
    let mut starts = BTreeMap::new();
    for part in parts {
        let root = Inode::folder(&part.root).map_err(at(&part.root))?;
        add(&mut starts, part, Arc::new(root)).map_err(at(&part.path()))?;
    }
    let start = |(path, (inode, reach))| Start { path, inode, reach };
    Ok(starts.into_iter().map(start).collect())
}

fn add(
    starts: &mut BTreeMap<PathBuf, (Arc<Inode>, Reach)>,
    part: &Part,
    root: Arc<Inode>,
) -> io::Result<()> {
    let mut path = PathBuf::from(&part.volume);
    let Some((name, folders)) = part.names.split_last() else {
        starts.insert(path, (root, Reach::Below));
        return Ok(());
    };
    let mut trail = Trail::from(root);
    for folder in folders {
        starts.insert(path.clone(), (Arc::clone(trail.here()), Reach::Itself));
        path.push(folder);
        if trail.step(folder)? == Step::NoFolder {
            return Err(missing(&path));
        }
    }
    starts.insert(path.clone(), (Arc::clone(trail.here()), Reach::Itself));
    path.push(name);
    let Some(found) = trail.here().child(name)? else {
        return Err(missing(&path));
    };
    starts.insert(path, (Arc::new(found), Reach::Below));
    Ok(())
}

fn missing(path: &Path) -> io::Error {
    let message = format!("there is no {}", shown(path));
    io::Error::new(io::ErrorKind::NotFound, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(volume: &str, root: &str, path: &str) -> SnapshotSource {
        SnapshotSource { volume: volume.to_owned(), root: root.into(), path: path.into() }
    }

    #[test]
    fn a_source_inside_another_is_taken_once() {
        let checked = checked(&[
            source("b", "/b", "x/y"),
            source("a", "/a", "dump-2"),
            source("a", "/a", "dump"),
            source("a", "/a", "dump/x"),
            source("a", "/a", "./dump/"),
            source("b", "/b", ""),
        ]);
        let paths: Vec<PathBuf> = checked.unwrap().iter().map(Part::path).collect();
        assert_eq!(paths, [Path::new("a/dump"), Path::new("a/dump-2"), Path::new("b")]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let why = |sources: &[SnapshotSource]| checked(sources).unwrap_err().to_string();
        assert_eq!(why(&[]), "there is nothing to take it of");
        assert!(why(&[source("a/b", "/a", "")]).contains("`a/b`: that is no name"));
        assert!(why(&[source("a", "/a", "../b")]).contains("`a/../b`"));
        assert!(why(&[source("a", "/a", "/b")]).contains("absolute"));
        assert!(why(&[source("a", "/a", "x"), source("a", "/b", "y")]).contains("two places"));
    }
}
