//! Puts something new in the place of what is there, in one step.
//!
//! It is made beside its place under a name of its own and renamed when it is complete: a process
//! in a container sees the old one or the new one, and other names of the old one keep the old
//! content.
//!
//! Tests: those of the modules above, in `tests/it/main.rs`.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::inode::Inode;

/// How many names are tried: leftovers of a process that was killed may have some.
const MOST_TRIES: u32 = 1000;

/// What `create` made under a name of its own goes to `finish`, and then to its place.
///
/// A folder in its place is removed if it is empty, and in the way if it is not.
pub(crate) fn replace<T>(
    folder: &Inode,
    name: &OsStr,
    create: impl Fn(&OsStr) -> io::Result<T>,
    finish: impl FnOnce(T) -> io::Result<()>,
) -> io::Result<()> {
    let (new, made) = under_new_name(create)?;
    let done = finish(made).and_then(|()| rename(folder, &new, name));
    // Still there after a failure, and when it is another name of the very file that it replaces:
    // such a rename does nothing.
    let _gone = unlinkat(folder.file(), &new, AtFlags::empty());
    done
}

/// Makes a folder that is private until it gets its mode.
pub(crate) fn make_folder(folder: &Inode, name: &OsStr) -> io::Result<()> {
    Ok(mkdirat(folder.file(), name, Mode::RWXU)?)
}

/// Makes a file that was not there, private until it gets its mode.
pub(crate) fn create(folder: &Inode, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    Ok(openat(folder.file(), name, flags, mode)?.into())
}

fn under_new_name<T>(create: impl Fn(&OsStr) -> io::Result<T>) -> io::Result<(OsString, T)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    for _ in 0..MOST_TRIES {
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = OsString::from(format!(".cc-ci-new-{}-{count}", process::id()));
        match create(&name) {
            Ok(made) => return Ok((name, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("every name for a new file is taken"))
}

fn rename(folder: &Inode, from: &OsStr, to: &OsStr) -> io::Result<()> {
    let folder = folder.file();
    match renameat(folder, from, folder, to) {
        Err(Errno::ISDIR | Errno::EXIST | Errno::NOTEMPTY) => {}
        done => return Ok(done?),
    }
    match unlinkat(folder, to, AtFlags::REMOVEDIR) {
        Err(Errno::EXIST | Errno::NOTEMPTY) => {
            return Err(io::Error::other("a folder that is not empty is in its place"));
        }
        done => done?,
    }
    Ok(renameat(folder, from, folder, to)?)
}
