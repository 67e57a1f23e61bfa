//! Where things lie in this repository, and how its cargo is called.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The root of the repository.
pub fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The folder of fixture recipes.
pub fn recipes() -> PathBuf {
    root().join("fixtures/recipes")
}

/// The folders of mutations: what has to be caught, and what has to stay green.
pub fn mutations() -> [PathBuf; 2] {
    ["faults", "weather"].map(|kind| root().join("tests-e2e/catalogue").join(kind))
}

/// The cargo that runs this chore, else the one on `PATH`, at the root of the repository.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// What `cargo metadata` says about the members of the workspace.
pub fn metadata() -> Result<serde_json::Value> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `cargo metadata`")?;
    ensure!(output.status.success(), "`cargo metadata` failed ({})", output.status);
    serde_json::from_slice(&output.stdout).context("cannot read the output of `cargo metadata`")
}

/// Every file git would keep: tracked ones, and new ones that are not ignored. Relative, sorted.
pub fn files() -> Result<Vec<String>> {
    let output = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run `git ls-files`")?;
    ensure!(output.status.success(), "`git ls-files` failed ({})", output.status);
    let listing = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let is_there = |path: &&str| !path.is_empty() && root().join(path).is_file();
    let mut files: Vec<String> = listing.split('\0').filter(is_there).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}
