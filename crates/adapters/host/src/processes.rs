//! Processes of this run and of dead ones.
//!
//! Tests: in `tests/it/main.rs`, with real processes.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::Processes;
use cc_ci_model::intent::ProcessId;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::clock::pause;
use crate::proc_files;

/// How often a process that should end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long a process may take to end once it was killed.
const KILLED_WITHIN: Duration = Duration::from_secs(2);

/// The processes of this host.
#[derive(Debug, Clone)]
pub struct HostProcesses {
    own: ProcessId,
}

impl HostProcesses {
    /// Finds out who this process is.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn new() -> io::Result<Self> {
        let boot_id = proc_files::boot_id()?;
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let stat = proc_files::stat(pid)
            .ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat cannot be read")))?;
        Ok(Self { own: ProcessId { pid, started_ticks: stat.started_ticks, boot_id } })
    }

    /// Waits until the process has ended, at most for `limit`.
    async fn ends_within(&self, process: &ProcessId, limit: Duration) -> bool {
        let ended = async {
            while self.is_alive(process) {
                pause(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(limit, ended).await.is_ok()
    }

    /// Signals that very process, and its group if it leads one. What is left of a group whose
    /// leader is gone is signalled too: its id is not given away while it has members.
    fn signal(&self, process: &ProcessId, signal: Signal, reach: Reach) {
        let Some(pid) = Pid::from_raw(process.pid) else {
            return;
        };
        // Failures mean that it is gone, or not ours: `is_alive` tells.
        let _gone = match (self.find(process), reach) {
            (Some(stat), _) if stat.group == process.pid => kill_process_group(pid, signal),
            (Some(_), _) => kill_process(pid, signal),
            (None, Reach::Leftovers) if proc_files::stat(process.pid).is_none() => {
                kill_process_group(pid, signal)
            }
            (None, _) => Ok(()),
        };
    }

    fn find(&self, process: &ProcessId) -> Option<proc_files::Stat> {
        proc_files::find(process, &self.own.boot_id)
    }
}

/// Who gets a signal.
#[derive(Clone, Copy)]
enum Reach {
    /// The process and its group.
    Living,
    /// Its group even if the process itself, which was there a moment ago, is gone.
    Leftovers,
}

#[async_trait]
impl Processes for HostProcesses {
    fn own(&self) -> ProcessId {
        self.own.clone()
    }

    fn is_alive(&self, process: &ProcessId) -> bool {
        self.find(process).is_some_and(|stat| !stat.is_zombie)
    }

    async fn end(&self, process: &ProcessId, grace: Duration) -> bool {
        if self.find(process).is_none() {
            return true;
        }
        self.signal(process, Signal::TERM, Reach::Living);
        self.ends_within(process, grace).await;
        self.signal(process, Signal::KILL, Reach::Leftovers);
        self.ends_within(process, KILLED_WITHIN).await
    }
}
