//! One file for each command, and what several of them need.

pub(crate) mod cleanup;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod judge;
mod log;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod schema;
mod subject;

use std::io::{IsTerminal as _, Write as _};

use cc_ci_model::event::Tool;
use cc_ci_model::results::Results;
use cc_ci_report::closer::Around;
use cc_ci_report::terminal::{Style, report};

use crate::args::Output;
use crate::failure::Failure;
use crate::settings::Settings;

/// Puts the answer on standard output.
pub(crate) fn show(
    results: &Results,
    around: &Around,
    output: Output,
    settings: &Settings,
) -> Result<(), Failure> {
    print(&match output {
        Output::Json => cc_ci_report::json::results(results),
        Output::Auto | Output::Human => report(results, Some(around), style(output, settings)),
    })
}

/// How text for people looks on standard output.
pub(crate) fn style(output: Output, settings: &Settings) -> Style {
    let stdout = std::io::stdout();
    let is_terminal = stdout.is_terminal();
    let color = output == Output::Auto && is_terminal && !settings.no_color;
    let measured = rustix::termios::tcgetwinsize(&stdout).ok().filter(|_| is_terminal);
    let columns = measured.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0);
    Style { color, width: columns.unwrap_or(WIDTH) }
}

/// Columns of what is no terminal.
const WIDTH: usize = 100;

/// This program.
pub(crate) fn tool() -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("CC_CI_COMMIT").map(str::to_owned),
    }
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
