//! What a result proves and what it does not, in sentences (VER-5).

use std::collections::BTreeSet;

use cc_ci_model::backup::PathWeight;
use cc_ci_model::compose::{DeclaredService, HealthCheck};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{BaseChoice, Plan};
use cc_ci_model::stage::{Rung, Stage};

use crate::flaky::flaky;
use crate::host_paths;
use crate::state::RunState;
use crate::text::count;
use crate::verdict::Judgement;

/// What was shown.
pub fn proves(plan: &Plan, state: &RunState, judgement: &Judgement) -> Vec<String> {
    let mut all = Vec::new();
    if judgement.rungs[&Rung::Install].is_passed()
        && plan.fresh_head
        && let Some(gate) = &plan.gate
    {
        all.push(format!(
            "the head installs from nothing on a real Swarm: every service runs its current spec and holds still, and {} answers on {}",
            gate.service, gate.path
        ));
    }
    if let (true, BaseChoice::Release(base)) =
        (judgement.rungs[&Rung::Upgrade].is_passed(), &plan.base)
    {
        all.push(format!(
            "an app of {} upgrades in place to the head with the env file it was installed with{}",
            base.version,
            kept(plan, state)
        ));
    }
    if judgement.rungs[&Rung::BackupRestore].is_passed() {
        all.extend(restored(plan, state));
    }
    all.extend(tested(plan, judgement));
    all
}

/// What an upgrade leaves as it was.
fn kept(plan: &Plan, state: &RunState) -> String {
    let files = match plan.markers.len() {
        0 => String::new(),
        count => format!(
            ", and data planted in {count} of its volumes is still there, seen through the head's own mounts"
        ),
    };
    match values(state, Stage::Upgrade, Act::Seek) {
        None => files,
        Some(names) => format!("{files}; so is what was planted in {names}"),
    }
}

/// What a restore has brought back: files, values in databases, or both.
fn restored(plan: &Plan, state: &RunState) -> Vec<String> {
    let mut all = Vec::new();
    let values = values(state, Stage::Restore, Act::Recall);
    if values.is_none() || has_files(state) {
        let with =
            if warned(state, "xattrs_") { "owner and mode" } else { "owner, mode and attributes" };
        let loss = match plan.restore_mode {
            RestoreMode::InPlace => "after a real loss a restore brings it back bit for bit",
            RestoreMode::Disaster => {
                "after the app was undeployed and its volumes deleted, the head deployed anew with the same secrets and a restore \
                 of that snapshot bring it back bit for bit"
            }
        };
        all.push(format!(
            "what was written right before a backup is in its snapshot, and {loss}, with {with}"
        ));
    }
    all.extend(values.map(|names| {
        format!("what was planted in {names} right before a backup comes back with the restore, after a real loss")
    }));
    all
}

/// Whether any file of ours was in the snapshot.
fn has_files(state: &RunState) -> bool {
    let run = state.runs_of(Stage::Backup).last();
    match run.and_then(|run| run.act(Act::ReadSnapshot)).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Snapshot(seen)) => seen.markers.iter().any(|marker| marker.found),
        Some(_) | None => false,
    }
}

/// The databases and the like whose values that act has found as they were planted.
fn values(state: &RunState, stage: Stage, act: Act) -> Option<String> {
    let run = state.runs_of(stage).last()?;
    let (Evidence::Sought { data, .. } | Evidence::Recalled { data, .. }) =
        run.act(act)?.evidence.as_ref()?
    else {
        return None;
    };
    let there = data.iter().filter(|seen| seen.is_there());
    let mut names: Vec<&str> = there.map(|seen| seen.marker.as_str()).collect();
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What tests have shown.
fn tested(plan: &Plan, judgement: &Judgement) -> Vec<String> {
    let of = |stage| count(plan.tests_of(stage).count(), "file");
    let mut all = Vec::new();
    if judgement.rungs[&Rung::Functional].is_passed() {
        all.push(format!("the pack's tests pass ({})", of(Stage::Functional)));
    }
    if judgement.rungs[&Rung::RecipeLocal].is_passed() {
        all.push(format!("the tests the recipe itself carries pass ({})", of(Stage::RecipeLocal)));
    }
    all
}

/// Whether a warning with a code that begins like that was seen.
fn warned(state: &RunState, code: &str) -> bool {
    let mut acts = state.stages.iter().flat_map(|run| &run.acts);
    acts.any(|act| act.warnings.iter().any(|finding| finding.code.starts_with(code)))
}

/// What was not shown, although a reader might think so.
pub fn does_not_prove(plan: &Plan, state: &RunState, judgement: &Judgement) -> Vec<String> {
    let mut all: Vec<String> = plan.head.declared.services.iter().filter_map(health).collect();
    all.extend(plan.adaptations.iter().map(|adaptation| {
        format!(
            "the recipe exactly as written: {} was changed: {}",
            adaptation.subject, adaptation.why
        )
    }));
    all.extend(host_paths::not_proven(&plan.head.declared));
    all.extend(plan.overlays.iter().map(|overlay| {
        format!("the recipe exactly as written: {} of the pack was merged into it", overlay.file)
    }));
    if !plan.fresh_head {
        all.push("a fresh install of the head: `fresh_head` is off".to_owned());
    }
    if plan.markers.is_empty() && judgement.rungs[&Rung::Upgrade].is_passed() {
        all.push("that data survives an upgrade: the base has no named volume, so there was none to lose".to_owned());
    }
    let is_restored = judgement.rungs[&Rung::BackupRestore].is_passed();
    if is_restored && plan.restore_mode == RestoreMode::InPlace {
        all.push("that the backup is enough after a disaster: it was restored in place, into the volumes of the app that ran".to_owned());
    }
    all.extend(flaky(state).iter().map(|flaky| {
        format!(
            "that {} of stage {} passes every time: it did at attempt {}",
            flaky.check, flaky.stage, flaky.attempt
        )
    }));
    for rung in Rung::ESSENTIAL {
        if let Outcome::Skipped { reason, .. } = &judgement.rungs[&rung] {
            all.push(format!("{rung}: {reason}"));
        }
    }
    all.extend(not_written(state));
    let warned = state.stages.iter().flat_map(|run| &run.acts).flat_map(|act| &act.warnings);
    let telling = warned.filter(|finding| TELLING.contains(&finding.code.as_str()));
    all.extend(telling.map(|finding| finding.message.clone()));
    all.sort();
    all.dedup();
    all
}

/// Volumes of a backup into which nobody but cc-ci has written since they were made: that they
/// are backed up and come back is shown, that the app's own data is in them is not.
fn not_written(state: &RunState) -> Vec<String> {
    let Some(run) = state.runs_of(Stage::Backup).last() else {
        return Vec::new();
    };
    let began = state.stages.iter().find(|earlier| earlier.app == run.app);
    // What an earlier attempt planted is no data of the app's.
    let first = run.acts.iter().find(|act| act.act == Act::Mark);
    let before = match first.and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Marked { before, .. }) => before.as_slice(),
        Some(_) | None => &[],
    };
    let volumes: BTreeSet<&str> = before.iter().map(|path| path.volume.as_str()).collect();
    let is_old = |volume: &str| {
        let mut paths = before.iter().filter(|path| path.volume == volume).peekable();
        let older = |path: &PathWeight| {
            path.newest.zip(began).is_some_and(|(newest, began)| newest < began.began_at)
        };
        paths.peek().is_some() && paths.all(older)
    };
    let old = volumes.into_iter().filter(|volume| is_old(volume));
    old.map(|volume| {
        format!(
            "that the app's own data is in volume {volume}: nothing in it was written since the app was installed, so all of it may have come with the image"
        )
    })
    .collect()
}

