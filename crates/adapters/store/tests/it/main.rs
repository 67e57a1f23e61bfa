//! The adapter keeps what its ports promise; the fakes' half is in `testkit/tests/it`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use cc_ci_core::ports::{RunStore, StateView};
use cc_ci_model::event::Event;
use cc_ci_store::{RunDir, StateDir};
use cc_ci_testkit::contract::state_view;
use cc_ci_testkit::contract::store::{self, Stage};
use tempfile::TempDir;

struct NewRun {
    _parent: TempDir,
    run: RunDir,
}

impl NewRun {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(&parent.path().join("runs/one")).unwrap();
        Self { _parent: parent, run }
    }
}

impl Stage for NewRun {
    fn store(&self) -> &dyn RunStore {
        &self.run
    }

    fn log(&self) -> Vec<u8> {
        fs::read(self.run.events()).unwrap()
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.run.path().join(name)).ok()
    }

    #[expect(clippy::disallowed_methods, reason = "this plays somebody else")]
    fn put(&self, name: &str, content: &[u8]) {
        let path = self.run.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn files(&self) -> Vec<String> {
        let mut names = below(self.run.path(), "");
        names.retain(|name| name != "lock" && name != "events.jsonl");
        names.sort();
        names
    }
}

fn below(folder: &Path, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            names.extend(below(&entry.path(), &format!("{name}/")));
        } else {
            names.push(name);
        }
    }
    names
}

#[tokio::test]
async fn store() {
    store::check(async || NewRun::new()).await;
}

/// A state folder that is not there yet, and the runs in it that live.
struct NewState {
    _parent: TempDir,
    state: StateDir,
    alive: RefCell<Vec<RunDir>>,
}

impl NewState {
    fn new() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let state = StateDir::new(parent.path().join("state"));
        Self { _parent: parent, state, alive: RefCell::default() }
    }
}

impl state_view::Stage for NewState {
    fn state(&self) -> &dyn StateView {
        &self.state
    }

    fn add(&self, name: &str, log: Option<&[Event]>) {
        let run = RunDir::create(&self.state.path().join("runs").join(name)).unwrap();
        match log {
            Some(log) => log.iter().for_each(|event| run.append(event).unwrap()),
            None => self.alive.borrow_mut().push(run),
        }
    }
}

#[tokio::test]
async fn state_view() {
    state_view::check(async || NewState::new()).await;
}
