//! `cc-ci doctor` where something is missing: no engine, no programs, no rights, no room to write.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use cc_ci_model::doctor::{DoctorReport, FindingId, Level};

use crate::engine::Engine;
use crate::support::{binary, cc_ci, said};

/// What it says to programs; the exit code has to be the one it names.
#[track_caller]
fn looked(mut command: Command) -> DoctorReport {
    let (code, out, error) = said(&command.args(["doctor", "--output", "json"]).output().unwrap());
    let report: DoctorReport =
        serde_json::from_str(&out).unwrap_or_else(|why| panic!("{why}: {out}{error}"));
    assert_eq!((code, error.as_str()), (Some(i32::from(report.exit_code)), ""));
    let worst = report.findings.iter().map(|finding| finding.level).max();
    assert_eq!(worst, Some(report.level));
    assert_eq!(report.exit_code == 4, report.level == Level::Problem);
    report
}

fn problems(report: &DoctorReport) -> Vec<FindingId> {
    let bad = report.findings.iter().filter(|finding| finding.level == Level::Problem);
    bad.map(|finding| finding.id).collect()
}

#[track_caller]
fn found(report: &DoctorReport, id: FindingId) -> &cc_ci_model::doctor::Finding {
    let found = report.findings.iter().find(|finding| finding.id == id);
    found.unwrap_or_else(|| panic!("no {id:?} in {:#?}", report.findings))
}

/// A folder with programs that only tell a version, of docker this one.
fn programs(folder: &Path, docker: &str) -> String {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for (name, says) in [("docker", docker), ("git", "git version 2.39.5")] {
        let file = bin.join(name);
        let script = format!("#!/bin/sh\necho '{says}'\n");
        fs::File::create(&file)
            .and_then(|mut file| std::io::Write::write_all(&mut file, script.as_bytes()))
            .unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    bin.display().to_string()
}

#[test]
fn without_an_engine_it_says_so_and_looks_at_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = programs(folder.path(), "Docker version 28.2.2, build e6534b4");
    let mut command = cc_ci(folder.path());
    command.env("PATH", path);
    let report = looked(command);
    assert_eq!(problems(&report), [FindingId::EngineSilent]);
    assert_eq!(found(&report, FindingId::Cli).what, "28.2.2");
    assert_eq!(found(&report, FindingId::EngineSilent).place, "unix:///nonexistent/docker.sock");
    found(&report, FindingId::ToolWanted);
    found(&report, FindingId::LeftoversNone);
    assert!(!folder.path().join("state").exists(), "nothing is made");
}

/// Somebody listens and never answers: each question has an end.
#[test]
fn an_engine_that_hangs_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let mut command = cc_ci(folder.path());
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    let report = looked(command);
    let silent = found(&report, FindingId::EngineSilent);
    assert!(silent.what.contains("no answer within 10 s"), "{silent:?}");
}

#[test]
fn without_programs_each_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = cc_ci(folder.path());
    command.env("PATH", "/nonexistent");
    let report = looked(command);
    let expected = [FindingId::CliMissing, FindingId::EngineSilent, FindingId::ToolMissing];
    assert_eq!(problems(&report), expected);
    let missing = found(&report, FindingId::CliMissing);
    assert!(missing.what.contains("not found on its PATH `/nonexistent`"), "{missing:?}");
}

#[test]
fn a_docker_cli_that_is_too_old_or_none_is_a_problem() {
    for (says, id) in [
        ("Docker version 19.03.15, build 99e3ed8919", FindingId::CliOld),
        ("podman version", FindingId::CliUnreadable),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = programs(folder.path(), says);
        let mut command = cc_ci(folder.path());
        command.env("PATH", path);
        assert_eq!(problems(&looked(command)), [id, FindingId::EngineSilent], "{says}");
    }
}

#[test]
fn an_address_of_another_kind_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = cc_ci(folder.path());
    command.env("DOCKER_HOST", "ssh://elsewhere");
    let report = looked(command);
    assert_eq!(found(&report, FindingId::EngineAddress).place, "ssh://elsewhere");
}

