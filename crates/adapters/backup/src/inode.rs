//! Files and folders held by descriptors.
//!
//! A path may mean something else a moment later; a descriptor does not. Everything that is read
//! or changed here goes through one. For what has no call of its own that takes such a descriptor,
//! `/proc/self/fd` is a path to exactly the thing that is held, even if it is a link.
//!
//! Tests: those of the modules above, in `tests/it/main.rs`.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, Timespec, Timestamps, XattrFlags, getxattr, listxattr,
    listxattr_query, openat, readlinkat, removexattr, setxattr, utimensat,
};
use rustix::io::Errno;

use crate::paths::{is_single, refused};

/// The kernel's limit for the names of a file's attributes, and for the value of each.
const XATTR_BYTES: usize = 64 << 10;

/// An extended attribute: its name and its value.
pub(crate) type Xattr = (OsString, Vec<u8>);

/// Something in a file system: it stays the same whatever is renamed meanwhile.
#[derive(Debug)]
pub(crate) struct Inode {
    file: File,
}

impl Inode {
    /// A folder of the host, links followed: for paths that no container can change.
    pub(crate) fn folder(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self::of(openat(CWD, path, flags, Mode::empty())?.into()))
    }

    /// What has that name in this folder, links not followed; `None` when nothing has.
    pub(crate) fn child(&self, name: &OsStr) -> io::Result<Option<Self>> {
        if !is_single(name) {
            return Err(refused("that is no name of a file"));
        }
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.file, name, flags, Mode::empty()) {
            Ok(found) => Ok(Some(Self::of(found.into()))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn of(file: File) -> Self {
        Self { file }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Opens a regular file to read it. When it was read last is left as it is, where that is
    /// allowed.
    pub(crate) fn open(&self) -> io::Result<File> {
        if !self.metadata()?.is_file() {
            return Err(refused("it is no regular file"));
        }
        Ok(self.open_with(OFlags::NONBLOCK)?.into())
    }

    /// The names in a folder, in their order.
    pub(crate) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::new(self.open_with(OFlags::DIRECTORY)?)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !matches!(name.as_slice(), b"." | b"..") {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Where a link points.
    pub(crate) fn link_target(&self) -> io::Result<OsString> {
        let target = readlinkat(&self.file, "", Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// The extended attributes in the order of their names. A file system that has none is an
    /// error of kind `Unsupported`.
    pub(crate) fn xattrs(&self) -> io::Result<Vec<Xattr>> {
        let path = self.path();
        if listxattr_query(&path)? == 0 {
            return Ok(Vec::new());
        }
        let mut names = vec![0; XATTR_BYTES];
        let length = listxattr(&path, names.as_mut_slice())?;
        let mut value = vec![0; XATTR_BYTES];
        let mut xattrs = Vec::new();
        for name in names[..length].split(|byte| *byte == 0) {
            if name.is_empty() {
                continue;
            }
            match getxattr(&path, name, value.as_mut_slice()) {
                Ok(length) => {
                    xattrs.push((OsStr::from_bytes(name).to_owned(), value[..length].to_vec()));
                }
                // Taken away since they were listed.
                Err(Errno::NODATA) => {}
                Err(error) => return Err(error.into()),
            }
        }
        xattrs.sort_unstable();
        Ok(xattrs)
    }

    pub(crate) fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        chown(self.path(), uid, gid)
    }

    /// Sets the permission bits; not for links, which have none.
    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        std::fs::set_permissions(self.path(), Permissions::from_mode(mode))
    }

    /// Gives it these extended attributes and no others.
    pub(crate) fn set_xattrs(&self, wanted: &[Xattr]) -> io::Result<()> {
        let present = match self.xattrs() {
            Err(error) if error.kind() == io::ErrorKind::Unsupported && wanted.is_empty() => {
                return Ok(());
            }
            present => present?,
        };
        let path = self.path();
        for (name, _) in &present {
            if !wanted.iter().any(|(other, _)| other == name) {
                removexattr(&path, name)?;
            }
        }
        // What is there already is left alone: some attributes are the kernel's to set.
        for (name, value) in wanted.iter().filter(|xattr| !present.contains(xattr)) {
            setxattr(&path, name, value, XattrFlags::empty())?;
        }
        Ok(())
    }

    pub(crate) fn set_times(&self, read: Timespec, changed: Timespec) -> io::Result<()> {
        let times = Timestamps { last_access: read, last_modification: changed };
        Ok(utimensat(CWD, self.path(), &times, AtFlags::empty())?)
    }

    fn open_with(&self, extra: OFlags) -> io::Result<rustix::fd::OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | extra;
        match openat(CWD, self.path(), flags | OFlags::NOATIME, Mode::empty()) {
            Err(Errno::PERM) => Ok(openat(CWD, self.path(), flags, Mode::empty())?),
            opened => Ok(opened?),
        }
    }

    fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.file.as_raw_fd())
    }
}
