//! What [`cc_ci_core::ports::StackWatch`] promises: when it wakes, and what a look shows.

use cc_ci_core::ports::Wake;
use cc_ci_model::compose::{FailureAction, ServiceMode};
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState, UpdateState};
use futures_util::FutureExt;

use super::stage::{
    Life, QUIET, Service, Stage, ended, full, inventory, only_task, runs, until, until_quiet, watch,
};

super::contract!(StackWatch: [
    a_change_wakes_and_nothing_else_does,
    a_wake_that_is_dropped_half_way_comes_again,
    a_death_is_heard_of,
    a_service_is_seen_as_it_was_submitted,
    a_running_task_is_seen_with_its_container,
    a_failure_is_seen_with_its_exit_code,
    a_sick_service_is_told_from_a_one_shot_by_its_container,
    what_was_seen_of_a_container_outlives_it,
    an_image_that_is_not_there_is_told_by_its_task,
    an_update_never_shows_the_old_task_as_current,
    a_failed_update_is_told_with_its_reason,
    after_a_rollback_the_old_spec_is_back,
    a_job_is_counted_to_its_end,
    a_service_that_was_removed_is_not_seen_any_more,
]);

fn steady() -> Service {
    Service::new("app", Life::Steady)
}

fn update_is(state: UpdateState) -> impl Fn(&StackFacts) -> bool {
    move |facts| facts.services.iter().any(|service| service.update == state)
}

fn is_healthy(facts: &StackFacts) -> bool {
    let is_up = |task: &TaskFacts| {
        let health = task.container.as_ref().and_then(|container| container.health.as_ref());
        task.state == TaskState::Running && health.is_some_and(|health| health.status == "healthy")
    };
    facts.tasks.iter().any(is_up)
}

async fn a_change_wakes_and_nothing_else_does<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    let nothing = tokio::time::timeout(QUIET, watch.changed()).await;
    assert!(nothing.is_err(), "nothing happens in an empty stack");
    stage.deploy(&[steady()]).await;
    assert_eq!(watch.changed().await, Wake::Changed);
    until(&mut watch, "running task", runs).await;
    until_quiet(&mut watch).await;
    stage.disturb().await;
    let foreign = tokio::time::timeout(QUIET, watch.changed()).await;
    assert!(foreign.is_err(), "another stack is nobody's business: {foreign:?}");
}

async fn a_wake_that_is_dropped_half_way_comes_again<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    assert_eq!(watch.changed().now_or_never(), None);
    stage.deploy(&[steady()]).await;
    assert_eq!(watch.changed().await, Wake::Changed);
}

async fn a_death_is_heard_of<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[steady()]).await;
    let facts = until(&mut watch, "running task", runs).await;
    until_quiet(&mut watch).await;
    let container = only_task(&facts, "app").container.clone().expect("it runs").id;
    stage.kill(&container).await;
    assert_eq!(watch.changed().await, Wake::Changed);
    let facts = until(&mut watch, "ended task", ended("app")).await;
    let task = facts.tasks.iter().find(|task| task.state.is_terminal()).expect("it ended");
    assert_eq!((task.state, task.exit_code), (TaskState::Failed, Some(137)));
    assert_eq!(task.error.as_deref(), Some("task: non-zero exit (137)"));
}

async fn a_service_is_seen_as_it_was_submitted<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[steady(), Service::new("job", Life::Job)]).await;
    let facts = until(&mut watch, "running task", runs).await;
    let names: Vec<&str> = facts.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["app", "job"], "short names, in order");
    let app = facts.service("app").expect("it is there");
    assert_eq!(app.mode, ServiceMode::Replicated { replicas: 1 });
    assert_eq!((app.desired_tasks, app.completed_tasks, app.monitor_ms), (1, 0, 1000));
    assert_eq!((&app.update, app.publishes), (&UpdateState::None, false));
    assert_eq!(app.image, stage.image_of_services());
    assert_eq!(app.labels["com.docker.stack.namespace"], stage.stack().as_str());
    let template = |path: &str| app.template.get(path).map(String::as_str);
    assert_eq!(template("ContainerSpec.Image"), Some(app.image.as_str()));
    assert_eq!(template("ContainerSpec.Env.RELEASE"), Some("one"));
    let network = format!("Networks.{}", full(stage, "default"));
    assert!(app.template.keys().any(|path| path.starts_with(&network)), "{:#?}", app.template);
}

async fn a_running_task_is_seen_with_its_container<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service { volumes: true, ..Service::new("app", Life::Healthy) }]).await;
    let facts = until(&mut watch, "healthy task", is_healthy).await;
    let task = only_task(&facts, "app");
    assert_eq!((task.slot, task.desired, task.exit_code), (Some(1), TaskState::Running, None));
    assert!(task.current && task.node.is_some() && task.error.is_none(), "{task:#?}");
    let container = task.container.as_ref().expect("it runs");
    let health = container.health.as_ref().expect("it has a check");
    assert_eq!((health.failing_streak, health.retries), (0, 2));
    assert!(!container.unhealthy_seen && !container.oom_killed);
    let targets: Vec<&str> =
        container.anonymous_volumes.iter().map(|volume| volume.target.as_str()).collect();
    assert_eq!(targets, ["/anonymous"]);
}

async fn a_failure_is_seen_with_its_exit_code<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::Fails)]).await;
    let facts = until(&mut watch, "ended task", ended("app")).await;
    let task = only_task(&facts, "app");
    assert_eq!((task.state, task.exit_code), (TaskState::Failed, Some(3)));
    assert_eq!(task.error.as_deref(), Some("task: non-zero exit (3)"));
}

