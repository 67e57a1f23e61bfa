//! Which stages a run goes through, about which app, and in which lane.
//!
//! Tests: `next/tests.rs`.

use cc_ci_model::event::Lane;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::name::AppId;
use cc_ci_model::plan::{AppRole, Doing, Plan, PlannedApp, Revision};
use cc_ci_model::stage::Stage;

use super::{last_deploy, lets_go_on};
use crate::state::{RunState, StageRun};

/// A stage about an app.
type Leg = (Stage, AppId);

/// The next leg of a lane.
pub(super) fn ahead(plan: &Plan, state: &RunState, lane: Lane) -> Option<Leg> {
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
    // A later stage that did not touch the tasks leaves the app as it was; one that replaced them
    // has to have seen it stand again.
    let is_later_stage = matches!(
        run.stage,
        Stage::Backup | Stage::Restore | Stage::Functional | Stage::RecipeLocal
    );
    let is_untouched = !run.acts.iter().any(|act| replaces_tasks(act.act));
    (is_later_stage && is_untouched) || settled_since_deploy(run)
}

fn replaces_tasks(act: Act) -> bool {
    matches!(act, Act::Deploy { .. } | Act::Restart | Act::Undeploy)
}

/// It settled and answered, after the last thing in the stage that replaced its tasks.
pub(super) fn settled_since_deploy(run: &StageRun) -> bool {
    let since_deploy = run.acts.iter().rev().take_while(|act| !replaces_tasks(act.act));
    let good = |wanted: Act| since_deploy.clone().any(|act| act.act == wanted && lets_go_on(act));
    good(Act::Converge) && good(Act::Answer)
}

fn app_of(plan: &Plan, role: AppRole, contingent: bool) -> Option<AppId> {
    plan.apps
        .iter()
        .find(|app| app.role == role && app.contingent == contingent)
        .map(|app| app.id.clone())
}
