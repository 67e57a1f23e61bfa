//! What these tests share.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use cc_ci_backup::{HostVolumes, RusticSnapshots};
use cc_ci_core::ports::{Entropy, SnapshotSource};
use rustix::fs::{CWD, XattrFlags, setxattr};
use rustix::process::{getegid, geteuid};
use tempfile::TempDir;

/// A host with volumes and a place for a repository.
pub(crate) struct Host {
    folder: TempDir,
    pub(crate) volumes: HostVolumes,
    pub(crate) snapshots: RusticSnapshots,
}

impl Host {
    pub(crate) fn with_volumes(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("volumes");
        for name in names {
            fs::create_dir_all(root.join(name).join("_data")).unwrap();
        }
        Self {
            volumes: HostVolumes::new(root),
            snapshots: RusticSnapshots::new(folder.path().join("run/snapshots"), Arc::new(Sevens)),
            folder,
        }
    }

    /// A folder that no volume holds.
    pub(crate) fn outside(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self, volume: &str) -> PathBuf {
        self.folder.path().join("volumes").join(volume).join("_data")
    }

    pub(crate) fn source(&self, volume: &str, path: impl AsRef<Path>) -> SnapshotSource {
        SnapshotSource {
            volume: volume.to_owned(),
            root: self.data(volume),
            path: path.as_ref().to_owned(),
        }
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("run/snapshots")
    }
}

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// Writes a file, folders included.
pub(crate) fn put(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    #[expect(clippy::disallowed_methods, reason = "tests prepare what they look at")]
    fs::write(path, content).unwrap();
    path.to_owned()
}

pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

/// An owner that is somebody else if this is root.
pub(crate) fn somebody() -> (u32, u32) {
    if is_root() {
        return (12_345, 54_321);
    }
    (geteuid().as_raw(), getegid().as_raw())
}

/// Gives it an owner, a mode and a time in the past.
pub(crate) fn dress(path: &Path, mode: u32) {
    let (uid, gid) = somebody();
    chown(path, Some(uid), Some(gid)).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    past(path);
}

/// Sets both times of a thing that is no link to one in the past.
pub(crate) fn past(path: &Path) {
    let time = rustix::fs::Timespec { tv_sec: 1_234_567_890, tv_nsec: 123_456_789 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
    rustix::fs::utimensat(CWD, path, &times, flags).unwrap();
}

pub(crate) fn set_attribute(path: &Path, name: impl AsRef<OsStr>, value: &[u8]) {
    setxattr(path, name.as_ref(), value, XattrFlags::empty()).unwrap();
}

/// A time to measure from.
#[expect(clippy::disallowed_methods, reason = "durations are shown in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
