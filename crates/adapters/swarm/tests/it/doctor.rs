//! What `cc-ci doctor` asks an engine, on a real one.

use cc_ci_core::ports::{EngineView, SwarmState};

use crate::support::{docker, engine};

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
