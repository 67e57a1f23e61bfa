//! What no waiting mends (CONV-4): tasks that no node takes, that nodes refuse, that nothing
//! starts again.
//!
//! Tests: `convergence/hopeless_tests.rs`.

use std::time::Duration;

use cc_ci_model::compose::RestartCondition;
use cc_ci_model::stack::{
    RestartFacts, ServiceFacts, StackFacts, TaskFacts, TaskState, UpdateState,
};
use cc_ci_model::time::Timestamp;

use super::service::{describe_end, describe_live, is_last};

/// So many refusals of a node make a failure, whatever their cause.
const REFUSALS: usize = 3;

/// A node may come up, or somebody else's task may leave a port, for so long.
const NODE_GRACE: Duration = Duration::from_secs(15);

/// The same where resources are short: other stacks on the host may be about to go.
const RESOURCE_GRACE: Duration = Duration::from_mins(1);

/// A task that ended without a successor, for so long: Swarm makes one in the same step, so this
/// is beyond any doubt.
const SUCCESSOR_GRACE: Duration = Duration::from_secs(2);

/// Why the service will never be up, if that is so.
pub(super) fn for_good(
    service: &ServiceFacts,
    tasks: &[&TaskFacts],
    facts: &StackFacts,
    now: Timestamp,
) -> Option<String> {
    rejected(service, tasks).or_else(|| unplaceable(service, tasks, facts, now))
}

/// A node that refuses a task will refuse the next one too.
fn rejected(service: &ServiceFacts, tasks: &[&TaskFacts]) -> Option<String> {
    let current: Vec<_> = tasks.iter().filter(|task| task.current).collect();
    if current.iter().any(|task| task.state == TaskState::Running) {
        return None;
    }
    let refused: Vec<_> = current.iter().filter(|task| task.state == TaskState::Rejected).collect();
    let last = refused.last()?;
    let said = last.error.as_deref().unwrap_or(&last.message);
    // An update that fails is paused or rolled back within a second, which says more.
    let at_once = says_no_image(said) && service.update != UpdateState::Updating;
    if refused.len() < REFUSALS && !at_once {
        return None;
    }
    let times = if refused.len() == 1 { "once".into() } else { format!("{} times", refused.len()) };
    let id = &last.id;
    Some(format!("service {}: the node refused its task {times}: {said} (task {id})", service.name))
}

fn says_no_image(said: &str) -> bool {
    said.to_ascii_lowercase().contains("no such image")
}

/// No node takes its task, for a reason that does not go away by itself.
fn unplaceable(
    service: &ServiceFacts,
    tasks: &[&TaskFacts],
    facts: &StackFacts,
    now: Timestamp,
) -> Option<String> {
    // One that is on its way out may give back a port or memory when it is gone.
    let is_leaving = |task: &TaskFacts| {
        !task.state.is_terminal() && task.node.is_some() && task.desired > TaskState::Running
    };
    if facts.tasks.iter().any(is_leaving) {
        return None;
    }
    let stuck = |task: &&&TaskFacts| {
        let Some(reasons) = reasons(task) else { return false };
        let grace =
            if reasons.contains("insufficient resources") { RESOURCE_GRACE } else { NODE_GRACE };
        task.current && task.seen_since.is_some_and(|since| now.since(since) >= grace)
    };
    let task = tasks.iter().find(stuck)?;
    let asks = asked_of_nodes(service);
    Some(format!("service {}: {}{asks}", service.name, describe_live(task)))
}

/// Why no node takes a task, where that is for the recipe to say: a node that is drained, paused
/// or down is not.
fn reasons(task: &TaskFacts) -> Option<&str> {
    if task.state != TaskState::Pending {
        return None;
    }
    let (_, reasons) = task.error.as_deref()?.split_once("no suitable node (")?;
    (!reasons.contains("not available for new tasks")).then_some(reasons)
}

/// What the service's spec asks of a node.
fn asked_of_nodes(service: &ServiceFacts) -> String {
    let asked: Vec<String> = service
        .template
        .iter()
        .filter_map(|(path, value)| {
            if path.starts_with("Placement.Constraints.") {
                return Some(value.clone());
            }
            let resource = path.strip_prefix("Resources.Reservations.")?;
            Some(format!("{resource} {value}"))
        })
        .collect();
    if asked.is_empty() { String::new() } else { format!("; it asks for {}", asked.join(", ")) }
}

/// A task ended and nothing starts another one, by its service's restart policy. One that ended
/// with exit code 0 may be a one-shot, which is judged elsewhere.
pub(super) fn given_up(
    service: &ServiceFacts,
    tasks: &[&TaskFacts],
    now: Timestamp,
) -> Option<String> {
    // The update decides what becomes of it.
    if service.update == UpdateState::Updating {
        return None;
    }
    let policy = service.restart?;
    let limit = limit(policy)?;
    let has_ended = |task: &TaskFacts| {
        let completed = task.state == TaskState::Complete;
        let failed = matches!(task.state, TaskState::Failed | TaskState::Rejected);
        failed || completed && policy.condition == RestartCondition::Any
    };
    let is_given_up = |(place, task): &(usize, &&TaskFacts)| {
        let held = task.seen_since.is_some_and(|since| now.since(since) >= SUCCESSOR_GRACE);
        let is_over = has_ended(task) && task.current && task.desired > TaskState::Running;
        is_over && held && is_last(tasks, *place)
    };
    let (_, task) = tasks.iter().enumerate().find(is_given_up)?;
    let end = describe_end(task);
    Some(format!("service {}: {end}; nothing starts it again: {limit}", service.name))
}

/// What keeps Swarm from starting tasks again, if anything does.
fn limit(policy: RestartFacts) -> Option<String> {
    match (policy.condition, policy.max_attempts) {
        (RestartCondition::None, _) => Some("its restart condition is `none`".to_owned()),
        (RestartCondition::Any | RestartCondition::OnFailure, 0) => None,
        (RestartCondition::Any | RestartCondition::OnFailure, most) => {
            Some(format!("`max_attempts: {most}` of its restart policy is used up"))
        }
    }
}