/// What the container of an ended task tells: unhealthy events, and whether its streak is up.
fn seen(task: &TaskFacts) -> (bool, bool) {
    let container = task.container.clone().expect("it was seen");
    let health = container.health.expect("it has a check");
    assert_eq!(container.unhealthy_seen, !health.log.is_empty(), "what the checks said");
    (container.unhealthy_seen, health.failing_streak >= health.retries)
}

/// A service that never became healthy, whose image exits 0 when it is stopped, looks field for
/// field like a finished one-shot in everything but its container (CONV-1).
async fn a_sick_service_is_told_from_a_one_shot_by_its_container<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    let (sick, once) = (Service::new("sick", Life::Sick), Service::new("once", Life::OneShot));
    stage.deploy(&[sick, once]).await;
    until(&mut watch, "ended one-shot", ended("once")).await;
    let facts = until(&mut watch, "ended sick service", ended("sick")).await;
    let (sick, once) = (only_task(&facts, "sick"), only_task(&facts, "once"));
    for task in [sick, once] {
        assert_eq!((task.state, task.desired), (TaskState::Complete, TaskState::Shutdown));
        assert_eq!((task.exit_code, &task.error), (Some(0), &None));
    }
    assert_eq!((seen(sick), seen(once)), ((true, true), (false, false)), "{facts:#?}");
}

async fn what_was_seen_of_a_container_outlives_it<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("sick", Life::Sick)]).await;
    let facts = until(&mut watch, "ended task", ended("sick")).await;
    let before = only_task(&facts, "sick").container.clone().expect("it was seen");
    let objects = inventory(stage).await;
    let container = objects.iter().find(|object| object.id == before.id).expect("it is there");
    stage.engine().objects().remove(container).await.expect("the engine answers");
    let later = watch.observe().await.expect("the engine answers");
    assert_eq!(only_task(&later, "sick").container, Some(before));
    assert!(!later.events_gap);
}

async fn an_image_that_is_not_there_is_told_by_its_task<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::NoImage)]).await;
    let facts = until(&mut watch, "rejected task", ended("app")).await;
    let image = &facts.service("app").expect("it is there").image;
    let task = only_task(&facts, "app");
    assert_eq!((task.state, task.exit_code), (TaskState::Rejected, None));
    assert_eq!(task.error, Some(format!("No such image: {image}")));
    assert_eq!(task.container, None);
}

/// Incident 238: an update is accepted and not begun, and the old task is 1/1.
async fn an_update_never_shows_the_old_task_as_current<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[steady()]).await;
    let facts = until(&mut watch, "running task", runs).await;
    let old = only_task(&facts, "app").id.clone();
    stage.deploy(&[Service { release: "two", ..steady() }]).await;
    let facts = until(&mut watch, "completed update", |facts| {
        let old = facts.tasks.iter().find(|task| task.id == old);
        assert!(old.is_none_or(|task| !task.current), "{facts:#?}");
        update_is(UpdateState::Completed)(facts)
    })
    .await;
    let app = facts.service("app").expect("it is there");
    assert_eq!(app.template["ContainerSpec.Env.RELEASE"], "two");
    assert_eq!(app.update_message.as_deref(), Some("update completed"));
    let current: Vec<&TaskFacts> = facts.tasks.iter().filter(|task| task.current).collect();
    assert_eq!(current.len(), 1, "{facts:#?}");
    assert!(current[0].id != old && current[0].state == TaskState::Running);
}

async fn a_failed_update_is_told_with_its_reason<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[steady()]).await;
    until(&mut watch, "running task", runs).await;
    stage.deploy(&[Service::new("app", Life::NoImage)]).await;
    let facts = until(&mut watch, "paused update", update_is(UpdateState::Paused)).await;
    let app = facts.service("app").expect("it is there");
    let message = app.update_message.as_deref().unwrap_or_default();
    assert!(message.starts_with("update paused due to failure"), "{message}");
    // The engine may have begun another one meanwhile, which will not run either.
    let current: Vec<TaskState> =
        facts.tasks.iter().filter(|task| task.current).map(|task| task.state).collect();
    assert!(current.contains(&TaskState::Rejected), "{facts:#?}");
    assert!(!current.contains(&TaskState::Running), "{facts:#?}");
}

async fn after_a_rollback_the_old_spec_is_back<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service { on_failure: FailureAction::Rollback, ..steady() }]).await;
    until(&mut watch, "running task", runs).await;
    let bad = Service { on_failure: FailureAction::Rollback, ..Service::new("app", Life::NoImage) };
    stage.deploy(&[bad]).await;
    let facts = until(&mut watch, "rollback", update_is(UpdateState::RollbackCompleted)).await;
    let app = facts.service("app").expect("it is there");
    assert_eq!(app.image, stage.image_of_services());
    assert_eq!(app.update_message.as_deref(), Some("rollback completed"));
}

async fn a_job_is_counted_to_its_end<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("job", Life::Job)]).await;
    let done = |facts: &StackFacts| facts.services.iter().any(|job| job.completed_tasks == 2);
    let facts = until(&mut watch, "completed job", done).await;
    let job = facts.service("job").expect("it is there");
    assert_eq!(job.mode, ServiceMode::ReplicatedJob { completions: 2 });
    assert_eq!(job.desired_tasks, 2);
    let ends: Vec<_> = facts.tasks.iter().map(|task| (task.state, task.current)).collect();
    assert_eq!(ends, [(TaskState::Complete, true); 2]);
}

async fn a_service_that_was_removed_is_not_seen_any_more<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[steady()]).await;
    until(&mut watch, "running task", runs).await;
    let service = inventory(stage).await.remove(0);
    stage.engine().objects().remove(&service).await.expect("the engine answers");
    let facts = watch.observe().await.expect("the engine answers");
    assert_eq!(facts.services, []);
    until(&mut watch, "empty stack", |facts| facts.tasks.is_empty()).await;
}
