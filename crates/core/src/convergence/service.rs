//! Where one service stands, in one observation.

use cc_ci_model::compose::ServiceMode;
use cc_ci_model::plan::Finding;
use cc_ci_model::stack::{ServiceFacts, StackFacts, TaskFacts, TaskState, UpdateState};
use cc_ci_model::time::Timestamp;

use super::{Standing, WantedService, one_shot, stuck};

/// Where a service stands.
pub(super) fn stand(wanted: &WantedService, facts: &StackFacts, now: Timestamp) -> Standing {
    let name = &wanted.name;
    let Some(service) = facts.service(name) else {
        return Standing::NotYet(format!("service {name}: the engine does not list it yet"));
    };
    let tasks: Vec<&TaskFacts> = facts.tasks_of(name).collect();
    if let Some(failed) = rolled_back(service, &tasks) {
        return Standing::Failed(failed);
    }
    if let Some(failed) = stuck::for_good(service, &tasks, facts, now) {
        return Standing::Failed(failed);
    }
    match service.update {
        UpdateState::Updating => {
            return Standing::NotYet(format!(
                "service {name}: its update is under way; {}",
                describe_newest(&tasks)
            ));
        }
        UpdateState::Paused => {
            if let Some(failed) = paused_on_old(service, &tasks) {
                return Standing::Failed(failed);
            }
        }
        UpdateState::None
        | UpdateState::Completed
        | UpdateState::RollbackStarted
        | UpdateState::RollbackPaused
        | UpdateState::RollbackCompleted
        | UpdateState::Unknown(_) => {}
    }
    with_warning(service, by_tasks(wanted, service, &tasks, now))
}

/// CONV-3: whatever the rollback's state, the old spec is back.
fn rolled_back(service: &ServiceFacts, tasks: &[&TaskFacts]) -> Option<String> {
    let state = match service.update {
        UpdateState::RollbackStarted => "is rolling it back",
        UpdateState::RollbackPaused => "tried to roll it back and got stuck",
        UpdateState::RollbackCompleted => "rolled it back",
        UpdateState::None
        | UpdateState::Updating
        | UpdateState::Paused
        | UpdateState::Completed
        | UpdateState::Unknown(_) => return None,
    };
    let name = &service.name;
    let said = service.update_message.as_deref().unwrap_or("no message");
    // The old spec is current again: what failed is not.
    let failed: Vec<&TaskFacts> = tasks.iter().copied().filter(|task| !task.current).collect();
    let ended = newest_ended(&failed);
    if ended.is_some_and(is_finished) {
        return Some(format!(
            "service {name}: Swarm {state}: its new task ended with exit code 0 within the monitor period, which counts as a failed \
             update, so the old spec is back. Write a one-shot as `deploy.mode: replicated-job`, or give it \
             `restart_policy.condition: none` and an `update_config.monitor` shorter than its run ({said})"
        ));
    }
    let why = ended.map(|task| format!("; the task that failed: {}", describe_end(task)));
    Some(format!(
        "service {name}: the update failed and Swarm {state}, so the old version is running ({said}){}",
        why.unwrap_or_default()
    ))
}

/// A task of the rolled-back spec that did its work: exit code 0, and not stopped for being
/// unhealthy.
fn is_finished(task: &TaskFacts) -> bool {
    let was_unhealthy = task.container.as_ref().is_some_and(one_shot::was_unhealthy);
    !task.current && task.state == TaskState::Complete && !was_unhealthy
}

/// CONV-2: a paused update never goes on, so old tasks that should run will run for ever.
fn paused_on_old(service: &ServiceFacts, tasks: &[&TaskFacts]) -> Option<String> {
    let old = tasks.iter().find(|task| {
        !task.current && task.desired == TaskState::Running && !task.state.is_terminal()
    })?;
    let cause = newest_ended(tasks).map(|task| format!("; {}", describe_end(task)));
    Some(format!(
        "service {}: its update is paused and old task {} is still wanted, so it will never be replaced ({}){}",
        service.name,
        old.id,
        service.update_message.as_deref().unwrap_or("no message"),
        cause.unwrap_or_default()
    ))
}

