//! What to do now: a pure function of plan and state. The engine carries out exactly this.
//!
//! A run is an itinerary of legs (a stage about an app); a leg is a script of acts. Both are
//! derived anew from the state each time, so that a contingent install or a cancelled run needs
//! no special path through the engine.
//!
//! Tests: `next/tests.rs`.

use std::time::Duration;

use cc_ci_model::event::Lane;
use cc_ci_model::evidence::Act;
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::name::AppId;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{BaseChoice, Plan, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::assess::Check;
use crate::state::{ActRun, RunState, StageRun};

mod attempts;
mod legs;
#[cfg(test)]
mod tests;

pub use legs::{kept, standing};

use legs::ahead;

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Open a stage.
    Begin {
        /// The stage.
        stage: Stage,
        /// The app it is about.
        app: AppId,
    },
    /// Do one thing in the open stage.
    Act {
        /// The app it is about.
        app: AppId,
        /// What.
        act: Act,
        /// When it has to be over.
        deadline: Timestamp,
    },
    /// Close the open stage.
    End,
    /// Nothing is left to do in this lane before the other one has ended.
    Wait,
    /// Take the inventory of everything the run created.
    TakeInventory,
    /// Seal the log.
    Seal,
    /// Nothing is left to do.
    Done,
}

/// What to do now in a lane.
pub fn next(plan: &Plan, state: &RunState, lane: Lane, now: Timestamp) -> Step {
    if let Some(run) = state.current(lane) {
        return within(plan, state, run, now);
    }
    if let Some((stage, app)) = ahead(plan, state, lane) {
        return Step::Begin { stage, app };
    }
    let others_go_on = |other: &Lane| {
        *other != lane && (state.current(*other).is_some() || ahead(plan, state, *other).is_some())
    };
    if lane == Lane::Beside || Lane::ALL.iter().any(others_go_on) {
        return Step::Wait;
    }
    if state.inventory.is_none() {
        return Step::TakeInventory;
    }
    if state.seal.is_none() { Step::Seal } else { Step::Done }
}

/// The next act of the open stage, or its end.
fn within(plan: &Plan, state: &RunState, run: &StageRun, now: Timestamp) -> Step {
    let Some(app) = run.app.clone() else {
        return Step::End;
    };
    let (script, acts) = (script(plan, run.stage), run.last_attempt());
    let broken = acts.iter().any(|act| !lets_go_on(act));
    let act = if state.is_cancelled() && run.stage != Stage::Teardown {
        None
    } else if broken && attempts::is_due(plan, run, now) {
        Some(Act::Converge)
    } else if broken {
        aftermath(state, run, &app)
    } else {
        script.get(acts.len()).copied()
    };
    match act {
        Some(act) => Step::Act { app, act, deadline: deadline(plan, run, act, now) },
        None => Step::End,
    }
}

/// Whether the script goes on after an act. A proof that is missing (a volume that can not be
/// marked, data in an anonymous volume) leaves the rung unverified, but must not hide a red that
/// comes later (STG-10).
fn lets_go_on(act: &ActRun) -> bool {
    let settled = || {
        let is_own = |check: &&Check| matches!(check.name.as_str(), "converge" | "base_converge");
        act.checks.iter().find(is_own).is_some_and(|check| check.outcome.is_passed())
    };
    let only_unproven = || matches!(act.outcome(), Outcome::Unverified { .. });
    match act.act {
        Act::Plant => act.is_good() || (act.ended_at.is_some() && only_unproven()),
        Act::Converge => act.is_good() || (act.ended_at.is_some() && settled() && only_unproven()),
        // What it measured decides nothing about what can still be looked at.
        Act::Meter => act.ended_at.is_some(),
        Act::EnsureImages { .. }
        | Act::Deploy { .. }
        | Act::Answer
        | Act::Inspect
        | Act::Seek
        | Act::Mark
        | Act::Backup
        | Act::ReadSnapshot
        | Act::Verify
        | Act::Undeploy
        | Act::Disturb
        | Act::Restore
        | Act::Restart
        | Act::Recall
        | Act::Test
        | Act::Observe
        | Act::Dismantle => act.is_good(),
        Act::Examine => true,
    }
}

/// After something went wrong: whatever may tell why, then one look at what stands, if anything
/// was deployed. Of a run that somebody stopped, and of a removal, nobody asks why.
fn aftermath(state: &RunState, run: &StageRun, app: &AppId) -> Option<Act> {
    if state.is_cancelled() || run.stage == Stage::Teardown {
        return None;
    }
    let due = [Some(Act::Examine), state.was_touched(app).then_some(Act::Observe)];
    due.into_iter().flatten().find(|act| run.act(*act).is_none())
}

