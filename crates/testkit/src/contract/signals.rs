//! What [`Signals`] promises.

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::Signals;
use futures_util::FutureExt;

super::contract!(Signals: [
    nothing_comes_by_itself,
    each_signal_counts,
    what_came_before_is_told_at_once,
    a_waiter_that_is_dropped_loses_nothing,
    every_waiter_hears,
]);

/// Somewhere signals can come.
#[async_trait(?Send)]
pub trait Stage {
    /// The port, from before the first signal on.
    fn signals(&self) -> &dyn Signals;

    /// One signal. It may arrive a little later.
    async fn raise(&self);
}

async fn nothing_comes_by_itself<S: Stage>(stage: &S) {
    assert_eq!(stage.signals().count(), 0);
    let waited = tokio::time::timeout(Duration::from_millis(50), stage.signals().more_than(0));
    assert!(waited.await.is_err());
    assert_eq!(stage.signals().count(), 0);
}

async fn each_signal_counts<S: Stage>(stage: &S) {
    for nth in 1..=3 {
        stage.raise().await;
        assert_eq!(stage.signals().more_than(nth - 1).await, nth);
        assert_eq!(stage.signals().count(), nth);
    }
}

async fn what_came_before_is_told_at_once<S: Stage>(stage: &S) {
    for nth in 1..=2 {
        stage.raise().await;
        stage.signals().more_than(nth - 1).await;
    }
    assert_eq!(stage.signals().more_than(0).now_or_never(), Some(2));
    assert_eq!(stage.signals().more_than(1).now_or_never(), Some(2));
    assert_eq!(stage.signals().more_than(2).now_or_never(), None);
}

async fn a_waiter_that_is_dropped_loses_nothing<S: Stage>(stage: &S) {
    assert_eq!(stage.signals().more_than(0).now_or_never(), None);
    stage.raise().await;
    assert_eq!(stage.signals().more_than(0).await, 1);
}

async fn every_waiter_hears<S: Stage>(stage: &S) {
    let signals = stage.signals();
    let (one, other, ()) = tokio::join!(signals.more_than(0), signals.more_than(0), stage.raise());
    assert_eq!((one, other), (1, 1));
}
