//! What to remove, and in which order (TEAR-1, TEAR-2): a pure function of what a run announced
//! and of what is there now. The end of a run, a signal and `cc-ci cleanup` after a SIGKILL all
//! use it.
//!
//! Level-triggered: whoever carries the steps out takes a new inventory and asks again until
//! nothing is left or the deadline passes.

use cc_ci_model::intent::{Intent, Object, ObjectKind, ProcessId};
use cc_ci_model::name::RunId;
use cc_ci_model::plan::PlannedApp;

use crate::ports::Scope;

/// One step of a cleanup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanupStep {
    /// End a child of a dead run, so that it creates nothing more.
    EndProcess(ProcessId),
    /// Remove an object.
    Remove(Object),
    /// Wait: these are still there and go by themselves. Removing networks before the tasks are
    /// gone would leak addresses of shared networks.
    AwaitGone(Vec<Object>),
}

/// The order of removal, once no task and no container is left.
const ORDER: [ObjectKind; 4] =
    [ObjectKind::Network, ObjectKind::Secret, ObjectKind::Config, ObjectKind::Volume];

/// The steps that are due now.
pub fn cleanup_plan(processes: &[ProcessId], inventory: &[Object]) -> Vec<CleanupStep> {
    let mut steps: Vec<CleanupStep> =
        processes.iter().cloned().map(CleanupStep::EndProcess).collect();
    let of = |kind: ObjectKind| inventory.iter().filter(move |object| object.kind == kind).cloned();
    steps.extend(of(ObjectKind::Service).map(CleanupStep::Remove));
    let still_runs = of(ObjectKind::Service).chain(of(ObjectKind::Task)).next().is_some();
    // A container that no stack owns is a helper of ours. One that a stack owned goes with its
    // task; but the containers of a finished job stay for ever (moby 44312), so what is left when
    // no task is, is removed.
    let (ending, leftover): (Vec<Object>, Vec<Object>) =
        of(ObjectKind::Container).partition(|container| container.stack.is_some() && still_runs);
    steps.extend(leftover.into_iter().map(CleanupStep::Remove));
    let waited: Vec<Object> = of(ObjectKind::Task).chain(ending).collect();
    if !waited.is_empty() {
        steps.push(CleanupStep::AwaitGone(waited));
        return steps;
    }
    if of(ObjectKind::Service).chain(of(ObjectKind::Container)).next().is_some() {
        return steps;
    }
    steps.extend(ORDER.into_iter().flat_map(of).map(CleanupStep::Remove));
    steps
}

/// Whose objects a run's intents make ours.
pub fn scope(run: &RunId, intents: &[Intent]) -> Scope {
    Scope { run: Some(run.clone()), ..scope_of(intents) }
}

fn scope_of(intents: &[Intent]) -> Scope {
    let mut scope = Scope { run: None, stacks: Vec::new(), names: Vec::new() };
    for intent in intents {
        match intent {
            Intent::Stack { stack, volumes, networks, configs, .. } => {
                if !scope.stacks.contains(stack) {
                    scope.stacks.push(stack.clone());
                }
                scope.names.extend(volumes.iter().chain(networks).chain(configs).cloned());
            }
            Intent::Secret { name } | Intent::Network { name } => scope.names.push(name.clone()),
        }
    }
    scope.names.sort();
    scope.names.dedup();
    scope
}

/// The part of [`scope`] that belongs to one app.
pub fn scope_of_app(intents: &[Intent], app: &PlannedApp) -> Scope {
    let own = |intent: &&Intent| match intent {
        Intent::Stack { app: of, .. } => *of == app.id,
        Intent::Network { name } => *name == app.network,
        Intent::Secret { name } => name.starts_with(&format!("{}_", app.stack)),
    };
    let own: Vec<Intent> = intents.iter().filter(own).cloned().collect();
    // The label of the run is on every app's objects: here only names and the stack count.
    Scope { run: None, ..scope_of(&own) }
}

/// Whether something of an app stays when it is undeployed to be deployed anew: secrets and the
/// network that cc-ci made itself, as an operator still has them.
pub fn outlives_undeploy(intents: &[Intent], object: &Object) -> bool {
    intents.iter().any(|intent| match intent {
        Intent::Secret { name } => object.kind == ObjectKind::Secret && object.name == *name,
        Intent::Network { name } => object.kind == ObjectKind::Network && object.name == *name,
        Intent::Stack { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: ObjectKind, name: &str, stack: Option<&str>) -> Object {
        Object {
            kind,
            id: name.into(),
            name: name.into(),
            stack: stack.map(str::to_owned),
            run: None,
        }
    }

    #[test]
    fn networks_and_volumes_wait_until_no_task_and_no_container_is_left() {
        let service = object(ObjectKind::Service, "x_app", Some("x"));
        let task = object(ObjectKind::Task, "t", Some("x"));
        let container = object(ObjectKind::Container, "c", Some("x"));
        let network = object(ObjectKind::Network, "x_default", Some("x"));
        let volume = object(ObjectKind::Volume, "x_data", Some("x"));
        let all =
            [service.clone(), task.clone(), container.clone(), network.clone(), volume.clone()];
        assert_eq!(
            cleanup_plan(&[], &all),
            [
                CleanupStep::Remove(service),
                CleanupStep::AwaitGone(vec![task.clone(), container.clone()])
            ]
        );
        assert_eq!(
            cleanup_plan(&[], &all[1..]),
            [CleanupStep::AwaitGone(vec![task, container.clone()])]
        );
        assert_eq!(cleanup_plan(&[], &all[2..]), [CleanupStep::Remove(container)]);
        assert_eq!(
            cleanup_plan(&[], &all[3..]),
            [CleanupStep::Remove(network), CleanupStep::Remove(volume)]
        );
        assert_eq!(cleanup_plan(&[], &[]), []);
    }

    #[test]
    fn secrets_and_the_network_of_the_run_outlive_an_undeploy() {
        let name = |name: &str| name.to_owned();
        let intents =
            [Intent::Secret { name: name("x_pw_v1") }, Intent::Network { name: name("x_cc-ci") }];
        let stays = |kind, name| outlives_undeploy(&intents, &object(kind, name, Some("x")));
        assert!(stays(ObjectKind::Secret, "x_pw_v1"));
        assert!(stays(ObjectKind::Network, "x_cc-ci"));
        for (kind, name) in [
            (ObjectKind::Secret, "x_other"),
            (ObjectKind::Network, "x_default"),
            (ObjectKind::Config, "x_pw_v1"),
            (ObjectKind::Volume, "x_data"),
            (ObjectKind::Service, "x_app"),
        ] {
            assert!(!stays(kind, name), "{name}");
        }
    }

    #[test]
    fn a_helper_container_is_removed_by_us() {
        let helper = object(ObjectKind::Container, "helper", None);
        assert_eq!(cleanup_plan(&[], std::slice::from_ref(&helper)), [CleanupStep::Remove(helper)]);
    }
}
