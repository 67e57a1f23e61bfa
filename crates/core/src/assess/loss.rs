//! A restore after a disaster (STG-5): the app and its volumes are gone, its secrets stay, and a red
//! that follows says what the app had to come back without.

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::evidence::Act;
use cc_ci_model::integrity::UndeploySeen;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::stage::Stage;

use super::{Assessment, Check, Context};
use crate::text::count;

/// Nothing of the app may be left but what an operator would still have.
pub(super) fn assess_undeployed(seen: &UndeploySeen) -> Assessment {
    if seen.left.is_empty() {
        let detail = format!(
            "the app is gone with {}; {} kept",
            count(seen.volumes.len(), "volume"),
            count(seen.kept.len(), "secret")
        );
        return Assessment::of(Check::passed("undeploy", detail));
    }
    let names: Vec<String> = seen.left.iter().map(ToString::to_string).collect();
    let why = seen.refusals.last().map(|refusal| format!(" ({refusal})")).unwrap_or_default();
    let reason =
        format!("the app could not be taken away, so nothing was lost: {}{why}", names.join(", "));
    Assessment::of(Check::with("undeploy", Outcome::errored(reason)))
}

/// Adds to what failed after a disaster what the app came back without.
pub(super) fn of_disaster(context: Context<'_>, mut assessment: Assessment) -> Assessment {
    let is_after = context.run.stage == Stage::Restore && context.run.act(Act::Undeploy).is_some();
    if !is_after || context.act.act == Act::Undeploy {
        return assessment;
    }
    let note = note(context);
    for check in &mut assessment.checks {
        if let Outcome::Failed { reason } = &check.outcome {
            let told = format!("{reason} ({note})");
            if check.detail == *reason {
                check.detail.clone_from(&told);
            }
            check.outcome = Outcome::failed(told);
        }
    }
    assessment
}

fn note(context: Context<'_>) -> String {
    let backed = &context.plan.backup.volumes;
    let own = context.declared().into_iter().flat_map(DeclaredStack::own_volumes);
    let lost = own.filter(|volume| backed.iter().all(|backed| backed.volume != volume.name));
    let lost: Vec<&str> = lost.map(|volume| volume.name.as_str()).collect();
    let began =
        "after a disaster: the app was deployed anew with empty volumes and the same secrets";
    match lost.as_slice() {
        [] => began.to_owned(),
        [one] => format!("{began}; volume {one} is in no backup"),
        more => format!("{began}; volumes {} are in no backup", more.join(", ")),
    }
}
