//! The project's own chores, as a library: `main.rs` only reads the command line, and the
//! real-Swarm tests use [`fixtures`], [`mutations`] and [`catalogue`] directly.
//!
//! Reading order: [`fixtures`], [`repository`], [`mutations`], [`catalogue`], [`schema`], [`tidy`],
//! [`timelines`], [`ci`].
#![expect(
    clippy::disallowed_methods,
    reason = "chores run programs, read the clock and write files themselves: they have no ports"
)]
#![expect(clippy::print_stdout, reason = "what a chore found out is its output")]

pub mod catalogue;
pub mod ci;
pub mod fixtures;
pub mod mutations;
pub mod repository;
pub mod schema;
pub mod tidy;
pub mod timelines;
pub mod workspace;
