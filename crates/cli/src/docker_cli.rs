//! The docker CLI, as far as it has to be known before a run.

use std::time::Duration;

use cc_ci_core::ports::{CommandLine, Commands};
use cc_ci_model::time::Timestamp;

use crate::failure::Failure;
use crate::settings::Settings;

/// The docker CLI's version.
pub(crate) async fn version(
    commands: &dyn Commands,
    now: Timestamp,
    settings: &Settings,
) -> Result<String, Failure> {
    let command = CommandLine {
        program: "docker".to_owned(),
        arguments: ["version", "--format", "{{.Client.Version}}"].map(str::to_owned).into(),
        environment: settings.docker_environment(),
        directory: settings.directory.clone(),
        input: Vec::new(),
        deadline: now.plus(Duration::from_secs(20)),
    };
    let output = commands.run(&command).await.map_err(|error| {
        Failure::error(error.to_string()).hint("install the docker CLI, 20.10 or newer")
    })?;
    // It prints the client's version even when no engine answers.
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if version.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::error(format!("the docker CLI does not tell its version: {said}")));
    }
    Ok(version)
}
