//! What these tests share: the binary in an environment of the test's own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Where nothing listens.
pub(crate) const DEAD_SOCKET: &str = "unix:///nonexistent/docker.sock";

/// The binary, with nothing in its environment but a state folder in `folder`, an engine that is
/// not there, and the usual `PATH`.
pub(crate) fn cc_ci(folder: &Path) -> Command {
    binary(Path::new(env!("CARGO_BIN_EXE_cc-ci")), folder)
}

/// The same for another copy of it.
#[expect(clippy::disallowed_methods, reason = "tests start the program as a user does")]
pub(crate) fn binary(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("CC_CI_STATE", folder.join("state"))
        .env("DOCKER_HOST", DEAD_SOCKET)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
pub(crate) fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}
