//! Benchmarks on a real Swarm: `cargo xtask bench --help`. What they say is a ratio against a
//! baseline that was measured beside it; a time alone says more about the machine.
//!
//! Nothing here decides anything: the wait that is measured is the engine's own.
#![expect(
    clippy::disallowed_methods,
    reason = "a chore: it runs programs, sleeps and writes files of its own"
)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are its output")]

mod fixture;
mod latency;
mod record;
mod stats;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, ValueEnum};

/// Benchmarks on a real Swarm.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
enum Bench {
    /// How long after a stack has settled cc-ci knows it, beside a poller and the docker CLI (CONV-5).
    Latency(Latency),
}

#[derive(Debug, Args)]
struct Latency {
    /// Deploys: of three, one is of a new stack, one an update start-first, one stop-first.
    #[arg(long, default_value_t = 51)]
    rounds: u32,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table.
    Text,
    /// One JSON document, every round in it.
    Json,
}

fn main() -> ExitCode {
    match run(&Bench::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(bench: &Bench) -> Result<()> {
    let Bench::Latency(wanted) = bench;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(latency::measure(wanted.rounds))?;
    match wanted.output {
        Output::Text => println!("{}", report.text()),
        Output::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(())
}
