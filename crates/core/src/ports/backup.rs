//! Ports to what a backup is made of: commands inside containers, the files of volumes, and
//! snapshots of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_model::time::Timestamp;

use super::EngineError;

/// A command to run inside a running container. Never a shell string: `["sh", "-c", …]` is the
/// caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// The container's id.
    pub container: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// How long it may take. The engine can not end it: it is left running then.
    pub limit: Duration,
}

/// How a command inside a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// Its exit code; `None` when its time ran out.
    pub code: Option<i64>,
    /// The end of what it wrote to both streams: 64 KiB, and the margin of `redact::MARGIN`.
    pub said: String,
}

/// Runs commands inside containers.
#[async_trait]
pub trait Exec: Send + Sync {
    /// Runs one to its end, as root, without a terminal. A container that does not run is a
    /// refusal with status 409.
    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput, EngineError>;
}

/// Restarts services.
#[async_trait]
pub trait Restarts: Send + Sync {
    /// Has Swarm replace every task of a service, its spec unchanged (`ForceUpdate`).
    async fn restart(&self, service_id: &str) -> Result<(), EngineError>;
}

/// What a file of a volume is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// The content, at most a megabyte of it.
    pub content: Vec<u8>,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits, `0o7777` of them.
    pub mode: u32,
    /// Extended attributes in the order of their names; `None` where they can not be read.
    pub xattrs: Option<Vec<(String, Vec<u8>)>>,
}

/// Why files of a volume could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation}: {message}")]
pub struct VolumeError {
    /// `read /x of volume y`.
    pub operation: String,
    /// What happened.
    pub message: String,
}

/// Reads and writes the files of volumes on this host. Paths are relative to the volume's root
/// and never lead out of it, links included.
#[async_trait]
pub trait Volumes: Send + Sync {
    /// Where the volume's files are on this host.
    async fn root(&self, volume: &str) -> Result<PathBuf, VolumeError>;

    /// The file at that path; `None` when there is none.
    async fn read(&self, volume: &str, path: &Path) -> Result<Option<FileFacts>, VolumeError>;

    /// Writes a file like that, folders included.
    async fn write(&self, volume: &str, path: &Path, file: &FileFacts) -> Result<(), VolumeError>;

    /// Owner and group of a folder or file; the root's with an empty path.
    async fn owner(&self, volume: &str, path: &Path) -> Result<(u32, u32), VolumeError>;

    /// Files (no folders) below a path, and their bytes in all; `None` when the path is not there.
    async fn weigh(&self, volume: &str, path: &Path) -> Result<Option<Weight>, VolumeError>;
}

/// How much is below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Regular files and links.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the newest of them was written; `None` without any, and where that is not known.
    /// Files that docker copies from an image into a new volume keep the time they have there.
    pub newest: Option<Timestamp>,
}

/// A part of a volume that goes into a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSource {
    /// The volume's name in Docker.
    pub volume: String,
    /// Where its files are on this host.
    pub root: PathBuf,
    /// What of it, relative to its root; empty for all of it.
    pub path: PathBuf,
}

/// One entry of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotEntry {
    /// The volume it is of.
    pub volume: String,
    /// Its path, relative to the volume's root.
    pub path: PathBuf,
    /// It is a regular file.
    pub is_file: bool,
    /// Its bytes.
    pub bytes: u64,
}

/// Why a snapshot could not be taken, read or put back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {operation}: {message}")]
pub struct SnapshotError {
    /// `take a snapshot`.
    pub operation: String,
    /// What happened.
    pub message: String,
}

/// Snapshots in the run's own repository.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// Takes one of all sources, tagged with the stack's name; gives its id.
    async fn take(&self, tag: &str, sources: &[SnapshotSource]) -> Result<String, SnapshotError>;

    /// What is in it.
    async fn list(&self, id: &str) -> Result<Vec<SnapshotEntry>, SnapshotError>;

    /// Whether `needle` is in the bytes of any file of that volume in it.
    async fn contains(&self, id: &str, volume: &str, needle: &[u8]) -> Result<bool, SnapshotError>;

    /// Puts its files back to where they were, over what is there; files it does not hold stay.
    /// Owner, mode, times and extended attributes are put back too.
    async fn restore(&self, id: &str, sources: &[SnapshotSource]) -> Result<(), SnapshotError>;
}
