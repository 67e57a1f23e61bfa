//! The command line of the project's chores: `cargo xtask --help`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, ValueEnum};
use xtask::{catalogue, ci, fixtures, mutations, schema, tidy, timelines, workspace};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Write the fixture recipes as git repositories.
    Fixtures(Fixtures),
    /// Run cc-ci on known faults and known weather, and count false greens and false reds. Needs a Swarm.
    Catalogue(Catalogue),
    /// Measure on a real Swarm, beside a baseline: `cargo xtask bench --help`. Needs a Swarm.
    #[command(disable_help_flag = true)]
    Bench {
        /// What to measure, and how.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Record how small scenes go on the real Swarm, for tests that replay them. Needs a Swarm.
    RecordTimeline(RecordTimeline),
    /// Check what rustc and clippy cannot: floors, sizes, headers, links.
    Tidy,
    /// Write the JSON Schemas of the published formats into docs/reference/.
    Schema(Schema),
    /// Everything that needs no Swarm: format, tidy, lints, documentation, tests.
    Ci,
}

#[derive(Debug, Args)]
struct Fixtures {
    /// The folder they are written to, each under its name. One that was made before is replaced.
    #[arg(long)]
    out: PathBuf,
    /// Only these recipes.
    #[arg(long, num_args = 1.., value_name = "NAME")]
    recipes: Vec<String>,
    /// Instead of recipes, these mutations, each with its pack in a folder of its name.
    #[arg(long, num_args = 1.., value_name = "NAME", conflicts_with = "recipes")]
    mutations: Vec<String>,
}

#[derive(Debug, Args)]
struct Catalogue {
    #[command(flatten)]
    entries: Entries,
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// How often each.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// The order of an earlier time, by the seed it printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Start no more after the first that is not right.
    #[arg(long)]
    fail_fast: bool,
    /// What goes to standard output.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Keep repositories and run directories here; otherwise they go, unless one was not right.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Entries {
    /// Entries to run, by their names in tests-e2e/catalogue/.
    #[arg(value_name = "NAME", required_unless_present_any = ["all", "sample"])]
    names: Vec<String>,
    /// Run every entry.
    #[arg(long, conflicts_with_all = ["names", "sample"])]
    all: bool,
    /// Run the entries marked as the sample: a tenth, with every rung.
    #[arg(long, conflicts_with = "names")]
    sample: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Lines for people.
    Text,
    /// One JSON document.
    Json,
}

#[derive(Debug, Args)]
struct RecordTimeline {
    /// Only scenes with this in the name of their test.
    #[arg(default_value = "", hide_default_value = true, value_name = "NAME")]
    name: String,
    /// The folder for the recordings.
    #[arg(long, default_value = "fixtures/timelines")]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Schema {
    /// Write nothing; fail when a committed schema is not what the types say.
    #[arg(long)]
    check: bool,
}

impl Catalogue {
    fn options(self) -> catalogue::Options {
        let Self { entries, jobs, repeat, seed, fail_fast, output, out } = self;
        let Entries { names, all, sample } = entries;
        let choice = match (all, sample) {
            (true, _) => catalogue::Choice::All,
            (_, true) => catalogue::Choice::Sample,
            _ => catalogue::Choice::Named(names),
        };
        let json = output == Output::Json;
        catalogue::Options { choice, jobs, repeat, seed, fail_fast, json, out }
    }
}

fn main() -> ExitCode {
    match run(Chore::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => complain(&error),
    }
}

fn run(chore: Chore) -> Result<bool> {
    match chore {
        Chore::Fixtures(wanted) => write_fixtures(wanted),
        Chore::Catalogue(wanted) => catalogue::run(&wanted.options()),
        Chore::Bench { arguments } => bench(&arguments),
        Chore::RecordTimeline(RecordTimeline { name, out }) => timelines::record(&out, &name),
        Chore::Tidy => tidy::run(),
        Chore::Schema(Schema { check }) => schema::run(check),
        Chore::Ci => ci::run(),
    }
}

/// It needs adapters, which chores may not: it is a program of its own.
fn bench(arguments: &[String]) -> Result<bool> {
    let mut cargo = workspace::cargo();
    cargo.args(["run", "--quiet", "--locked", "--package", "cc-ci-bench", "--"]).args(arguments);
    Ok(cargo.status()?.success())
}

#[expect(clippy::print_stdout, reason = "the paths are what this command is for")]
fn write_fixtures(wanted: Fixtures) -> Result<bool> {
    for name in &wanted.mutations {
        let rendered = mutations::render_mutation(name, &wanted.out.join(name))?;
        println!("{}", rendered.repository.display());
    }
    let all = wanted.recipes.is_empty() && wanted.mutations.is_empty();
    for name in if all { fixtures::names()? } else { wanted.recipes } {
        println!("{}", fixtures::render(&name, &wanted.out)?.display());
    }
    Ok(true)
}

#[expect(clippy::print_stderr, reason = "the last word of a chore that failed")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
