//! Ends blocking work whose caller is gone: nobody can interrupt a thread, so the thread asks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the caller still waits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Asks to stop when it is dropped.
    pub(crate) fn guard(&self) -> StopGuard {
        StopGuard { stop: self.clone() }
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> io::Result<()> {
        if self.is_asked() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        Ok(())
    }
}

/// See [`Stop::guard`].
#[derive(Debug)]
pub(crate) struct StopGuard {
    stop: Stop,
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.stop.asked.store(true, Ordering::Relaxed);
    }
}
