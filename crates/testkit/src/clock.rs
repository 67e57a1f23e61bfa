//! Time and chance without the real ones.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, Entropy};
use cc_ci_model::time::Timestamp;
use tokio::time::Instant;

/// The time at which every virtual clock begins: 2026-11-24T05:30:00.000Z.
pub fn dawn() -> Timestamp {
    Timestamp::from_millis(1_795_498_200_000)
}

/// Tokio's paused time as a [`Clock`]. It moves only when every task waits.
#[derive(Debug)]
pub struct VirtualClock {
    began: Instant,
}

impl VirtualClock {
    /// A clock that stands at [`dawn`]. To be made inside a runtime whose time is paused.
    pub fn new() -> Self {
        Self { began: Instant::now() }
    }

    /// How long the clock has run.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        dawn().plus(self.elapsed())
    }

    async fn sleep_until(&self, until: Timestamp) {
        let left = until.since(self.now());
        if !left.is_zero() {
            tokio::time::sleep_until(self.began + until.since(dawn())).await;
        }
    }
}

/// Chance that is the same in every run of a test.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// The sequence that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed | 1))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            // xorshift64: good enough to look like chance.
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            *byte = state.to_le_bytes()[3];
        }
    }
}
