//! The command line.

use std::path::PathBuf;

use cc_ci_model::integrity::RestoreMode;
use clap::{Parser, Subcommand, ValueEnum};

/// Does a Co-op Cloud recipe install, upgrade, back up and restore? Find out on a real Swarm.
#[derive(Debug, Parser)]
#[command(name = "cc-ci", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verify a recipe and give a verdict
    Run(RunArgs),
    /// Show what `run` would do, and do nothing
    Plan(PlanArgs),
    /// Judge a run again from its log
    Judge(JudgeArgs),
    /// Say why a run says what it says, line by line of its log
    Explain(ExplainArgs),
    /// Remove what a dead run left
    Cleanup(CleanupArgs),
    /// Say whether a run could work on this host, and what to do if not
    Doctor(DoctorArgs),
    /// Print the JSON Schema of a format
    Schema(SchemaArgs),
}

/// What is verified.
#[derive(Debug, clap::Args)]
pub(crate) struct Subject {
    /// The recipe: the folder of its git repository, or a git URL
    pub(crate) recipe: String,
    /// The tag, branch or commit to verify [default: what is checked out, changes included]
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The folder with the recipe's `recipe.toml`
    #[arg(long, value_name = "DIR")]
    pub(crate) pack: Option<PathBuf>,
    /// Only these stages, and those they need, e.g. `install,upgrade`
    #[arg(long, value_name = "STAGES")]
    pub(crate) stages: Option<cc_ci_core::planning::StageChoice>,
    /// How apps are deployed
    #[arg(long, value_enum, default_value_t = Engine::Native)]
    pub(crate) engine: Engine,
    /// How apps are reached
    #[arg(long, value_enum, default_value_t = IngressArg::Direct)]
    pub(crate) ingress: IngressArg,
    /// The least level that is good enough, 1 to 4
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) require_level: Option<u8>,
    /// How the restore is proven [default: what the pack says, else in place]
    #[arg(long, value_enum, value_name = "MODE")]
    pub(crate) restore: Option<RestoreArg>,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    pub(crate) output: Output,
}

/// `cc-ci run`.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) subject: Subject,
    /// The run directory; it must be empty or not exist [default: below the state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Leave the last app there, a red one too
    #[arg(long)]
    pub(crate) keep: bool,
}

/// `cc-ci plan`.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) subject: Subject,
}

/// `cc-ci judge`.
#[derive(Debug, clap::Args)]
pub(crate) struct JudgeArgs {
    /// The run: its id, its directory, or its `events.jsonl`
    pub(crate) run: String,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    pub(crate) output: Output,
}

/// `cc-ci explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The run: its id, its directory, or its `events.jsonl`
    pub(crate) run: String,
    /// Only this: a rung (`upgrade`, `L2`), a stage, a check (`converge`), something that had to be
    /// shown; everything about it is told
    #[arg(num_args = 0..)]
    pub(crate) what: Vec<String>,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    pub(crate) output: Output,
}

/// `cc-ci cleanup`.
#[derive(Debug, clap::Args)]
pub(crate) struct CleanupArgs {
    /// The run: its id, or its directory
    pub(crate) run: String,
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    pub(crate) output: Output,
}

/// `cc-ci doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t = Output::Auto)]
    pub(crate) output: Output,
}

/// `cc-ci schema`.
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {
    /// Which format [default: list them]
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(cc_ci_core::schema::NAMES))]
    pub(crate) format: Option<String>,
}

/// How apps are deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// Built in: no abra is needed
    Native,
}

/// How apps are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IngressArg {
    /// Straight to the task's own address
    Direct,
}

/// How a restore is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RestoreArg {
    /// Into the volumes of the app that runs
    InPlace,
    /// The app and its volumes are deleted first, and it is deployed anew with the same secrets
    Disaster,
}

impl RestoreArg {
    pub(crate) fn mode(self) -> RestoreMode {
        match self {
            RestoreArg::InPlace => RestoreMode::InPlace,
            RestoreArg::Disaster => RestoreMode::Disaster,
        }
    }
}

/// What goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Text for people, with colour on a terminal
    Auto,
    /// Text for people, without colour
    Human,
    /// One JSON document and nothing else
    Json,
}
