//! What `cc-ci doctor` asks an engine, on a real one.

use cc_ci_core::ports::{EngineView, SwarmState};
use cc_ci_model::intent::ObjectKind;

use crate::support::{TestStack, docker, engine};

#[tokio::test]
async fn an_engine_tells_what_it_is_and_where_its_tasks_are() {
    let Some(swarm) = engine("an_engine_tells_what_it_is_and_where_its_tasks_are") else {
        return;
    };
    let state = EngineView::state(&swarm).await.unwrap();
    assert_eq!(state.version, docker(&["version", "--format", "{{.Server.Version}}"]));
    assert_eq!(state.kernel.release, docker(&["info", "--format", "{{.KernelVersion}}"]));
    assert_eq!(state.root, Some(docker(&["info", "--format", "{{.DockerRootDir}}"])));
    let SwarmState::Manager { node, nodes } = state.swarm else {
        panic!("no manager: {:?}", state.swarm);
    };
    let nodes = nodes.unwrap();
    let own = nodes.iter().find(|other| other.id == node).unwrap();
    assert_eq!((own.availability.as_str(), own.state.as_str()), ("active", "ready"));
    assert_eq!(own.name, docker(&["info", "--format", "{{.Name}}"]));
    let bridge = swarm.bridge().await.unwrap().unwrap();
    assert!(bridge.gateway.is_some(), "{bridge:?}");
    assert!(!bridge.addresses.is_empty(), "the ingress network's end is always there: {bridge:?}");
}

/// Everything with a run's label, whichever run's, and nothing else.
#[tokio::test]
async fn what_carries_a_runs_label_is_found_without_knowing_the_run() {
    let Some(swarm) = engine("what_carries_a_runs_label_is_found_without_knowing_the_run") else {
        return;
    };
    let stack = TestStack::new();
    stack.create_network(&swarm, "net").await;
    stack.create_secret(&swarm, "token_v1", "value").await;
    let marked = swarm.marked().await.unwrap();
    assert!(marked.iter().all(|object| object.run.is_some()), "{marked:#?}");
    let ours = marked.iter().filter(|object| object.run.as_deref() == Some(stack.run.as_str()));
    let mut ours: Vec<_> = ours.map(|object| (object.kind, object.name.clone())).collect();
    ours.sort();
    let expected =
        [(ObjectKind::Network, stack.full("net")), (ObjectKind::Secret, stack.full("token_v1"))];
    assert_eq!(ours, expected);
}
