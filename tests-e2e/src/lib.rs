//! What the real-Swarm tests share: a place to work in, the built binary, a registry, and a look
//! at the engine and at a run's log that does not go through cc-ci.
//!
//! The tests run when `CC_CI_E2E=1` is set (`scripts/test` does); otherwise each says by name
//! that it was skipped. They may run two at a time: each has its own folder and state, looks only
//! at objects of its own runs, and removes what it makes itself by name.
//!
//! Reading order: [`Lab`], [`Ran`], [`LiveRun`], [`Log`], [`engine`], [`Strangers`],
//! [`Registry`], [`PrivateEngine`], [`in_terminal`].
#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs as a user does, read the clock and write files: they have no ports"
)]

mod cases;
mod enabled;
pub mod engine;
mod fake_engine;
mod lab;
mod live;
mod log;
mod private_engine;
mod ran;
mod registry;
mod strangers;
mod terminal;
mod waiting;

pub use cases::{Case, git};
pub use enabled::{is_enabled, is_long_enabled, is_oracle_enabled, is_private_engine_enabled};
pub use fake_engine::{FakeEngine, Says};
pub use lab::{Change, Lab, Mutated};
pub use live::LiveRun;
pub use log::Log;
pub use private_engine::PrivateEngine;
pub use ran::Ran;
pub use registry::Registry;
pub use strangers::Strangers;
pub use terminal::{Shown, in_terminal};
