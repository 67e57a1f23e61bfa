//! The log of a run that is named on the command line.

use std::path::{Path, PathBuf};

use cc_ci_core::state::RunState;
use cc_ci_model::event::Event;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::plan::Plan;
use cc_ci_report::closer::Around;
use cc_ci_store::StateDir;

use crate::failure::{Failure, chain};
use crate::settings::Settings;

/// A log that begins with a plan.
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) state: RunState,
    pub(super) plan: Plan,
    path: PathBuf,
}

impl Log {
    /// Finds a run by its id, its directory or its log, and reads the log.
    pub(super) fn read(settings: &Settings, wanted: &str) -> Result<Self, Failure> {
        let path = find(settings, wanted)?;
        let log = cc_ci_store::read_log(&path)
            .map_err(|error| Failure::new(ExitKind::Usage, chain(&error)))?;
        let mut state = RunState::of(&log.events);
        if log.sealed_sha_matches == Some(false) {
            state.damage =
                Some("the seal does not match what is before it: the log was changed".to_owned());
        }
        match state.plan.clone() {
            Some(plan) => Ok(Self { events: log.events, state, plan, path }),
            None => Err(Failure::error(format!(
                "`{}` does not begin with a plan: the run ended before it had one, or this is no log of a run",
                path.display()
            ))),
        }
    }

    /// Where it is, for who wants to look closer.
    pub(super) fn around(&self, settings: &Settings, wanted: &str) -> Around {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        around(settings, wanted, directory)
    }
}

fn find(settings: &Settings, wanted: &str) -> Result<PathBuf, Failure> {
    let file = settings.directory.join(wanted);
    if file.is_file() {
        return Ok(file);
    }
    let directory = StateDir::new(&settings.state).find_run(wanted);
    let directory = directory.map_err(|error| {
        Failure::new(ExitKind::Usage, chain(&error))
            .hint("give the id of a run, its directory, or its events.jsonl")
    })?;
    Ok(directory.join(cc_ci_store::EVENTS_FILE))
}

/// How cc-ci was called, and what is in a run directory.
pub(super) fn around(settings: &Settings, run: &str, directory: &Path) -> Around {
    let entries = std::fs::read_dir(directory.join("logs")).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut logs: Vec<String> = names.map(|name| format!("logs/{name}")).collect();
    logs.sort();
    Around {
        program: settings.program.clone(),
        run: run.to_owned(),
        directory: directory.display().to_string(),
        logs,
        again: None,
    }
}
