//! The files of volumes on this host, where Docker's local driver keeps them.
//!
//! Tests: `tests/it/volumes.rs`.

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{FileFacts, VolumeError, Volumes, Weight};
use cc_ci_model::time::Timestamp;

use crate::inode::{Inode, Xattr};
use crate::paths::{at, check_volume, folder_and_name, parts, shown};
use crate::replace::{create, make_folder, replace};
use crate::stop::Stop;
use crate::trail::{Step, Trail};
use crate::walk::{Reach, Start, Walk};

/// How much of a file is read.
const FILE_BYTES: u64 = 1 << 20;

/// Permission bits, as in `FileFacts::mode`.
const MODE_BITS: u32 = 0o7777;

/// The volumes below one folder of this host, each in `<volume>/_data` as Docker's local driver
/// has it.
///
/// Links inside a volume are followed from folder to folder as long as they stay in it; the last
/// name of a path is never followed, so a link is no file here. A volume that is not there is an
/// error, not a missing file.
#[derive(Debug, Clone)]
pub struct HostVolumes {
    volume_root: PathBuf,
}

impl HostVolumes {
    /// Of that folder, usually `/var/lib/docker/volumes`.
    pub fn new(volume_root: PathBuf) -> Self {
        Self { volume_root }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: String,
        volume: &str,
        work: impl FnOnce(&Stop, Arc<Inode>) -> io::Result<T> + Send + 'static,
    ) -> Result<T, VolumeError> {
        let stop = Stop::default();
        let _stops_with_this_call = stop.guard();
        let root = self.folder_of(volume);
        let done = tokio::task::spawn_blocking(move || work(&stop, Arc::new(open(&root?)?)));
        let message = match done.await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(broke) => broke.to_string(),
        };
        Err(VolumeError { operation, message })
    }

    fn folder_of(&self, volume: &str) -> io::Result<PathBuf> {
        check_volume(volume)?;
        Ok(self.volume_root.join(volume).join("_data"))
    }
}

#[async_trait]
impl Volumes for HostVolumes {
    async fn root(&self, volume: &str) -> Result<PathBuf, VolumeError> {
        let operation = format!("find volume {volume}");
        self.blocking(operation, volume, |_, _| Ok(())).await?;
        Ok(self.volume_root.join(volume).join("_data"))
    }

    async fn read(&self, volume: &str, path: &Path) -> Result<Option<FileFacts>, VolumeError> {
        let operation = operation("read", volume, path);
        let path = path.to_owned();
        self.blocking(operation, volume, move |_, root| read(root, &path)).await
    }

    async fn write(&self, volume: &str, path: &Path, file: &FileFacts) -> Result<(), VolumeError> {
        let operation = operation("write", volume, path);
        let (path, file) = (path.to_owned(), file.clone());
        self.blocking(operation, volume, move |_, root| write(root, &path, &file)).await
    }

    async fn owner(&self, volume: &str, path: &Path) -> Result<(u32, u32), VolumeError> {
        let operation = operation("find the owner of", volume, path);
        let path = path.to_owned();
        self.blocking(operation, volume, move |_, root| owner(root, &path)).await
    }

    async fn weigh(&self, volume: &str, path: &Path) -> Result<Option<Weight>, VolumeError> {
        let operation = operation("weigh", volume, path);
        let path = path.to_owned();
        self.blocking(operation, volume, move |stop, root| weigh(stop, root, &path)).await
    }
}

fn operation(verb: &str, volume: &str, path: &Path) -> String {
    format!("{verb} {} of volume {volume}", shown(path))
}

/// The path is root's own: links on it are an administrator's.
fn open(root: &Path) -> io::Result<Inode> {
    Inode::folder(root).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("there is no folder {}", shown(root));
            io::Error::new(io::ErrorKind::NotFound, message)
        }
        _ => at(root)(error),
    })
}

fn read(root: Arc<Inode>, path: &Path) -> io::Result<Option<FileFacts>> {
    let Some(found) = locate(root, path)? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    let file = found.open()?;
    let metadata = file.metadata()?;
    file.take(FILE_BYTES).read_to_end(&mut content)?;
    Ok(Some(FileFacts {
        content,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: metadata.mode() & MODE_BITS,
        xattrs: found.xattrs().ok().and_then(with_text_names),
    }))
}

