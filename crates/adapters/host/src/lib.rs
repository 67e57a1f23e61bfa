//! This host: floor 2 of the house.
//!
//! The clock, chance, processes and their groups, HTTP probes and signals. The only crate that
//! may start a process, read a clock or sleep.
//!
//! Reading order: [`SystemClock`], [`OsEntropy`], [`HttpProbe`], [`HostProcesses`],
//! [`HostCommands`] with [`run_as_child`], [`UnixSignals`], [`ThisHost`]. Tests: in the files; those that
//! need a helper program in `tests/it/main.rs`.
#![warn(missing_docs)]

mod capture;
mod child;
mod clock;
mod commands;
mod entropy;
mod exit;
mod group;
mod http;
mod ip_vs;
mod lookup;
mod proc_files;
mod processes;
mod redirect;
mod signals;
mod view;

pub use child::{Helper, run_as_child};
pub use clock::SystemClock;
pub use commands::HostCommands;
pub use entropy::OsEntropy;
pub use http::HttpProbe;
pub use processes::HostProcesses;
pub use signals::UnixSignals;
pub use view::ThisHost;
