//! What a run is doing, a line at a time: for a log, and for the one live line of a terminal.
//!
//! Every line begins with stage and app, so that a log can be searched for them. What an act
//! found is told when its stage ends; the report tells the rest. On a terminal only some lines
//! stay ([`lasting`]): what a stage does is told by the live line ([`Doing`]), which
//! [`crate::live`] draws.
//!
//! Tests: `progress/tests.rs`.

#[cfg(test)]
mod tests;

use cc_ci_core::flaky::flaky_of;
use cc_ci_core::state::{RunState, StageRun};
use cc_ci_model::event::{Event, EventKind, Lane};
use cc_ci_model::evidence::Act;
use cc_ci_model::name::AppId;
use cc_ci_model::outcome::{Outcome, Status};
use cc_ci_model::plan::{self, Plan};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::{live, words};

/// The line about an event, given the state after it; `None` for events nobody waits for.
pub fn line(event: &Event, state: &RunState) -> Option<String> {
    match &event.kind {
        EventKind::Planned { plan, .. } => Some(planned(plan)),
        EventKind::ActBegan { act, deadline } => {
            let left = words::duration(millis(*deadline, event.at));
            Some(of(state.current(event.lane)?, &format!("{} (deadline {left})", doing(*act))))
        }
        EventKind::ActEnded { .. } => noticed(state, event.lane),
        EventKind::StageEnded => state.last_in(event.lane).map(ended),
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
        EventKind::StageBegan { .. } => added(state, event.lane),
        EventKind::ActErrored { .. }
        | EventKind::Intended { .. }
        | EventKind::ProcessStarted { .. }
        | EventKind::ProcessEnded { .. }
        | EventKind::InventoryTaken { .. }
        | EventKind::Sealed { .. } => None,
    }
}

/// A terminal's measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns of a line.
    pub columns: usize,
    /// With colours.
    pub color: bool,
}

/// What stays on a terminal above the live line: all of [`line()`] but the beginning of acts. An
/// ended stage is one row, whatever its reason: the report says it in full.
pub fn lasting(event: &Event, state: &RunState, screen: Screen) -> Option<String> {
    match &event.kind {
        EventKind::ActBegan { .. } => None,
        EventKind::StageEnded => {
            let run = state.last_in(event.lane)?;
            let status = run.outcome().status();
            let mark = words::mark(status);
            let row = live::fitted(&format!("{mark} {}", ended(run)), screen.columns);
            let code = match status {
                Status::Passed => 32,
                Status::Failed => 31,
                Status::NotApplicable
                | Status::Skipped
                | Status::Blocked
                | Status::Unverified
                | Status::Errored => 33,
            };
            let painted = format!("\u{1b}[{code}m{mark}\u{1b}[0m");
            Some(if screen.color { row.replacen(mark, &painted, 1) } else { row })
        }
        EventKind::Planned { .. }
        | EventKind::StageBegan { .. }
        | EventKind::ActEnded { .. }
        | EventKind::ActErrored { .. }
        | EventKind::Intended { .. }
        | EventKind::ProcessStarted { .. }
        | EventKind::ProcessEnded { .. }
        | EventKind::Noted { .. }
        | EventKind::CancelRequested { .. }
        | EventKind::InventoryTaken { .. }
        | EventKind::Sealed { .. } => line(event, state),
    }
}

/// The act that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    stage: Stage,
    app: Option<AppId>,
    act: Act,
    began_at: Timestamp,
    deadline: Timestamp,
}

/// What is going on right now in a lane; `None` between two acts.
pub fn now(state: &RunState, lane: Lane) -> Option<Doing> {
    let run = state.current(lane)?;
    let act = run.acts.last().filter(|act| act.ended_at.is_none())?;
    Some(Doing {
        stage: run.stage,
        app: run.app.clone(),
        act: act.act,
        began_at: act.began_at,
        deadline: act.deadline,
    })
}

impl Doing {
    /// As a line that is written over: how long of how long at most, and what is missing still.
    /// The time comes first: on a narrow terminal the end is cut off.
    pub fn text(&self, now: Timestamp, missing: &str) -> String {
        let seconds = |ms: u64| match ms / 1000 {
            0 => "0 s".to_owned(),
            whole => words::duration(whole * 1000),
        };
        let spent = seconds(millis(now, self.began_at));
        let limit = seconds(millis(self.deadline, self.began_at) + 500);
        let missing = shortened(&words::harmless(missing));
        let why = if missing.is_empty() { String::new() } else { format!(": {missing}") };
        let app = self.app.as_ref().map(|app| format!(" {app}")).unwrap_or_default();
        format!("  {}{app}: {}, {spent} of {limit}{why}", self.stage, briefly(self.act))
    }
}

