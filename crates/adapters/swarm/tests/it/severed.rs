//! A watch whose connections break.

use std::time::Duration;

use cc_ci_core::ports::{EngineError, StackView, StackWatch, Wake};
use cc_ci_model::stack::{StackFacts, TaskState};
use cc_ci_swarm::Swarm;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

use crate::support::{IMAGE, SOCKET, TestStack, docker, engine, now, only_task, until};

/// Passes the engine on over TCP while `is_open` says so.
async fn relay(mut is_open: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            if !*is_open.borrow_and_update() {
                continue;
            }
            let mut is_open = is_open.clone();
            tokio::spawn(async move {
                let mut far = UnixStream::connect(SOCKET).await?;
                tokio::select! {
                    passed = tokio::io::copy_bidirectional(&mut near, &mut far) => passed.map(drop),
                    _ = is_open.wait_for(|is_open| !is_open) => Ok(()),
                }
            });
        }
    });
    address
}

fn has_begun(facts: &StackFacts) -> bool {
    facts.tasks.iter().any(|task| task.state >= TaskState::Starting)
}

/// Waits for what the engine says, past the relay.
async fn becomes_unhealthy(stack: &TestStack) {
    let filter = format!("label=com.docker.stack.namespace={}", stack.name);
    let wait = move || {
        let began = now();
        let arguments = ["ps", "-aq", "--filter", &filter, "--filter", "health=unhealthy"];
        while docker(&arguments).is_empty() {
            assert!(began.elapsed() < Duration::from_secs(30));
        }
    };
    tokio::task::spawn_blocking(wait).await.unwrap();
}

/// The service becomes unhealthy while the connection is down, and nobody polls the watch: the
/// event is brought afterwards.
#[tokio::test]
async fn a_broken_connection_loses_nothing() {
    if engine("a_broken_connection_loses_nothing").is_none() {
        return;
    }
    let (sender, is_open) = watch::channel(true);
    let swarm = Swarm::connect(&relay(is_open).await).unwrap();
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    stack.deploy(&sick(), "");
    until(&mut watch, "started task", has_begun).await;
    sender.send(false).unwrap();
    becomes_unhealthy(&stack).await;
    let error = watch.observe().await.unwrap_err();
    assert!(matches!(error, EngineError::Unreachable { .. }), "{error:?}");
    sender.send(true).unwrap();
    check_gap_closes(&mut watch).await;
    let ended = |facts: &StackFacts| only_task(facts, "app").state.is_terminal();
    let facts = until(&mut watch, "ended task", ended).await;
    let container = only_task(&facts, "app").container.as_ref().unwrap();
    assert!(container.unhealthy_seen && !facts.events_gap, "{facts:#?}");
}

async fn check_gap_closes(watch: &mut Box<dyn StackWatch>) {
    let facts = watch.observe().await.unwrap();
    assert!(facts.events_gap, "a broken connection is a gap until it is open again");
    assert!(!only_task(&facts, "app").container.as_ref().unwrap().unhealthy_seen);
    let opened = now();
    while watch.observe().await.unwrap().events_gap {
        let wake = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await;
        assert_eq!(wake.unwrap(), Wake::Changed);
    }
    println!("whole again after {:?}", opened.elapsed());
}

fn sick() -> String {
    format!(
        "  app:
    image: {IMAGE}
    healthcheck: {{test: [\"CMD\", \"false\"], interval: 1s, retries: 2}}
    deploy: {{endpoint_mode: dnsrr, restart_policy: {{condition: none}}}}"
    )
}
