//! The port to a run's directory.

use cc_ci_model::event::Event;

use crate::redact::Redactor;

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

    /// Writes a file of the run atomically; `name` is relative, e.g. `results.json`. A content in
    /// which a secret stands is refused, and what was there under that name stays.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError>;

    /// Secrets that must not be in any file; they take the place of those given earlier.
    fn keep_out(&self, secrets: &Redactor);

    /// Reads every file of the run again, the log included, and names those in which one of
    /// these secrets survived. Not read are the run's working folder, which is never published,
    /// and whatever is no regular file.
    fn unclean(&self) -> Result<Vec<String>, StoreError>;

    /// Removes a file of the run other than its log and its lock; one that is not there is
    /// removed.
    fn remove(&self, name: &str) -> Result<(), StoreError>;
}
