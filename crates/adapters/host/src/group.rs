//! A child's process group, as long as it runs.

use std::sync::Arc;

use cc_ci_core::ports::ChildLog;
use cc_ci_model::intent::ProcessId;
use rustix::process::{Pid, Signal, kill_process_group};

/// Kills the group when it is dropped, whatever the reason: the run went on, was cancelled, or
/// panicked. Must be dropped before the leader is reaped: until then its id is its own.
pub(crate) struct Group {
    leader: Pid,
    process: ProcessId,
    log: Option<Arc<dyn ChildLog>>,
}

impl Group {
    /// Watches over the group that `leader` leads, and tells `log` of it.
    pub(crate) fn new(leader: Pid, process: ProcessId, log: Option<Arc<dyn ChildLog>>) -> Self {
        if let Some(log) = &log {
            log.started(&process);
        }
        Self { leader, process, log }
    }

    /// Asks the group to end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends the group.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // It fails when nobody is left in the group, which is what is wanted.
        let _nobody_left = kill_process_group(self.leader, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
        if let Some(log) = &self.log {
            log.ended(&self.process);
        }
    }
}
