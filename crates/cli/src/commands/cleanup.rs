//! `cc-ci cleanup RUN`: what a dead run left, from its log and from what is there (TEAR-2).

use std::time::Duration;

use cc_ci_core::cleanup::scope;
use cc_ci_core::ports::{Clock as _, RunStore as _};
use cc_ci_core::state::RunState;
use cc_ci_engine::cleanup::{Sweeper, sweep};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::results::Cleanup;
use cc_ci_store::{RunDir, RunDirError, StateDir};

use super::print;
use crate::args::{CleanupArgs, Output};
use crate::failure::{Failure, chain};
use crate::settings::Settings;
use crate::wiring::Host;

/// How long it may take.
const LIMIT: Duration = Duration::from_mins(5);

/// Cleans up after a dead run.
pub(crate) async fn cleanup(settings: &Settings, args: CleanupArgs) -> Result<u8, Failure> {
    let directory =
        StateDir::new(&settings.state).find_run(&args.run).map_err(|error| refused(&error))?;
    let store = RunDir::open_existing(&directory).map_err(|error| refused(&error))?;
    let log = cc_ci_store::read_log(&store.events())
        .map_err(|error| Failure::new(ExitKind::Usage, chain(&error)))?;
    let state = RunState::of(&log.events);
    let Some(plan) = state.plan.as_ref() else {
        let nothing = Cleanup { complete: true, left: Vec::new() };
        let text = "the run ended before it had a plan: it created nothing\n";
        return tell(args.output, &nothing, text).map(|()| 0);
    };
    let host = Host::new(settings)?;
    let sweeper: Sweeper = host.sweeper()?;
    let deadline = host.clock.now().plus(LIMIT);
    let swept =
        sweep(&sweeper, &scope(&plan.run_id, &state.intents), &state.processes, deadline).await;
    let cleaned = Cleanup { complete: swept.complete && swept.left.is_empty(), left: swept.left };
    let json = cc_ci_report::json::cleanup(&cleaned);
    store.write("cleanup.json", json.as_bytes()).map_err(|error| Failure::error(chain(&error)))?;
    let text = format!("nothing is left of run {}\n", plan.run_id);
    tell(args.output, &cleaned, if cleaned.complete { &text } else { "" })?;
    if cleaned.complete {
        clear_work(&directory);
        return Ok(0);
    }
    let left: Vec<String> = cleaned.left.iter().map(ToString::to_string).collect();
    let why = swept.refusals.join("; ");
    Err(Failure::new(
        ExitKind::CleanupIncomplete,
        format!("still there: {}: {why}", left.join(", ")),
    )
    .hint(format!("try again: `cc-ci cleanup {}`", args.run)))
}

/// Clones and snapshots of a run that is gone are of no use, and snapshots hold an app's data.
#[expect(clippy::disallowed_methods, reason = "it was made by that run, for that run alone")]
fn clear_work(directory: &std::path::Path) {
    drop(std::fs::remove_dir_all(directory.join(cc_ci_store::WORK_FOLDER)));
}

/// What is left, for programs; for people a sentence.
fn tell(output: Output, cleaned: &Cleanup, text: &str) -> Result<(), Failure> {
    match output {
        Output::Json => print(&cc_ci_report::json::cleanup(cleaned)),
        Output::Auto | Output::Human => print(text),
    }
}

fn refused(error: &RunDirError) -> Failure {
    let message = chain(error);
    match error {
        RunDirError::Alive { .. } => Failure::new(ExitKind::Lock, message)
            .hint("the run is alive: stop it with Ctrl-C or a TERM signal; it cleans up by itself"),
        RunDirError::NotThere { .. } => {
            Failure::new(ExitKind::Usage, message).hint("give the id of a run, or its directory")
        }
        RunDirError::NotEmpty { .. } => Failure::new(ExitKind::Usage, message),
        RunDirError::Io { .. } => Failure::error(message),
    }
}