fn with_text_names(xattrs: Vec<Xattr>) -> Option<Vec<(String, Vec<u8>)>> {
    xattrs.into_iter().map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

fn write(root: Arc<Inode>, path: &Path, facts: &FileFacts) -> io::Result<()> {
    let (folders, name) = folder_and_name(path)?;
    let mut trail = Trail::from(root);
    for folder in &folders {
        step_or_make(&mut trail, folder)?;
    }
    let folder = trail.here();
    replace(
        folder,
        &name,
        |new| create(folder, new),
        |mut file| {
            file.write_all(&facts.content)?;
            let inode = Inode::of(file);
            // In this order: a new owner clears bits of the mode, and some attributes; and who
            // may not write may not set attributes.
            inode.set_owner(Some(facts.uid), Some(facts.gid))?;
            if let Some(xattrs) = &facts.xattrs {
                inode.set_xattrs(&with_os_names(xattrs)).map_err(|error| {
                    io::Error::new(error.kind(), format!("extended attributes: {error}"))
                })?;
            }
            inode.set_mode(facts.mode & MODE_BITS)
        },
    )
}

fn with_os_names(xattrs: &[(String, Vec<u8>)]) -> Vec<Xattr> {
    let with_os_name = |(name, value): &(String, Vec<u8>)| (OsString::from(name), value.clone());
    xattrs.iter().map(with_os_name).collect()
}

/// A new folder is like the one it is in, so that whoever could write there can write here.
fn step_or_make(trail: &mut Trail, name: &OsStr) -> io::Result<()> {
    if trail.step(name)? == Step::Taken {
        return Ok(());
    }
    let like = trail.here().metadata()?;
    make_folder(trail.here(), name)?;
    if trail.step(name)? == Step::NoFolder {
        return Err(io::Error::other("a folder that was just made is gone"));
    }
    trail.here().set_owner(Some(like.uid()), Some(like.gid()))?;
    trail.here().set_mode(like.mode() & MODE_BITS)
}

/// A link to a folder has that folder's owner: the owner of what would be written below it.
fn owner(root: Arc<Inode>, path: &Path) -> io::Result<(u32, u32)> {
    let found = match Trail::from(Arc::clone(&root)).follow(&parts(path)?)? {
        Some(trail) => Some(Arc::clone(trail.here())),
        None => locate(root, path)?,
    };
    let Some(found) = found else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is not there"));
    };
    let metadata = found.metadata()?;
    Ok((metadata.uid(), metadata.gid()))
}

fn weigh(stop: &Stop, root: Arc<Inode>, path: &Path) -> io::Result<Option<Weight>> {
    let Some(inode) = locate(root, path)? else {
        return Ok(None);
    };
    let start = Start { path: path.to_owned(), inode, reach: Reach::Below };
    let mut weight = Weight { files: 0, bytes: 0, newest: None };
    for found in Walk::new(vec![start]) {
        stop.check()?;
        let metadata = found?.metadata;
        if metadata.is_file() || metadata.is_symlink() {
            weight.files += 1;
            weight.bytes += metadata.len();
            weight.newest = weight.newest.max(Some(written_at(&metadata)));
        }
    }
    Ok(Some(weight))
}

fn written_at(metadata: &Metadata) -> Timestamp {
    let seconds = metadata.mtime().saturating_mul(1000);
    Timestamp::from_millis(seconds.saturating_add(metadata.mtime_nsec() / 1_000_000))
}

/// What is at that path, the root itself included. A link at its end is a link.
fn locate(root: Arc<Inode>, path: &Path) -> io::Result<Option<Arc<Inode>>> {
    let parts = parts(path)?;
    let Some((name, folders)) = parts.split_last() else {
        return Ok(Some(root));
    };
    let Some(trail) = Trail::from(root).follow(folders)? else {
        return Ok(None);
    };
    Ok(trail.here().child(name)?.map(Arc::new))
}
