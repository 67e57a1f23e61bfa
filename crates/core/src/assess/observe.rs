//! A stage's closing look (CONV-8) and what is left of an app after its removal (TEAR-1).

use cc_ci_model::evidence::{Act, Evidence, ObserveSeen};
use cc_ci_model::intent::Object;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState};

use crate::convergence::describe_end;

use super::{Assessment, Check, Context, identity};

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
        replacements(settled, facts, &service.name, &mut assessment);
    }
    let again = identity::assess(context, &facts.services);
    if !again.outcome.is_passed() {
        assessment.checks.push(again);
    }
    assessment.warnings.extend(orphans(context, facts));
    if assessment.checks.is_empty() {
        let running = facts.tasks.iter().filter(|task| task.state == TaskState::Running).count();
        let detail = format!("{running} tasks run, as they did when the stack settled");
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

/// CONV-8: the first task that was replaced is a warning, a second one a crash loop.
fn replacements(
    settled: &StackFacts,
    now: &StackFacts,
    service: &str,
    assessment: &mut Assessment,
) {
    let replaced = replaced(settled, now, service);
    let Some(last) = replaced.last() else {
        return;
    };
    let message = format!(
        "service {service}: {} of its tasks were replaced although nobody asked for it; the last one: {}",
        replaced.len(),
        describe_end(last)
    );
    if replaced.len() == 1 {
        let place = Some(service.to_owned());
        assessment.warnings.push(Finding::new("task_replaced", message, place));
    } else {
        let outcome = Outcome::failed(format!("crash loop: {message}"));
        assessment.checks.push(Check::with("observe", outcome));
    }
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

/// The look at which the stack had settled last: in this stage, else in an earlier one about the
/// same app. What was settled before a deploy or a restart of ours is no measure: those replace
/// tasks.
fn settled(context: Context<'_>) -> Option<&StackFacts> {
    let earlier = context.state.stages.iter().rev().filter(|run| run.app.as_ref() == context.app());
    let acts = context.run.acts.iter().rev().chain(earlier.flat_map(|run| run.acts.iter().rev()));
    let replaces = |act: Act| matches!(act, Act::Deploy { .. } | Act::Restart);
    let since = acts.take_while(|act| !replaces(act.act));
    since.filter(|act| act.is_good()).find_map(|act| match &act.evidence {
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