fn with_warning(service: &ServiceFacts, standing: Standing) -> Standing {
    match standing {
        Standing::Settled { warning: None, assumed_one_shot }
            if service.update == UpdateState::Paused =>
        {
            let (name, said) = (&service.name, service.update_message.as_deref());
            let said = said.unwrap_or("no message");
            let message = if assumed_one_shot {
                format!(
                    "service {name}: Swarm left its update paused, since the task ended while it was still being watched, although it \
                     had done its work (exit code 0) ({said}); `deploy.mode: replicated-job` says that it is meant to end"
                )
            } else {
                format!(
                    "service {name}: Swarm left its update paused although all its tasks run the current spec ({said})"
                )
            };
            let warning = Finding::new("update_paused", message, Some(service.name.clone()));
            Standing::Settled { warning: Some(warning), assumed_one_shot }
        }
        Standing::Settled { .. }
        | Standing::NotYet(_)
        | Standing::Failed(_)
        | Standing::Undecidable(_) => standing,
    }
}

fn by_tasks(
    wanted: &WantedService,
    service: &ServiceFacts,
    tasks: &[&TaskFacts],
    now: Timestamp,
) -> Standing {
    let standing = match service.mode {
        ServiceMode::Replicated { replicas } => running(wanted, service, tasks, replicas),
        ServiceMode::Global => running(wanted, service, tasks, wanted_nodes(service, tasks)),
        ServiceMode::ReplicatedJob { completions } => job(service, tasks, completions),
        ServiceMode::GlobalJob => job(service, tasks, service.desired_tasks.max(1)),
    };
    if !matches!(standing, Standing::NotYet(_)) {
        return standing;
    }
    stuck::given_up(service, tasks, now).map_or(standing, Standing::Failed)
}

/// How many nodes want a task of a global service. The engine counts the tasks it has made and
/// still wants: none yet is not none wanted, and it leaves out nodes where the task ended and
/// nothing starts it again.
fn wanted_nodes(service: &ServiceFacts, tasks: &[&TaskFacts]) -> u64 {
    let ended = |(place, task): &(usize, &&TaskFacts)| {
        let by_itself =
            matches!(task.state, TaskState::Complete | TaskState::Failed | TaskState::Rejected);
        by_itself && task.desired > TaskState::Running && is_last(tasks, *place)
    };
    let ended = tasks.iter().enumerate().filter(ended).count() as u64;
    (service.desired_tasks + ended).max(1)
}

/// Whether no later task is where that one was.
pub(super) fn is_last(tasks: &[&TaskFacts], place: usize) -> bool {
    let Some((task, later)) = tasks.get(place..).and_then(|tasks| tasks.split_first()) else {
        return false;
    };
    later.iter().all(|other| other.slot != task.slot || other.node_key() != task.node_key())
}

/// Services whose tasks keep running.
fn running(
    wanted: &WantedService,
    service: &ServiceFacts,
    tasks: &[&TaskFacts],
    want: u64,
) -> Standing {
    let name = &service.name;
    if let Some(other) = tasks.iter().find(|task| occupies(task)) {
        return Standing::NotYet(format!("service {name}: {}", describe_with_past(other, tasks)));
    }
    let up = tasks.iter().filter(|task| is_up(task)).count() as u64;
    if up == want {
        return Standing::Settled { warning: None, assumed_one_shot: false };
    }
    if up > want {
        return Standing::NotYet(format!("service {name}: {up} tasks run, {want} wanted"));
    }
    let finished: Vec<_> = tasks
        .iter()
        .filter(|task| task.current && task.state == TaskState::Complete)
        .filter(|task| !tasks.iter().any(|other| succeeds(other, task)))
        .collect();
    if !wanted.starts_again && up + finished.len() as u64 == want {
        return all_finished(wanted, &finished);
    }
    Standing::NotYet(format!(
        "service {name}: {up} of {want} tasks run; {}",
        describe_newest(tasks)
    ))
}

fn all_finished(wanted: &WantedService, finished: &[&&TaskFacts]) -> Standing {
    for task in finished {
        let standing = one_shot::stand(wanted, task);
        if !matches!(standing, Standing::Settled { .. }) {
            return standing;
        }
    }
    Standing::Settled { warning: None, assumed_one_shot: true }
}

