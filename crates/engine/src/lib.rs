//! Doing it: the run loop, the waits and the cleanup, over ports only.
//!
//! One loop ([`run::run`]) owns a run's state. It asks `core` what to do next, does it, writes
//! down what was seen, and asks again. Nothing here decides whether something is good.
//!
//! [`settle`] is the wait for a stack, as a run does it; the benchmarks measure it.
//!
//! Reading order: [`run`], [`journal`], `acts`, [`wait`], [`cleanup`].
#![warn(missing_docs)]
#![warn(clippy::wildcard_enum_match_arm)]

mod acts;
pub mod cleanup;
pub mod doctor;
pub mod journal;
pub mod planning;
pub mod ports;
mod publication;
pub mod run;
pub mod wait;

pub use acts::{Watched, settle};
