//! A run's directory.
//!
//! Tests: at the end of this file; what the port promises is in `tests/it/main.rs`.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cc_ci_core::ports::{RunStore, StoreError};
use cc_ci_core::redact::Redactor;
use cc_ci_model::event::Event;

use crate::again;
use crate::error::{RunDirError, io_error};
use crate::lock::RunLock;
use crate::log::Log;

/// The folder of a run's directory that is of no use once the run is over, and never published:
/// clones, and snapshots that hold the data of the app.
pub const WORK_FOLDER: &str = "work";

/// The event log's name in a run's directory.
pub const EVENTS_FILE: &str = "events.jsonl";

/// A run's directory, locked by this process.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: RunLock,
    log: Mutex<LogState>,
    secrets: Mutex<Redactor>,
}

#[derive(Debug)]
enum LogState {
    /// The run is going on.
    Open(Log),
    /// The run is over: its log stays as it is, and what comes later has files of its own
    /// (TEAR-2).
    Closed,
}

impl RunDir {
    /// Makes a new run's directory (mode 0700), takes its lock and begins its log. A directory
    /// that is there and empty is taken.
    ///
    /// # Errors
    /// [`RunDirError::NotEmpty`] when something is in it already.
    pub fn create(path: &Path) -> Result<Self, RunDirError> {
        make_private(path)?;
        let lock = RunLock::take(path)?;
        let events = path.join(EVENTS_FILE);
        let log = Log::create(&events).map_err(io_error("create", &events))?;
        sync_directory(path).map_err(io_error("sync directory", path))?;
        Ok(Self::new(path, lock, LogState::Open(log)))
    }

    /// Opens the directory of a run that is over, and takes its lock. Files can be written into
    /// it, but nothing is appended to its log any more.
    ///
    /// # Errors
    /// [`RunDirError::NotThere`] when it has no log, [`RunDirError::Alive`] when the run lives.
    pub fn open_existing(path: &Path) -> Result<Self, RunDirError> {
        if !path.join(EVENTS_FILE).is_file() {
            return Err(RunDirError::NotThere { wanted: path.display().to_string() });
        }
        let lock = RunLock::take(path)?;
        Ok(Self::new(path, lock, LogState::Closed))
    }

    fn new(path: &Path, lock: RunLock, log: LogState) -> Self {
        let (log, secrets) = (Mutex::new(log), Mutex::default());
        Self { path: path.to_owned(), _lock: lock, log, secrets }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The event log.
    pub fn events(&self) -> PathBuf {
        self.path.join(EVENTS_FILE)
    }

    fn secrets(&self) -> MutexGuard<'_, Redactor> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, name: &str) -> impl FnOnce(io::Error) -> StoreError {
        let path = self.path.join(name).display().to_string();
        move |source| StoreError { path, source }
    }
}

impl RunStore for RunDir {
    fn append(&self, event: &Event) -> Result<(), StoreError> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = match &mut *log {
            LogState::Open(log) => log.append(event),
            LogState::Closed => Err(io::Error::other("its run is over")),
        };
        appended.map_err(self.error(EVENTS_FILE))
    }

    /// Of an opened directory, that of an empty log: nothing was appended *here*.
    fn log_sha256(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        match &*log {
            LogState::Open(log) => log.sha256(),
            LogState::Closed => hex::encode(<sha2::Sha256 as sha2::Digest>::digest([])),
        }
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let unclean = self.secrets().survives_in(content);
        let written =
            if unclean { Err(again::secret()) } else { write_into(&self.path, name, content) };
        written.map_err(self.error(name))
    }

    fn keep_out(&self, secrets: &Redactor) {
        *self.secrets() = secrets.clone();
    }

    fn unclean(&self) -> Result<Vec<String>, StoreError> {
        again::unclean(&self.path, &self.secrets())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let removed = relative(name).and_then(|name| match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        });
        removed.map_err(self.error(name))
    }
}

/// Nothing is changed on a directory that is somebody's already.
fn make_private(path: &Path) -> Result<(), RunDirError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io_error("create directory", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut entries = fs::read_dir(path).map_err(io_error("read directory", path))?;
            if entries.next().is_some() {
                let path = path.to_owned();
                return Err(RunDirError::NotEmpty { path });
            }
            let private = Permissions::from_mode(0o700);
            fs::set_permissions(path, private).map_err(io_error("make private", path))
        }
        other => other.map_err(io_error("create directory", path)),
    }
}

/// Writes a file beside its place, then puts it there: a reader sees the old one or the new one,
/// and so does everybody after a crash.
pub(crate) fn write_into(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let name = relative(name)?;
    let target = directory.join(name);
    let folder = target.parent().unwrap_or(directory);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_directory(folder)
}

/// A name that stays inside the run's directory and is not the log's or the lock's.
fn relative(name: &str) -> io::Result<&Path> {
    let path = Path::new(name);
    let is_inside = path.components().next().is_some()
        && path.components().all(|part| matches!(part, Component::Normal(_)));
    if is_inside && !matches!(name, EVENTS_FILE | "lock") {
        return Ok(path);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "no name for a file of a run"))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use cc_ci_model::event::EventKind;
    use cc_ci_model::time::Timestamp;

    use super::*;

    fn event(seq: u64) -> Event {
        let kind = EventKind::CancelRequested { signals: 1 };
        Event { seq, at: Timestamp::from_millis(0), lane: cc_ci_model::event::Lane::Main, kind }
    }

    fn fresh() -> (tempfile::TempDir, RunDir) {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(&parent.path().join("runs/one")).unwrap();
        (parent, run)
    }

    #[test]
    fn a_run_has_a_private_directory_of_its_own() {
        let (_parent, run) = fresh();
        let mode = fs::metadata(run.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let again = RunDir::create(run.path()).unwrap_err();
        assert!(matches!(again, RunDirError::NotEmpty { .. }), "{again}");
        let alive = RunDir::open_existing(run.path()).unwrap_err();
        assert!(matches!(alive, RunDirError::Alive { .. }), "{alive}");
    }

    /// `--run-dir /tmp`: nobody else's directory may lose its permissions.
    #[test]
    fn a_directory_that_is_refused_is_left_as_it_is() {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(parent.path().join("something")).unwrap();
        assert!(RunDir::create(parent.path()).is_err());
        let mode = fs::metadata(parent.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let empty = parent.path().join("something");
        drop(RunDir::create(&empty).unwrap());
        let mode = fs::metadata(&empty).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    /// After a failed write nobody knows what is in the file: at most one torn line may be.
    #[test]
    fn a_log_that_failed_once_stays_shut() {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (_parent, mut run) = fresh();
        run.log = Mutex::new(LogState::Open(Log::of_file(full)));
        let empty = run.log_sha256();
        let first = run.append(&event(1)).unwrap_err();
        assert_eq!(first.source.kind(), io::ErrorKind::StorageFull);
        let second = run.append(&event(2)).unwrap_err();
        assert_eq!(second.source.to_string(), "an earlier write to it failed");
        assert_eq!(run.log_sha256(), empty);
    }

    #[test]
    fn a_run_that_is_over_takes_files_but_no_events() {
        let (_parent, run) = fresh();
        let path = run.path().to_owned();
        drop(run);
        let run = RunDir::open_existing(&path).unwrap();
        run.write("cleanup.json", b"{}").unwrap();
        assert_eq!(run.append(&event(1)).unwrap_err().source.to_string(), "its run is over");
        let missing = RunDir::open_existing(Path::new("/nonexistent")).unwrap_err();
        assert!(matches!(missing, RunDirError::NotThere { .. }), "{missing}");
    }
}
