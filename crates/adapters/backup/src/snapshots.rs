//! Snapshots in a repository of the run's own, with rustic.
//!
//! Tests: `tests/it/snapshots.rs`.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{Entropy, SnapshotEntry, SnapshotError, SnapshotSource, Snapshots};

use crate::repository::Store;
use crate::restore::restore;
use crate::stop::Stop;
use crate::take::take;

/// Snapshots in a repository on this host, which is made at first use. Only this value can read
/// it: its key is random and in memory only.
///
/// # Guarantees
/// A snapshot holds everything that was found below its sources, or taking it is an error that
/// names what is lacking. Restoring puts back exactly what the snapshot with that id holds of the
/// sources, or is an error.
///
/// # Cancellation
/// Work goes on in a thread of its own until it notices, within one file, that its caller is gone.
/// A restore that was cancelled has put back some files and not others, each of them complete.
#[derive(Debug)]
pub struct RusticSnapshots {
    store: Arc<Store>,
}

impl RusticSnapshots {
    /// In that folder, which should not be there yet and in nobody else's reach.
    pub fn new(repository: PathBuf, entropy: Arc<dyn Entropy>) -> Self {
        Self { store: Arc::new(Store::new(repository, entropy)) }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: String,
        work: impl FnOnce(&Store, &Stop) -> io::Result<T> + Send + 'static,
    ) -> Result<T, SnapshotError> {
        let stop = Stop::default();
        let _stops_with_this_call = stop.guard();
        let store = Arc::clone(&self.store);
        let done = tokio::task::spawn_blocking(move || work(&store, &stop));
        let message = match done.await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error.to_string(),
            Err(broke) => broke.to_string(),
        };
        Err(SnapshotError { operation, message })
    }
}

#[async_trait]
impl Snapshots for RusticSnapshots {
    async fn take(&self, tag: &str, sources: &[SnapshotSource]) -> Result<String, SnapshotError> {
        let (tag, sources) = (tag.to_owned(), sources.to_vec());
        self.blocking("take a snapshot".to_owned(), move |store, stop| {
            take(store, stop, &tag, &sources)
        })
        .await
    }

    async fn list(&self, id: &str) -> Result<Vec<SnapshotEntry>, SnapshotError> {
        let operation = format!("list snapshot {id}");
        let id = id.to_owned();
        self.blocking(operation, move |store, _| store.snapshot(&id)?.entries()).await
    }

    async fn contains(&self, id: &str, volume: &str, needle: &[u8]) -> Result<bool, SnapshotError> {
        let operation = format!("search volume {volume} in snapshot {id}");
        let (id, volume, needle) = (id.to_owned(), volume.to_owned(), needle.to_owned());
        self.blocking(operation, move |store, stop| {
            store.snapshot(&id)?.contains(stop, &volume, &needle)
        })
        .await
    }

    async fn restore(&self, id: &str, sources: &[SnapshotSource]) -> Result<(), SnapshotError> {
        let operation = format!("restore snapshot {id}");
        let (id, sources) = (id.to_owned(), sources.to_vec());
        self.blocking(operation, move |store, stop| restore(store, stop, &id, &sources)).await
    }
}
