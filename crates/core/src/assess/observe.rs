//! A stage's closing look (CONV-8) and what is left of an app after its removal (TEAR-1).

use std::collections::BTreeSet;

use cc_ci_model::evidence::{Act, Evidence, ObserveSeen, OwnFile, OwnLayer};
use cc_ci_model::intent::Object;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState};

use crate::convergence::describe_end;
use crate::state::ActRun;
use crate::text::count;

use super::{Assessment, Check, Context, UNSETTLED, identity};

/// Files outside every mount that are told by name.
const TOLD: usize = 5;

pub(super) fn assess(context: Context<'_>, seen: &ObserveSeen) -> Assessment {
    let Some(facts) = &seen.facts else {
        let why = Outcome::errored("the engine did not answer the closing look");
        return Assessment::of(Check::with("observe", why));
    };
    let Some(settled) = settled(context) else {
        return Assessment::of(never_settled(context));
    };
    let mut assessment = Assessment::default();
    for service in &settled.services {
        let replaced = replaced(settled, facts, &service.name);
        let told = told(context, &service.name);
        replacements(&service.name, &replaced, &told, &mut assessment);
    }
    let again = identity::assess(context, &facts.services);
    if !again.outcome.is_passed() {
        assessment.checks.push(again);
    }
    assessment.warnings.extend(orphans(context, facts));
    assessment.warnings.extend(own_layers(context, &seen.outside));
    if assessment.checks.is_empty() {
        let running = facts.tasks.iter().filter(|task| task.state == TaskState::Running).count();
        let detail = format!("{} up, as when the stack settled", count(running, "task"));
        assessment.checks.push(Check::passed("observe", detail));
    }
    assessment
}

/// In a stage that broke before its stack had settled there is nothing to compare with. In any
/// other, not knowing how the tasks looked is no proof that they stayed.
fn never_settled(context: Context<'_>) -> Check {
    let is_broken = context.run.acts.iter().any(|act| act.ended_at.is_some() && !act.is_good());
    if is_broken {
        return Check::passed("observe", "the stack had not settled");
    }
    Check::with("observe", Outcome::unverified("nobody saw the stack settle before this look"))
}

/// CONV-8: the first task that was replaced is a warning, a second one a crash loop, whichever stage
/// the first one was in. What an earlier look has told is not told again.
fn replacements(
    service: &str,
    replaced: &[&TaskFacts],
    told: &BTreeSet<&str>,
    assessment: &mut Assessment,
) {
    let fresh: Vec<_> = replaced.iter().filter(|task| !told.contains(task.id.as_str())).collect();
    let Some(last) = fresh.last() else {
        return;
    };
    let all = told.len() + fresh.len();
    let message = format!(
        "service {service}: {all} of its tasks were replaced although nobody asked for it; the last one: {}",
        describe_end(last)
    );
    if all == 1 {
        let place = Some(service.to_owned());
        assessment.warnings.push(Finding::new("task_replaced", message, place));
    } else {
        let outcome = Outcome::failed(format!("crash loop: {message}"));
        assessment.checks.push(Check::with("observe", outcome));
    }
}

/// Tasks of a service that earlier closing looks found replaced, since the app was deployed last.
fn told<'a>(context: Context<'a>, service: &str) -> BTreeSet<&'a str> {
    let mut told = BTreeSet::new();
    let mut settled: Option<&StackFacts> = None;
    let runs = context.state.stages.iter().filter(|run| run.app.as_ref() == context.app());
    for act in runs.flat_map(|run| &run.acts) {
        match (act.act, &act.evidence) {
            (Act::Deploy { .. }, _) => (settled, told) = (None, BTreeSet::new()),
            (Act::Restart, _) => settled = None,
            (_, Some(Evidence::Settled(seen))) if act.is_good() => settled = Some(&seen.facts),
            (_, Some(Evidence::Observed(seen))) => {
                if let (Some(settled), Some(now)) = (settled, &seen.facts) {
                    let replaced = replaced(settled, now, service);
                    told.extend(replaced.into_iter().map(|task| task.id.as_str()));
                }
            }
            (_, Some(_) | None) => {}
        }
    }
    told
}

