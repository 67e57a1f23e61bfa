//! What to do now: a pure function of plan and state. The engine carries out exactly this.
//!
//! A run is an itinerary of legs (a stage about an app); a leg is a script of acts. Both are
//! derived anew from the state each time, so that a contingent install or a cancelled run needs
//! no special path through the engine.
//!
//! Tests: `next/tests.rs`.

use std::time::Duration;

use cc_ci_model::event::Lane;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::name::AppId;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{AppRole, BaseChoice, Doing, Plan, PlannedApp, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::assess::Check;
use crate::outcome::combine;
use crate::state::{ActRun, RunState, StageRun};

#[cfg(test)]
mod tests;

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

/// A stage about an app.
type Leg = (Stage, AppId);

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

/// The next leg of a lane.
fn ahead(plan: &Plan, state: &RunState, lane: Lane) -> Option<Leg> {
    let legs = itinerary(plan, state).into_iter().filter(|(_, app)| lane_of(plan, app) == lane);
    legs.into_iter().find(|(stage, app)| state.run_of(*stage, Some(app)).is_none())
}

/// STG-2: the fresh head has a lane of its own where the plan says that it may.
fn lane_of(plan: &Plan, app: &AppId) -> Lane {
    let is_fresh = |app: &PlannedApp| app.role == AppRole::Fresh && !app.contingent;
    if plan.beside && plan.app(app).is_some_and(is_fresh) { Lane::Beside } else { Lane::Main }
}

/// The app on which the head stands, so that later stages can use it.
pub fn standing<'a>(plan: &'a Plan, state: &RunState) -> Option<&'a AppId> {
    plan.apps.iter().map(|app| &app.id).find(|app| stands(state, app))
}

/// The app that `--keep` leaves: the one on which the head stands, else the last one there was
/// anything of. A red app is what somebody wants to look at (RES-8).
pub fn kept<'a>(plan: &'a Plan, state: &RunState) -> Option<&'a AppId> {
    if !plan.keep || state.is_cancelled() {
        return None;
    }
    standing(plan, state).or_else(|| {
        let is_there = |app: &&AppId| {
            state.was_touched(app) && state.run_of(Stage::Teardown, Some(app)).is_none()
        };
        let last = state.stages.iter().rev().filter_map(|run| run.app.as_ref()).find(is_there)?;
        plan.app(last).map(|app| &app.id)
    })
}

/// Every leg of the run as far as it can be told, in order.
fn itinerary(plan: &Plan, state: &RunState) -> Vec<Leg> {
    let mut legs = Vec::new();
    if !state.is_cancelled() {
        legs.extend(work(plan, state));
    }
    let kept = kept(plan, state);
    for app in &plan.apps {
        let is_due =
            state.was_touched(&app.id) && !legs.contains(&(Stage::Teardown, app.id.clone()));
        if is_due && kept != Some(&app.id) {
            legs.push((Stage::Teardown, app.id.clone()));
        }
    }
    legs
}

fn work(plan: &Plan, state: &RunState) -> Vec<Leg> {
    let mut legs = Vec::new();
    let runs = |stage| matches!(plan.doing(stage), Some(Doing::Run));
    let fresh = app_of(plan, AppRole::Fresh, false);
    let upgraded = app_of(plan, AppRole::Upgraded, false);
    if let Some(app) = fresh.filter(|_| runs(Stage::Install)) {
        legs.push((Stage::Install, app.clone()));
        if upgraded.is_some() {
            legs.push((Stage::Teardown, app));
        }
    }
    if let Some(app) = upgraded.filter(|_| runs(Stage::Upgrade)) {
        legs.push((Stage::Upgrade, app));
    }
    let later: Vec<Stage> = [Stage::Backup, Stage::Restore, Stage::Functional, Stage::RecipeLocal]
        .into_iter()
        .filter(|stage| runs(*stage))
        .collect();
    if later.is_empty() {
        return legs;
    }
    legs.extend(reinstall(plan, state));
    if let Some(app) = standing(plan, state) {
        let can_run = |stage: &Stage| *stage != Stage::Restore || took_snapshot(state, app);
        legs.extend(later.into_iter().filter(can_run).map(|stage| (stage, app.clone())));
    }
    legs
}

/// There is something to restore. Until the backup has ended, that is not known.
fn took_snapshot(state: &RunState, app: &AppId) -> bool {
    let backup = state.run_of(Stage::Backup, Some(app));
    let evidence =
        backup.and_then(|run| run.act(Act::ReadSnapshot)).and_then(|act| act.evidence.as_ref());
    matches!(evidence, Some(Evidence::Snapshot(_)))
}

/// A fresh head for the later stages, when the upgrade left none standing.
fn reinstall(plan: &Plan, state: &RunState) -> Vec<Leg> {
    let Some(app) = app_of(plan, AppRole::Fresh, true) else {
        return Vec::new();
    };
    let upgrade = state.runs_of(Stage::Upgrade).last().filter(|run| run.ended_at.is_some());
    let is_needed = upgrade.is_some_and(|run| !left_head_standing(run))
        || state.runs_of(Stage::Reinstall).next().is_some();
    if !is_needed {
        return Vec::new();
    }
    let broken = app_of(plan, AppRole::Upgraded, false).filter(|app| state.was_touched(app));
    broken.map(|app| (Stage::Teardown, app)).into_iter().chain([(Stage::Reinstall, app)]).collect()
}

