//! What a result proves and what it does not, in sentences (VER-5).

use cc_ci_model::compose::{DeclaredService, HealthCheck};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{BaseChoice, Plan};
use cc_ci_model::stage::Rung;

use crate::state::RunState;
use crate::text::count;
use crate::verdict::Judgement;

/// What was shown.
pub fn proves(plan: &Plan, _state: &RunState, judgement: &Judgement) -> Vec<String> {
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
        let kept = match plan.markers.len() {
            0 => String::new(),
            count => format!(
                ", and data planted in {count} of its volumes is still there, seen through the head's own mounts"
            ),
        };
        all.push(format!(
            "an app of {} upgrades in place to the head with the env file it was installed with{kept}",
            base.version
        ));
    }
    if judgement.rungs[&Rung::BackupRestore].is_passed() {
        all.push(
            "what was written right before a backup is in its snapshot, and after a real loss a restore brings it back bit for bit, \
             with owner, mode and attributes"
                .to_owned(),
        );
    }
    if judgement.rungs[&Rung::Functional].is_passed() {
        all.push(format!("the pack's tests pass ({})", count(plan.tests.len(), "file")));
    }
    all
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
    if !plan.fresh_head {
        all.push("a fresh install of the head: `fresh_head` is off".to_owned());
    }
    if plan.markers.is_empty() && judgement.rungs[&Rung::Upgrade].is_passed() {
        all.push("that data survives an upgrade: the base has no named volume, so there was none to lose".to_owned());
    }
    for rung in Rung::ESSENTIAL {
        if let Outcome::Skipped { reason, .. } = &judgement.rungs[&rung] {
            all.push(format!("{rung}: {reason}"));
        }
    }
    let warned = state.stages.iter().flat_map(|run| &run.acts).flat_map(|act| &act.warnings);
    let telling = warned.filter(|finding| TELLING.contains(&finding.code.as_str()));
    all.extend(telling.map(|finding| finding.message.clone()));
    all.sort();
    all.dedup();
    all
}

/// Warnings that say what a green does not mean.
const TELLING: [&str; 5] = [
    "assumed_one_shot",
    "backed_up_path_empty",
    "image_local_only",
    "volume_not_backed_up",
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
