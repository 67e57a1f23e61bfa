//! Records how small scenes go on the real Swarm, for tests that replay them without one.
//!
//! The scenes are tests of the Swarm adapter (`crates/adapters/swarm/tests/it/timelines.rs`): this
//! only runs them and says where to write. Needs a Swarm manager and the fixture images.

use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace;

/// Runs the scenes whose test has `name` in its name, and writes `<scene>.json` of each into `out`.
pub fn record(out: &Path, name: &str) -> Result<bool> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    // The tests run in the folder of their crate.
    let out = out.canonicalize()?;
    let status = workspace::cargo()
        .args(["test", "--package", "cc-ci-swarm", "--test", "it"])
        .arg(format!("timelines::{name}"))
        .env("CC_CI_E2E", "1")
        .env("CC_CI_RECORD", &out)
        .status()?;
    if status.success() {
        println!("recorded in {}", out.display());
    }
    Ok(status.success())
}
