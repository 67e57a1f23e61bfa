//! A backup that does not stand its verification is taken again, as a whole (STG-4): up to three
//! times, and only while the stage's budget has room for another attempt (CONV-7).
//!
//! Tests: `tests.rs` beside this file.

use std::time::Duration;

use cc_ci_model::evidence::Act;
use cc_ci_model::outcome::Status;
use cc_ci_model::plan::Plan;
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::state::{BUG, StageRun};

/// How often a backup is taken at most.
pub(super) const MOST: usize = 3;

/// How long a backup waits for the stack to settle.
const SETTLE: Duration = Duration::from_mins(5);

/// Whether the whole backup is to be taken again. What is only unproven (a database that nothing
/// was planted in) would be so again, and a bug of ours is not to be hidden.
pub(super) fn is_due(plan: &Plan, run: &StageRun, now: Timestamp) -> bool {
    let attempts = run.attempts();
    let Some(last) = attempts.last().filter(|_| run.stage == Stage::Backup) else {
        return false;
    };
    let (Some(first), Some(act)) = (last.first(), last.last()) else {
        return false;
    };
    let is_verification = matches!(act.act, Act::Backup | Act::ReadSnapshot | Act::Verify);
    let is_red = matches!(act.outcome().status(), Status::Failed | Status::Errored);
    let is_ours = act.checks.iter().any(|check| check.detail.starts_with(BUG));
    // As long as the last one took: a hook that used the time up will do so again.
    let is_time_left = now.plus(now.since(first.began_at)) <= end(plan, run, now);
    let has_ended = act.ended_at.is_some();
    is_verification && has_ended && is_red && !is_ours && attempts.len() < MOST && is_time_left
}

/// When an act of a backup has to be over; `None` for what has another limit.
pub(super) fn deadline(plan: &Plan, run: &StageRun, act: Act, now: Timestamp) -> Option<Timestamp> {
    if run.stage != Stage::Backup {
        return None;
    }
    if matches!(act, Act::Converge | Act::Answer) {
        return Some(settled_by(plan, run, act, now));
    }
    let is_budgets = matches!(act, Act::Mark | Act::Backup | Act::ReadSnapshot | Act::Verify);
    is_budgets.then(|| end(plan, run, now))
}

/// The first wait is before the budget begins. Each later one leaves half of what is left for the
/// backup that it is for.
fn settled_by(plan: &Plan, run: &StageRun, act: Act, now: Timestamp) -> Timestamp {
    let last = run.last_attempt();
    if let (Act::Answer, Some(settling)) = (act, last.first()) {
        return settling.deadline;
    }
    let budget = Duration::from_millis(plan.budgets.backup_ms);
    if marked_at(run).is_none() {
        return run.began_at.plus(budget.min(SETTLE));
    }
    let left = end(plan, run, now).since(now);
    now.plus(SETTLE.min(left / 2))
}

/// When the budget is used up, counted from the first marker on.
fn end(plan: &Plan, run: &StageRun, now: Timestamp) -> Timestamp {
    marked_at(run).unwrap_or(now).plus(Duration::from_millis(plan.budgets.backup_ms))
}

fn marked_at(run: &StageRun) -> Option<Timestamp> {
    run.acts.iter().find(|act| act.act == Act::Mark).map(|act| act.began_at)
}
