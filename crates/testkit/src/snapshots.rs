//! Snapshots of the simulated volumes, kept in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cc_ci_core::ports::{FileFacts, SnapshotEntry, SnapshotError, SnapshotSource, Snapshots};

use crate::faults::{Faults, injected};
use crate::swarm::FakeSwarm;
use crate::volumes::plain;

/// Snapshots of simulated volumes.
#[derive(Debug)]
pub struct FakeSnapshots {
    swarm: FakeSwarm,
    faults: Arc<Faults>,
    inner: Mutex<Kept>,
}

/// Volume and path → file; a folder is `None`.
type Snapshot = BTreeMap<(String, PathBuf), Option<FileFacts>>;

#[derive(Debug, Default)]
struct Kept {
    snapshots: Vec<Snapshot>,
    flaw: Option<Flaw>,
    /// How many snapshots the flaw is in; all of them without a number.
    flawed: Option<usize>,
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

    /// Something is wrong until that many snapshots were taken.
    pub fn flawed_first(&self, snapshots: usize, flaw: Flaw) {
        let mut kept = self.lock();
        (kept.flaw, kept.flawed) = (Some(flaw), Some(snapshots));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn on<T: Send>(
        &self,
        call: &str,
        operation: &str,
        effect: impl FnOnce() -> Result<T, String> + Send,
    ) -> Result<T, SnapshotError> {
        let failed = |message| SnapshotError { operation: operation.to_owned(), message };
        self.faults.around(call, |_| failed(injected(call)), || effect().map_err(failed)).await
    }

    fn snapshot(&self, id: &str) -> Result<Snapshot, String> {
        let nth = id.strip_prefix("snapshot-").and_then(|number| number.parse::<usize>().ok());
        let known = nth.and_then(|nth| self.lock().snapshots.get(nth).cloned());
        known.ok_or_else(|| format!("no snapshot {id}"))
    }

    fn gather(&self, sources: &[SnapshotSource]) -> Result<Snapshot, String> {
        if sources.is_empty() {
            return Err("there is nothing to take it of".to_owned());
        }
        let mut snapshot = Snapshot::new();
        for source in sources {
            self.gather_one(source, &mut snapshot)?;
        }
        Ok(snapshot)
    }

    fn gather_one(&self, source: &SnapshotSource, into: &mut Snapshot) -> Result<(), String> {
        let SnapshotSource { volume, root, path } = source;
        let shown = shown(volume, path);
        let path = plain(path).map_err(|why| format!("{shown}: {why}"))?;
        let is_stale = self.lock().flaw == Some(Flaw::Stale(volume.clone()));
        let sim = self.swarm.sim();
        if !sim.has_volume(volume) {
            return Err(format!("there is no folder {}", root.display()));
        }
        let files = sim.below(volume, &path);
        if files.is_empty() && !path.is_empty() {
            return Err(format!("there is no {shown}"));
        }
        into.insert((volume.clone(), PathBuf::new()), None);
        for (file, facts) in files.into_iter().filter(|(file, _)| !is_stale || file == "content") {
            let file = PathBuf::from(file);
            for folder in file.ancestors().skip(1) {
                into.insert((volume.clone(), folder.to_owned()), None);
            }
            into.insert((volume.clone(), file), Some(facts));
        }
        Ok(())
    }

    fn put_back(&self, id: &str, sources: &[SnapshotSource]) -> Result<(), String> {
        let flaw = self.lock().flaw.clone();
        if flaw == Some(Flaw::RestoresNothing) {
            return Ok(());
        }
        let snapshot = self.snapshot(id)?;
        let is_stale = |source: &SnapshotSource| flaw == Some(Flaw::Stale(source.volume.clone()));
        for source in sources.iter().filter(|source| !is_stale(source)) {
            let path = PathBuf::from(plain(&source.path)?);
            if !snapshot.contains_key(&(source.volume.clone(), path)) {
                return Err(format!("{} is not in it", shown(&source.volume, &source.path)));
            }
        }
        for ((volume, path), file) in snapshot {
            let is_asked_for = |source: &SnapshotSource| {
                source.volume == volume && path.starts_with(plain(&source.path).unwrap_or_default())
            };
            let Some(mut file) = file.filter(|_| sources.iter().any(is_asked_for)) else {
                continue;
            };
            if flaw == Some(Flaw::LosesOwners) {
                (file.uid, file.gid) = (0, 0);
            }
            self.swarm.sim().put(&volume, &text(&path), file);
        }
        Ok(())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn shown(volume: &str, path: &Path) -> String {
    format!("`{}`", Path::new(volume).join(path).display())
}

#[async_trait]
impl Snapshots for FakeSnapshots {
    async fn take(&self, _tag: &str, sources: &[SnapshotSource]) -> Result<String, SnapshotError> {
        let take = || {
            let snapshot = self.gather(sources)?;
            let mut kept = self.lock();
            kept.snapshots.push(snapshot);
            if kept.flawed.is_some_and(|flawed| kept.snapshots.len() >= flawed) {
                kept.flaw = None;
            }
            Ok(format!("snapshot-{}", kept.snapshots.len() - 1))
        };
        self.on("take a snapshot", "take a snapshot", take).await
    }

    async fn list(&self, id: &str) -> Result<Vec<SnapshotEntry>, SnapshotError> {
        let entry = |((volume, path), file): ((String, PathBuf), Option<FileFacts>)| {
            let bytes = file.as_ref().map_or(0, |file| file.content.len() as u64);
            SnapshotEntry { volume, path, is_file: file.is_some(), bytes }
        };
        let list = || Ok(self.snapshot(id)?.into_iter().map(entry).collect());
        self.on("list a snapshot", &format!("list snapshot {id}"), list).await
    }

    async fn contains(&self, id: &str, volume: &str, needle: &[u8]) -> Result<bool, SnapshotError> {
        let has = |content: &[u8]| {
            !needle.is_empty() && content.windows(needle.len()).any(|part| part == needle)
        };
        let search = || {
            let files = self.snapshot(id)?;
            let files = files.iter().filter(|((of, _), _)| of == volume);
            Ok(files.filter_map(|(_, file)| file.as_ref()).any(|file| has(&file.content)))
        };
        self.on("search a snapshot", &format!("search volume {volume} in snapshot {id}"), search)
            .await
    }

    async fn restore(&self, id: &str, sources: &[SnapshotSource]) -> Result<(), SnapshotError> {
        let operation = format!("restore snapshot {id}");
        self.on("restore a snapshot", &operation, || self.put_back(id, sources)).await
    }
}
