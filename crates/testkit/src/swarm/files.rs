//! Files in simulated containers and volumes. What is written below a mount is in the volume, and
//! outlives the container; everything else is in the container's own layer.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cc_ci_core::ports::{EngineError, FileFacts, Files, Weight};
use cc_ci_model::intent::ObjectKind;

use super::FakeSwarm;
use super::sim::{Container, Sim};

impl FakeSwarm {
    /// A stranger's container has that volume in use: it can not be removed.
    pub fn hold_volume(&self, volume: &str) {
        self.sim().held.push(volume.to_owned());
    }

    /// The files of that volume are on storage that outlives it.
    pub fn files_outlive(&self, volume: &str) {
        self.sim().outliving.push(volume.to_owned());
    }

    /// A file of a volume is lost.
    pub fn lose_file(&self, volume: &str, path: &str) {
        self.sim().files.remove(&key(volume, path));
    }
}

#[async_trait]
impl Files for FakeSwarm {
    async fn put(
        &self,
        container: &str,
        folder: &str,
        name: &str,
        content: &[u8],
    ) -> Result<(), EngineError> {
        self.call("write a file", |sim| {
            sim.put_file(container, &format!("{folder}/{name}"), content)
        })
        .await
    }

    async fn get(&self, container: &str, path: &str) -> Result<Option<Vec<u8>>, EngineError> {
        self.call("read a file", |sim| sim.get_file(container, path)).await
    }

    async fn changed(&self, container: &str) -> Result<Vec<String>, EngineError> {
        self.call("list the changes of a container", |sim| sim.own_files(container)).await
    }

    async fn size(&self, container: &str, path: &str) -> Result<Option<u64>, EngineError> {
        let size =
            |sim: &mut Sim| Ok(sim.look(container, path).map(|file| file.content.len() as u64));
        self.call("look at a file", size).await
    }
}

impl Sim {
    /// Writes a file as root, through a container.
    pub(super) fn put_file(
        &mut self,
        container: &str,
        path: &str,
        content: &[u8],
    ) -> Result<(), EngineError> {
        let (owner, path) = self.place_of(container, path)?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        if !matches!(folder.as_str(), "" | "/tmp") && !self.is_folder(&owner, &folder) {
            let message = format!("Could not find the file {folder} in container {container}");
            return Err(refused("write", &path, container, (404, &message)));
        }
        self.files.insert((owner, path), plain(content));
        Ok(())
    }

    /// Reads a file through a container.
    pub(super) fn get_file(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let (owner, place) = self.place_of(container, path)?;
        if place.is_empty() || self.is_folder(&owner, &place) {
            return Err(refused("read", path, container, (400, "it is no regular file")));
        }
        let file = self.files.get(&(owner, place));
        if file.is_some_and(|file| file.content.len() > 1 << 20) {
            let why = "the file is larger than a megabyte";
            return Err(refused("read", path, container, (413, why)));
        }
        Ok(file.map(|file| file.content.clone()))
    }

    /// Files in a container's own layer, and the folders they are in.
    pub(super) fn own_files(&self, container: &str) -> Result<Vec<String>, EngineError> {
        self.place_of(container, "/")?;
        let own = self.files.keys().filter(|(owner, _)| owner == container);
        let with_folders = own.flat_map(|(_, path)| {
            path.match_indices('/')
                .skip(1)
                .map(|(at, _)| path[..at].to_owned())
                .chain([path.clone()])
        });
        let all: std::collections::BTreeSet<String> = with_folders.collect();
        Ok(all.into_iter().collect())
    }

    fn place_of(&self, container: &str, path: &str) -> Result<(String, String), EngineError> {
        let known = self.containers.iter().find(|known| known.id == container);
        let Some(known) = known else {
            let message = format!("No such container: {container}");
            return Err(refused("open", path, container, (404, &message)));
        };
        Ok(known.place_of(path))
    }

    /// A file as it is seen inside a container.
    pub(super) fn look(&self, container: &str, path: &str) -> Option<FileFacts> {
        let place = self.place_of(container, path).ok()?;
        self.files.get(&place).cloned()
    }

    /// An image's own content goes into a volume that is new.
    pub(super) fn fill_volume(&mut self, volume: &str) {
        if !self.files.keys().any(|(owner, _)| owner == volume) {
            let file = FileFacts { uid: 1000, gid: 1000, ..plain(b"content of the image") };
            self.files.insert((volume.to_owned(), "/content".to_owned()), file);
        }
    }

    pub(crate) fn has_volume(&self, volume: &str) -> bool {
        self.has(ObjectKind::Volume, volume)
    }

    /// A file of a volume; `path` without a leading slash.
    pub(crate) fn file(&self, volume: &str, path: &str) -> Option<FileFacts> {
        self.files.get(&key(volume, path)).cloned()
    }

    pub(crate) fn put(&mut self, volume: &str, path: &str, file: FileFacts) {
        self.files.insert(key(volume, path), file);
    }

    /// Whether files are below a path of a volume.
    pub(crate) fn is_folder(&self, volume: &str, path: &str) -> bool {
        let (owner, folder) = key(volume, path);
        let below = format!("{}/", folder.trim_end_matches('/'));
        self.files.keys().any(|(known, file)| *known == owner && file.starts_with(&below))
    }

    /// Files at or below a path of a volume; an empty path is all of it.
    pub(crate) fn below(&self, volume: &str, path: &str) -> BTreeMap<String, FileFacts> {
        let root = path.trim_end_matches("/.").trim_end_matches('.').trim_matches('/').to_owned();
        let is_below = |file: &str| {
            let rest = file.strip_prefix(root.as_str());
            root.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.files
            .iter()
            .filter(|((owner, _), _)| owner == volume)
            .map(|((_, file), facts)| (file.trim_start_matches('/').to_owned(), facts.clone()))
            .filter(|(file, _)| is_below(file))
            .collect()
    }

    /// How much is below a path; `None` when nothing is there. A volume's root always is.
    pub(crate) fn weigh(&self, volume: &str, path: &str) -> Option<Weight> {
        let below = self.below(volume, path);
        let is_root = matches!(path, "" | ".");
        let bytes = below.values().map(|file| file.content.len() as u64).sum();
        (is_root || !below.is_empty()).then_some(Weight {
            files: below.len() as u64,
            bytes,
            newest: None,
        })
    }
}

fn refused(verb: &str, path: &str, container: &str, (status, message): (u16, &str)) -> EngineError {
    let operation = format!("{verb} `{path}` in container {container}");
    EngineError::Refused { operation, status, message: message.to_owned() }
}

fn key(volume: &str, path: &str) -> (String, String) {
    (volume.to_owned(), format!("/{}", path.trim_start_matches('/')))
}

/// A file of root's, readable by all.
pub(super) fn plain(content: &[u8]) -> FileFacts {
    FileFacts { content: content.to_vec(), uid: 0, gid: 0, mode: 0o644, xattrs: Some(Vec::new()) }
}

impl Container {
    /// The volume (or the container itself) a path is in, and the path in there.
    fn place_of(&self, path: &str) -> (String, String) {
        let anonymous = self.anonymous.iter().map(|volume| (&volume.name, &volume.target));
        let mounts = self.volumes.iter().map(|(name, target)| (name, target)).chain(anonymous);
        let inside = mounts.filter_map(|(name, target)| {
            let rest = path.strip_prefix(target.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/'))
                .then(|| (target.len(), name.clone(), rest.to_owned()))
        });
        match inside.max() {
            Some((_, name, rest)) => (name, rest),
            None => (self.id.clone(), path.to_owned()),
        }
    }
}
