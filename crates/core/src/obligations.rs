//! What must have been proven for a rung to count as passed (VER-5): the detector of hollow
//! greens. Each obligation names the evidence it rests on.

use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::plan::{Doing, Plan, PlannedApp, Revision};
use cc_ci_model::results::{DeployCount, Obligation};
use cc_ci_model::stage::{Rung, Stage};

use crate::assess::Check;
use crate::state::{ActRun, RunState, StageRun};

/// An obligation with the acts whose evidence decides it; none when that did not happen.
#[derive(Debug, Clone)]
pub(crate) struct Proof<'a> {
    pub(crate) obligation: Obligation,
    pub(crate) stands_on: Vec<&'a ActRun>,
    /// The stage in which it is looked for.
    pub(crate) run: Option<&'a StageRun>,
}

/// Every obligation of the rungs the plan means to run.
pub fn obligations(plan: &Plan, state: &RunState) -> Vec<Obligation> {
    proofs(plan, state).into_iter().map(|proof| proof.obligation).collect()
}

/// Every obligation, with what it stands on.
pub(crate) fn proofs<'a>(plan: &Plan, state: &'a RunState) -> Vec<Proof<'a>> {
    let runs = |stage| matches!(plan.doing(stage), Some(Doing::Run));
    let mut all = Vec::new();
    if runs(Stage::Install) {
        all.extend(install(plan, state));
    }
    if runs(Stage::Upgrade) {
        all.extend(upgrade(plan, state));
    }
    if runs(Stage::Backup) || runs(Stage::Restore) {
        all.extend(backup_restore(plan, state));
    }
    if runs(Stage::Functional) {
        all.extend(tested(state, Stage::Functional, Rung::Functional));
    }
    if runs(Stage::RecipeLocal) {
        all.extend(tested(state, Stage::RecipeLocal, Rung::RecipeLocal));
    }
    all
}

/// Submissions of each app that was touched or planned.
pub fn deploy_counts(plan: &Plan, state: &RunState) -> Vec<DeployCount> {
    plan.apps
        .iter()
        .filter(|app| !app.contingent || state.was_touched(&app.id))
        .map(|app| {
            let mut count = count(app, state.deploys_of(&app.id).count());
            let restores = state.run_of(Stage::Restore, Some(&app.id)).is_some();
            count.planned += u32::from(restores && plan.restore_mode == RestoreMode::Disaster);
            count
        })
        .collect()
}

fn count(app: &PlannedApp, actual: usize) -> DeployCount {
    let actual = u32::try_from(actual).unwrap_or(u32::MAX);
    DeployCount { app: app.id.clone(), planned: app.deploys, actual }
}

/// Submissions of an app without those after a disaster: they are the restore's.
fn before(app: &PlannedApp, state: &RunState) -> usize {
    state.deploys_in(&app.id, |stage| stage != Stage::Restore).count()
}

fn install<'a>(plan: &Plan, state: &'a RunState) -> Vec<Proof<'a>> {
    let run = state.runs_of(Stage::Install).next();
    let mut due = Due { rung: Rung::Install, run, all: Vec::new() };
    due.head_stands();
    due.counted(plan, state, 1);
    due.all
}

fn upgrade<'a>(plan: &Plan, state: &'a RunState) -> Vec<Proof<'a>> {
    let run = state.runs_of(Stage::Upgrade).next();
    let mut due = Due { rung: Rung::Upgrade, run, all: Vec::new() };
    let base = Revision::Base;
    let before = due.acts_between(
        Act::Deploy { revision: base },
        Some(Act::Deploy { revision: Revision::Head }),
    );
    due.shown("base deployed", &before, Act::Deploy { revision: base });
    due.shown("stack settled on the base", &before, Act::Converge);
    due.shown("base answers on its domain", &before, Act::Answer);
    due.shown("volumes of the base marked", &before, Act::Plant);
    due.head_stands();
    let after = due.acts_after_head();
    due.check("deployment really changed", &after, "changed");
    due.shown("markers seen through the head's mounts", &after, Act::Seek);
    due.shown("availability measured", &after, Act::Meter);
    due.counted(plan, state, 2);
    due.all
}

fn backup_restore<'a>(plan: &Plan, state: &'a RunState) -> Vec<Proof<'a>> {
    let rung = Rung::BackupRestore;
    let mut backup = Due { rung, run: state.runs_of(Stage::Backup).last(), all: Vec::new() };
    let acts = backup.acts();
    backup.shown("fresh nonce in every volume", &acts, Act::Mark);
    backup.shown("snapshot taken", &acts, Act::Backup);
    backup.shown("nonce found in the snapshot's bytes", &acts, Act::ReadSnapshot);
    if plan.backup_checks.verify.is_some() {
        backup.shown("backup verified by the pack's command", &acts, Act::Verify);
    }
    backup.shown("closing look taken after the backup", &acts, Act::Observe);
    let mut restore = Due { rung, run: state.runs_of(Stage::Restore).last(), all: backup.all };
    let acts = restore.acts();
    let before = restore.lost(plan, &acts);
    restore.shown("marker absent before the restore", &before, Act::Disturb);
    restore.shown("that snapshot restored", &acts, Act::Restore);
    restore.shown("services restarted", &acts, Act::Restart);
    let after = restore.acts_between(Act::Restart, None);
    restore.shown("stack settled after the restore", &after, Act::Converge);
    restore.shown("app answers after the restore", &after, Act::Answer);
    restore.shown("data back, with owner, mode and attributes", &after, Act::Recall);
    restore.shown("closing look taken after the restore", &after, Act::Observe);
    restore.all
}

