//! What to do now: a pure function of plan and state. The engine carries out exactly this.
//!
//! A run is an itinerary of legs (a stage about an app); a leg is a script of acts. Both are
//! derived anew from the state each time, so that a contingent install or a cancelled run needs
//! no special path through the engine.
//!
//! Tests: `next/tests.rs`.

use std::time::Duration;

use cc_ci_model::evidence::Act;
use cc_ci_model::name::AppId;
use cc_ci_model::plan::{AppRole, BaseChoice, Doing, Plan, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::state::{RunState, StageRun};

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
    /// Take the inventory of everything the run created.
    TakeInventory,
    /// Seal the log.
    Seal,
    /// Nothing is left to do.
    Done,
}

/// A stage about an app.
type Leg = (Stage, AppId);

/// What to do now.
pub fn next(plan: &Plan, state: &RunState, now: Timestamp) -> Step {
    if let Some(run) = state.current() {
        return within(plan, state, run, now);
    }
    let leg = itinerary(plan, state)
        .into_iter()
        .find(|(stage, app)| state.run_of(*stage, Some(app)).is_none());
    if let Some((stage, app)) = leg {
        return Step::Begin { stage, app };
    }
    if state.inventory.is_none() {
        return Step::TakeInventory;
    }
    if state.seal.is_none() { Step::Seal } else { Step::Done }
}

/// The app on which the head stands, so that later stages can use it.
pub fn standing<'a>(plan: &'a Plan, state: &RunState) -> Option<&'a AppId> {
    plan.apps.iter().map(|app| &app.id).find(|app| stands(state, app))
}

/// Every leg of the run as far as it can be told, in order.
fn itinerary(plan: &Plan, state: &RunState) -> Vec<Leg> {
    let mut legs = Vec::new();
    if !state.is_cancelled() {
        legs.extend(work(plan, state));
    }
    let last_is_kept = plan.keep && !state.is_cancelled();
    for app in &plan.apps {
        let is_due =
            state.was_touched(&app.id) && !legs.contains(&(Stage::Teardown, app.id.clone()));
        if is_due && !(last_is_kept && standing(plan, state) == Some(&app.id)) {
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
    let later: Vec<Stage> = [Stage::Backup, Stage::Restore, Stage::Functional]
        .into_iter()
        .filter(|stage| runs(*stage))
        .collect();
    if later.is_empty() {
        return legs;
    }
    legs.extend(reinstall(plan, state));
    if let Some(app) = standing(plan, state) {
        legs.extend(later.into_iter().map(|stage| (stage, app.clone())));
    }
    legs
}

/// A fresh head for the later stages, when the upgrade left none standing.
fn reinstall(plan: &Plan, state: &RunState) -> Vec<Leg> {
    let Some(app) = app_of(plan, AppRole::Fresh, true) else {
        return Vec::new();
    };
    let upgrade = state.runs_of(Stage::Upgrade).last().filter(|run| run.ended_at.is_some());
    let is_needed = upgrade.is_some_and(|run| !leaves_head_standing(state, run))
        || state.runs_of(Stage::Reinstall).next().is_some();
    if !is_needed {
        return Vec::new();
    }
    let broken = app_of(plan, AppRole::Upgraded, false).filter(|app| state.was_touched(app));
    broken.map(|app| (Stage::Teardown, app)).into_iter().chain([(Stage::Reinstall, app)]).collect()
}

fn leaves_head_standing(state: &RunState, upgrade: &StageRun) -> bool {
    upgrade.app.as_ref().is_some_and(|app| stands(state, app))
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
    let since_deploy =
        run.acts.iter().rev().take_while(|act| !matches!(act.act, Act::Deploy { .. }));
    let good = |wanted: Act| since_deploy.clone().any(|act| act.act == wanted && act.is_good());
    let is_later_stage = matches!(run.stage, Stage::Backup | Stage::Restore | Stage::Functional);
    is_later_stage || (good(Act::Converge) && good(Act::Answer))
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
    let broken = run.acts.iter().any(|act| !act.is_good());
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
        Stage::Backup | Stage::Restore | Stage::Functional => vec![Act::Observe],
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
        Act::Inspect,
        Act::Seek,
        Act::Observe,
    ]
}

/// One deadline from a deploy on (CONV-7): converge and answer share what it left of the budget.
fn deadline(plan: &Plan, run: &StageRun, act: Act, now: Timestamp) -> Timestamp {
    let budgets = &plan.budgets;
    let since_deploy = run.acts.iter().rev().find_map(|done| match done.act {
        Act::Deploy { revision } => Some((done.began_at, revision)),
        Act::EnsureImages { .. }
        | Act::Converge
        | Act::Answer
        | Act::Inspect
        | Act::Plant
        | Act::Seek
        | Act::Observe
        | Act::Dismantle => None,
    });
    let installing = |revision| match (run.stage, revision) {
        (Stage::Upgrade, Revision::Head) => budgets.upgrade_ms,
        (_, Revision::Base | Revision::Head) => budgets.deploy_ms,
    };
    let (from, limit) = match act {
        Act::EnsureImages { .. } => (now, budgets.images_ms),
        Act::Dismantle => (now, budgets.teardown_ms),
        Act::Observe | Act::Inspect | Act::Plant | Act::Seek => (now, LOOK_MS),
        Act::Deploy { revision } => (now, installing(revision)),
        Act::Converge | Act::Answer => match since_deploy {
            Some((began, revision)) => (began, installing(revision)),
            None => (now, budgets.deploy_ms),
        },
    };
    from.plus(Duration::from_millis(limit))
}

/// How long one look may take.
const LOOK_MS: u64 = 30_000;
