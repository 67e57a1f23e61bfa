//! Assertions that passed only when they were tried again (VER-7). What failed for a reason outside
//! the recipe and was tried again is none: that is what retries are for.

use cc_ci_model::outcome::Outcome;
use cc_ci_model::results::Flaky;

use crate::state::{ActRun, RunState, StageRun};

/// Every one of a run, in order.
pub fn flaky(state: &RunState) -> Vec<Flaky> {
    state.stages.iter().flat_map(flaky_of).collect()
}

/// Every one of a stage.
pub fn flaky_of(run: &StageRun) -> Vec<Flaky> {
    let attempts = run.attempts();
    let Some((last, earlier)) = attempts.split_last() else {
        return Vec::new();
    };
    let mut all: Vec<Flaky> = Vec::new();
    for act in earlier.iter().flat_map(|attempt| attempt.iter()) {
        for (check, reason) in failed(act) {
            let is_known = all.iter().any(|known| known.check == check);
            if !is_known && last.iter().any(|later| later.act == act.act && later.is_good()) {
                all.push(Flaky {
                    stage: run.stage.to_string(),
                    app: run.app.clone(),
                    check: check.to_owned(),
                    attempt: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
                    reason: reason.to_owned(),
                });
            }
        }
    }
    all
}

fn failed(act: &ActRun) -> impl Iterator<Item = (&str, &str)> {
    act.checks.iter().filter_map(|check| {
        let Outcome::Failed { reason } = &check.outcome else { return None };
        Some((check.name.as_str(), reason.as_str()))
    })
}
