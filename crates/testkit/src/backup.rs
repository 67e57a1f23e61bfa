//! The files of the simulated volumes as this host sees them, and snapshots of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cc_ci_core::ports::{
    FileFacts, SnapshotEntry, SnapshotError, SnapshotSource, Snapshots, VolumeError, Volumes,
    Weight,
};

use crate::faults::{Faults, injected};
use crate::swarm::FakeSwarm;

/// The volumes of a simulated Swarm on this host.
#[derive(Debug)]
pub struct FakeVolumes {
    swarm: FakeSwarm,
    faults: Arc<Faults>,
}

impl FakeVolumes {
    /// The volumes of that Swarm.
    pub fn new(swarm: FakeSwarm, faults: Arc<Faults>) -> Self {
        Self { swarm, faults }
    }

    async fn on<T: Send>(
        &self,
        operation: &str,
        volume: &str,
        effect: impl FnOnce() -> T + Send,
    ) -> Result<T, VolumeError> {
        let failed = |message: String| VolumeError { operation: operation.to_owned(), message };
        let work = || {
            if !self.swarm.sim().has_volume(volume) {
                return Err(failed(format!("no such volume: {volume}")));
            }
            Ok(effect())
        };
        self.faults.around(operation, failed, work).await
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[async_trait]
impl Volumes for FakeVolumes {
    async fn root(&self, volume: &str) -> Result<PathBuf, VolumeError> {
        self.on("find a volume", volume, || PathBuf::from(format!("/volumes/{volume}"))).await
    }

    async fn read(&self, volume: &str, path: &Path) -> Result<Option<FileFacts>, VolumeError> {
        self.on("read a file of a volume", volume, || self.swarm.sim().file(volume, &text(path)))
            .await
    }

    async fn write(&self, volume: &str, path: &Path, file: &FileFacts) -> Result<(), VolumeError> {
        let write = || self.swarm.sim().put(volume, &text(path), file.clone());
        self.on("write a file of a volume", volume, write).await
    }

    async fn owner(&self, volume: &str, _path: &Path) -> Result<(u32, u32), VolumeError> {
        self.on("look at an owner", volume, || (1000, 1000)).await
    }

    async fn remove(&self, volume: &str, path: &Path) -> Result<(), VolumeError> {
        let remove = || self.swarm.sim().take_away(volume, &text(path));
        self.on("remove a file of a volume", volume, remove).await
    }

    async fn weigh(&self, volume: &str, path: &Path) -> Result<Option<Weight>, VolumeError> {
        self.on("weigh a path of a volume", volume, || self.swarm.sim().weigh(volume, &text(path)))
            .await
    }
}

/// Snapshots of simulated volumes, kept in memory.
#[derive(Debug)]
pub struct FakeSnapshots {
    swarm: FakeSwarm,
    faults: Arc<Faults>,
    inner: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    snapshots: Vec<Vec<(String, String, FileFacts)>>,
    flaw: Option<Flaw>,
}

/// What is wrong with a backup program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// Snapshots hold what this volume was like when it was new.
    Stale(String),
    /// A restore does nothing, and says that all is well.
    RestoresNothing,
    /// Restored files belong to root.
    LosesOwners,
}

impl FakeSnapshots {
    /// None so far.
    pub fn new(swarm: FakeSwarm, faults: Arc<Faults>) -> Self {
        Self { swarm, faults, inner: Mutex::default() }
    }

    /// Something is wrong from now on.
    pub fn flawed(&self, flaw: Flaw) {
        self.lock().flaw = Some(flaw);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn on<T: Send>(
        &self,
        operation: &str,
        effect: impl FnOnce() -> Result<T, SnapshotError> + Send,
    ) -> Result<T, SnapshotError> {
        self.faults.around(operation, |_| failed(operation, injected(operation)), effect).await
    }

    fn files(
        &self,
        operation: &str,
        id: &str,
    ) -> Result<Vec<(String, String, FileFacts)>, SnapshotError> {
        let nth = id.strip_prefix("snapshot-").and_then(|number| number.parse::<usize>().ok());
        let known = nth.and_then(|nth| self.lock().snapshots.get(nth).cloned());
        known.ok_or_else(|| failed(operation, format!("no snapshot {id}")))
    }

    fn gather(&self, sources: &[SnapshotSource]) -> Vec<(String, String, FileFacts)> {
        let flaw = self.lock().flaw.clone();
        let sim = self.swarm.sim();
        let mut files = Vec::new();
        for source in sources {
            let below: BTreeMap<String, FileFacts> = sim.below(&source.volume, &text(&source.path));
            let is_stale = flaw == Some(Flaw::Stale(source.volume.clone()));
            let kept = below.into_iter().filter(|(path, _)| !is_stale || path == "content");
            files.extend(kept.map(|(path, file)| (source.volume.clone(), path, file)));
        }
        files
    }

    fn put_back(&self, id: &str, sources: &[SnapshotSource]) -> Result<(), SnapshotError> {
        let flaw = self.lock().flaw.clone();
        if flaw == Some(Flaw::RestoresNothing) {
            return Ok(());
        }
        for (volume, path, mut file) in self.files("restore a snapshot", id)? {
            if flaw == Some(Flaw::LosesOwners) {
                (file.uid, file.gid) = (0, 0);
            }
            if sources.iter().any(|source| source.volume == volume) {
                self.swarm.sim().put(&volume, &path, file);
            }
        }
        Ok(())
    }
}

fn failed(operation: &str, message: String) -> SnapshotError {
    SnapshotError { operation: operation.to_owned(), message }
}

#[async_trait]
impl Snapshots for FakeSnapshots {
    async fn take(&self, _tag: &str, sources: &[SnapshotSource]) -> Result<String, SnapshotError> {
        let take = || {
            let files = self.gather(sources);
            let mut kept = self.lock();
            kept.snapshots.push(files);
            Ok(format!("snapshot-{}", kept.snapshots.len() - 1))
        };
        self.on("take a snapshot", take).await
    }

    async fn list(&self, id: &str) -> Result<Vec<SnapshotEntry>, SnapshotError> {
        let entry = |(volume, path, file): (String, String, FileFacts)| SnapshotEntry {
            volume,
            path: PathBuf::from(path),
            is_file: true,
            bytes: file.content.len() as u64,
        };
        let list = || Ok(self.files("list a snapshot", id)?.into_iter().map(entry).collect());
        self.on("list a snapshot", list).await
    }

    async fn read(
        &self,
        id: &str,
        volume: &str,
        path: &Path,
    ) -> Result<Option<Vec<u8>>, SnapshotError> {
        let read = || {
            let mut files = self.files("read a file of a snapshot", id)?.into_iter();
            let found = files.find(|(of, at, _)| of == volume && *at == text(path));
            Ok(found.map(|(_, _, file)| file.content))
        };
        self.on("read a file of a snapshot", read).await
    }

    async fn contains(&self, id: &str, volume: &str, needle: &[u8]) -> Result<bool, SnapshotError> {
        let search = || {
            let mut files =
                self.files("search a snapshot", id)?.into_iter().filter(|(of, _, _)| of == volume);
            Ok(files
                .any(|(_, _, file)| file.content.windows(needle.len()).any(|part| part == needle)))
        };
        self.on("search a snapshot", search).await
    }

    async fn restore(&self, id: &str, sources: &[SnapshotSource]) -> Result<(), SnapshotError> {
        self.on("restore a snapshot", || self.put_back(id, sources)).await
    }
}
