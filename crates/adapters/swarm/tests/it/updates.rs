//! How soon a change is heard of.

use std::time::Duration;

use cc_ci_core::ports::{StackView, Wake};
use cc_ci_model::stack::{StackFacts, TaskState};

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
