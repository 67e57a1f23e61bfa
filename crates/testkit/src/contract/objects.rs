//! What [`cc_ci_core::ports::Objects`] promises.

use std::time::Duration;

use cc_ci_core::ports::Removal;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::StackFacts;
use tokio::time::Instant;

use super::stage::{
    Life, Service, Stage, full, inventory, is_away, is_refused, make_proxy, make_word, names,
    proxy, running, scope, until, watch, word,
};

super::contract!(Objects: [
    everything_of_a_stack_is_found,
    what_is_in_use_is_not_removed,
    a_service_goes_at_once_and_its_tasks_later,
    a_container_that_runs_is_removed_with_its_anonymous_volumes,
    the_containers_of_a_finished_job_stay_and_its_tasks_do_not_count,
    anything_is_found_by_its_exact_name,
    a_service_is_found_by_its_name_and_its_container_is_not,
    what_exists_is_not_created_again,
    what_was_never_there_is_gone,
    strangers_are_not_found,
    an_engine_that_does_not_answer_is_told_as_such,
]);

/// Kinds that can be looked up by name.
const HAVE_NAMES: [ObjectKind; 5] = [
    ObjectKind::Service,
    ObjectKind::Network,
    ObjectKind::Secret,
    ObjectKind::Config,
    ObjectKind::Volume,
];

async fn remove<S: Stage>(stage: &S, object: &Object) -> Removal {
    stage.engine().objects().remove(object).await.expect("the engine answers")
}

/// A service that uses everything there is.
async fn deployed<S: Stage>(stage: &S) {
    assert_eq!((make_word(stage).await, make_proxy(stage).await), (Ok(()), Ok(())));
    let life = Life::StopsSlowly;
    let app = Service { volumes: true, rich: true, ..Service::new("app", life) };
    running(stage, &app).await;
}

async fn everything_of_a_stack_is_found<S: Stage>(stage: &S) {
    deployed(stage).await;
    let found = inventory(stage).await;
    let kinds: Vec<&str> = found.iter().map(|object| object.kind.as_str()).collect();
    let expected = "service task container network network secret config volume volume";
    assert_eq!(kinds.join(" "), expected, "{found:#?}");
    assert!(found.is_sorted(), "{found:#?}");
    assert_eq!(names(&found, ObjectKind::Service), [full(stage, "app")]);
    let mut networks = names(&found, ObjectKind::Network);
    networks.sort_unstable();
    assert_eq!(networks, [full(stage, "default"), proxy(stage.stack())]);
    for object in &found {
        assert_eq!(object.stack.as_deref(), Some(stage.stack().as_str()), "{object}");
    }
    let made_by_us = found.iter().filter(|object| object.run.is_some());
    let made_by_us: Vec<&str> = made_by_us.map(|object| object.name.as_str()).collect();
    assert_eq!(made_by_us, [proxy(stage.stack()), word(stage.stack())]);
}

async fn what_is_in_use_is_not_removed<S: Stage>(stage: &S) {
    deployed(stage).await;
    let found = inventory(stage).await;
    for object in &found {
        if !matches!(object.kind, ObjectKind::Service | ObjectKind::Container) {
            let removal = remove(stage, object).await;
            assert!(matches!(removal, Removal::InUse { .. }), "{object}: {removal:?}");
        }
    }
    assert_eq!(inventory(stage).await, found, "nothing happened");
}

/// A service is gone long before its tasks and containers are: they have to be found without it.
async fn a_service_goes_at_once_and_its_tasks_later<S: Stage>(stage: &S) {
    deployed(stage).await;
    let found = inventory(stage).await;
    for again in [false, true] {
        assert_eq!(remove(stage, &found[0]).await, Removal::Gone, "again: {again}");
    }
    let left = inventory(stage).await;
    assert_eq!(names(&left, ObjectKind::Service), [""; 0]);
    assert_eq!(names(&left, ObjectKind::Task).len(), 1, "{left:#?}");
    assert_eq!(names(&left, ObjectKind::Container).len(), 1, "{left:#?}");
    gone(stage, |left| left.iter().any(|object| object.kind < ObjectKind::Network)).await;
    for object in found.iter().filter(|object| object.kind >= ObjectKind::Network) {
        for again in [false, true] {
            assert_eq!(remove(stage, object).await, Removal::Gone, "{object}, again: {again}");
        }
    }
    gone(stage, |left| !left.is_empty()).await;
}

/// Waits until no such thing is left.
async fn gone<S: Stage>(stage: &S, is_left: impl Fn(&[Object]) -> bool) {
    let limit = Instant::now() + Duration::from_secs(40);
    loop {
        let left = inventory(stage).await;
        if !is_left(&left) {
            return;
        }
        assert!(Instant::now() < limit, "{left:#?}");
        let _pause =
            tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await;
    }
}

async fn a_container_that_runs_is_removed_with_its_anonymous_volumes<S: Stage>(stage: &S) {
    running(stage, &Service { volumes: true, ..Service::new("app", Life::Steady) }).await;
    let found = inventory(stage).await;
    let of = |kind| found.iter().filter(move |object| object.kind == kind);
    let container = of(ObjectKind::Container).next().expect("it runs");
    let is_anonymous = |object: &&Object| object.name.len() == 64;
    let anonymous = of(ObjectKind::Volume).find(is_anonymous).expect("it has one");
    assert_eq!(remove(stage, container).await, Removal::Gone);
    gone(stage, |left| left.contains(container) || left.contains(anonymous)).await;
    for object in [container, anonymous] {
        assert_eq!(remove(stage, object).await, Removal::Gone, "{object} is gone already");
    }
}

