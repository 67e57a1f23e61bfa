//! The command line of the project's chores: `cargo xtask --help`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser};
use xtask::{canary, ci, fixtures, mutations, schema, tidy};

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Write the fixture recipes as git repositories.
    Fixtures(Fixtures),
    /// Put known faults into fixture recipes, run cc-ci on them and count what it caught. Needs a Swarm.
    Canary(Canary),
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
struct Canary {
    /// Mutations to run, by their names in tests-e2e/catalogue/; all if there is none.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Run all of them even if one is missed.
    #[arg(long)]
    keep_going: bool,
    /// Keep repositories and run directories here; otherwise they go, unless one was missed.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Schema {
    /// Write nothing; fail when a committed schema is not what the types say.
    #[arg(long)]
    check: bool,
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
        Chore::Canary(Canary { names, jobs, keep_going, out }) => {
            canary::run(&canary::Options { names, jobs, keep_going, out })
        }
        Chore::Tidy => tidy::run(),
        Chore::Schema(Schema { check }) => schema::run(check),
        Chore::Ci => ci::run(),
    }
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
