//! The binary `cc-ci`: command line, wiring, printing, exit codes. Decides nothing.
//!
//! Everything runs on one thread: a child process dies with the thread that started it, and
//! this one lives as long as the process (TEAR-3).

mod args;
mod commands;
mod docker_cli;
mod failure;
mod progress;
mod screen;
mod settings;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;
use settings::Settings;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == wiring::CHILD) {
        return wiring::become_child(arguments);
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match start(args) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.print(),
    }
}

fn start(args: Args) -> Result<u8, Failure> {
    let settings = Settings::read()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::error(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        match args.command {
            Command::Run(run) => commands::run::run(&settings, run).await,
            Command::Plan(plan) => commands::plan::plan(&settings, plan).await,
            Command::Judge(judge) => commands::judge::judge(&settings, &judge),
            Command::Explain(explain) => commands::explain::explain(&settings, &explain),
            Command::Cleanup(cleanup) => commands::cleanup::cleanup(&settings, cleanup).await,
            Command::Doctor(doctor) => commands::doctor::doctor(&settings, &doctor).await,
            Command::Schema(schema) => commands::schema::schema(&schema),
        }
    })
}

/// clap's own message; help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    let code = if error.use_stderr() { cc_ci_model::exit::ExitKind::Usage.code() } else { 0 };
    ExitCode::from(code)
}
