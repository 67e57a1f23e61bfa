//! Which tests were asked for.

use std::io::Write as _;
use std::process::Command;

/// Whether real-Swarm tests are asked for; says so when they are not.
pub fn is_enabled(test: &str) -> bool {
    is_asked_for("CC_CI_E2E", test, "it needs a Docker Swarm; `scripts/test` runs it")
}

/// The same for a test that takes long.
pub fn is_long_enabled(test: &str) -> bool {
    is_enabled(test)
        && is_asked_for("CC_CI_E2E_ALL", test, "it is long; `scripts/test --all` runs it")
}

/// The same for a test that starts an engine of its own, which takes root.
pub fn is_private_engine_enabled(test: &str) -> bool {
    if !is_long_enabled(test) {
        return false;
    }
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        say(&format!("SKIPPED {test}: it starts an engine of its own, which only root can\n"));
    }
    is_root
}

/// The same for a test whose oracle is `docker stack config`, which the CLI of Debian 12 (20.10)
/// does not have.
pub fn is_oracle_enabled(test: &str) -> bool {
    if !is_enabled(test) {
        return false;
    }
    let help = Command::new("docker").args(["stack", "config", "--help"]).output();
    let has_it = help.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).contains("docker stack config")
    });
    if !has_it {
        say(&format!(
            "SKIPPED {test}: this docker CLI has no `stack config`; put a newer one on the PATH (25 has it)\n"
        ));
    }
    has_it
}

fn is_asked_for(variable: &str, test: &str, why: &str) -> bool {
    let enabled = std::env::var(variable).is_ok_and(|value| value == "1");
    if !enabled {
        say(&format!("SKIPPED {test}: {why} ({variable}=1)\n"));
    }
    enabled
}

/// Past the test harness, which would keep the output of a test that passes.
fn say(line: &str) {
    drop(std::io::stderr().write_all(line.as_bytes()));
}