/// As a user who may neither use the engine's socket nor write into the state folder. Root becomes
/// such a user first.
#[test]
fn a_user_without_rights_is_told_which() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("cc-ci");
    fs::copy(env!("CARGO_BIN_EXE_cc-ci"), &copy).unwrap();
    let socket = folder.path().join("docker.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o500)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = binary(&copy, folder.path());
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let report = looked(command);
    let denied = found(&report, FindingId::EngineDenied);
    assert_eq!(
        denied.next.as_deref(),
        Some("run cc-ci as root: it reads the files of volumes too")
    );
    found(&report, FindingId::StateFolderReadonly);
}

const MANAGER: &str = r#"{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":true}"#;
/// What an engine says of its Swarm, what it answers to `/nodes`, and what follows.
const SWARMS: [(&str, &str, FindingId); 7] = [
    (
        r#"{"NodeID":"","LocalNodeState":"inactive","ControlAvailable":false}"#,
        "[]",
        FindingId::SwarmNone,
    ),
    (
        r#"{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":false}"#,
        "[]",
        FindingId::SwarmWorker,
    ),
    (
        r#"{"NodeID":"","LocalNodeState":"locked","ControlAvailable":false}"#,
        "[]",
        FindingId::SwarmLocked,
    ),
    (
        r#"{"NodeID":"","LocalNodeState":"error","ControlAvailable":false,"Error":"no route"}"#,
        "[]",
        FindingId::SwarmUnready,
    ),
    (MANAGER, "The swarm does not have a leader.", FindingId::SwarmLeaderless),
    (
        MANAGER,
        r#"[{"ID":"n1","Spec":{"Availability":"drain"},"Status":{"State":"ready"}}]"#,
        FindingId::NodeDrained,
    ),
    (
        MANAGER,
        r#"[{"ID":"n1","Spec":{"Availability":"active"},"Status":{"State":"ready"}},
            {"ID":"n2","Spec":{"Availability":"active"},"Status":{"State":"ready"}}]"#,
        FindingId::NodesSeveral,
    ),
];

#[test]
fn an_engine_in_no_swarm_or_in_one_that_does_not_work() {
    for (swarm, nodes, id) in SWARMS {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(folder.path(), swarm, nodes);
        let mut command = cc_ci(folder.path());
        command.env("DOCKER_HOST", format!("unix://{}", engine.socket.display()));
        let report = looked(command);
        assert!(found(&report, id).next.is_some(), "{id:?}");
        // It runs on another kernel: nothing is known of its network, nothing of its files is here.
        found(&report, FindingId::VipsUnknown);
        found(&report, FindingId::TaskAddressesUnknown);
        let problems = problems(&report);
        assert!(problems.contains(&FindingId::VolumesUnreadable), "{problems:?}");
    }
}

#[test]
fn leftovers_in_the_state_folder_are_named_with_their_command() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("state/runs");
    fs::create_dir_all(runs.join("20261124T053000-a-0a1b2c")).unwrap();
    fs::create_dir_all(runs.join("20261124T053000-b-0a1b2c")).unwrap();
    let log = runs.join("20261124T053000-b-0a1b2c/events.jsonl");
    fs::copy(recorded("events.jsonl"), &log).unwrap();
    let text = fs::read_to_string(&log).unwrap();
    // A SIGKILL in the middle of the run.
    let cut = fs::File::options().write(true).open(&log).unwrap();
    cut.set_len(text.len() as u64 / 2).unwrap();
    let report = looked(cc_ci(folder.path()));
    let unplanned = found(&report, FindingId::RunUnplanned);
    assert!(unplanned.next.as_ref().unwrap().starts_with("rm -r '"), "{unplanned:?}");
    let died = found(&report, FindingId::RunDied);
    assert_eq!(died.next.as_deref(), Some("cc-ci cleanup 20261124T053000-b-0a1b2c"));
}

fn recorded(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recorded").join(name)
}

/// What people get: the same findings, aligned, without colour where there is no terminal.
#[test]
fn people_get_marks_and_arrows() {
    let folder = tempfile::tempdir().unwrap();
    let output = cc_ci(folder.path()).arg("doctor").output().unwrap();
    let (code, out, error) = said(&output);
    assert_eq!((code, error.as_str()), (Some(4), ""));
    assert!(out.starts_with("PROBLEM  "), "{out}");
    assert!(out.contains("\n  ✗ engine          does not answer"), "{out}");
    assert!(out.contains("\n                    → start Docker"), "{out}");
    assert!(!out.contains('\u{1b}'), "{out}");
}
