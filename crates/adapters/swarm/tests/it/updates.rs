//! Updates that fail, jobs, and how soon a change is heard of.

use std::time::Duration;

use cc_ci_core::ports::{Objects, Removal, StackView, Wake};
use cc_ci_model::compose::ServiceMode;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::stack::{StackFacts, TaskState, UpdateState};
use cc_ci_swarm::Swarm;

use crate::support::{IMAGE, TestStack, docker, engine, now, only_task, until};

fn app(image: &str, failure_action: &str) -> String {
    format!(
        "  app:
    image: {image}
    deploy:
      endpoint_mode: dnsrr
      restart_policy: {{condition: none}}
      update_config: {{monitor: 1s, failure_action: {failure_action}}}
      rollback_config: {{monitor: 1s}}"
    )
}

fn runs(facts: &StackFacts) -> bool {
    facts.tasks.iter().any(|task| task.state == TaskState::Running)
}

fn update_is(state: UpdateState) -> impl Fn(&StackFacts) -> bool {
    move |facts| facts.services[0].update == state
}

#[tokio::test]
async fn a_failed_update_is_told_with_its_reason() {
    let Some(swarm) = engine("a_failed_update_is_told_with_its_reason") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    stack.deploy(&app(IMAGE, "pause"), "");
    until(&mut watch, "running task", runs).await;
    stack.deploy(&app("cc-ci-fixture/no-such:1", "pause"), "");
    let facts = until(&mut watch, "paused update", update_is(UpdateState::Paused)).await;
    let service = facts.service("app").unwrap();
    let message = service.update_message.as_deref().unwrap();
    assert!(message.starts_with("update paused due to failure"), "{message}");
    assert_eq!(service.image, "cc-ci-fixture/no-such:1");
    let current: Vec<TaskState> =
        facts.tasks.iter().filter(|task| task.current).map(|task| task.state).collect();
    assert_eq!(current, [TaskState::Rejected]);
}

#[tokio::test]
async fn after_a_rollback_the_old_spec_is_back() {
    let Some(swarm) = engine("after_a_rollback_the_old_spec_is_back") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    stack.deploy(&app(IMAGE, "rollback"), "");
    until(&mut watch, "running task", runs).await;
    stack.deploy(&app("cc-ci-fixture/no-such:1", "rollback"), "");
    let rolled_back = update_is(UpdateState::RollbackCompleted);
    let facts = until(&mut watch, "rollback", rolled_back).await;
    let service = facts.service("app").unwrap();
    assert_eq!(service.template["ContainerSpec.Image"], IMAGE);
    let message = service.update_message.as_deref();
    assert_eq!(message, Some("rollback completed"));
}

#[tokio::test]
async fn a_job_is_counted_to_its_end() {
    let Some(swarm) = engine("a_job_is_counted_to_its_end") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    let label = format!("com.docker.stack.namespace={}", stack.name);
    let name = stack.full("job");
    let create = ["service", "create", "-d", "--name", &name, "--label", &label];
    let job = ["--container-label", &label, "--mode", "replicated-job", "--replicas", "2"];
    docker(&[&create[..], &job, &["--endpoint-mode", "dnsrr", IMAGE, "true"]].concat());
    let done = |facts: &StackFacts| facts.services[0].completed_tasks == 2;
    let facts = until(&mut watch, "completed job", done).await;
    let job = facts.service("job").unwrap();
    assert_eq!(job.mode, ServiceMode::ReplicatedJob { completions: 2 });
    assert_eq!(job.desired_tasks, 2);
    let ends: Vec<_> = facts.tasks.iter().map(|task| (task.state, task.current)).collect();
    assert_eq!(ends, [(TaskState::Complete, true); 2]);
    check_leftovers(&swarm, &stack).await;
}

/// The engine keeps a job's tasks and containers beyond its service: the containers have to be
/// found and removed, the tasks cannot be and do not count.
async fn check_leftovers(swarm: &Swarm, stack: &TestStack) {
    let scope = stack.scope(&[]);
    let kinds =
        |found: &[Object]| -> Vec<ObjectKind> { found.iter().map(|object| object.kind).collect() };
    let found = swarm.inventory(&scope).await.unwrap();
    let (service, containers) = found.split_first().unwrap();
    assert_eq!(kinds(&found), [ObjectKind::Service, ObjectKind::Container, ObjectKind::Container]);
    assert_eq!(swarm.remove(service).await.unwrap(), Removal::Gone);
    assert_eq!(swarm.inventory(&scope).await.unwrap(), containers);
    for container in containers {
        assert_eq!(swarm.remove(container).await.unwrap(), Removal::Gone);
    }
    assert_eq!(swarm.inventory(&scope).await.unwrap(), []);
}

/// CONV-5, as far as this adapter goes: the event is passed on at once.
#[tokio::test]
async fn a_death_is_heard_of_at_once() {
    let Some(swarm) = engine("a_death_is_heard_of_at_once") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    stack.deploy(&app(IMAGE, "pause"), "");
    let facts = until(&mut watch, "running task", runs).await;
    let container = only_task(&facts, "app").container.clone().unwrap().id;
    // What belongs to the start is over.
    while tokio::time::timeout(Duration::from_secs(1), watch.changed()).await.is_ok() {}
    let kill = move || {
        docker(&["kill", &container]);
        now()
    };
    let killed = tokio::task::spawn_blocking(kill);
    assert_eq!(watch.changed().await, Wake::Changed);
    let late = now().saturating_duration_since(killed.await.unwrap());
    assert!(late < Duration::from_millis(300), "{late:?} after `docker kill` returned");
}