/// Warnings that say what a green does not mean.
const TELLING: [&str; 9] = [
    "assumed_one_shot",
    "backed_up_path_empty",
    "data_not_backed_up",
    "data_not_marked",
    "image_local_only",
    "volume_not_backed_up",
    "written_outside_mounts",
    "xattrs_lost_by_hook",
    "xattrs_not_compared",
];

/// Without a health check that can fail, N of N tasks running only means that they started.
fn health(service: &DeclaredService) -> Option<String> {
    let name = &service.name;
    match &service.health {
        HealthCheck::Command { cannot_fail: false, .. } => None,
        HealthCheck::Command { cannot_fail: true, test, .. } => {
            Some(format!("that service {name} works: its health check cannot fail (`{test}`)"))
        }
        HealthCheck::Disabled => Some(format!(
            "that service {name} works: its health check is switched off, so running only means that the process started"
        )),
        HealthCheck::Undeclared => Some(format!(
            "that service {name} works: its compose file declares no health check; unless its image brings one, running only \
             means that the process started"
        )),
    }
}

#[cfg(test)]
mod tests {
    use cc_ci_model::event::EventKind;
    use cc_ci_model::time::Timestamp;
    use cc_ci_testkit::{PlanBuilder, numbered, service, stack};

    use super::*;
    use crate::state::tests::planned;

    /// A run whose stages begin at the dawn of the test's time, up to a look at volume `data`.
    fn looked_at(newest: &[Option<i64>]) -> Vec<String> {
        let app = service("app").routed(80).volume("data", "/data").backed_up();
        let plan = PlanBuilder::new(stack([app])).run(Stage::Backup).build();
        let id = plan.apps.first().map(|app| app.id.clone());
        let began = |stage| EventKind::StageBegan { stage, app: id.clone() };
        let before = newest.iter().enumerate().map(|(nth, newest)| PathWeight {
            volume: "data".into(),
            path: format!("path-{nth}"),
            files: Some(1),
            newest: newest.map(Timestamp::from_millis),
        });
        let marked =
            Evidence::Marked { before: before.collect(), markers: Vec::new(), data: Vec::new() };
        let events = numbered(vec![
            planned(&plan),
            began(Stage::Install),
            EventKind::StageEnded,
            began(Stage::Backup),
            EventKind::ActBegan { act: Act::Mark, deadline: Timestamp::default() },
            EventKind::ActEnded { evidence: Box::new(marked) },
        ]);
        not_written(&RunState::of(&events))
    }

    /// A copy of the image's files is a volume in which the app has not written yet.
    #[test]
    fn a_volume_nobody_wrote_into_shows_nothing_about_the_apps_data() {
        let old = looked_at(&[Some(1_000)]);
        assert_eq!(old.len(), 1);
        assert!(old[0].contains("data is in volume data: nothing in it was written"), "{}", old[0]);
        let never = i64::MAX;
        assert_eq!(looked_at(&[Some(1_000), Some(never)]), [""; 0]);
        assert_eq!(looked_at(&[Some(never)]), [""; 0]);
        assert_eq!(looked_at(&[None]), [""; 0]);
        assert_eq!(looked_at(&[]), [""; 0]);
    }
}
