//! The way into a volume, folder by folder.
//!
//! Links between folders of one volume are followed, as a process in a container would follow
//! them: an app may move its data and leave a link. Links that lead out of the volume are refused,
//! and so are absolute ones, which mean a place in some container. `openat2` would do this in one
//! call, but is not there in every container engine's seccomp profile; this works everywhere.
//!
//! Tests: at the end of this file.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

use crate::inode::Inode;

/// The kernel's own limit.
const MOST_LINKS: usize = 40;

/// Where a step led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Step {
    /// Into a folder.
    Taken,
    /// Nowhere: there is no such folder.
    NoFolder,
}

/// Folders from a volume's root to where one stands.
#[derive(Debug)]
pub(crate) struct Trail {
    /// Never empty.
    folders: Vec<Arc<Inode>>,
}

impl Trail {
    pub(crate) fn from(root: Arc<Inode>) -> Self {
        Self { folders: vec![root] }
    }

    /// Where one stands.
    pub(crate) fn here(&self) -> &Arc<Inode> {
        self.folders.last().expect("a trail begins with its root")
    }

    /// Goes all the way, or not at all.
    pub(crate) fn follow(mut self, parts: &[OsString]) -> io::Result<Option<Self>> {
        for part in parts {
            if self.step(part)? == Step::NoFolder {
                return Ok(None);
            }
        }
        Ok(Some(self))
    }

    /// Goes into the folder of that name, or into the one a link of that name leads to.
    pub(crate) fn step(&mut self, part: &OsStr) -> io::Result<Step> {
        let mut folders = self.folders.clone();
        let mut ahead = VecDeque::from([part.to_owned()]);
        let mut links = 0;
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                folders.pop();
                if folders.is_empty() {
                    return Err(leads_out());
                }
                continue;
            }
            let here = folders.last().expect("a trail never leaves its root");
            let Some(found) = here.child(&part)? else {
                return Ok(Step::NoFolder);
            };
            let kind = found.metadata()?.file_type();
            if kind.is_dir() {
                folders.push(Arc::new(found));
            } else if kind.is_symlink() {
                links += 1;
                if links > MOST_LINKS {
                    return Err(io::Error::other("too many links on the way"));
                }
                prepend(&mut ahead, Path::new(&found.link_target()?))?;
            } else {
                return Ok(Step::NoFolder);
            }
        }
        self.folders = folders;
        Ok(Step::Taken)
    }
}

fn prepend(ahead: &mut VecDeque<OsString>, target: &Path) -> io::Result<()> {
    for component in target.components().rev() {
        match component {
            Component::Normal(_) | Component::ParentDir => {
                ahead.push_front(component.as_os_str().to_owned());
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(leads_out()),
        }
    }
    Ok(())
}

fn leads_out() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "a link on the way leads out of the volume")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[track_caller]
    fn check(volume: &Path, path: &str, expected: &str) {
        let root = Arc::new(Inode::folder(volume).unwrap());
        let parts: Vec<OsString> = path.split('/').map(OsString::from).collect();
        let found = match Trail::from(root).follow(&parts) {
            Ok(Some(trail)) => {
                let inode = trail.here().metadata().unwrap().ino();
                assert_eq!(inode, fs::metadata(volume.join(expected)).unwrap().ino());
                return;
            }
            Ok(None) => "none".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{path}: {found}");
    }

    #[test]
    fn links_between_folders_are_followed_but_not_out() {
        let host = tempfile::tempdir().unwrap();
        let volume = host.path().join("volume");
        fs::create_dir_all(volume.join("a/b/c")).unwrap();
        fs::create_dir(host.path().join("outside")).unwrap();
        fs::File::create(volume.join("file")).unwrap();
        for (target, link) in [
            ("a/b", "to-b"),
            ("../../to-b/.", "a/b/to-c"),
            ("../outside", "out"),
            ("a/../../volume/a", "out-and-back"),
            ("/a", "absolute"),
            ("loop", "loop"),
            ("gone", "dangling"),
            ("file", "to-file"),
        ] {
            symlink(target, volume.join(link)).unwrap();
        }
        check(&volume, "a/b", "a/b");
        check(&volume, "to-b/c", "a/b/c");
        check(&volume, "a/b/to-c/to-c/c", "a/b/c");
        check(&volume, "out", "leads out");
        check(&volume, "out-and-back", "leads out");
        check(&volume, "absolute", "leads out");
        check(&volume, "loop", "too many links");
        for nowhere in ["dangling", "a/gone/b", "file", "file/x", "to-file"] {
            check(&volume, nowhere, "none");
        }
    }
}
