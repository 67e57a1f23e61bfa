//! The built binary as a user runs it, where no engine is needed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod doctor;
mod engine;
mod explain;
mod outputs;
mod recorded;
mod schema;
mod support;