/// The acts of a stage that goes well.
fn script(plan: &Plan, stage: Stage) -> Vec<Act> {
    let head = Revision::Head;
    match stage {
        Stage::Install | Stage::Reinstall => vec![
            Act::EnsureImages { revision: head },
            Act::Deploy { revision: head },
            Act::Converge,
            Act::Answer,
            Act::Inspect,
            Act::Observe,
        ],
        Stage::Upgrade => upgrade_script(plan),
        Stage::Backup => backup_script(plan),
        Stage::Restore => restore_script(plan),
        Stage::Functional | Stage::RecipeLocal => vec![Act::Test, Act::Observe],
        Stage::Teardown => vec![Act::Dismantle],
    }
}

fn upgrade_script(plan: &Plan) -> Vec<Act> {
    if matches!(plan.base, BaseChoice::None { .. }) {
        return Vec::new();
    }
    let (base, head) = (Revision::Base, Revision::Head);
    vec![
        Act::EnsureImages { revision: base },
        Act::EnsureImages { revision: head },
        Act::Deploy { revision: base },
        Act::Converge,
        Act::Answer,
        Act::Plant,
        Act::Deploy { revision: head },
        Act::Converge,
        Act::Answer,
        Act::Meter,
        Act::Inspect,
        Act::Seek,
        Act::Observe,
    ]
}

/// One attempt at a backup (STG-4).
fn backup_script(plan: &Plan) -> Vec<Act> {
    let mut acts = vec![Act::Converge, Act::Answer, Act::Mark, Act::Backup, Act::ReadSnapshot];
    acts.extend(plan.backup_checks.verify.iter().map(|_| Act::Verify));
    acts.push(Act::Observe);
    acts
}

/// After a disaster the app is deployed anew first, and the loss has been had then (STG-5).
fn restore_script(plan: &Plan) -> Vec<Act> {
    let anew =
        [Act::Undeploy, Act::Deploy { revision: Revision::Head }, Act::Converge, Act::Answer];
    let anew = anew.into_iter().filter(|_| plan.restore_mode == RestoreMode::Disaster);
    anew.chain([
        Act::Disturb,
        Act::Restore,
        Act::Restart,
        Act::Converge,
        Act::Answer,
        Act::Inspect,
        Act::Recall,
        Act::Observe,
    ])
    .collect()
}

/// One deadline from a deploy on (CONV-7): converge and answer share what it left of the budget.
/// The acts of a backup and of a restore share the stage's.
fn deadline(plan: &Plan, run: &StageRun, act: Act, now: Timestamp) -> Timestamp {
    let budgets = &plan.budgets;
    if let Some(deadline) = attempts::deadline(plan, run, act, now) {
        return deadline;
    }
    let (from, limit) = match act {
        // What the disaster and the new install take is the restore's time too.
        Act::Undeploy
        | Act::Deploy { .. }
        | Act::Disturb
        | Act::Restore
        | Act::Restart
        | Act::Converge
        | Act::Answer
        | Act::Recall
            if run.stage == Stage::Restore =>
        {
            (run.began_at, budgets.restore_ms)
        }
        Act::EnsureImages { .. } => (now, budgets.images_ms),
        Act::Dismantle => (now, budgets.teardown_ms),
        Act::Test => {
            let tests = plan.tests_of(run.stage).count().max(1);
            (now, budgets.test_ms.saturating_mul(tests as u64))
        }
        Act::Examine => (now, EXAMINE_MS),
        Act::Observe | Act::Meter | Act::Inspect | Act::Plant | Act::Seek => (now, LOOK_MS),
        Act::Deploy { revision } => (now, installing(plan, run, revision)),
        Act::Converge | Act::Answer => match last_deploy(run) {
            Some(deploy) => return deploy.deadline,
            None => (now, budgets.deploy_ms),
        },
        Act::Mark | Act::Backup | Act::ReadSnapshot | Act::Verify => (now, budgets.backup_ms),
        Act::Undeploy | Act::Disturb | Act::Restore | Act::Restart | Act::Recall => {
            (now, budgets.restore_ms)
        }
    };
    from.plus(Duration::from_millis(limit))
}

fn installing(plan: &Plan, run: &StageRun, revision: Revision) -> u64 {
    match (run.stage, revision) {
        (Stage::Upgrade, Revision::Head) => plan.budgets.upgrade_ms,
        (_, Revision::Base | Revision::Head) => plan.budgets.deploy_ms,
    }
}

fn last_deploy(run: &StageRun) -> Option<&ActRun> {
    run.acts.iter().rev().find(|done| matches!(done.act, Act::Deploy { .. }))
}

/// How long one look may take.
const LOOK_MS: u64 = 30_000;

/// How long it may take to gather what tells why something is red (RES-6).
const EXAMINE_MS: u64 = 15_000;
