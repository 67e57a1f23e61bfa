//! A recorded run in a state folder, and commands that read it.

use std::path::{Path, PathBuf};
use std::process::Output;

/// A recorded run.
pub(crate) fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recorded")
}

/// Runs the binary in a state folder.
pub(crate) fn cc_ci(state: &Path, arguments: &[&str]) -> Output {
    let mut command = crate::support::cc_ci(state);
    command.env("CC_CI_STATE", state).args(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output, of a command that ended with that exit code.
#[track_caller]
pub(crate) fn stdout(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// A state folder with the recorded run in it, under its id.
#[expect(clippy::disallowed_methods, reason = "a test's own folder")]
pub(crate) fn state() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let log = std::fs::read_to_string(recorded().join("events.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let id = first["plan"]["run_id"].as_str().unwrap().to_owned();
    let run = folder.path().join("runs").join(&id);
    std::fs::create_dir_all(&run).unwrap();
    std::fs::write(run.join("events.jsonl"), log).unwrap();
    (folder, id)
}
