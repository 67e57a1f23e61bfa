//! What [`Clock`] promises.

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::Clock;
use cc_ci_model::time::Timestamp;
use futures_util::FutureExt;

super::contract!(Clock: [
    time_does_not_go_back,
    a_sleep_ends_when_it_is_time_and_not_before,
    what_is_over_is_not_waited_for,
    sleepers_wake_in_the_order_of_their_times,
    a_sleep_that_is_dropped_keeps_nobody_from_another,
]);

const SOON: Duration = Duration::from_millis(20);

/// Somewhere with a clock.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn clock(&self) -> &dyn Clock;
}

async fn time_does_not_go_back<S: Stage>(stage: &S) {
    let mut last = stage.clock().now();
    for _ in 0..1000 {
        let now = stage.clock().now();
        assert!(now >= last, "{last:?}, then {now:?}");
        last = now;
    }
}

async fn a_sleep_ends_when_it_is_time_and_not_before<S: Stage>(stage: &S) {
    let clock = stage.clock();
    for _ in 0..3 {
        let until = clock.now().plus(SOON);
        clock.sleep_until(until).await;
        assert!(clock.now() >= until);
    }
}

async fn what_is_over_is_not_waited_for<S: Stage>(stage: &S) {
    let clock = stage.clock();
    let now = clock.now();
    clock.sleep_until(now.plus(SOON)).await;
    for past in [now, Timestamp::from_millis(0), clock.now()] {
        assert!(clock.sleep_until(past).now_or_never().is_some(), "{past:?} is over");
    }
}

async fn sleepers_wake_in_the_order_of_their_times<S: Stage>(stage: &S) {
    let clock = stage.clock();
    let now = clock.now();
    let woken = std::cell::RefCell::new(Vec::new());
    let sleeper = |nth: u32| {
        let woken = &woken;
        async move {
            clock.sleep_until(now.plus(SOON * nth)).await;
            woken.borrow_mut().push(nth);
        }
    };
    tokio::join!(sleeper(3), sleeper(1), sleeper(2));
    assert_eq!(*woken.borrow(), [1, 2, 3]);
}

async fn a_sleep_that_is_dropped_keeps_nobody_from_another<S: Stage>(stage: &S) {
    let clock = stage.clock();
    let far = clock.now().plus(Duration::from_hours(1));
    assert!(clock.sleep_until(far).now_or_never().is_none(), "an hour is not over");
    let until = clock.now().plus(SOON);
    clock.sleep_until(until).await;
    assert!(clock.now() >= until && clock.now() < far);
}
