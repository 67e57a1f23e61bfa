//! Plays two roles in the tests of `HostCommands`:
//!
//! - `child <parent> <program> <argument>…` is the helper that becomes the program;
//! - `parent <directory>` is cc-ci: it runs a shell, which writes its process id to `pid` in
//!   that directory, through the helper, and waits for it.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::time::Duration;

use cc_ci_core::ports::{Clock, CommandLine, Commands};
use cc_ci_host::{Helper, HostCommands, SystemClock, run_as_child};

fn main() -> std::process::ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match arguments.first().and_then(|role| role.to_str()) {
        Some("child") => child(&arguments[1..]),
        Some("parent") => parent(&arguments[1]),
        _ => std::process::ExitCode::from(64),
    }
}

fn child(arguments: &[OsString]) -> std::process::ExitCode {
    let parent = arguments[0].to_str().and_then(|pid| pid.parse().ok()).expect("a process id");
    let _error = run_as_child(parent, &arguments[1], &arguments[2..]);
    std::process::ExitCode::from(127)
}

fn parent(directory: &OsString) -> std::process::ExitCode {
    let program = env::current_exe().expect("this program has a path");
    let helper = Helper { program, arguments: vec!["child".into()] };
    let commands = HostCommands::new(Some(helper)).expect("/proc can be read");
    let shell = CommandLine {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), "echo $$ > new && mv new pid && exec sleep 1000".into()],
        environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        directory: directory.into(),
        input: Vec::new(),
        deadline: SystemClock::new().now().plus(Duration::from_mins(1)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.expect("a runtime can be built").block_on(commands.run(&shell));
    std::process::ExitCode::from(u8::from(ended.is_err()))
}
