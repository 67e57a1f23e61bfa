//! The port to a run's directory.

use cc_ci_model::event::Event;

/// Why the run directory could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{path}`")]
pub struct StoreError {
    /// The file.
    pub path: String,
    /// What happened.
    #[source]
    pub source: std::io::Error,
}

/// Writes a run's log and files. Synchronous: an event is on disk when the call returns.
pub trait RunStore: Send + Sync {
    /// Appends an event and syncs it.
    fn append(&self, event: &Event) -> Result<(), StoreError>;

    /// SHA-256 of every byte appended so far, lower-case hexadecimal.
    fn log_sha256(&self) -> String;

    /// Writes a file of the run atomically; `name` is relative, e.g. `results.json`.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError>;
}
