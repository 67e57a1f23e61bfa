//! What [`cc_ci_core::ports::Restarts`] promises.

use cc_ci_model::stack::{StackFacts, TaskState};

use super::stage::{Life, Service, Stage, is_away, is_refused, only_task, runs, until, watch};

super::contract!(Restarts: [
    every_task_is_replaced_and_the_spec_stays,
    it_can_be_done_again,
    a_service_that_is_not_there_is_refused,
    an_engine_that_does_not_answer_is_told_as_such,
]);

/// Whether another task than `old` runs, and is the current one.
fn replaced(old: &str) -> impl Fn(&StackFacts) -> bool {
    let old = old.to_owned();
    move |facts| {
        let is_new = |task: &cc_ci_model::stack::TaskFacts| {
            task.id != old && task.state == TaskState::Running && task.current
        };
        facts.tasks.iter().any(is_new)
            && facts.tasks.iter().all(|task| task.id != old || task.state.is_terminal())
    }
}

async fn every_task_is_replaced_and_the_spec_stays<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service { volumes: true, ..Service::new("app", Life::Healthy) }]).await;
    let before = until(&mut watch, "running task", runs).await;
    let old = only_task(&before, "app").id.clone();
    let service = before.service("app").expect("it is there").clone();
    assert_eq!(stage.engine().restarts().restart(&service.id).await, Ok(()));
    let after = until(&mut watch, "new task", replaced(&old)).await;
    let restarted = after.service("app").expect("it is there");
    assert_eq!(restarted.id, service.id);
    assert!(restarted.version_index > service.version_index);
    assert_eq!((&restarted.image, restarted.mode), (&service.image, service.mode));
    assert_eq!((&restarted.template, &restarted.labels), (&service.template, &service.labels));
}

async fn it_can_be_done_again<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::Steady)]).await;
    let facts = until(&mut watch, "running task", runs).await;
    let id = facts.services[0].id.clone();
    let mut old = only_task(&facts, "app").id.clone();
    for _ in 0..2 {
        assert_eq!(stage.engine().restarts().restart(&id).await, Ok(()));
        let facts = until(&mut watch, "new task", replaced(&old)).await;
        let new = facts.tasks.iter().find(|task| task.current && task.state == TaskState::Running);
        old.clone_from(&new.expect("it runs").id);
    }
}

async fn a_service_that_is_not_there_is_refused<S: Stage>(stage: &S) {
    is_refused(&stage.engine().restarts().restart("no-such").await, 404);
}

async fn an_engine_that_does_not_answer_is_told_as_such<S: Stage>(stage: &S) {
    is_away(&stage.away().restarts().restart("no-such").await);
}
