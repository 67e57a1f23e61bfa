//! The small languages inside compose values: commands, durations, sizes, ports, mounts.
//!
//! Each is a function from text to a value or a message; places are the caller's business.

mod duration;
mod mount;
mod port;
mod size;
mod words;

pub(super) use duration::{nanoseconds, printed as printed_duration};
pub(super) use mount::mount;
pub(super) use port::{Port, port_range, ports};
pub(super) use size::bytes;
pub(super) use words::words;
