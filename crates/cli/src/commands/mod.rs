//! One file for each command, and what several of them need.

pub(crate) mod cleanup;
pub(crate) mod judge;
pub(crate) mod plan;
pub(crate) mod run;
mod subject;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use cc_ci_core::ports::{Clock as _, CommandLine, Commands as _};
use cc_ci_model::results::Results;
use cc_ci_report::terminal::{Style, report};

use crate::args::Output;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::wiring::Host;

/// The docker CLI's version.
pub(crate) async fn docker_version(host: &Host, settings: &Settings) -> Result<String, Failure> {
    let command = CommandLine {
        program: "docker".to_owned(),
        arguments: ["version", "--format", "{{.Client.Version}}"].map(str::to_owned).into(),
        environment: settings.docker_environment(),
        directory: settings.directory.clone(),
        input: Vec::new(),
        deadline: host.clock.now().plus(Duration::from_secs(20)),
    };
    let output = host.commands.run(&command).await.map_err(|error| {
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

/// Puts the answer on standard output.
pub(crate) fn show(results: &Results, output: Output, no_color: bool) -> Result<(), Failure> {
    let stdout = std::io::stdout();
    let style =
        Style { color: output == Output::Auto && stdout.is_terminal() && !no_color, width: 100 };
    let text = match output {
        Output::Json => cc_ci_report::json::results(results),
        Output::Auto | Output::Human => report(results, style),
    };
    print(&text)
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Failure::error(format!("cannot write to standard output: {error}")))
}

/// The exit code of an answer.
pub(crate) fn exit_code(results: &Results) -> u8 {
    let kinds: Vec<_> = results.conditions.iter().map(|condition| condition.kind).collect();
    cc_ci_model::exit::ExitKind::first_of(&kinds).code()
}