fn tested(state: &RunState, stage: Stage, rung: Rung) -> Vec<Proof<'_>> {
    let run = state.runs_of(stage).last();
    let mut due = Due { rung, run, all: Vec::new() };
    let acts = due.acts();
    let passed = acts
        .iter()
        .filter(|act| act.act == Act::Test)
        .flat_map(|act| &act.checks)
        .filter(|check| check.outcome.is_passed())
        .count();
    let tests: Vec<&ActRun> = acts.iter().copied().filter(|act| act.act == Act::Test).collect();
    due.add("at least one test passed", passed > 0, format!("{passed} tests passed"), tests);
    due.shown("closing look taken", &acts, Act::Observe);
    due.all
}

/// Obligations of one rung, met by the acts of one stage.
struct Due<'a> {
    rung: Rung,
    run: Option<&'a StageRun>,
    all: Vec<Proof<'a>>,
}

impl<'a> Due<'a> {
    /// The acts from one act on, up to but without another. Evidence from before the head was
    /// deployed must not stand for evidence from after it.
    fn acts_between(&self, from: Act, to: Option<Act>) -> Vec<&'a ActRun> {
        let acts = self.run.map(|run| run.acts.as_slice()).unwrap_or_default();
        let from_on = acts.iter().skip_while(|act| act.act != from);
        from_on.take_while(|act| Some(act.act) != to).collect()
    }

    /// Those that count: an attempt that was made again shows nothing.
    fn acts(&self) -> Vec<&'a ActRun> {
        self.run.map(|run| run.last_attempt().iter().collect()).unwrap_or_default()
    }

    fn acts_after_head(&self) -> Vec<&'a ActRun> {
        self.acts_between(Act::Deploy { revision: Revision::Head }, None)
    }

    /// STG-5: after a disaster the markers are looked for in the volumes of an app that was taken
    /// away and deployed anew, once. Gives the acts in which that look counts.
    fn lost(&mut self, plan: &Plan, acts: &[&'a ActRun]) -> Vec<&'a ActRun> {
        if plan.restore_mode == RestoreMode::InPlace {
            return acts.to_vec();
        }
        let head = Act::Deploy { revision: Revision::Head };
        self.shown("app and volumes gone", acts, Act::Undeploy);
        let anew = self.acts_between(Act::Undeploy, Some(Act::Restore));
        self.shown("head deployed anew", &anew, head);
        let anew = self.acts_between(head, Some(Act::Restore));
        self.shown("stack settled before the restore", &anew, Act::Converge);
        self.shown("app answers before the restore", &anew, Act::Answer);
        let here: Vec<&ActRun> = acts.iter().copied().filter(|act| submitted(act)).collect();
        let evidence = format!("1 planned, {} done", here.len());
        self.add("deployed anew once", here.len() == 1, evidence, here);
        anew
    }

    /// What both an install and an upgrade must end with.
    fn head_stands(&mut self) {
        let after = self.acts_after_head();
        self.shown("head deployed", &after, Act::Deploy { revision: Revision::Head });
        self.check("identity of the head", &after, "identity");
        self.shown("stack settled on the head", &after, Act::Converge);
        self.shown("app answers on its domain", &after, Act::Answer);
        self.shown("front page is no error page", &after, Act::Inspect);
        self.shown("closing look taken", &after, Act::Observe);
    }

    fn add(&mut self, name: &str, met: bool, evidence: String, stands_on: Vec<&'a ActRun>) {
        let obligation = Obligation { rung: self.rung, name: name.to_owned(), met, evidence };
        self.all.push(Proof { obligation, stands_on, run: self.run });
    }

    /// Met when the act is among those and good.
    fn shown(&mut self, name: &str, acts: &[&'a ActRun], wanted: Act) {
        let done = acts.iter().copied().find(|act| act.act == wanted);
        let detail = done.and_then(|done| done.checks.last()).map(told);
        let met = done.is_some_and(ActRun::is_good);
        let evidence = detail.unwrap_or_else(|| "it did not happen".to_owned());
        self.add(name, met, evidence, done.into_iter().collect());
    }

    /// Met when a check of that name is among those acts' and passed.
    fn check(&mut self, name: &str, acts: &[&'a ActRun], wanted: &str) {
        let all = acts.iter().flat_map(|act| act.checks.iter().map(move |check| (*act, check)));
        let (act, check) = all.into_iter().find(|(_, check)| check.name == wanted).unzip();
        let met = check.is_some_and(|check| check.outcome.is_passed());
        let detail = check.map(told);
        let evidence = detail.unwrap_or_else(|| "it was not looked at".to_owned());
        self.add(name, met, evidence, act.into_iter().collect());
    }

    /// Met when the stage's app was submitted as often as planned, all of it in this stage.
    fn counted(&mut self, plan: &Plan, state: &RunState, in_stage: usize) {
        let app = self.run.and_then(|run| run.app.as_ref());
        let count = app.and_then(|app| plan.app(app)).map(|app| count(app, before(app, state)));
        let here: Vec<&ActRun> = self.acts().into_iter().filter(|act| submitted(act)).collect();
        let is_as_planned = count.as_ref().is_some_and(|count| count.planned == count.actual);
        let met = is_as_planned && here.len() == in_stage;
        let evidence = count.map_or_else(
            || "nothing was deployed".to_owned(),
            |count| format!("{} planned, {} done", count.planned, count.actual),
        );
        self.add("deployed as often as planned", met, evidence, here);
    }
}

/// What a check saw; a program that had to be ended may have said nothing.
fn told(check: &Check) -> String {
    let is_silent = check.detail.trim().is_empty();
    let reason = check.outcome.reason().filter(|_| is_silent);
    reason.unwrap_or(&check.detail).to_owned()
}

fn submitted(act: &ActRun) -> bool {
    matches!(act.evidence, Some(Evidence::Deployed(_)))
}