/// Whether the head stood when the upgrade ended; that its app was removed since changes nothing.
fn left_head_standing(upgrade: &StageRun) -> bool {
    let head = Act::Deploy { revision: Revision::Head };
    last_deploy(upgrade).is_some_and(|act| act.act == head) && settled_since_deploy(upgrade)
}

/// The head was submitted to it last, it settled and answered after that, and it was not removed.
fn stands(state: &RunState, app: &AppId) -> bool {
    let removed = state.run_of(Stage::Teardown, Some(app)).is_some();
    let installed = state
        .stages
        .iter()
        .rev()
        .find(|run| run.app.as_ref() == Some(app) && run.stage != Stage::Teardown);
    let Some(run) = installed.filter(|_| !removed) else {
        return false;
    };
    if state.revision_of(app) != Some(Revision::Head) || run.ended_at.is_none() {
        return false;
    }
    // A later stage that did not touch the tasks leaves the app as it was; one that restarted
    // them has to have seen it stand again.
    let is_later_stage = matches!(
        run.stage,
        Stage::Backup | Stage::Restore | Stage::Functional | Stage::RecipeLocal
    );
    let restarted = run.act(Act::Restart).is_some();
    (is_later_stage && !restarted) || settled_since_deploy(run)
}

/// It settled and answered, after the last deploy of the stage if there was one.
fn settled_since_deploy(run: &StageRun) -> bool {
    let since_deploy =
        run.acts.iter().rev().take_while(|act| !matches!(act.act, Act::Deploy { .. }));
    let good = |wanted: Act| since_deploy.clone().any(|act| act.act == wanted && lets_go_on(act));
    good(Act::Converge) && good(Act::Answer)
}

fn app_of(plan: &Plan, role: AppRole, contingent: bool) -> Option<AppId> {
    plan.apps
        .iter()
        .find(|app| app.role == role && app.contingent == contingent)
        .map(|app| app.id.clone())
}

/// The next act of the open stage, or its end.
fn within(plan: &Plan, state: &RunState, run: &StageRun, now: Timestamp) -> Step {
    let Some(app) = run.app.clone() else {
        return Step::End;
    };
    let script = script(plan, run.stage);
    let broken = run.acts.iter().any(|act| !lets_go_on(act));
    let act = if broken || state.is_cancelled() && run.stage != Stage::Teardown {
        closing_look(state, run, &app)
    } else {
        script.get(run.acts.len()).copied()
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
    let only_unproven = || {
        let outcome = combine(act.checks.iter().map(|check| &check.outcome));
        matches!(outcome, Outcome::Unverified { .. })
    };
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
        | Act::Disturb
        | Act::Restore
        | Act::Restart
        | Act::Recall
        | Act::Test
        | Act::Observe
        | Act::Dismantle => act.is_good(),
    }
}

/// After something went wrong: one look at what stands, if anything was deployed.
fn closing_look(state: &RunState, run: &StageRun, app: &AppId) -> Option<Act> {
    let deployed = state.was_touched(app) && run.stage != Stage::Teardown;
    (deployed && !state.is_cancelled() && run.act(Act::Observe).is_none()).then_some(Act::Observe)
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
        Stage::Backup => vec![
            Act::Converge,
            Act::Answer,
            Act::Mark,
            Act::Backup,
            Act::ReadSnapshot,
            Act::Observe,
        ],
        Stage::Restore => vec![
            Act::Disturb,
            Act::Restore,
            Act::Restart,
            Act::Converge,
            Act::Answer,
            Act::Inspect,
            Act::Recall,
            Act::Observe,
        ],
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

/// One deadline from a deploy on (CONV-7): converge and answer share what it left of the budget.
/// The acts of a backup and of a restore share the stage's.
fn deadline(plan: &Plan, run: &StageRun, act: Act, now: Timestamp) -> Timestamp {
    let budgets = &plan.budgets;
    let (from, limit) = match act {
        Act::EnsureImages { .. } => (now, budgets.images_ms),
        Act::Dismantle => (now, budgets.teardown_ms),
        Act::Test => {
            let tests = plan.tests_of(run.stage).count().max(1);
            (now, budgets.test_ms.saturating_mul(tests as u64))
        }
        Act::Observe | Act::Meter | Act::Inspect | Act::Plant | Act::Seek => (now, LOOK_MS),
        Act::Deploy { revision } => (now, installing(plan, run, revision)),
        Act::Converge | Act::Answer if run.stage == Stage::Backup => {
            (run.began_at, budgets.backup_ms.min(SETTLE_MS))
        }
        Act::Converge | Act::Answer if run.stage == Stage::Restore => {
            (run.began_at, budgets.restore_ms)
        }
        Act::Converge | Act::Answer => match last_deploy(run) {
            Some(deploy) => return deploy.deadline,
            None => (now, budgets.deploy_ms),
        },
        Act::Mark | Act::Backup | Act::ReadSnapshot => (now, budgets.backup_ms),
        Act::Disturb | Act::Restore | Act::Restart | Act::Recall => {
            (run.began_at, budgets.restore_ms)
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

/// How long a backup waits for the stack to settle (STG-4).
const SETTLE_MS: u64 = 300_000;
