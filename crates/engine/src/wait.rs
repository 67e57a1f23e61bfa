//! The one shape of waiting: look, sleep until something wakes, look again, until content or
//! until the deadline.

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::Clock;
use cc_ci_model::time::Timestamp;

/// How long the last look may go on after the deadline. A look that hangs longer is dropped.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// What is waited for.
#[async_trait]
pub trait Waiting: Send {
    /// Looks once.
    async fn look(&mut self, now: Timestamp) -> Look;

    /// Returns when a new look may be worth while; never, if only time can tell.
    async fn wake(&mut self);

    /// What is missing, as of the last look: for people who watch.
    fn missing(&self) -> String;
}

/// What a look said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The wait is over.
    Over,
    /// Look again when woken, at the latest then.
    Again {
        /// The latest time of the next look.
        at_latest: Timestamp,
    },
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A look said so.
    Content,
    /// The deadline passed.
    Expired,
}

/// Waits, and tells after each look in vain what is missing. The last look happens at the
/// deadline, not before it.
///
/// # Cancellation
/// Dropping it is safe wherever dropping a look is.
pub async fn wait_until(
    clock: &dyn Clock,
    deadline: Timestamp,
    waiting: &mut dyn Waiting,
    tell: &(dyn Fn(&str) + Sync),
) -> Ended {
    loop {
        let look = tokio::select! {
            biased;
            look = waiting.look(clock.now()) => look,
            () = clock.sleep_until(deadline.plus(LAST_LOOK)) => return Ended::Expired,
        };
        let Look::Again { at_latest } = look else {
            return Ended::Content;
        };
        if clock.now() >= deadline {
            return Ended::Expired;
        }
        tell(&waiting.missing());
        tokio::select! {
            () = waiting.wake() => {}
            () = clock.sleep_until(at_latest.min(deadline)) => {}
        }
    }
}
