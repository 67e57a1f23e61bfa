//! Ladder and verdict (VER-1 to VER-5), from plan and state alone.
//!
//! Tests: `verdict/tests.rs`.

use std::collections::BTreeMap;

use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::exit::{Condition, ExitKind};
use cc_ci_model::intent::Object;
use cc_ci_model::outcome::{Outcome, Status, Verdict};
use cc_ci_model::plan::{Doing, Finding, Plan};
use cc_ci_model::results::Obligation;
use cc_ci_model::stage::{Rung, Stage};

use crate::assess::{cannot_run, pack_error};
use crate::next::kept;
use crate::obligations::obligations;
use crate::outcome::combine;
use crate::planning::NOT_SELECTED;
use crate::state::RunState;
use crate::text::count;

#[cfg(test)]
mod tests;

/// Notes that say that a secret survived in a file of the run, and that nobody could look.
pub const SECRET_SURVIVED: &str = "secret_survived";
/// See [`SECRET_SURVIVED`].
pub const FILES_NOT_READ_AGAIN: &str = "files_not_read_again";

/// What a run says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What became of every stage of the plan.
    pub stages: BTreeMap<Stage, Outcome>,
    /// What became of every rung.
    pub rungs: BTreeMap<Rung, Outcome>,
    /// Essential rungs passed without a gap.
    pub level: u8,
    /// The first essential rung that did not pass.
    pub level_cap_rung: Option<Rung>,
    /// What had to be proven.
    pub obligations: Vec<Obligation>,
    /// Everything that speaks for an exit code other than 0.
    pub conditions: Vec<Condition>,
}

impl Judgement {
    /// The exit code's kind.
    pub fn exit(&self) -> ExitKind {
        let kinds: Vec<ExitKind> = self.conditions.iter().map(|condition| condition.kind).collect();
        ExitKind::first_of(&kinds)
    }
}

/// Judges a run.
pub fn verdict(plan: &Plan, state: &RunState) -> Judgement {
    let stages: BTreeMap<Stage, Outcome> = Stage::ALL
        .into_iter()
        .filter_map(|stage| Some((stage, stage_outcome(plan, state, stage)?)))
        .collect();
    let obligations = obligations(plan, state);
    let rungs: BTreeMap<Rung, Outcome> = Rung::ALL
        .into_iter()
        .map(|rung| (rung, rung_outcome(plan, rung, &stages, &obligations)))
        .collect();
    let passed = Rung::ESSENTIAL.iter().take_while(|rung| rungs[rung].is_passed()).count();
    let level = u8::try_from(passed).unwrap_or(u8::MAX);
    let level_cap_rung = Rung::ESSENTIAL.get(passed).copied();
    let mut judgement = Judgement {
        verdict: Verdict::Pass,
        stages,
        rungs,
        level,
        level_cap_rung,
        obligations,
        conditions: Vec::new(),
    };
    judgement.conditions = conditions(plan, state, &judgement);
    if state.seal.is_none() {
        // VER-6: a log without its seal is an error, whatever it had seen so far. The rungs say
        // what that was.
        judgement.conditions.retain(|condition| verdict_of(condition.kind) == Verdict::Error);
    }
    judgement.verdict = worst(&judgement.conditions);
    judgement
}

/// What became of a stage, over all its runs; `None` for stages that are not part of the plan
/// and did not happen.
fn stage_outcome(plan: &Plan, state: &RunState, stage: Stage) -> Option<Outcome> {
    let runs: Vec<Outcome> = state.runs_of(stage).map(crate::state::StageRun::outcome).collect();
    if !runs.is_empty() {
        return Some(combine(&runs));
    }
    match plan.doing(stage)? {
        Doing::Not { outcome } => Some(outcome.clone()),
        Doing::Run if state.is_cancelled() => {
            Some(Outcome::Blocked { by: "the run was cancelled".into() })
        }
        Doing::Run => Some(Outcome::Blocked { by: blocker(state, stage) }),
    }
}

/// The last stage before this one that did not pass.
fn blocker(state: &RunState, stage: Stage) -> String {
    let before = state.stages.iter().filter(|run| run.stage < stage);
    before
        .filter(|run| !run.outcome().is_passed())
        .map(|run| run.stage)
        .max()
        .map_or_else(|| "the run ended before it".to_owned(), |stage| stage.to_string())
}

