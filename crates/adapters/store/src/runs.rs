//! A look at every run that is kept, and what is remembered of this host between runs.
//!
//! Tests: at the end of this file.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use cc_ci_core::ports::{Remembered, RunTrace, StateView, Trace};
use cc_ci_model::host::Tried;
use cc_ci_model::results::Cleanup;
use serde_json::{Value, json};

use crate::lock::LOCK_FILE;
use crate::read::read_log;
use crate::run_dir::{EVENTS_FILE, write_into};
use crate::state_dir::StateDir;

/// What a later cleanup wrote.
const CLEANUP_FILE: &str = "cleanup.json";

/// What was tried on this host.
const HOST_FILE: &str = "host.json";

impl StateView for StateDir {
    fn folder(&self) -> &Path {
        self.path()
    }

    fn runs(&self) -> Result<Vec<RunTrace>, String> {
        let entries = match fs::read_dir(self.path().join("runs")) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error.to_string()),
        };
        let folders = entries.filter_map(Result::ok).map(|entry| entry.path());
        let mut runs: Vec<RunTrace> =
            folders.filter(|path| path.is_dir()).map(|path| trace(&path)).collect();
        runs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(runs)
    }

    fn remembered(&self) -> Option<Remembered> {
        let text = fs::read(self.path().join(HOST_FILE)).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        Some(Remembered {
            world: value["world"].as_str()?.to_owned(),
            engine_id: value["engine_id"].as_str()?.to_owned(),
            task_addresses: serde_json::from_value::<Tried>(value["task_addresses"].clone())
                .ok()?,
        })
    }

    fn remember(&self, tried: &Remembered) {
        let value = json!({
            "world": tried.world,
            "engine_id": tried.engine_id,
            "task_addresses": tried.task_addresses,
        });
        // What cannot be kept is tried again.
        drop(write_into(self.path(), HOST_FILE, format!("{value:#}\n").as_bytes()));
    }
}

fn trace(path: &Path) -> RunTrace {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    RunTrace {
        name: name.unwrap_or_default(),
        path: path.display().to_string(),
        trace: what_is_left(path),
    }
}

fn what_is_left(path: &Path) -> Trace {
    match is_locked(path) {
        Ok(false) => {}
        Ok(true) => return Trace::Alive,
        Err(error) => return Trace::Unreadable(error.to_string()),
    }
    if is_cleaned(path) {
        return Trace::Cleaned;
    }
    let events = path.join(EVENTS_FILE);
    if !events.exists() {
        return Trace::Log(Vec::new());
    }
    match read_log(&events) {
        Ok(log) => Trace::Log(log.events),
        Err(error) => Trace::Unreadable(told(&error)),
    }
}

