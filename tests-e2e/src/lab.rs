//! A test's own folder with fixture recipes, and runs of the built binary in it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use cc_ci_model::results::Results;
use tempfile::TempDir;

/// Whether real-Swarm tests are asked for; says so when they are not.
#[expect(clippy::disallowed_methods, reason = "this is how scripts/test asks for them")]
pub fn is_enabled(test: &str) -> bool {
    let enabled = std::env::var("CC_CI_E2E").is_ok_and(|value| value == "1");
    if !enabled {
        println!("SKIPPED {test}: it needs a Docker Swarm; `scripts/test` runs it (CC_CI_E2E=1)");
    }
    enabled
}

/// A test's own folder.
#[derive(Debug)]
pub struct Lab {
    folder: TempDir,
}

/// A run that ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
    /// The run directory.
    pub directory: PathBuf,
}

impl Lab {
    /// An empty lab.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cc-ci-e2e-").tempdir()?;
        Ok(Self { folder })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A fixture recipe as a git repository.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn recipe(&self, name: &str) -> Result<PathBuf> {
        xtask::fixtures::render(&[name.to_owned()], &self.path().join("recipes"))?;
        Ok(self.path().join("recipes").join(name))
    }

    /// `cc-ci run`, started; its directory is `out` in this lab.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start(&self, recipe: &Path, out: &str, more: &[&str]) -> Result<Child> {
        let directory = self.path().join(out);
        let mut command = self.command()?;
        command
            .arg("run")
            .arg(recipe)
            .arg("--out")
            .arg(directory)
            .args(["--output", "json"])
            .args(more);
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    /// `cc-ci run` to its end.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn run(&self, recipe: &Path, out: &str, more: &[&str]) -> Result<Ran> {
        let output = self.start(recipe, out, more)?.wait_with_output()?;
        Ok(Ran {
            exit: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            directory: self.path().join(out),
        })
    }

    /// Another command of the binary, to its end.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn cc_ci(&self, arguments: &[&str]) -> Result<Ran> {
        let output = self.command()?.args(arguments).output()?;
        Ok(Ran {
            exit: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            directory: self.path().to_owned(),
        })
    }

    #[expect(clippy::disallowed_methods, reason = "tests start the binary as a user does")]
    fn command(&self) -> Result<Command> {
        let binary =
            std::env::var_os("CC_CI_BIN").context("CC_CI_BIN must name the built cc-ci")?;
        let mut command = Command::new(binary);
        command.current_dir(self.path()).env("CC_CI_STATE", self.path().join("state"));
        Ok(command)
    }
}

impl Ran {
    /// The results it printed.
    ///
    /// # Errors
    /// When it printed none.
    pub fn results(&self) -> Result<Results> {
        serde_json::from_str(&self.stdout)
            .with_context(|| format!("no results; exit {:?}, it said: {}", self.exit, self.stderr))
    }

    /// The results it left in its directory.
    ///
    /// # Errors
    /// When there are none.
    pub fn results_file(&self) -> Result<Results> {
        Ok(serde_json::from_str(&std::fs::read_to_string(self.directory.join("results.json"))?)?)
    }
}
