//! Running git in a hardened way: no prompt, no configuration of the user or the host, no hooks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cc_ci_core::ports::{CommandLine, CommandOutput, Commands, RecipeError};
use cc_ci_model::time::Timestamp;

/// Git, for one run.
#[derive(Clone)]
pub(crate) struct Git {
    commands: Arc<dyn Commands>,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Git {
    /// Git that works in `directory`; `path` is where it finds its helpers.
    pub(crate) fn new(commands: Arc<dyn Commands>, directory: &Path, path: &str) -> Self {
        let own_config = directory.join("gitconfig");
        let environment = [
            ("PATH", path.to_owned()),
            ("HOME", directory.display().to_string()),
            ("LC_ALL", "C".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_CONFIG_GLOBAL", own_config.display().to_string()),
            ("GIT_OPTIONAL_LOCKS", "0".to_owned()),
        ];
        Self {
            commands,
            environment: environment.map(|(key, value)| (key.to_owned(), value)).into(),
            directory: directory.to_owned(),
        }
    }

    /// Git with one more variable in its environment.
    pub(crate) fn with(&self, key: &str, value: impl Into<String>) -> Self {
        let mut git = self.clone();
        git.environment.insert(key.to_owned(), value.into());
        git
    }

    /// Writes the one setting that has to be in a file: a repository may belong to somebody
    /// else than the user cc-ci runs as, and `upload-pack` does not hear of `-c`.
    pub(crate) async fn prepare(&self, deadline: Timestamp) -> Result<(), RecipeError> {
        let file = self.directory.join("gitconfig").display().to_string();
        let set = ["config", "--file", &file, "safe.directory", "*"];
        self.ok(&self.directory, &set, deadline).await.map(drop)
    }

    /// Runs git in `directory` to its end, whatever its exit code.
    pub(crate) async fn run(
        &self,
        directory: &Path,
        arguments: &[&str],
        deadline: Timestamp,
    ) -> Result<CommandOutput, RecipeError> {
        let fixed = ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];
        let command = CommandLine {
            program: "git".to_owned(),
            arguments: fixed
                .iter()
                .chain(arguments)
                .map(|argument| (*argument).to_owned())
                .collect(),
            environment: self.environment.clone(),
            directory: directory.to_owned(),
            input: Vec::new(),
            deadline,
        };
        self.commands.run(&command).await.map_err(|error| RecipeError::Failed {
            operation: "run git".to_owned(),
            message: format!("{}: install git", error.message),
        })
    }

    /// Runs git and wants exit code 0; gives what it wrote.
    pub(crate) async fn ok(
        &self,
        directory: &Path,
        arguments: &[&str],
        deadline: Timestamp,
    ) -> Result<String, RecipeError> {
        let output = self.run(directory, arguments, deadline).await?;
        if output.code == Some(0) {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(RecipeError::Failed {
            operation: format!("git {}", arguments.join(" ")),
            message: said(&output),
        })
    }

    /// Runs git and gives its first line if it exits with 0.
    pub(crate) async fn line(
        &self,
        directory: &Path,
        arguments: &[&str],
        deadline: Timestamp,
    ) -> Result<Option<String>, RecipeError> {
        let output = self.run(directory, arguments, deadline).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next().map(str::to_owned);
        Ok(line.filter(|_| output.code == Some(0)))
    }
}

/// What a git that failed has to say.
pub(crate) fn said(output: &CommandOutput) -> String {
    if output.expired {
        return "it did not end in time".to_owned();
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => format!("exit code {:?}", output.code),
        lines => lines.join("; "),
    }
}
