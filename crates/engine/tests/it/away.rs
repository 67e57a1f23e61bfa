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

/// An engine that is away from `after` on, for `lasts`, in an install whose budget is ten minutes
/// and whose app is never up in time, or settles and never answers.
async fn too_slow(settles: bool, outage: Outage) -> Ended {
    run(&one_service(), |world: &World| {
        let minutes = Duration::from_mins(20);
        let never = Life { starts_after: minutes, ..Life::steady() };
        let mute = Life { listens_after: minutes, ..Life::steady() };
        world.swarm.behave("app", Behaviour::lives([if settles { mute } else { never }]));
        world.swarm.outage(outage);
    })
    .await
}

fn outage(after: u64, lasts: u64, hangs: bool) -> Outage {
    Outage { after: Duration::from_secs(after), lasts: Duration::from_secs(lasts), hangs }
}

/// VER-2, ADR 8: it hung for nearly the whole budget and answered only the last look. Whether the app
/// would have come up in a time that it had for itself nobody knows.
#[tokio::test(start_paused = true)]
async fn a_time_that_ran_out_while_the_engine_was_away_is_an_error() {
    for settles in [false, true] {
        for hangs in [false, true] {
            for (after, lasts) in [(20, 570), (20, 400), (450, 60)] {
                let ended = too_slow(settles, outage(after, lasts, hangs)).await;
                let case = format!("settles {settles}, hangs {hangs}, {after} s, {lasts} s");
                assert_eq!(ended.results().verdict, Verdict::Error, "{case}: {}", ended.said());
                let said = ended.said();
                assert!(said.contains("the engine did not answer for"), "{case}: {said}");
                ended.check();
            }
        }
    }
}

/// It was away for a moment, or at first: the rest of the time was the app's.
#[tokio::test(start_paused = true)]
async fn a_time_that_ran_out_after_a_short_absence_is_the_recipes() {
    for settles in [false, true] {
        for hangs in [false, true] {
            for (after, lasts) in [(20, 250), (450, 3)] {
                let ended = too_slow(settles, outage(after, lasts, hangs)).await;
                ended.expect(Verdict::Fail, ExitKind::Fail);
            }
        }
    }
}