/// A rung from its stages; declared skips are intended (VER-4), and a rung with an unmet
/// obligation is not passed (VER-5).
fn rung_outcome(
    plan: &Plan,
    rung: Rung,
    stages: &BTreeMap<Stage, Outcome>,
    obligations: &[Obligation],
) -> Outcome {
    if !rung.stages().iter().any(|stage| stages.contains_key(stage)) && is_optional(rung) {
        return Outcome::NotApplicable {
            reason: "nothing of the recipe or its pack needs it".into(),
        };
    }
    if rung == Rung::Install && !plan.fresh_head {
        return stood_in_for(stages, obligations);
    }
    let outcome = combine(rung.stages().iter().filter_map(|stage| stages.get(stage)));
    let unmet = obligations.iter().find(|due| due.rung == rung && !due.met);
    match (&outcome, plan.expected_na.get(&rung), unmet) {
        (Outcome::Skipped { reason, .. }, Some(declared), _) if reason != NOT_SELECTED => {
            Outcome::Skipped { reason: declared.clone(), intended: true }
        }
        (Outcome::Passed, _, Some(due)) => {
            Outcome::unverified(format!("{}: {}", due.name, due.evidence))
        }
        (_, _, _) => outcome,
    }
}

fn is_optional(rung: Rung) -> bool {
    !Rung::ESSENTIAL.contains(&rung)
}

/// STG-2 without a fresh head: an install of the head that followed a failed upgrade shows more
/// than the upgrade does.
fn stood_in_for(stages: &BTreeMap<Stage, Outcome>, obligations: &[Obligation]) -> Outcome {
    let is_hollow = obligations.iter().any(|due| due.rung == Rung::Upgrade && !due.met);
    let upgrade = stages.get(&Stage::Upgrade).filter(|_| !is_hollow);
    let outcome = stages.get(&Stage::Reinstall).or(upgrade);
    match outcome {
        Some(Outcome::Passed) => Outcome::Passed,
        Some(_) | None => Outcome::unverified(
            "a fresh install of the head was not proven, and the upgrade does not stand for it",
        ),
    }
}

fn conditions(plan: &Plan, state: &RunState, judgement: &Judgement) -> Vec<Condition> {
    let mut all = of_the_log(state);
    all.extend(of_its_files(state));
    let told = judgement.stages.iter().filter(|(stage, _)| **stage != Stage::Teardown);
    all.extend(told.filter_map(|(stage, outcome)| {
        let reason = outcome.reason().unwrap_or_default();
        Some(condition(exit_of(outcome)?, reason, stage.as_str()))
    }));
    all.extend(Rung::ESSENTIAL.into_iter().filter_map(|rung| of_a_rung(rung, judgement)));
    all.extend(of_the_pack(state));
    if let Some(required) = plan.require_level.filter(|required| judgement.level < *required) {
        let message = format!("level {} is below the required {required}", judgement.level);
        all.push(condition(ExitKind::Unverified, message, "level"));
    }
    all.extend(cleanup_condition(plan, state));
    all
}

fn condition(kind: ExitKind, message: impl Into<String>, place: &str) -> Condition {
    Condition::new(kind, message, Some(place.to_owned()))
}

/// RES-5: a run whose files cannot be handed on as they are did not do its job.
fn of_its_files(state: &RunState) -> impl Iterator<Item = Condition> {
    let is_grave =
        |note: &&Finding| matches!(note.code.as_str(), SECRET_SURVIVED | FILES_NOT_READ_AGAIN);
    state.notes.iter().filter(is_grave).map(|note| {
        condition(ExitKind::Error, &note.message, note.place.as_deref().unwrap_or("run"))
    })
}

/// What the log itself says: stopped, damaged, without an end.
fn of_the_log(state: &RunState) -> Vec<Condition> {
    const LOG: &str = "events.jsonl";
    let mut all = Vec::new();
    if state.is_cancelled() {
        let message = format!("{} asked the run to stop", count(state.signals.into(), "signal"));
        all.push(condition(ExitKind::Cancelled, message, "run"));
    }
    if let Some(damage) = &state.damage {
        all.push(condition(ExitKind::Error, format!("the log is damaged: {damage}"), LOG));
    }
    if state.seal.is_none() {
        let message = "the log has no seal: the run did not come to its end";
        all.push(condition(ExitKind::Error, message, LOG));
    }
    all
}

