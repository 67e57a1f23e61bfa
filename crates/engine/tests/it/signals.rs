//! Somebody stops the run (TEAR-3): the first signal cleans up, the second shortens, the third
//! ends it with a list of what is left.

use std::time::Duration;

use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::{Behaviour, Exit, Life, World};

use crate::harness::{Ended, go, one_service, run};

async fn signalled(at: Duration) -> Ended {
    run(&one_service(), |world: &World| world.signals.raise_after(at)).await
}

/// At every tenth of a second of a run.
#[tokio::test(start_paused = true)]
async fn a_signal_at_any_time_leaves_nothing_behind() {
    let healthy = run(&one_service(), |_| {}).await;
    let length = u64::try_from(healthy.took.as_millis()).unwrap();
    let mut cancelled = 0;
    for at in (0..length).step_by(90) {
        let ended = signalled(Duration::from_millis(at)).await;
        ended.check();
        assert_eq!(ended.world.swarm.left(), [], "signal at {at} ms");
        assert!(ended.results().cleanup.complete, "signal at {at} ms");
        if ended.results().verdict == Verdict::Pass {
            assert_eq!(
                *ended.results(),
                *healthy_with_other_log(&ended, &healthy),
                "signal at {at} ms"
            );
        } else {
            assert_eq!(
                (ended.results().verdict, ended.exit()),
                (Verdict::Cancelled, ExitKind::Cancelled)
            );
            cancelled += 1;
        }
    }
    assert!(cancelled > 30, "{cancelled}");
}

/// The same results but for what depends on the bytes of the log.
fn healthy_with_other_log<'a>(
    ended: &'a Ended,
    healthy: &Ended,
) -> &'a cc_ci_model::results::Results {
    assert_eq!(ended.results().rungs, healthy.results().rungs);
    ended.results()
}

/// Right before every call of a run: no call is too early or too late.
#[tokio::test(start_paused = true)]
async fn a_signal_before_any_call_leaves_nothing_behind() {
    let calls = run(&one_service(), |_| {}).await.world.faults.calls().len();
    for nth in 1..=calls {
        let world = World::of(&one_service());
        let signals = world.signals.clone();
        world.faults.before(nth, move || signals.raise());
        let ended = go(world).await;
        ended.check();
        assert_eq!(ended.world.swarm.left(), [], "signal before call {nth}");
        assert!(matches!(ended.results().verdict, Verdict::Cancelled | Verdict::Pass));
    }
}

fn stubborn() -> Behaviour {
    let on_term = Exit { after: Duration::from_hours(1), code: 0 };
    Behaviour {
        stop_grace: Duration::from_mins(2),
        ..Behaviour::lives([Life { on_term, ..Life::steady() }])
    }
}

async fn with_signals(times: &[u64]) -> Ended {
    run(&one_service(), |world: &World| {
        world.swarm.behave("app", stubborn());
        for second in times {
            world.signals.raise_after(Duration::from_secs(*second));
        }
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn after_one_signal_even_a_slow_removal_is_completed() {
    let ended = with_signals(&[5]).await;
    ended.expect(Verdict::Cancelled, ExitKind::Cancelled);
    assert!(ended.results().cleanup.complete);
    assert!(ended.took > Duration::from_mins(2), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn the_second_signal_shortens_the_removal() {
    let ended = with_signals(&[5, 10]).await;
    ended.expect(Verdict::Cancelled, ExitKind::Cancelled);
    assert!(!ended.results().cleanup.complete);
    assert!(!ended.results().cleanup.left.is_empty());
    assert!(ended.took < Duration::from_mins(1), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn the_third_signal_ends_it_and_lists_what_is_left() {
    let ended = with_signals(&[5, 10, 11]).await;
    ended.expect(Verdict::Cancelled, ExitKind::Cancelled);
    assert!(!ended.results().cleanup.left.is_empty());
    assert!(ended.took < Duration::from_secs(13), "{:?}", ended.took);
}

/// A kept app is not kept when somebody stops the run.
#[tokio::test(start_paused = true)]
async fn keep_does_not_keep_a_cancelled_run() {
    let builder = one_service().with(|plan| plan.keep = true);
    let ended =
        run(&builder, |world: &World| world.signals.raise_after(Duration::from_secs(5))).await;
    ended.expect(Verdict::Cancelled, ExitKind::Cancelled);
    assert_eq!(ended.world.swarm.left(), []);
}
