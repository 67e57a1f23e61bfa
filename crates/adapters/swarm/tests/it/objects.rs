//! Removing what containers outside of any stack hold on to.

use cc_ci_core::ports::{Objects, Removal};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_swarm::Swarm;

use crate::support::{IMAGE, TestStack, docker, engine, now};

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
