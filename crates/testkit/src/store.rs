//! A run directory in memory, and a listener that remembers.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use cc_ci_core::ports::{Listener, RunStore, StoreError};
use cc_ci_core::redact::Redactor;
use cc_ci_core::state::RunState;
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::intent::Intent;
use sha2::{Digest, Sha256};

use crate::faults::{Fate, Faults, injected};

/// A run directory that keeps everything in memory.
#[derive(Debug)]
pub struct MemoryStore {
    faults: Arc<Faults>,
    inner: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Event>,
    bytes: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
    secrets: Redactor,
    full_after: Option<usize>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, inner: Mutex::default() }
    }

    /// The disk is full once `events` events were written.
    pub fn full_after(&self, events: usize) {
        self.lock().full_after = Some(events);
    }

    /// Every event written, in order.
    pub fn events(&self) -> Vec<Event> {
        self.lock().events.clone()
    }

    /// The log as its bytes.
    pub fn log(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// A file that was written.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().files.get(name).cloned()
    }

    /// Somebody else writes a file: a test that was told where the run's directory is.
    pub fn put(&self, name: &str, content: &[u8]) {
        self.lock().files.insert(name.to_owned(), content.to_vec());
    }

    /// Names of all files that were written.
    pub fn files(&self) -> Vec<String> {
        self.lock().files.keys().cloned().collect()
    }

    /// How a log's bytes are hashed.
    pub fn sha256(bytes: &[u8]) -> String {
        hex::encode(Sha256::digest(bytes))
    }

    /// Intents announced so far.
    pub fn intents(&self) -> Vec<Intent> {
        let kept = self.lock();
        let intents = kept.events.iter().filter_map(|event| match &event.kind {
            EventKind::Intended { intent } => Some(intent.clone()),
            _ => None,
        });
        intents.collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunStore for MemoryStore {
    fn append(&self, event: &Event) -> Result<(), StoreError> {
        let fate = self.faults.enter_now("append to the log");
        let mut kept = self.lock();
        let is_full = kept.full_after.is_some_and(|limit| kept.events.len() >= limit);
        if fate == Fate::Fail || is_full {
            return Err(failure("events.jsonl", "append to the log"));
        }
        let line = serde_json::to_vec(event)
            .map_err(|error| StoreError { path: "events.jsonl".into(), source: error.into() })?;
        kept.bytes.extend(line);
        kept.bytes.push(b'\n');
        kept.events.push(event.clone());
        if fate == Fate::Go { Ok(()) } else { Err(failure("events.jsonl", "append to the log")) }
    }

    fn log_sha256(&self) -> String {
        Self::sha256(&self.lock().bytes)
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        if self.faults.enter_now("write a file") != Fate::Go {
            return Err(failure(name, "write a file"));
        }
        check_name(name)?;
        let mut kept = self.lock();
        if kept.secrets.survives_in(content) {
            let source = std::io::Error::other("a secret of the run is in it");
            return Err(StoreError { path: name.to_owned(), source });
        }
        kept.files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }

    fn keep_out(&self, secrets: &Redactor) {
        self.lock().secrets = secrets.clone();
    }

    fn unclean(&self) -> Result<Vec<String>, StoreError> {
        if self.faults.enter_now("read the files again") != Fate::Go {
            return Err(failure("", "read the files again"));
        }
        let kept = self.lock();
        let log = ("events.jsonl", &kept.bytes);
        let files = kept.files.iter().map(|(name, bytes)| (name.as_str(), bytes));
        let unclean = files.chain([log]).filter(|(_, bytes)| kept.secrets.survives_in(bytes));
        let mut names: Vec<String> = unclean.map(|(name, _)| name.to_owned()).collect();
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        if self.faults.enter_now("remove a file") != Fate::Go {
            return Err(failure(name, "remove a file"));
        }
        check_name(name)?;
        self.lock().files.remove(name);
        Ok(())
    }
}

/// A name that stays inside the run's directory and is not the log's or the lock's.
fn check_name(name: &str) -> Result<(), StoreError> {
    let mut parts = Path::new(name).components();
    let is_inside = !name.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)));
    if is_inside && !matches!(name, "events.jsonl" | "lock") {
        return Ok(());
    }
    let source = std::io::Error::other("no name for a file of a run");
    Err(StoreError { path: name.to_owned(), source })
}

fn failure(path: &str, call: &str) -> StoreError {
    StoreError { path: path.to_owned(), source: std::io::Error::other(injected(call)) }
}

/// Remembers every event it heard, in one word or two each, for tests of order.
#[derive(Debug, Default)]
pub struct Recorder {
    words: Mutex<Vec<String>>,
    waits: Mutex<Vec<String>>,
}

impl Recorder {
    /// What was waited for between two events, in order, each once in a row.
    pub fn waits(&self) -> Vec<String> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was heard, e.g. `begin install fresh`, `deploy`, `end`.
    pub fn words(&self) -> Vec<String> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Listener for Recorder {
    fn heard(&self, event: &Event, state: &RunState) {
        let last_act = state.last_in(event.lane).and_then(|run| run.acts.last());
        let act = last_act.map_or("?", |run| run.act.as_str());
        let word = match &event.kind {
            EventKind::Planned { .. } => "planned".to_owned(),
            EventKind::StageBegan { stage, app } => {
                let app = app.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("begin {stage} {app}")
            }
            EventKind::ActBegan { .. }
            | EventKind::ProcessStarted { .. }
            | EventKind::ProcessEnded { .. }
            | EventKind::Noted { .. } => return,
            EventKind::ActEnded { .. } => {
                let good = last_act.is_some_and(cc_ci_core::state::ActRun::is_good);
                format!("{act} {}", if good { "good" } else { "bad" })
            }
            EventKind::ActErrored { .. } => format!("{act} errored"),
            EventKind::StageEnded => "end".to_owned(),
            EventKind::Intended { intent } => match intent {
                Intent::Stack { .. } => "intend stack".to_owned(),
                Intent::Secret { .. } => "intend secret".to_owned(),
                Intent::Network { .. } => "intend network".to_owned(),
            },
            EventKind::CancelRequested { .. } => "cancel".to_owned(),
            EventKind::InventoryTaken { left, complete } => {
                format!("inventory {} {complete}", left.len())
            }
            EventKind::Sealed { .. } => "seal".to_owned(),
        };
        self.words.lock().unwrap_or_else(PoisonError::into_inner).push(word);
    }

    fn waits(&self, _lane: cc_ci_model::event::Lane, what: &str) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if waits.last().is_none_or(|last| last != what) {
            waits.push(what.to_owned());
        }
    }
}
