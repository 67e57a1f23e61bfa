//! The files of the simulated volumes as this host sees them.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{FileFacts, VolumeError, Volumes, Weight};

use crate::faults::Faults;
use crate::swarm::FakeSwarm;

/// How much of a file is read.
const READ_BYTES: usize = 1 << 20;

/// Whose the folders of every volume are.
const FOLDERS: (u32, u32) = (1000, 1000);

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

    /// One call about a path of a volume: `call` is its name for faults, `verb` for people.
    async fn on<T: Send>(
        &self,
        call: &str,
        (verb, volume, path): (&str, &str, &Path),
        effect: impl FnOnce(&str) -> Result<T, String> + Send,
    ) -> Result<T, VolumeError> {
        let operation = format!("{verb} `{}` of volume {volume}", path.display());
        let failed = |message: String| VolumeError { operation: operation.clone(), message };
        let work = || {
            if !self.swarm.sim().has_volume(volume) {
                return Err(failed(format!("there is no folder {}", root(volume).display())));
            }
            plain(path).and_then(|path| effect(&path)).map_err(failed)
        };
        self.faults.around(call, failed, work).await
    }
}

fn root(volume: &str) -> PathBuf {
    PathBuf::from(format!("/volumes/{volume}/_data"))
}

/// A path below a volume's root, without `.` and doubled slashes.
pub(crate) fn plain(path: &Path) -> Result<String, String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir => return Err("the path has `..` in it".to_owned()),
            Component::RootDir | Component::Prefix(_) => {
                return Err("the path is absolute".to_owned());
            }
        }
    }
    Ok(parts.join("/"))
}

const NO_FILE: &str = "it is no regular file";

#[async_trait]
impl Volumes for FakeVolumes {
    async fn root(&self, volume: &str) -> Result<PathBuf, VolumeError> {
        let found =
            self.on("find a volume", ("find", volume, Path::new("")), |_| Ok(root(volume))).await;
        found.map_err(|error| VolumeError { operation: format!("find volume {volume}"), ..error })
    }

    async fn read(&self, volume: &str, path: &Path) -> Result<Option<FileFacts>, VolumeError> {
        let read = |path: &str| {
            let sim = self.swarm.sim();
            match sim.file(volume, path) {
                Some(mut file) => {
                    file.content.truncate(READ_BYTES);
                    Ok(Some(file))
                }
                None if path.is_empty() || sim.is_folder(volume, path) => Err(NO_FILE.to_owned()),
                None => Ok(None),
            }
        };
        self.on("read a file of a volume", ("read", volume, path), read).await
    }

    async fn write(&self, volume: &str, path: &Path, file: &FileFacts) -> Result<(), VolumeError> {
        let write = |path: &str| {
            let mut sim = self.swarm.sim();
            if path.is_empty() {
                return Err("the path is empty: that is the volume itself".to_owned());
            }
            if sim.is_folder(volume, path) {
                return Err("a folder that is not empty is in its place".to_owned());
            }
            sim.put(volume, path, file.clone());
            Ok(())
        };
        self.on("write a file of a volume", ("write", volume, path), write).await
    }

    async fn owner(&self, volume: &str, path: &Path) -> Result<(u32, u32), VolumeError> {
        let owner = |path: &str| {
            let sim = self.swarm.sim();
            match sim.file(volume, path) {
                Some(file) => Ok((file.uid, file.gid)),
                None if path.is_empty() || sim.is_folder(volume, path) => Ok(FOLDERS),
                None => Err("it is not there".to_owned()),
            }
        };
        self.on("look at an owner", ("find the owner of", volume, path), owner).await
    }

    async fn weigh(&self, volume: &str, path: &Path) -> Result<Option<Weight>, VolumeError> {
        let weigh = |path: &str| Ok(self.swarm.sim().weigh(volume, path));
        self.on("weigh a path of a volume", ("weigh", volume, path), weigh).await
    }
}
