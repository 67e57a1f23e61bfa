//! A run's directory keeps what its port promises; the fake's half is in `testkit/tests/it`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use cc_ci_core::ports::RunStore;
use cc_ci_store::RunDir;
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
