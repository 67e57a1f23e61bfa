//! Signals that ask the run to stop.
//!
//! Tests: in `tests/it/contracts.rs`.

use std::io;

use async_trait::async_trait;
use cc_ci_core::ports::Signals;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Counts SIGINT, SIGTERM and SIGHUP, and keeps them from ending the process.
///
/// Two of one kind that arrive at the same moment can count as one.
#[derive(Debug)]
pub struct UnixSignals {
    seen: watch::Receiver<u8>,
    counter: JoinHandle<()>,
}

impl UnixSignals {
    /// Listens from now on. Has to be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        let hangup = signal(SignalKind::hangup())?;
        let (sender, seen) = watch::channel(0);
        let counter = tokio::spawn(count([interrupt, terminate, hangup], sender));
        Ok(Self { seen, counter })
    }
}

impl Drop for UnixSignals {
    fn drop(&mut self) {
        self.counter.abort();
    }
}

#[async_trait]
impl Signals for UnixSignals {
    async fn more_than(&self, seen: u8) -> u8 {
        let mut receiver = self.seen.clone();
        let count = receiver.wait_for(|count| *count > seen).await.map(|count| *count);
        match count {
            Ok(count) => count,
            // The counter lives as long as this does.
            Err(_) => std::future::pending().await,
        }
    }

    fn count(&self) -> u8 {
        *self.seen.borrow()
    }
}

async fn count([mut interrupt, mut terminate, mut hangup]: [Signal; 3], sender: watch::Sender<u8>) {
    loop {
        let arrived = tokio::select! {
            arrived = interrupt.recv() => arrived,
            arrived = terminate.recv() => arrived,
            arrived = hangup.recv() => arrived,
        };
        if arrived.is_none() {
            return;
        }
        sender.send_modify(|count| *count = count.saturating_add(1));
    }
}
