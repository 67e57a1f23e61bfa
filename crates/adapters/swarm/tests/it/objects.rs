//! Finding and removing what a run made, and nothing else.

use cc_ci_core::ports::{EngineError, Objects, Removal, StackView};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::TaskState;
use cc_ci_swarm::Swarm;

use crate::support::{IMAGE, TestStack, docker, engine, now, until};

fn names(inventory: &[Object], kind: ObjectKind) -> Vec<&str> {
    let of_kind = inventory.iter().filter(|object| object.kind == kind);
    of_kind.map(|object| object.name.as_str()).collect()
}

#[track_caller]
fn find<'a>(inventory: &'a [Object], kind: ObjectKind, name: &str) -> &'a Object {
    let found = inventory.iter().find(|object| object.kind == kind && object.name == name);
    found.unwrap_or_else(|| panic!("no {kind:?} {name} in {inventory:#?}"))
}

async fn check_in_use(swarm: &Swarm, object: &Object) {
    let removal = swarm.remove(object).await.unwrap();
    assert!(matches!(removal, Removal::InUse { .. }), "{object}: {removal:?}");
}

async fn remove(swarm: &Swarm, object: &Object) {
    assert_eq!(swarm.remove(object).await.unwrap(), Removal::Gone, "{object}");
}

async fn deployed(swarm: &Swarm, stack: &TestStack) {
    stack.create_network(swarm, "proxy").await;
    let word = Secret::new("word");
    swarm.create_secret(&stack.run, &stack.name, &stack.full("word_v1"), &word).await.unwrap();
    let app = format!(
        "  app:
    image: {IMAGE}
    environment: {{STOP_DELAY: \"2\"}}
    volumes: [\"data:/data\", \"/anonymous\"]
    networks: [default, proxy]
    secrets: [word]
    configs: [{{source: page, target: /page}}]
    deploy: {{endpoint_mode: dnsrr}}"
    );
    let top_level = format!(
        "volumes: {{data: {{}}}}
networks: {{default: {{}}, proxy: {{external: true, name: {proxy}}}}}
secrets: {{word: {{external: true, name: {word}}}}}
configs: {{page: {{file: ./compose.yml}}}}",
        proxy = stack.full("proxy"),
        word = stack.full("word_v1"),
    );
    stack.deploy(&app, &top_level);
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    until(&mut watch, "running task", |facts| {
        facts.tasks.iter().any(|task| task.state == TaskState::Running)
    })
    .await;
}

#[tokio::test]
async fn everything_of_a_stack_is_found_and_removed() {
    let Some(swarm) = engine("everything_of_a_stack_is_found_and_removed") else {
        return;
    };
    let stack = TestStack::new();
    deployed(&swarm, &stack).await;
    let data = stack.full("data");
    let scope = stack.scope(&[&data, "nothing"]);
    let found = swarm.inventory(&scope).await.unwrap();
    check_found(&found, &stack);
    for object in &found {
        if !matches!(object.kind, ObjectKind::Service | ObjectKind::Container) {
            check_in_use(&swarm, object).await;
        }
    }
    let service = find(&found, ObjectKind::Service, &stack.full("app"));
    remove(&swarm, service).await;
    remove(&swarm, service).await;
    check_stopping(&swarm, &stack).await;
    for object in &found {
        if object.kind >= ObjectKind::Network {
            remove(&swarm, object).await;
        }
    }
    assert_eq!(swarm.inventory(&scope).await.unwrap(), []);
}

#[track_caller]
fn check_found(found: &[Object], stack: &TestStack) {
    let kinds: Vec<&str> = found.iter().map(|object| object.kind.as_str()).collect();
    let expected = "service task container network network secret config volume volume";
    assert_eq!(kinds.join(" "), expected, "{found:#?}");
    assert!(found.is_sorted());
    for object in found {
        assert_eq!(object.stack.as_deref(), Some(stack.name.as_str()), "{object}");
    }
    let made_by_us = found.iter().filter(|object| object.run.is_some());
    let made_by_us: Vec<&str> = made_by_us.map(|object| object.name.as_str()).collect();
    assert_eq!(made_by_us, [stack.full("proxy"), stack.full("word_v1")]);
}

/// A service is gone long before its tasks and containers are: they have to be found without it.
async fn check_stopping(swarm: &Swarm, stack: &TestStack) {
    let removed = now();
    let left = swarm.inventory(&stack.scope(&[])).await.unwrap();
    assert_eq!(names(&left, ObjectKind::Service), [""; 0]);
    assert_eq!(names(&left, ObjectKind::Task).len(), 1, "{left:#?}");
    let container = left.iter().find(|object| object.kind == ObjectKind::Container).unwrap();
    let mut task_seen_last = removed.elapsed();
    loop {
        let left = swarm.inventory(&stack.scope(&[])).await.unwrap();
        if !names(&left, ObjectKind::Task).is_empty() {
            task_seen_last = removed.elapsed();
        }
        if names(&left, ObjectKind::Container).is_empty() {
            break;
        }
        assert!(removed.elapsed().as_secs() < 30, "{left:#?}");
        tokio::task::yield_now().await;
    }
    println!("last task {task_seen_last:?}, last container {:?}", removed.elapsed());
    remove(swarm, container).await;
}

/// ISO-4: what is not provably the run's is left alone, whatever its name.
#[tokio::test]
async fn strangers_are_not_found() {
    let Some(swarm) = engine("strangers_are_not_found") else {
        return;
    };
    let (stack, stranger) = (TestStack::new(), TestStack::new());
    let claimed = stack.full("claimed");
    let unlabelled = stack.full("unlabelled");
    let fixed = format!("{}-fixed", stack.name);
    let by_stranger = format!("com.docker.stack.namespace={}", stranger.name);
    docker(&["volume", "create", "--label", &by_stranger, &claimed]);
    docker(&["volume", "create", &fixed]);
    docker(&["volume", "create", &unlabelled]);
    let asked: [&str; 3] = [&claimed, &fixed, &unlabelled];
    let found = swarm.inventory(&stack.scope(&asked)).await.unwrap();
    assert_eq!(names(&found, ObjectKind::Volume), [unlabelled.as_str()]);
    assert_eq!(found.len(), 1, "{found:#?}");
    remove(&swarm, &found[0]).await;
    docker(&["volume", "rm", &fixed]);
}

#[tokio::test]
async fn a_network_with_containers_is_in_use() {
    let Some(swarm) = engine("a_network_with_containers_is_in_use") else {
        return;
    };
    let stack = TestStack::new();
    let name = stack.full("net");
    swarm.create_network(&stack.run, &stack.name, &name).await.unwrap();
    let label = format!("cc-ci.run={}", stack.run);
    let container =
        docker(&["run", "-d", "--label", &label, "--network", &name, "-v", "/anonymous", IMAGE]);
    let found = swarm.inventory(&stack.scope(&[])).await.unwrap();
    let kinds: Vec<&str> = found.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, ["container", "network", "volume"], "{found:#?}");
    let network = find(&found, ObjectKind::Network, &name);
    check_in_use(&swarm, network).await;
    check_in_use(&swarm, &found[2]).await;
    // It runs: removing it takes force, and takes its anonymous volume along.
    assert_eq!(found[0].id, container);
    remove(&swarm, &found[0]).await;
    remove(&swarm, &found[2]).await;
    remove(&swarm, network).await;
    // It is listed a moment longer, and then the engine's answer to a removal is an error 500.
    remove(&swarm, network).await;
    let removed = now();
    while !swarm.inventory(&stack.scope(&[])).await.unwrap().is_empty() {
        assert!(removed.elapsed().as_secs() < 10);
        tokio::task::yield_now().await;
    }
    println!("network gone after {:?}", removed.elapsed());
}

#[tokio::test]
async fn anything_is_found_by_its_exact_name() {
    let Some(swarm) = engine("anything_is_found_by_its_exact_name") else {
        return;
    };
    let stack = TestStack::new();
    let name = stack.full("net");
    swarm.create_network(&stack.run, &stack.name, &name).await.unwrap();
    let found = swarm.find(ObjectKind::Network, &name).await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.stack.as_deref()),
        (name.as_str(), Some(stack.name.as_str()))
    );
    assert_eq!(swarm.find(ObjectKind::Network, &stack.full("ne")).await.unwrap(), None);
    assert_eq!(swarm.find(ObjectKind::Volume, &name).await.unwrap(), None);
}

#[tokio::test]
async fn what_exists_is_not_created_again() {
    let Some(swarm) = engine("what_exists_is_not_created_again") else {
        return;
    };
    let stack = TestStack::new();
    let name = stack.full("word_v1");
    let value = Secret::new("word");
    swarm.create_secret(&stack.run, &stack.name, &name, &value).await.unwrap();
    let again = swarm.create_secret(&stack.run, &stack.name, &name, &value).await.unwrap_err();
    assert!(matches!(again, EngineError::Refused { status: 409, .. }), "{again:?}");
    assert!(again.to_string().contains(&format!("create secret {name}")), "{again}");
    stack.create_network(&swarm, "net").await;
    let again =
        swarm.create_network(&stack.run, &stack.name, &stack.full("net")).await.unwrap_err();
    assert!(matches!(again, EngineError::Refused { status: 409, .. }), "{again:?}");
}