/// Services whose tasks run to completion.
fn job(service: &ServiceFacts, tasks: &[&TaskFacts], want: u64) -> Standing {
    let name = &service.name;
    if let Some(live) = tasks.iter().find(|task| !task.state.is_terminal()) {
        return Standing::NotYet(format!("job {name}: {}", describe_live(live)));
    }
    if service.completed_tasks >= want {
        return Standing::Settled { warning: None, assumed_one_shot: false };
    }
    Standing::NotYet(format!(
        "job {name}: {} of {want} tasks completed; {}",
        service.completed_tasks,
        describe_newest(tasks)
    ))
}

/// It runs what is wanted, and is not being stopped for being unhealthy: until its process has
/// ended, which takes as long as it likes, such a task is still called running.
fn is_up(task: &TaskFacts) -> bool {
    let runs = task.state == TaskState::Running && task.desired == TaskState::Running;
    task.current && runs && !is_condemned(task)
}

/// Its container is unhealthy, so that Swarm is about to end it.
pub(super) fn is_condemned(task: &TaskFacts) -> bool {
    task.container.as_ref().is_some_and(one_shot::was_unhealthy)
}

/// It takes a slot without being what is wanted there: an old task, one that stops, one that
/// starts.
fn occupies(task: &TaskFacts) -> bool {
    !task.state.is_terminal() && !is_up(task)
}

/// Whether `other` is a later task of the same slot.
fn succeeds(other: &TaskFacts, task: &TaskFacts) -> bool {
    other.id != task.id
        && other.slot == task.slot
        && other.node_key() == task.node_key()
        && !other.state.is_terminal()
}

pub(super) trait NodeKey {
    /// Global tasks have no slot: their node stands for it.
    fn node_key(&self) -> Option<&str>;
}

impl NodeKey for TaskFacts {
    fn node_key(&self) -> Option<&str> {
        if self.slot.is_some() { None } else { self.node.as_deref() }
    }
}

fn newest_ended<'a>(tasks: &[&'a TaskFacts]) -> Option<&'a TaskFacts> {
    tasks
        .iter()
        .rev()
        .find(|task| {
            matches!(task.state, TaskState::Failed | TaskState::Rejected | TaskState::Complete)
        })
        .copied()
}

/// The newest task; where it is only starting, also how the one before it ended, which says more.
fn describe_newest(tasks: &[&TaskFacts]) -> String {
    match tasks.last() {
        None => "it has no task yet".to_owned(),
        Some(task) if task.state.is_terminal() => describe_end(task),
        Some(task) => describe_with_past(task, tasks),
    }
}

fn describe_with_past(task: &TaskFacts, tasks: &[&TaskFacts]) -> String {
    let before = newest_ended(tasks).filter(|ended| ended.current && task.current);
    let before = before.map(|ended| format!("; before it, {}", describe_end(ended)));
    format!("{}{}", describe_live(task), before.unwrap_or_default())
}

pub(super) fn describe_live(task: &TaskFacts) -> String {
    let age = if task.current { "" } else { "old " };
    let slot = task.slot.map(|slot| format!(" in slot {slot}")).unwrap_or_default();
    let error = task.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let sick = if is_condemned(task) { ", unhealthy" } else { "" };
    format!(
        "{age}task {}{slot} is {}{sick}, wanted {} ({}{error})",
        task.id,
        word(task.state),
        word(task.desired),
        task.message
    )
}

/// One sentence about how a task ended.
pub fn describe_end(task: &TaskFacts) -> String {
    let code = task.exit_code.map(|code| format!(", exit code {code}")).unwrap_or_default();
    let error = task.error.as_deref().unwrap_or(&task.message);
    let oom = match &task.container {
        Some(container) if container.oom_killed => ", out of memory",
        Some(_) | None => "",
    };
    let sick = one_shot::unhealthy(task).map(|why| format!("; {why}")).unwrap_or_default();
    format!("task {} is {}{code}{oom}: {error}{sick}", task.id, word(task.state))
}

fn word(state: TaskState) -> String {
    format!("{state:?}").to_lowercase()
}
