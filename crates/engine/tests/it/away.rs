//! The engine does not answer, for a while or for good: nobody's fault, and never green.

use std::time::Duration;

use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::{Behaviour, Life, Outage, World};

use crate::harness::{Ended, one_service, run};

const GOOD: Duration = Duration::from_hours(48);

async fn away(after: Duration, lasts: Duration, hangs: bool) -> Ended {
    run(&one_service(), |world: &World| world.swarm.outage(Outage { after, lasts, hangs })).await
}

/// At every second of a run, and once in every phase of it.
#[tokio::test(start_paused = true)]
async fn an_engine_that_goes_away_for_good_is_an_error_and_the_cleanup_incomplete() {
    let healthy = run(&one_service(), |_| {}).await;
    let length = u64::try_from(healthy.took.as_millis()).unwrap();
    for at in (0..length - 200).step_by(170) {
        let ended = away(Duration::from_millis(at), GOOD, false).await;
        ended.check();
        let results = ended.results();
        assert!(!results.cleanup.complete, "away from {at} ms on: {:?}", results.cleanup);
        assert_ne!(results.verdict, Verdict::Fail, "away from {at} ms on: {}", ended.said());
        if results.verdict == Verdict::Pass {
            // Everything had been shown; only the removal was cut off.
            assert_eq!(ended.exit(), ExitKind::CleanupIncomplete, "away from {at} ms on");
            assert!(at > length / 2, "away from {at} ms on: pass");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_for_good_is_an_error_too() {
    let healthy = run(&one_service(), |_| {}).await;
    let length = u64::try_from(healthy.took.as_millis()).unwrap();
    for at in (0..length - 200).step_by(530) {
        let ended = away(Duration::from_millis(at), GOOD, true).await;
        ended.check();
        let results = ended.results();
        assert!(!results.cleanup.complete, "hangs from {at} ms on");
        assert_ne!(results.verdict, Verdict::Fail, "hangs from {at} ms on: {}", ended.said());
    }
}

/// While the stack settles, a restart of the engine is waited out.
#[tokio::test(start_paused = true)]
async fn a_short_absence_while_the_stack_settles_is_waited_out() {
    for hangs in [false, true] {
        let slow = Life { starts_after: Duration::from_mins(1), ..Life::steady() };
        let ended = run(&one_service(), |world: &World| {
            world.swarm.behave("app", Behaviour::lives([slow]));
            let (after, lasts) = (Duration::from_secs(10), Duration::from_secs(30));
            world.swarm.outage(Outage { after, lasts, hangs });
        })
        .await;
        ended.expect(Verdict::Pass, ExitKind::Pass);
    }
}

/// Away during the removal, then back: the removal goes on.
#[tokio::test(start_paused = true)]
async fn a_short_absence_during_the_removal_is_waited_out() {
    let healthy = run(&one_service(), |_| {}).await;
    for before_end in [500, 1500, 2500, 3500] {
        let after = healthy.took.saturating_sub(Duration::from_millis(before_end));
        let ended = away(after, Duration::from_secs(40), false).await;
        ended.expect(Verdict::Pass, ExitKind::Pass);
        assert!(ended.results().cleanup.complete);
    }
}