/// STG-3b: services only the base defines stay running after an upgrade.
fn orphans(context: Context<'_>, facts: &StackFacts) -> Vec<Finding> {
    let Some(declared) = context.declared() else {
        return Vec::new();
    };
    let unknown = facts.services.iter().filter(|service| declared.service(&service.name).is_none());
    unknown
        .map(|service| {
            let message = format!(
                "orphaned service {}: the head no longer defines it; an upgrade leaves it running until somebody removes it",
                service.name
            );
            Finding::new("orphaned_service", message, Some(service.name.clone()))
        })
        .collect()
}

/// STG-11: what an app keeps outside every mount is gone with its task. Told once for each file,
/// whichever app and stage it is first seen in: a later look sees it again.
fn own_layers(context: Context<'_>, outside: &[OwnLayer]) -> Vec<Finding> {
    let acts = context.state.stages.iter().flat_map(|run| &run.acts);
    let earlier: Vec<&OwnLayer> = acts
        .flat_map(|act| match &act.evidence {
            Some(Evidence::Observed(seen)) => seen.outside.as_slice(),
            Some(_) | None => &[],
        })
        .collect();
    let is_told = |service: &str, file: &OwnFile| {
        let mut same = earlier.iter().filter(|layer| layer.service == service);
        same.any(|layer| layer.files.iter().any(|known| known.path == file.path))
    };
    outside
        .iter()
        .filter(|layer| !layer.files.iter().all(|file| is_told(&layer.service, file)))
        .map(|layer| {
            let files = layer.files.iter().take(TOLD);
            let files: Vec<String> =
                files.map(|file| format!("{} ({} bytes)", file.path, file.bytes)).collect();
            let more = layer.files.len().saturating_sub(TOLD) as u64 + layer.more;
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let message = format!(
                "service {} wrote outside every mount: {}{more}: whatever of it is data is gone with the next task, at each \
                 upgrade, restart and restore",
                layer.service,
                files.join(", ")
            );
            Finding::new("written_outside_mounts", message, Some(layer.service.clone()))
        })
        .collect()
}

/// The look at which the stack had settled last: in this stage, else in an earlier one about the
/// same app. What was settled before a deploy or a restart of ours is no measure: those replace
/// tasks.
fn settled(context: Context<'_>) -> Option<&StackFacts> {
    if let Some(first) = settled_first(context) {
        return Some(first);
    }
    let earlier = context.state.stages.iter().rev().filter(|run| run.app.as_ref() == context.app());
    let acts = context.run.acts.iter().rev().chain(earlier.flat_map(|run| run.acts.iter().rev()));
    let replaces = |act: Act| matches!(act, Act::Deploy { .. } | Act::Restart | Act::Undeploy);
    let since = acts.take_while(|act| !replaces(act.act));
    since.filter(|act| act.is_good()).find_map(|act| match &act.evidence {
        Some(Evidence::Settled(seen)) => Some(&seen.facts),
        Some(_) | None => None,
    })
}

/// A backup that was tried again: a task that was replaced between two attempts is a finding too, so
/// the first look at which the stack had settled counts.
fn settled_first(context: Context<'_>) -> Option<&StackFacts> {
    let is_again = context.run.attempts().len() > 1;
    let acts = context.run.acts.iter().filter(|act| is_again && act.is_good());
    let is_late = |act: &&ActRun| act.warnings.iter().any(|found| found.code == UNSETTLED);
    acts.filter(|act| !is_late(act)).find_map(|act| match &act.evidence {
        Some(Evidence::Settled(seen)) => Some(&seen.facts),
        Some(_) | None => None,
    })
}

/// Tasks that have ended or are new since the stack had settled.
fn replaced<'a>(settled: &StackFacts, now: &'a StackFacts, service: &str) -> Vec<&'a TaskFacts> {
    now.tasks
        .iter()
        .filter(|task| task.service == service && task.state.is_terminal())
        .filter(|task| {
            let before = settled.tasks.iter().find(|known| known.id == task.id);
            before.is_none_or(|known| !known.state.is_terminal())
        })
        .collect()
}

pub(super) fn assess_dismantled(left: &[Object], refusals: &[String]) -> Assessment {
    let check = if left.is_empty() {
        Check::passed("dismantle", "nothing is left of the app")
    } else {
        let names: Vec<String> = left.iter().map(ToString::to_string).collect();
        let why = refusals.last().map(|refusal| format!(" ({refusal})")).unwrap_or_default();
        Check::with(
            "dismantle",
            Outcome::errored(format!("still there: {}{why}", names.join(", "))),
        )
    };
    Assessment::of(check)
}
