//! What [`cc_ci_core::ports::StackView`] promises.

use std::time::Duration;

use super::stage::{
    Life, Service, Stage, ended, is_away, is_refused, only_task, running, until, watch,
};

super::contract!(StackView: [
    a_manager_answers,
    a_stack_of_which_nothing_is_there_is_empty,
    running_tasks_have_addresses,
    a_task_that_is_to_stop_has_one_until_it_has,
    tasks_that_ended_have_none,
    the_last_lines_of_a_log_are_told_newest_last,
    a_task_that_never_ran_wrote_nothing,
    a_service_that_is_not_there_has_no_log,
    an_engine_that_does_not_answer_is_told_as_such,
]);

async fn a_manager_answers<S: Stage>(stage: &S) {
    assert!(stage.engine().view().answers().await);
    assert!(!stage.away().view().answers().await);
}

async fn a_stack_of_which_nothing_is_there_is_empty<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    let facts = watch.observe().await.expect("the engine answers");
    assert_eq!((facts.services.len(), facts.tasks.len(), facts.events_gap), (0, 0, false));
}

async fn running_tasks_have_addresses<S: Stage>(stage: &S) {
    let task = running(stage, &Service::new("app", Life::Steady)).await;
    let view = stage.engine().view();
    let addresses = view.addresses(stage.stack(), "app").await.expect("the engine answers");
    assert_eq!(addresses.len(), 1, "{addresses:?}");
    assert_eq!((addresses[0].task.as_str(), addresses[0].leaving), (task.id.as_str(), false));
    assert!(!addresses[0].address.is_loopback() && !addresses[0].address.is_unspecified());
    for nobody in ["ap", "apps", "no-such"] {
        assert_eq!(view.addresses(stage.stack(), nobody).await, Ok(vec![]), "{nobody}");
    }
}

async fn a_task_that_is_to_stop_has_one_until_it_has<S: Stage>(stage: &S) {
    let old = running(stage, &Service::new("app", Life::StopsSlowly)).await;
    assert!(!is_leaving(stage, &old.id).await.expect("it runs"));
    stage.deploy(&[Service { release: "two", ..Service::new("app", Life::StopsSlowly) }]).await;
    let mut watch = watch(stage).await;
    let mut seen = Vec::new();
    while let Some(leaving) = is_leaving(stage, &old.id).await {
        seen.push(leaving);
        drop(tokio::time::timeout(Duration::from_millis(200), watch.changed()).await);
    }
    assert_eq!(seen.last(), Some(&true), "{seen:?}");
}

/// Whether a task is on its way out; `None` when it has no address any more.
async fn is_leaving<S: Stage>(stage: &S, task: &str) -> Option<bool> {
    let addresses = stage.engine().view().addresses(stage.stack(), "app").await;
    let addresses = addresses.expect("the engine answers");
    addresses.iter().find(|known| known.task == task).map(|known| known.leaving)
}

async fn tasks_that_ended_have_none<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::OneShot)]).await;
    until(&mut watch, "ended task", ended("app")).await;
    assert_eq!(stage.engine().view().addresses(stage.stack(), "app").await, Ok(vec![]));
}

async fn the_last_lines_of_a_log_are_told_newest_last<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::Fails)]).await;
    let facts = until(&mut watch, "ended task", ended("app")).await;
    only_task(&facts, "app");
    let view = stage.engine().view();
    for (lines, expected) in [(50, "one\ntwo\nthree"), (2, "two\nthree"), (1, "three")] {
        let log = view.log_tail(stage.stack(), "app", lines).await.expect("the engine answers");
        assert_eq!(log.trim_end(), expected, "{lines} lines");
    }
}

async fn a_task_that_never_ran_wrote_nothing<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::NoImage)]).await;
    until(&mut watch, "rejected task", ended("app")).await;
    let log = stage.engine().view().log_tail(stage.stack(), "app", 5).await;
    assert_eq!(log, Ok(String::new()));
}

async fn a_service_that_is_not_there_has_no_log<S: Stage>(stage: &S) {
    is_refused(&stage.engine().view().log_tail(stage.stack(), "no-such", 5).await, 404);
}

async fn an_engine_that_does_not_answer_is_told_as_such<S: Stage>(stage: &S) {
    let (view, stack) = (stage.away().view(), stage.stack());
    is_away(&view.watch(stack).await.map(|_| ()));
    is_away(&view.addresses(stack, "app").await);
    is_away(&view.log_tail(stack, "app", 5).await);
}
