//! Run directories and locks: floor 2 of the house.
//!
//! A run's directory holds its event log (`events.jsonl`), the files it wrote, and a lock file
//! whose kernel lock says whether the run lives. Nothing here judges what the log says.
//!
//! Reading order: [`StateDir`], [`RunDir`], [`RunLock`], [`read_log`]. Tests: in the files.
#![warn(missing_docs)]

mod again;
mod error;
mod lock;
mod log;
mod read;
mod run_dir;
mod runs;
mod state_dir;

pub use error::{LogError, RunDirError};
pub use lock::RunLock;
pub use read::{LogText, read_log};
pub use run_dir::{EVENTS_FILE, RunDir, WORK_FOLDER};
pub use state_dir::StateDir;
