//! Real processes on this host.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod contracts;
mod processes;
mod support;
