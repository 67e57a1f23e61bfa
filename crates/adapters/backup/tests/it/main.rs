//! The adapter on real files: run as root, with owners that are not root; otherwise all files
//! belong to who runs it, and nothing is shown about owners.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

mod contracts;
mod measure;
mod odd;
mod picture;
mod restoring;
mod snapshots;
mod support;
mod volumes;
