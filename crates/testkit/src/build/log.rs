//! A log from what happened.

use std::time::Duration;

use cc_ci_model::event::{Event, EventKind, Lane};

/// The events in order, numbered from 1 without a gap, a hundred milliseconds apart.
pub fn numbered(kinds: impl IntoIterator<Item = EventKind>) -> Vec<Event> {
    let dawn = crate::clock::dawn();
    (1_u64..)
        .zip(kinds)
        .map(|(seq, kind)| Event {
            seq,
            at: dawn.plus(Duration::from_millis(100 * seq)),
            lane: Lane::Main,
            kind,
        })
        .collect()
}
