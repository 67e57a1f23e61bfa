//! What [`EngineView`] promises, on an engine that is a manager.

use async_trait::async_trait;
use cc_ci_core::ports::{EngineView, SwarmState};
use cc_ci_model::intent::ObjectKind;

use super::stage::is_away;

super::contract!(EngineView: [
    a_manager_says_what_it_is,
    the_bridge_to_its_tasks_is_seen,
    what_carries_a_runs_label_is_found_and_nothing_else,
    an_engine_that_does_not_answer_is_told_as_such,
]);

/// An engine that is a manager of a Swarm.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn engine(&self) -> &dyn EngineView;

    /// An engine that does not answer.
    fn away(&self) -> Box<dyn EngineView>;

    /// Makes a network and a secret that carry the label of a run, and a volume that does not;
    /// gives the run and the three names, in this order.
    async fn mark(&self) -> (String, [String; 3]);
}

async fn a_manager_says_what_it_is<S: Stage>(stage: &S) {
    let state = stage.engine().state().await.expect("it answers");
    assert!(!state.id.is_empty() && !state.kernel.release.is_empty(), "{state:?}");
    assert!(state.version.starts_with(|first: char| first.is_ascii_digit()), "{state:?}");
    assert!(state.api_version.starts_with("1."), "{state:?}");
    assert!(state.kernel.memory_bytes > 1 << 20, "in bytes: {state:?}");
    assert!(state.root.as_ref().is_some_and(|root| root.starts_with('/')), "{state:?}");
    let SwarmState::Manager { node, nodes: Ok(nodes) } = &state.swarm else {
        panic!("no manager: {state:?}");
    };
    let own = nodes.iter().find(|other| other.id == *node).expect("its own node is one of them");
    assert_eq!((own.availability.as_str(), own.state.as_str()), ("active", "ready"));
    let again = stage.engine().state().await.expect("it answers");
    assert_eq!(again, state, "nothing happened meanwhile");
}

async fn the_bridge_to_its_tasks_is_seen<S: Stage>(stage: &S) {
    let bridge = stage.engine().bridge().await.expect("it answers").expect("it is in a Swarm");
    let gateway = bridge.gateway.expect("the host is on it");
    assert!(!gateway.is_loopback() && !bridge.addresses.contains(&gateway), "{bridge:?}");
    assert!(!bridge.addresses.is_empty(), "the ingress network's end is always there: {bridge:?}");
}

/// Whichever run's: others may be on the same engine.
async fn what_carries_a_runs_label_is_found_and_nothing_else<S: Stage>(stage: &S) {
    let (run, [network, secret, volume]) = stage.mark().await;
    let marked = stage.engine().marked().await.expect("it answers");
    assert!(marked.iter().all(|object| object.run.is_some()), "{marked:#?}");
    assert!(marked.iter().all(|object| object.name != volume), "{marked:#?}");
    let ours = marked.iter().filter(|object| object.run.as_deref() == Some(run.as_str()));
    let mut ours: Vec<_> = ours.map(|object| (object.kind, object.name.as_str())).collect();
    ours.sort_unstable();
    let expected = [(ObjectKind::Network, network.as_str()), (ObjectKind::Secret, secret.as_str())];
    assert_eq!(ours, expected);
}

async fn an_engine_that_does_not_answer_is_told_as_such<S: Stage>(stage: &S) {
    is_away(&stage.away().state().await);
    is_away(&stage.away().bridge().await);
    is_away(&stage.away().marked().await);
}
