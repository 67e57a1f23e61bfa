//! Hears of the run's events: progress for people, interim results for those who read files.

use std::sync::Arc;

use cc_ci_core::ports::{Listener, RunStore};
use cc_ci_core::results::results;
use cc_ci_core::state::RunState;
use cc_ci_model::event::{Event, EventKind, Lane};
use cc_ci_model::results::Results;
use cc_ci_report::closer::Around;
use cc_ci_store::RunDir;

use crate::screen::Screen;

/// Shows progress on standard error and writes results after each stage.
pub(crate) struct Progress {
    store: Arc<RunDir>,
    screen: Arc<Screen>,
}

impl Progress {
    pub(crate) fn new(store: Arc<RunDir>, screen: Arc<Screen>) -> Self {
        Self { store, screen }
    }
}

impl Listener for Progress {
    fn heard(&self, event: &Event, state: &RunState) {
        self.screen.heard(event, state);
        if let (EventKind::StageEnded, Some(plan)) = (&event.kind, &state.plan) {
            // Best effort: the log is what counts, and it is written already.
            drop(publish(&self.store, &results(plan, state), None));
        }
    }

    fn waits(&self, lane: Lane, what: &str) {
        self.screen.waits(lane, what);
    }
}

/// Writes the files people and programs read.
pub(crate) fn publish(
    store: &RunDir,
    results: &Results,
    around: Option<&Around>,
) -> Result<(), cc_ci_core::ports::StoreError> {
    store.write("results.json", cc_ci_report::json::results(results).as_bytes())?;
    if let Some(text) = cc_ci_report::diagnosis::markdown(results) {
        store.write("diagnosis.md", text.as_bytes())?;
    }
    store.write("report.md", cc_ci_report::markdown::report(results, around).as_bytes())
}
