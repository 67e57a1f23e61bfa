//! How soon the wait for a stack sees what no event tells of (CONV-5).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::convergence::{Wanted, WantedService};
use cc_ci_core::ports::{Clock, EngineError, StackWatch, Wake};
use cc_ci_engine::{Watched, settle};
use cc_ci_model::stack::{StackFacts, TaskState};
use cc_ci_testkit::{FactsBuilder, TaskBuilder, VirtualClock};

const WINDOW: Duration = Duration::from_secs(3);

/// A task whose container is up at `event`, which is told, and which the manager has in its record
/// at `recorded`, which is not.
struct Late {
    clock: Arc<VirtualClock>,
    event: Option<Duration>,
    recorded: Duration,
}

#[async_trait]
impl StackWatch for Late {
    async fn changed(&mut self) -> Wake {
        let Some(event) = self.event else {
            return std::future::pending().await;
        };
        let left = event.saturating_sub(self.clock.elapsed());
        self.clock.sleep_until(self.clock.now().plus(left)).await;
        self.event = None;
        Wake::Changed
    }

    async fn observe(&mut self) -> Result<StackFacts, EngineError> {
        let is_up = self.clock.elapsed() >= self.recorded;
        let task = TaskBuilder::new(if is_up { TaskState::Running } else { TaskState::Starting });
        Ok(FactsBuilder::new().replicated("app", 1).task(task.id("t1")).build())
    }
}

/// When it is known to have settled, without the window, and how it looks then.
async fn known_after(event_ms: u64, recorded_ms: u64) -> (Duration, StackFacts) {
    let clock = Arc::new(VirtualClock::new());
    let watch = Late {
        clock: clock.clone(),
        event: Some(Duration::from_millis(event_ms)),
        recorded: Duration::from_millis(recorded_ms),
    };
    let mut watched = Watched { watch: Box::new(watch), known: StackFacts::default() };
    let app = WantedService { name: "app".to_owned(), must_stay_up: None, starts_again: true };
    let wanted = Wanted { services: vec![app], stability: WINDOW };
    let deadline = clock.now().plus(Duration::from_mins(1));
    let port: Arc<dyn Clock> = clock.clone();
    let seen = settle(&port, &mut watched, wanted, deadline, &|_| {}).await;
    assert!(!seen.expired);
    (clock.elapsed().saturating_sub(WINDOW), seen.facts)
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_after_its_event_is_seen_at_once() {
    for (event, recorded) in [(0, 10), (1000, 1000), (1000, 1500), (9000, 9700), (9000, 10_900)] {
        let (known, _) = known_after(event, recorded).await;
        let late = known.saturating_sub(Duration::from_millis(recorded));
        assert!(late <= Duration::from_millis(150), "{event} {recorded}: {late:?} late");
    }
}

/// The safety net is for what no event came for at all.
#[tokio::test(start_paused = true)]
async fn without_an_event_a_slow_poll_sees_it_all_the_same() {
    let (known, facts) = known_after(0, 20_300).await;
    let late = known.saturating_sub(Duration::from_millis(20_300));
    assert!(late <= Duration::from_secs(2), "{late:?} late");
    assert_eq!(facts.tasks[0].state, TaskState::Running);
}
