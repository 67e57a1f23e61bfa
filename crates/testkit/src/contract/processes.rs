//! What [`Processes`] promises.

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::Processes;
use cc_ci_model::intent::ProcessId;

super::contract!(Processes: [
    this_process_is_alive,
    a_process_that_was_ended_is_gone,
    one_that_ends_by_itself_is_gone,
    one_that_ignores_term_is_ended_too,
    another_process_of_the_same_id_is_spared,
]);

/// Longer than a process that takes TERM needs.
const GRACE: Duration = Duration::from_secs(10);

/// A host with processes of somebody else.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn processes(&self) -> &dyn Processes;

    /// Starts one that runs on; a stubborn one ignores TERM, and does so when this returns.
    async fn start(&self, stubborn: bool) -> ProcessId;

    /// One that has ended by itself, and that its parent has not looked after yet.
    async fn ended(&self) -> ProcessId;
}

async fn this_process_is_alive<S: Stage>(stage: &S) {
    let processes = stage.processes();
    assert_eq!(processes.own(), processes.own());
    assert!(processes.is_alive(&processes.own()));
}

async fn a_process_that_was_ended_is_gone<S: Stage>(stage: &S) {
    let processes = stage.processes();
    let (one, other) = (stage.start(false).await, stage.start(false).await);
    assert!(one != other && one.pid != processes.own().pid);
    assert!(processes.is_alive(&one) && processes.is_alive(&other));
    for again in [false, true] {
        assert!(processes.end(&one, GRACE).await, "again: {again}");
        assert!(!processes.is_alive(&one));
    }
    assert!(processes.is_alive(&other) && processes.is_alive(&processes.own()));
    assert!(processes.end(&other, GRACE).await);
}

async fn one_that_ends_by_itself_is_gone<S: Stage>(stage: &S) {
    let ended = stage.ended().await;
    assert!(!stage.processes().is_alive(&ended));
    assert!(stage.processes().end(&ended, Duration::ZERO).await);
}

async fn one_that_ignores_term_is_ended_too<S: Stage>(stage: &S) {
    let process = stage.start(true).await;
    assert!(stage.processes().end(&process, Duration::from_millis(100)).await);
    assert!(!stage.processes().is_alive(&process));
}

/// Ids of processes come back, and after a restart of the host all of them do.
async fn another_process_of_the_same_id_is_spared<S: Stage>(stage: &S) {
    let processes = stage.processes();
    let process = stage.start(false).await;
    let earlier = ProcessId { started_ticks: process.started_ticks - 1, ..process.clone() };
    let other_boot = ProcessId { boot_id: "another".into(), ..process.clone() };
    for gone in [earlier, other_boot] {
        assert!(!processes.is_alive(&gone), "{gone:?}");
        assert!(processes.end(&gone, Duration::ZERO).await, "{gone:?} is gone");
        assert!(processes.is_alive(&process), "{gone:?} is not {process:?}");
    }
    assert!(processes.end(&process, GRACE).await);
}
