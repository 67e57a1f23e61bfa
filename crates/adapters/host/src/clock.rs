//! Time.
//!
//! Tests: at the end of this file, and in `tests/it/contracts.rs`.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use cc_ci_core::ports::Clock;
use cc_ci_model::time::Timestamp;

/// The host's clock, read once: from then on time goes forward evenly, whatever is done to the
/// host's clock meanwhile. A deadline can so be neither missed nor met early because a time
/// server corrected it. (While a host sleeps, this clock stands.)
#[derive(Debug, Clone)]
pub struct SystemClock {
    began: Timestamp,
    since: Instant,
}

impl SystemClock {
    /// A clock set by the host's.
    #[expect(clippy::disallowed_methods, reason = "this is what the Clock port reads")]
    pub fn new() -> Self {
        let began = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
        Self { began, since: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.began.plus(self.since.elapsed())
    }

    async fn sleep_until(&self, until: Timestamp) {
        loop {
            let left = until.since(self.now());
            if left.is_zero() {
                return;
            }
            pause(left).await;
        }
    }
}

/// The one place of this crate that sleeps.
#[expect(clippy::disallowed_methods, reason = "this is what waiting is made of")]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_set_by_the_host() {
        let year_2020 = Timestamp::from_millis(1_577_836_800_000);
        assert!(SystemClock::new().now() > year_2020);
    }
}
