//! The step between this program and a program it runs (TEAR-3).
//!
//! A child has to die when its parent does, by SIGKILL too: an orphaned `docker stack deploy`
//! could create objects after the cleanup. Linux does that for a process that asks for it
//! (`PR_SET_PDEATHSIG`). A fresh child is asked through a step of our own: the parent starts
//! itself again as a helper, which asks and then becomes the program.
//!
//! Tests: in `tests/it/main.rs`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// How this program is started as a helper: `program arguments… <parent> <program> <argument>…`
/// has to end up in [`run_as_child`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// The executable, by path.
    pub program: PathBuf,
    /// What makes it a helper, e.g. one hidden word.
    pub arguments: Vec<String>,
}

/// Becomes `program`, which dies with its parent. `expected_parent` is the process that started
/// this one.
///
/// Returns only when that is impossible, with the reason. The signal is lost when `program` is
/// set-user-id or carries capabilities; Linux clears it then.
pub fn run_as_child(expected_parent: i32, program: &OsStr, arguments: &[OsString]) -> io::Error {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    // Asked after the signal was: a parent that died before it would not send any.
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent != Some(expected_parent) {
        return io::Error::other(format!("the parent {expected_parent} is gone"));
    }
    become_program(program, arguments)
}

#[expect(clippy::disallowed_methods, reason = "it starts no process: it turns into one")]
fn become_program(program: &OsStr, arguments: &[OsString]) -> io::Error {
    Command::new(program).args(arguments).exec()
}
