//! The adapter against a real engine, which has to be a Swarm manager on this host.
//!
//! Runs with `CC_CI_E2E=1` only, and says so otherwise. Everything is created under stack names
//! `adaptertest-<hex>` and removed again; nothing else is touched. Needs the docker CLI and the
//! image `cc-ci-fixture.invalid/static-web:2.1.0`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "tests say what they skip and what they measured")]

mod contracts;
mod doctor;
mod endings;
mod files;
mod images;
mod objects;
mod registry;
mod severed;
mod support;
mod timelines;
mod updates;
mod watching;
