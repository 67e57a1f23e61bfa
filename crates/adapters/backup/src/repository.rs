//! The run's own repository: made at first use, opened with a key that only this process has.
//!
//! Tests: at the end of this file.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cc_ci_core::ports::Entropy;
use rustic_backend::BackendOptions;
use rustic_core::repofile::{MasterKey, Node, SnapshotFile, SnapshotId};
use rustic_core::{
    ConfigOptions, Credentials, IndexedFullStatus, KeyOptions, OpenStatus, Repository,
    RepositoryOptions, RusticError,
};
use serde_json::json;

use crate::paths::{refused, shown};

/// A repository that may not be there yet.
pub(crate) struct Store {
    path: PathBuf,
    entropy: Arc<dyn Entropy>,
    /// The key, once the repository is made.
    key: Mutex<Option<MasterKey>>,
}

/// A snapshot, and the index that finds what it is made of.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) repository: Repository<IndexedFullStatus>,
    /// The tree above the volumes.
    pub(crate) root: Node,
}

impl Store {
    pub(crate) fn new(path: PathBuf, entropy: Arc<dyn Entropy>) -> Self {
        Self { path, entropy, key: Mutex::new(None) }
    }

    /// Makes the repository if this is its first use.
    ///
    /// The key is random and never stored, so there is no password to derive one from, and what
    /// a killed process leaves behind cannot be read by anyone.
    pub(crate) fn open(&self) -> io::Result<Repository<OpenStatus>> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let repository = self.unopened()?;
        if let Some(key) = &*key {
            let credentials = Credentials::Masterkey(key.clone());
            return repository.open(&credentials).map_err(rustic);
        }
        let new = self.new_key();
        let credentials = Credentials::Masterkey(new.clone());
        let repository = repository
            .init(&credentials, &KeyOptions::default(), &ConfigOptions::default())
            .map_err(rustic)?;
        *key = Some(new);
        Ok(repository)
    }

    fn unopened(&self) -> io::Result<Repository<()>> {
        let Some(path) = self.path.to_str() else {
            return Err(refused("the path of the repository is not UTF-8"));
        };
        let backends = BackendOptions::default()
            .repository(format!("local:{path}"))
            .to_backends()
            .map_err(rustic)?;
        let options = RepositoryOptions::default().no_cache(true);
        Repository::new(&options, &backends).map_err(rustic)
    }

    /// Exactly that snapshot: no abbreviation, and no `latest`, which may be a broken one.
    pub(crate) fn snapshot(&self, id: &str) -> io::Result<Snapshot> {
        let parsed: SnapshotId = match id.parse() {
            Ok(parsed) if id.len() == 64 => parsed,
            _ => return Err(refused("that is no id of a snapshot")),
        };
        let repository = self.open()?;
        let file: SnapshotFile = repository.get_file(&parsed).map_err(rustic)?;
        let repository = repository.to_indexed().map_err(rustic)?;
        let root = Node {
            node_type: rustic_core::repofile::NodeType::Dir,
            subtree: Some(file.tree),
            ..Node::default()
        };
        Ok(Snapshot { repository, root })
    }

    fn new_key(&self) -> MasterKey {
        let mut random = [0; 64];
        self.entropy.fill(&mut random);
        let part = |from: usize, to: usize| STANDARD.encode(&random[from..to]);
        // Its parts have no public type: it is made from what it looks like in a key file.
        let key = json!({
            "encrypt": part(0, 32),
            "mac": { "k": part(32, 48), "r": part(48, 64) },
        });
        serde_json::from_value(key).expect("a key file has these parts")
    }
}

/// Says nothing about the key.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", shown(&self.path))
    }
}

/// What rustic says, in one line.
#[expect(
    clippy::boxed_local,
    clippy::needless_pass_by_value,
    reason = "it is what rustic returns, for `map_err`"
)]
pub(crate) fn rustic(error: Box<RusticError>) -> io::Error {
    let told = error.display_log().replace('\n', " ");
    io::Error::other(told.strip_prefix("Error: ").unwrap_or(&told).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Counts, so that every key is known to the tests.
    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (index, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::try_from(index).unwrap();
            }
        }
    }

    #[test]
    fn the_key_is_of_the_given_chance_and_nowhere_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshots");
        let store = Store::new(path.clone(), Arc::new(Counting));
        let key = serde_json::to_value(store.new_key()).unwrap();
        let expected: Vec<u8> = (0..32).collect();
        assert_eq!(key["encrypt"], STANDARD.encode(expected));

        assert!(!path.exists(), "made at first use");
        store.open().unwrap();
        store.open().unwrap();
        assert!(path.join("config").is_file());
        assert_eq!(fs::read_dir(path.join("keys")).unwrap().count(), 0);
        assert!(!format!("{store:?}").contains("AAEC"));
    }

    #[test]
    fn a_repository_of_another_process_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let store = || Store::new(folder.path().to_owned(), Arc::new(Counting));
        store().open().unwrap();
        let error = store().open().unwrap_err().to_string();
        assert!(error.contains("already exists"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn only_a_full_id_names_a_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().to_owned(), Arc::new(Counting));
        for id in ["latest", "", "abcdef01", &"g".repeat(64)] {
            let error = store.snapshot(id).unwrap_err().to_string();
            assert_eq!(error, "that is no id of a snapshot", "{id}");
        }
        assert!(store.snapshot(&"a".repeat(64)).is_err());
    }
}