/// TEST-2, STG-4: tests that cannot be run on this host, a command that its container does not have.
fn of_the_pack(state: &RunState) -> Vec<Condition> {
    let acts = state.stages.iter().flat_map(|run| &run.acts);
    let tests = acts.filter_map(|act| match &act.evidence {
        Some(Evidence::Tested { tests }) => Some(tests),
        _ => None,
    });
    let errors = tests.flatten().filter_map(|test| Some((pack_error(test)?, &test.name)));
    let mut all: Vec<Condition> =
        errors.map(|(message, name)| condition(ExitKind::Config, message, name)).collect();
    let backups = state.runs_of(Stage::Backup);
    let verified = backups.filter_map(|run| {
        let Some(Evidence::Verified(seen)) = &run.act(Act::Verify)?.evidence else { return None };
        cannot_run(seen)
    });
    all.extend(verified.map(|why| condition(ExitKind::Config, why, "backup.verify")));
    all
}

/// What a rung says that none of its stages has said.
fn of_a_rung(rung: Rung, judgement: &Judgement) -> Option<Condition> {
    let outcome = &judgement.rungs[&rung];
    let told =
        rung.stages().iter().any(|stage| judgement.stages.get(stage).and_then(exit_of).is_some());
    match outcome.status() {
        Status::Skipped if rung == Rung::Install => {
            Some(condition(ExitKind::Unverified, "the install was not attempted", rung.as_str()))
        }
        Status::Unverified | Status::Blocked if !told => {
            let reason = outcome.reason().unwrap_or("it could not run");
            Some(condition(ExitKind::Unverified, reason, rung.as_str()))
        }
        Status::Passed
        | Status::NotApplicable
        | Status::Skipped
        | Status::Blocked
        | Status::Unverified
        | Status::Errored
        | Status::Failed => None,
    }
}

/// What an outcome of a stage says about the run.
fn exit_of(outcome: &Outcome) -> Option<ExitKind> {
    match outcome.status() {
        Status::Failed => Some(ExitKind::Fail),
        Status::Errored => Some(ExitKind::Error),
        Status::Unverified => Some(ExitKind::Unverified),
        Status::Passed | Status::NotApplicable | Status::Skipped | Status::Blocked => None,
    }
}

fn cleanup_condition(plan: &Plan, state: &RunState) -> Option<Condition> {
    let message = match &state.inventory {
        Some((left, true)) => {
            let left = not_kept(plan, state, left);
            if left.is_empty() {
                return None;
            }
            let names: Vec<String> = left.iter().map(ToString::to_string).collect();
            format!("still there: {}", names.join(", "))
        }
        Some((_, false)) => "the engine could not be asked what is left".to_owned(),
        None => "no inventory was taken".to_owned(),
    };
    Some(condition(ExitKind::CleanupIncomplete, message, "cleanup"))
}

/// What is left beside the one app that was to be kept.
pub fn not_kept<'a>(plan: &Plan, state: &RunState, left: &'a [Object]) -> Vec<&'a Object> {
    let stack = kept(plan, state).and_then(|app| plan.app(app)).map(|app| app.stack.as_str());
    left.iter().filter(|object| stack.is_none() || object.stack.as_deref() != stack).collect()
}

/// VER-2: cancelled > fail > error > unverified > pass.
fn worst(conditions: &[Condition]) -> Verdict {
    conditions.iter().map(|condition| verdict_of(condition.kind)).max().unwrap_or(Verdict::Pass)
}

fn verdict_of(kind: ExitKind) -> Verdict {
    match kind {
        ExitKind::Pass | ExitKind::CleanupIncomplete => Verdict::Pass,
        ExitKind::Unverified => Verdict::Unverified,
        ExitKind::Fail => Verdict::Fail,
        ExitKind::Cancelled => Verdict::Cancelled,
        ExitKind::Usage | ExitKind::Error | ExitKind::Lock | ExitKind::Config => Verdict::Error,
    }
}