async fn the_containers_of_a_finished_job_stay_and_its_tasks_do_not_count<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("job", Life::Job)]).await;
    let done = |facts: &StackFacts| facts.services.iter().any(|job| job.completed_tasks == 2);
    until(&mut watch, "completed job", done).await;
    let found = inventory(stage).await;
    let kinds: Vec<&str> = found.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["service", "container", "container", "network"]);
    assert_eq!(remove(stage, &found[0]).await, Removal::Gone);
    assert_eq!(inventory(stage).await, found[1..]);
    for object in &found[1..] {
        assert_eq!(remove(stage, object).await, Removal::Gone, "{object}");
    }
    gone(stage, |left| !left.is_empty()).await;
}

async fn anything_is_found_by_its_exact_name<S: Stage>(stage: &S) {
    assert_eq!((make_word(stage).await, make_proxy(stage).await), (Ok(()), Ok(())));
    let objects = stage.engine().objects();
    let (stack, run) = (stage.stack(), stage.run());
    for (kind, name) in [(ObjectKind::Network, proxy(stack)), (ObjectKind::Secret, word(stack))] {
        let found = objects.find(kind, &name).await.expect("the engine answers");
        let found = found.expect("it was made");
        assert_eq!((found.kind, &found.name), (kind, &name));
        assert_eq!(found.stack.as_deref(), Some(stack.as_str()));
        assert_eq!(found.run.as_deref(), Some(run.as_str()));
        let shorter = &name[..name.len() - 1];
        assert_eq!(objects.find(kind, shorter).await, Ok(None), "{shorter}");
        assert_eq!(objects.find(ObjectKind::Volume, &name).await, Ok(None), "of another kind");
    }
    stage.volume(&full(stage, "theirs"), Some("somebody_else")).await;
    let found = objects.find(ObjectKind::Volume, &full(stage, "theirs")).await;
    let found = found.expect("the engine answers").expect("whoever's it is");
    assert_eq!(found.stack.as_deref(), Some("somebody_else"));
}

async fn a_service_is_found_by_its_name_and_its_container_is_not<S: Stage>(stage: &S) {
    running(stage, &Service::new("app", Life::Steady)).await;
    let objects = stage.engine().objects();
    let service = objects.find(ObjectKind::Service, &full(stage, "app")).await;
    let service = service.expect("the engine answers").expect("it is there");
    let listed = inventory(stage).await;
    assert_eq!(service, listed[0]);
    for object in listed.iter().filter(|object| !HAVE_NAMES.contains(&object.kind)) {
        assert_eq!(objects.find(object.kind, &object.name).await, Ok(None), "{object}");
    }
}

async fn what_exists_is_not_created_again<S: Stage>(stage: &S) {
    assert_eq!((make_word(stage).await, make_proxy(stage).await), (Ok(()), Ok(())));
    for again in [make_word(stage).await, make_proxy(stage).await] {
        is_refused(&again, 409);
    }
    let told = make_word(stage).await.expect_err("it exists").to_string();
    assert!(told.contains(&format!("create secret {}", word(stage.stack()))), "{told}");
    let kinds: Vec<ObjectKind> = inventory(stage).await.iter().map(|object| object.kind).collect();
    assert_eq!(kinds, [ObjectKind::Network, ObjectKind::Secret]);
}

async fn what_was_never_there_is_gone<S: Stage>(stage: &S) {
    for kind in HAVE_NAMES.into_iter().chain([ObjectKind::Container]) {
        let name = full(stage, "never");
        let object = Object { kind, id: name.clone(), name, stack: None, run: None };
        assert_eq!(remove(stage, &object).await, Removal::Gone, "{object}");
    }
}

/// ISO-4: what is not provably the run's is left alone, whatever its name.
async fn strangers_are_not_found<S: Stage>(stage: &S) {
    let claimed = full(stage, "claimed");
    let unlabelled = full(stage, "unlabelled");
    let fixed = format!("{}-fixed", stage.stack());
    let prefix = format!("{}0_data", stage.stack());
    stage.volume(&claimed, Some("somebody_else")).await;
    for name in [&fixed, &unlabelled, &prefix] {
        stage.volume(name, None).await;
    }
    let asked = scope(stage, &[&claimed, &fixed, &unlabelled, &prefix, "nothing"]);
    let found = stage.engine().objects().inventory(&asked).await.expect("the engine answers");
    assert_eq!(names(&found, ObjectKind::Volume), [unlabelled.as_str()]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(inventory(stage).await, [], "nobody asked for it by name");
}

async fn an_engine_that_does_not_answer_is_told_as_such<S: Stage>(stage: &S) {
    let objects = stage.away().objects();
    let (run, stack, name) = (stage.run(), stage.stack(), full(stage, "x"));
    is_away(&objects.inventory(&scope(stage, &[])).await);
    is_away(&objects.create_secret(run, stack, &name, &Secret::new("x")).await);
    is_away(&objects.create_network(run, stack, &name).await);
    for kind in HAVE_NAMES {
        let (id, name) = (name.clone(), name.clone());
        is_away(&objects.find(kind, &name).await);
        is_away(&objects.remove(&Object { kind, id, name, stack: None, run: None }).await);
    }
}
