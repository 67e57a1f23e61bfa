//! The end of a wait for convergence (CONV-1, VER-2).

use std::time::Duration;

use cc_ci_model::evidence::SettleSeen;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Finding, Plan, Revision};

use super::{Assessment, Check, Context, away, storage, taken};
use crate::convergence::{Convergence, Wanted, judge};
use crate::state::RunState;
use crate::text::count;
use cc_ci_model::name::AppId;
use cc_ci_model::stack::{StackFacts, TaskState};

/// What the app should look like, from the plan and from what was submitted so far.
pub fn wanted(plan: &Plan, state: &RunState, app: &AppId) -> Option<Wanted> {
    let role = plan.app(app)?.role;
    let mut deploys: Vec<Revision> = state.deploys_of(app).collect();
    let current = deploys.pop()?;
    let before = deploys.last().filter(|before| **before != current);
    Some(Wanted::of(
        plan.declared(role, current)?,
        before.and_then(|revision| plan.declared(role, *revision)),
        Duration::from_millis(plan.budgets.stability_ms),
    ))
}

pub(super) fn assess(context: Context<'_>, seen: &SettleSeen) -> Assessment {
    let wanted = context.app().and_then(|app| wanted(context.plan, context.state, app));
    let Some(wanted) = wanted else {
        return Assessment::of(Check::with("converge", Outcome::errored("nothing was deployed")));
    };
    let held = seen.looked_at.since(seen.held_since);
    let services = wanted.services.len();
    match judge(&wanted, &seen.facts, held, seen.looked_at) {
        Convergence::Converged { mut warnings, one_shots } => {
            warnings.extend(one_shots.iter().map(|name| assumed_one_shot(name)));
            let detail =
                format!("{} still for {} ms", count(services, "service"), held.as_millis());
            let mut assessment =
                Assessment { checks: vec![Check::passed("converge", detail)], warnings };
            storage::add(context, &seen.facts, &mut assessment);
            assessment
        }
        Convergence::NotYet { why } if seen.expired && waits_for_nodes(&seen.facts) => {
            let reason =
                format!("no node of the Swarm took tasks (`docker node ls`); last seen: {why}");
            Assessment::of(Check::with("converge", Outcome::errored(reason)))
        }
        Convergence::Failed { why } => {
            let taken = taken::unsettled(context, &why);
            Assessment::of(Check::with("converge", taken.unwrap_or(Outcome::failed(why))))
        }
        Convergence::Undecidable { why } => {
            Assessment::of(Check::with("converge", Outcome::errored(why)))
        }
        Convergence::NotYet { why } => {
            let taken = taken::unsettled(context, &why).filter(|_| seen.engine_answers);
            let outcome = taken.unwrap_or_else(|| unfinished(context, seen, &why));
            Assessment::of(Check::with("converge", outcome))
        }
    }
}

/// Whether a task has no node for a reason that no recipe has a hand in: each node is drained,
/// paused or down (in the words of Engine 20.10 and newer).
fn waits_for_nodes(facts: &StackFacts) -> bool {
    facts.tasks.iter().filter(|task| task.current && task.state == TaskState::Pending).any(|task| {
        let error = task.error.as_deref().unwrap_or(&task.message);
        let why = error.split_once("no suitable node (").map(|(_, why)| why.trim_end_matches(')'));
        why.is_some_and(|why| why.ends_with("not available for new tasks") && !why.contains(';'))
    })
}

fn unfinished(context: Context<'_>, seen: &SettleSeen, why: &str) -> Outcome {
    if !seen.engine_answers {
        return Outcome::errored(format!(
            "the engine did not answer while cc-ci waited; last seen: {why}"
        ));
    }
    if seen.expired {
        return match away::excuse(context, &seen.absences) {
            Some(excuse) => Outcome::errored(format!("{excuse}; last seen: {why}")),
            None => Outcome::failed(format!("time ran out; last seen: {why}")),
        };
    }
    Outcome::errored(format!("the wait was broken off; last seen: {why}"))
}

fn assumed_one_shot(name: &str) -> Finding {
    Finding::new(
        "assumed_one_shot",
        format!(
            "service {name} ended with exit code 0 and is taken for a one-shot although nothing declares it as one \
             (`deploy.mode: replicated-job` would)"
        ),
        Some(name.to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use cc_ci_testkit::{FactsBuilder, TaskBuilder};

    use super::*;

    #[test]
    fn only_nodes_that_take_no_tasks_at_all_excuse_the_recipe() {
        let waits = |error: &str| {
            let pending = TaskBuilder::new(TaskState::Pending).error(error);
            waits_for_nodes(&FactsBuilder::new().replicated("app", 1).task(pending).build())
        };
        assert!(waits("no suitable node (2 nodes not available for new tasks)"));
        assert!(waits("no suitable node (1 node not available for new tasks)"));
        assert!(!waits("no suitable node (host-mode port already in use on 1 node)"));
        assert!(!waits(
            "no suitable node (scheduling constraints not satisfied on 1 node; 1 node not available for new tasks)"
        ));
        assert!(!waits("no suitable node (insufficient resources on 1 node)"));
        assert!(!waits(""));
    }
}
