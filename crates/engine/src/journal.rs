//! The run's log and the state it adds up to: every event is on disk before the state knows it.

use std::sync::{Arc, Mutex, PoisonError};

use cc_ci_core::ports::{ChildLog, Clock, Listener, RunStore, StoreError};
use cc_ci_core::redact::Redactor;
use cc_ci_core::state::RunState;
use cc_ci_model::event::{Event, EventKind, Lane};
use cc_ci_model::intent::{Intent, ProcessId};
use cc_ci_model::secret::Secret;

/// Why the log could not be kept. A run without a log must end: nothing it did could be judged,
/// and nothing it created could be found again.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It could not be written.
    #[error("the run's log could not be written")]
    Write(#[from] StoreError),
    /// It could not be written earlier, by a part that could not say so.
    #[error("the run's log could not be written earlier: {0}")]
    Broken(String),
    /// What is to be announced has a secret of the run in its name: written without it, nobody
    /// would find it again.
    #[error("an effect could not be announced: a secret of the run is in its name")]
    Unspeakable,
}

/// The log and its state, as one lane of the run writes to it.
pub struct Journal {
    lane: Lane,
    clock: Arc<dyn Clock>,
    store: Arc<dyn RunStore>,
    listener: Arc<dyn Listener>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    seq: u64,
    state: RunState,
    broken: Option<String>,
    redactor: Redactor,
}

impl Journal {
    /// An empty log.
    pub fn new(
        clock: Arc<dyn Clock>,
        store: Arc<dyn RunStore>,
        listener: Arc<dyn Listener>,
    ) -> Self {
        Self { lane: Lane::Main, clock, store, listener, inner: Arc::default() }
    }

    /// The same log, for what goes on in a lane.
    #[must_use]
    pub fn of_lane(&self, lane: Lane) -> Self {
        Self {
            lane,
            clock: self.clock.clone(),
            store: self.store.clone(),
            listener: self.listener.clone(),
            inner: self.inner.clone(),
        }
    }

    /// The lane whose events it writes.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Writes one event and takes it into the state.
    ///
    /// # Errors
    /// When it could not be written, now or earlier.
    pub fn append(&self, kind: EventKind) -> Result<(), JournalError> {
        let mut inner = self.lock();
        if let Some(broken) = &inner.broken {
            return Err(JournalError::Broken(broken.clone()));
        }
        // The state is made of what is written, so that a log read again gives the same.
        let event = Event { seq: inner.seq + 1, at: self.clock.now(), lane: self.lane, kind };
        let intended = matches!(event.kind, EventKind::Intended { .. }).then(|| event.kind.clone());
        let event = inner.redactor.scrub_event(event);
        if intended.is_some_and(|intended| intended != event.kind) {
            return Err(JournalError::Unspeakable);
        }
        if let Err(error) = self.store.append(&event) {
            inner.broken = Some(error.to_string());
            return Err(error.into());
        }
        inner.seq = event.seq;
        inner.state.apply(&event);
        self.listener.heard(&event, &inner.state);
        Ok(())
    }

    /// Announces an effect.
    ///
    /// # Errors
    /// When it could not be written; then the effect must not be had.
    pub fn intend(&self, intent: Intent) -> Result<(), JournalError> {
        self.append(EventKind::Intended { intent })
    }

    /// Tells the listener what the current act waits for, between two events. Nothing is written.
    pub fn tell(&self, what: &str) {
        let inner = self.lock();
        self.listener.waits(self.lane, &inner.redactor.scrub(what));
    }

    /// Knows a secret of the run from here on: no event will hold it, nor any file that is
    /// written into the run's directory.
    pub fn keep_secret(&self, secret: &Secret) {
        let mut inner = self.lock();
        inner.redactor.keep(secret);
        self.store.keep_out(&inner.redactor);
    }

    /// A text without any secret of the run.
    pub fn scrub(&self, text: &str) -> String {
        self.lock().redactor.scrub(text)
    }

    /// See [`Redactor::scrub_beginning`].
    pub fn scrub_beginning(&self, text: &str, limit: usize) -> String {
        self.lock().redactor.scrub_beginning(text, limit)
    }

    /// See [`Redactor::scrub_end`].
    pub fn scrub_end(&self, text: &str, limit: usize) -> String {
        self.lock().redactor.scrub_end(text, limit)
    }

    /// The state as it is now.
    pub fn state(&self) -> RunState {
        self.lock().state.clone()
    }

    /// Looks at the state without copying it.
    pub fn with<T>(&self, look: impl FnOnce(&RunState) -> T) -> T {
        look(&self.lock().state)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_child(&self, kind: EventKind) {
        // A failure is kept in `broken` and met by the next event of the loop.
        drop(self.append(kind));
    }
}

impl ChildLog for Journal {
    fn started(&self, process: &ProcessId) {
        self.note_child(EventKind::ProcessStarted { process: process.clone() });
    }

    fn ended(&self, process: &ProcessId) {
        self.note_child(EventKind::ProcessEnded { process: process.clone() });
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}
