//! The end of a child, noticed without reaping it.
//!
//! Until it is reaped, an ended child's id stays its own, so that its group can still be
//! signalled without hitting anybody else's.

use std::io;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that tell of ended children.
pub(crate) struct ChildSignals(Signal);

impl ChildSignals {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::child())?))
    }
}

/// The end of one child.
pub(crate) struct Exit {
    pid: Pid,
    signals: ChildSignals,
}

impl Exit {
    /// The end of `pid`; `signals` were listened to before it was started.
    pub(crate) fn of(pid: Pid, signals: ChildSignals) -> Self {
        Self { pid, signals }
    }

    /// Returns when the child has ended.
    pub(crate) async fn happened(&mut self) {
        while !self.has_happened() {
            if self.signals.0.recv().await.is_none() {
                // The runtime is shutting down.
                std::future::pending::<()>().await;
            }
        }
    }

    fn has_happened(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error says that it is no child of ours any more.
        !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
    }
}
