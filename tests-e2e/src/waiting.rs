//! The one way in which these tests wait.

use std::time::{Duration, Instant};

/// How often something is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until there is something, for at most that long.
pub(crate) fn wait_for<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() > limit {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}