/// On one line, and without ids of tasks: nobody copies one from a line that goes away, and what
/// follows it matters more.
fn shortened(text: &str) -> String {
    let is_id = |word: &str| {
        word.len() == 25 && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let words = text.split_whitespace();
    words.filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}

/// A stage that the plan did not announce.
fn added(state: &RunState, lane: Lane) -> Option<String> {
    let run = state.current(lane)?;
    let plan = state.plan.as_ref()?;
    let is_announced = matches!(plan.doing(run.stage), Some(plan::Doing::Run));
    (!is_announced && run.stage != Stage::Teardown).then(|| {
        let text = "added to the run: the upgrade left no head standing, and later stages need one";
        about(run.stage, run.app.as_ref(), text)
    })
}

/// The line about stages that nobody asked for by name; `None` when there are none.
pub fn needed(added: &[Stage]) -> Option<String> {
    let names: Vec<&str> = added.iter().map(|stage| stage.as_str()).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("stage {one} runs too: what was asked for needs it")),
        more => Some(format!("stages {} run too: what was asked for needs them", more.join(", "))),
    }
}

fn planned(plan: &Plan) -> String {
    let version = plan.head.version.as_deref().unwrap_or("without a version");
    let runs = plan.stages.iter().filter(|stage| matches!(stage.doing, plan::Doing::Run));
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
        Act::Meter => "counting what the upgrade cost in answers".to_owned(),
        Act::Inspect => "looking at the front page".to_owned(),
        Act::Plant => "planting data that has to survive".to_owned(),
        Act::Seek => "looking for the planted data".to_owned(),
        Act::Mark => "marking every volume with a fresh value".to_owned(),
        Act::Backup => "taking a backup, hooks included".to_owned(),
        Act::ReadSnapshot => "looking into the snapshot".to_owned(),
        Act::Verify => "running the pack's command that verifies the backup".to_owned(),
        Act::Undeploy => "undeploying the app and deleting its volumes".to_owned(),
        Act::Disturb => "making the loss real".to_owned(),
        Act::Restore => "restoring the snapshot, hooks included".to_owned(),
        Act::Restart => "restarting every service".to_owned(),
        Act::Recall => "looking whether the data is back".to_owned(),
        Act::Test => "running the pack's tests".to_owned(),
        Act::Examine => "gathering what tells why".to_owned(),
        Act::Observe => "taking a closing look".to_owned(),
        Act::Dismantle => "removing the app".to_owned(),
    }
}

/// The same in few words: on a terminal of 80 columns there has to be room for what is missing.
fn briefly(act: Act) -> String {
    let text = match act {
        Act::EnsureImages { revision } => return format!("images of the {revision}"),
        Act::Deploy { revision } => return format!("submitting the {revision}"),
        Act::Converge => "settling",
        Act::Answer => "waiting for an answer",
        Act::Meter => "availability",
        Act::Inspect => "front page",
        Act::Plant => "planting data",
        Act::Seek | Act::Recall => "looking for the data",
        Act::Mark => "marking volumes",
        Act::Backup => "backup",
        Act::ReadSnapshot => "reading the snapshot",
        Act::Verify => "verifying the backup",
        Act::Undeploy => "deleting the app",
        Act::Disturb => "making the loss real",
        Act::Restore => "restore",
        Act::Restart => "restarting services",
        Act::Test => "tests",
        Act::Examine => "looking for the cause",
        Act::Observe => "closing look",
        Act::Dismantle => "removing the app",
    };
    text.to_owned()
}

/// Warnings of the act that has just ended.
fn noticed(state: &RunState, lane: Lane) -> Option<String> {
    let run = state.current(lane)?;
    let warnings = &run.acts.last()?.warnings;
    let lines: Vec<String> = warnings
        .iter()
        .map(|warning| of(run, &format!("warning: {}", words::harmless(&warning.message))))
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
    let tries = match (run.attempts().len(), flaky_of(run).is_empty()) {
        (0 | 1, _) => String::new(),
        (more, true) => format!(" ({})", words::count(more, "attempt")),
        (more, false) => format!(" ({}: flaky)", words::count(more, "attempt")),
    };
    of(run, &words::harmless(&format!("{verb} after {took}{tries}{reason}")))
}

fn of(run: &StageRun, text: &str) -> String {
    about(run.stage, run.app.as_ref(), text)
}

fn about(stage: Stage, app: Option<&AppId>, text: &str) -> String {
    let app = app.map(ToString::to_string).unwrap_or_default();
    format!("{:10} {app:8}  {text}", stage.as_str())
}

fn millis(later: Timestamp, earlier: Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_millis()).unwrap_or(u64::MAX)
}
