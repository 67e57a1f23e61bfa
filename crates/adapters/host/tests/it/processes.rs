//! `HostProcesses`: ending that very process and no other.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use cc_ci_core::ports::Processes;
use cc_ci_host::HostProcesses;
use cc_ci_model::intent::ProcessId;

use crate::support::eventually;

#[expect(clippy::disallowed_methods, reason = "processes to end")]
pub(crate) fn start(script: &str, group: Option<i32>) -> (Child, ProcessId) {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script);
    if let Some(group) = group {
        command.process_group(group);
    }
    let child = command.spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let started_ticks = fields.clone().nth(19).unwrap().parse().unwrap();
    let own = HostProcesses::new().unwrap().own();
    (child, ProcessId { pid, started_ticks, boot_id: own.boot_id })
}

#[tokio::test]
async fn a_process_ends_with_its_group() {
    let processes = HostProcesses::new().unwrap();
    let (mut child, process) = start("sleep 1000 & sleep 1000", Some(0));
    assert!(processes.is_alive(&process));
    assert!(processes.end(&process, Duration::from_secs(5)).await);
    assert!(!processes.is_alive(&process));
    let group = rustix::process::Pid::from_raw(process.pid).unwrap();
    child.wait().unwrap();
    eventually("nobody is left in the group", || {
        rustix::process::test_kill_process_group(group).is_err()
    });
    assert!(processes.end(&process, Duration::ZERO).await, "it is gone already");
}

/// Without a group of its own only the process itself is ended, not this test.
#[tokio::test]
async fn a_process_in_somebody_elses_group_ends_alone() {
    let processes = HostProcesses::new().unwrap();
    let (mut child, process) = start("exec sleep 1000", None);
    assert!(processes.end(&process, Duration::from_secs(5)).await);
    child.wait().unwrap();
    assert!(processes.is_alive(&processes.own()));
}
