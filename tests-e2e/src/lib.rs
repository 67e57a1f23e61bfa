//! What the real-Swarm tests share: a place to work in, the built binary, and a look at the
//! engine that does not go through cc-ci.
//!
//! The tests run when `CC_CI_E2E=1` is set (`scripts/test` does); otherwise each says by name
//! that it was skipped.

mod engine;
mod lab;

pub use engine::{leftovers, object_exists};
pub use lab::{Lab, Ran, is_enabled};
