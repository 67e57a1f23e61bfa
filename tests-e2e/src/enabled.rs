//! Which tests were asked for.

use std::io::Write as _;

/// Whether real-Swarm tests are asked for; says so when they are not.
pub fn is_enabled(test: &str) -> bool {
    is_asked_for("CC_CI_E2E", test, "it needs a Docker Swarm; `scripts/test` runs it")
}

/// The same for a test that takes long.
pub fn is_long_enabled(test: &str) -> bool {
    is_enabled(test)
        && is_asked_for("CC_CI_E2E_ALL", test, "it is long; `scripts/test --all` runs it")
}

fn is_asked_for(variable: &str, test: &str, why: &str) -> bool {
    let enabled = std::env::var(variable).is_ok_and(|value| value == "1");
    if !enabled {
        // Past the test harness, which would keep the output of a test that passes.
        let line = format!("SKIPPED {test}: {why} ({variable}=1)\n");
        drop(std::io::stderr().write_all(line.as_bytes()));
    }
    enabled
}