/// Whether somebody holds the run's lock. Takes it for a moment, but makes no file.
fn is_locked(path: &Path) -> io::Result<bool> {
    let file = match File::open(path.join(LOCK_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_cleaned(path: &Path) -> bool {
    let cleanup = fs::read(path.join(CLEANUP_FILE)).ok();
    let cleanup = cleanup.and_then(|text| serde_json::from_slice::<Cleanup>(&text).ok());
    cleanup.is_some_and(|cleanup| cleanup.complete)
}

/// An error with its cause in one line.
fn told(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use cc_ci_core::ports::RunStore;
    use cc_ci_model::event::{Event, EventKind};
    use cc_ci_model::time::Timestamp;

    use super::*;
    use crate::run_dir::RunDir;

    fn fresh() -> (tempfile::TempDir, StateDir) {
        let parent = tempfile::tempdir().unwrap();
        let state = StateDir::new(parent.path().join("state"));
        (parent, state)
    }

    fn create(state: &StateDir, name: &str) -> RunDir {
        RunDir::create(&state.path().join("runs").join(name)).unwrap()
    }

    fn traces(state: &StateDir) -> Vec<(String, Trace)> {
        state.runs().unwrap().into_iter().map(|run| (run.name, run.trace)).collect()
    }

    #[test]
    fn a_run_is_alive_dead_cleaned_or_unreadable() {
        let (_parent, state) = fresh();
        assert_eq!(state.runs(), Ok(Vec::new()));
        let alive = create(&state, "a-alive");
        let dead = create(&state, "b-dead");
        let kind = EventKind::CancelRequested { signals: 1 };
        let event = Event {
            seq: 1,
            at: Timestamp::from_millis(0),
            lane: cc_ci_model::event::Lane::Main,
            kind,
        };
        dead.append(&event).unwrap();
        drop(dead);
        let cleaned = create(&state, "c-cleaned");
        cleaned.write(CLEANUP_FILE, br#"{"complete":true,"left":[]}"#).unwrap();
        drop(cleaned);
        drop(create(&state, "d-unplanned"));
        write_into(&state.path().join("runs/e-empty"), "x", b"").unwrap();
        fs::File::create(state.path().join("runs/not-a-run")).unwrap();
        let found = traces(&state);
        let expected = [
            ("a-alive".to_owned(), Trace::Alive),
            ("b-dead".to_owned(), Trace::Log(vec![event])),
            ("c-cleaned".to_owned(), Trace::Cleaned),
            ("d-unplanned".to_owned(), Trace::Log(Vec::new())),
            ("e-empty".to_owned(), Trace::Log(Vec::new())),
        ];
        assert_eq!(found, expected);
        drop(alive);
    }

    #[test]
    fn a_log_nobody_can_read_is_told_with_its_place() {
        let (_parent, state) = fresh();
        drop(create(&state, "a"));
        let log = state.path().join("runs/a").join(EVENTS_FILE);
        std::io::Write::write_all(&mut File::create(&log).unwrap(), b"x\ny\n").unwrap();
        let Trace::Unreadable(why) = traces(&state).remove(0).1 else {
            panic!("it was read");
        };
        assert!(why.contains("line 1 of") && why.contains("expected value"), "{why}");
    }

    /// Somebody else's run may be alive: nothing is said that would lead to its removal.
    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_dead() {
        let (_parent, state) = fresh();
        let path = create(&state, "a").path().to_owned();
        fs::remove_file(path.join(LOCK_FILE)).unwrap();
        std::os::unix::fs::symlink(LOCK_FILE, path.join(LOCK_FILE)).unwrap();
        assert!(matches!(traces(&state)[0].1, Trace::Unreadable(_)), "{:?}", traces(&state));
        let blocked = StateDir::new(path.join(EVENTS_FILE));
        assert!(blocked.runs().is_err());
    }

    /// Looking must not make anybody believe that the run lives.
    #[test]
    fn a_look_leaves_no_lock_and_no_file() {
        let (_parent, state) = fresh();
        let path = create(&state, "a").path().to_owned();
        assert_ne!(traces(&state)[0].1, Trace::Alive);
        drop(RunDir::open_existing(&path).unwrap());
        fs::remove_file(path.join("lock")).unwrap();
        assert_ne!(traces(&state)[0].1, Trace::Alive);
        assert!(!path.join("lock").exists());
    }

    #[test]
    fn what_was_tried_is_remembered_as_it_was() {
        let (parent, state) = fresh();
        assert_eq!(state.remembered(), None);
        let tried = Remembered {
            world: "boot net:[1]".into(),
            engine_id: "ID".into(),
            task_addresses: Tried::Fails,
        };
        state.remember(&tried);
        assert_eq!(state.remembered(), Some(tried.clone()));
        let file = state.path().join(HOST_FILE);
        std::io::Write::write_all(&mut File::create(&file).unwrap(), b"{").unwrap();
        assert_eq!(state.remembered(), None);
        let blocked = StateDir::new(parent.path().join("file/x"));
        fs::File::create(parent.path().join("file")).unwrap();
        blocked.remember(&tried);
        assert_eq!(blocked.remembered(), None);
    }
}
