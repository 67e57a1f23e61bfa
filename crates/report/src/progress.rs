//! What a run is doing, a line at a time: for a log, and for the one live line of a terminal.
//!
//! Every line begins with stage and app, so that a log can be searched for them. What an act
//! found is told when its stage ends; the report tells the rest.
//!
//! Tests: `progress/tests.rs`.

#[cfg(test)]
mod tests;

use cc_ci_core::state::{RunState, StageRun};
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::evidence::Act;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Doing, Plan};
use cc_ci_model::time::Timestamp;

use crate::words;

/// The line about an event, given the state after it; `None` for events nobody waits for.
pub fn line(event: &Event, state: &RunState) -> Option<String> {
    match &event.kind {
        EventKind::Planned { plan, .. } => Some(planned(plan)),
        EventKind::ActBegan { act, deadline } => {
            let left = words::duration(millis(*deadline, event.at));
            Some(about(state.current()?, &format!("{} (deadline {left})", doing(*act))))
        }
        EventKind::ActEnded { .. } => noticed(state),
        EventKind::StageEnded => state.stages.last().map(ended),
        EventKind::Noted { finding } => {
            Some(format!("note: {}", words::harmless(&finding.message)))
        }
        EventKind::CancelRequested { signals: 1 } => {
            Some("stopping: what the run created is being removed; once more to hurry".to_owned())
        }
        EventKind::CancelRequested { signals } => Some(format!("stopping: asked {signals} times")),
        EventKind::InventoryTaken { left, .. } if !left.is_empty() => {
            let names: Vec<String> = left.iter().map(ToString::to_string).collect();
            Some(format!("still there: {}", words::harmless(&names.join(", "))))
        }
        EventKind::InventoryTaken { complete: false, .. } => {
            Some("what is left could not be asked".to_owned())
        }
        EventKind::StageBegan { .. }
        | EventKind::ActErrored { .. }
        | EventKind::Intended { .. }
        | EventKind::ProcessStarted { .. }
        | EventKind::ProcessEnded { .. }
        | EventKind::InventoryTaken { .. }
        | EventKind::Sealed { .. } => None,
    }
}

/// What is going on right now, for a line that is written over; `None` between two acts.
pub fn live(state: &RunState, now: Timestamp) -> Option<String> {
    let run = state.current()?;
    let act = run.acts.last().filter(|act| act.ended_at.is_none())?;
    let spent = words::duration(millis(now, act.began_at));
    let limit = words::duration(millis(act.deadline, act.began_at));
    Some(about(run, &format!("{}, {spent} of {limit}", doing(act.act))))
}

fn planned(plan: &Plan) -> String {
    let version = plan.head.version.as_deref().unwrap_or("without a version");
    let runs = plan.stages.iter().filter(|stage| matches!(stage.doing, Doing::Run));
    let stages: Vec<&str> = runs.map(|planned| planned.stage.as_str()).collect();
    words::harmless(&format!(
        "run {}: {} {version}, head {} ({}), stages: {}",
        plan.run_id,
        plan.recipe,
        plan.head.commit.short(),
        plan.head.reference,
        stages.join(", ")
    ))
}

fn doing(act: Act) -> String {
    match act {
        Act::EnsureImages { revision } => format!("making the images of the {revision} present"),
        Act::Deploy { revision } => format!("submitting the {revision} to the Swarm"),
        Act::Converge => "waiting until the stack has converged".to_owned(),
        Act::Answer => "waiting until the app answers".to_owned(),
        Act::Inspect => "looking at the front page".to_owned(),
        Act::Plant => "planting data that has to survive".to_owned(),
        Act::Seek => "looking for the planted data".to_owned(),
        Act::Mark => "marking every volume with a fresh value".to_owned(),
        Act::Backup => "taking a backup, hooks included".to_owned(),
        Act::ReadSnapshot => "looking into the snapshot".to_owned(),
        Act::Disturb => "making the loss real".to_owned(),
        Act::Restore => "restoring the snapshot, hooks included".to_owned(),
        Act::Restart => "restarting every service".to_owned(),
        Act::Recall => "looking whether the data is back".to_owned(),
        Act::Test => "running the pack's tests".to_owned(),
        Act::Observe => "taking a closing look".to_owned(),
        Act::Dismantle => "removing the app".to_owned(),
    }
}

/// Warnings of the act that has just ended.
fn noticed(state: &RunState) -> Option<String> {
    let run = state.current()?;
    let warnings = &run.acts.last()?.warnings;
    let lines: Vec<String> = warnings
        .iter()
        .map(|warning| about(run, &format!("warning: {}", words::harmless(&warning.message))))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn ended(run: &StageRun) -> String {
    let outcome = run.outcome();
    let took =
        run.ended_at.map(|end| words::duration(millis(end, run.began_at))).unwrap_or_default();
    let reason = match &outcome {
        Outcome::Passed => String::new(),
        Outcome::Blocked { by } => format!(": {by}"),
        Outcome::Failed { reason }
        | Outcome::Errored { reason }
        | Outcome::Unverified { reason }
        | Outcome::Skipped { reason, .. }
        | Outcome::NotApplicable { reason } => format!(": {reason}"),
    };
    let verb = words::status(outcome.status());
    about(run, &words::harmless(&format!("{verb} after {took}{reason}")))
}

fn about(run: &StageRun, text: &str) -> String {
    let app = run.app.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{:10} {app:8}  {text}", run.stage.as_str())
}

fn millis(later: Timestamp, earlier: Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX)
}
