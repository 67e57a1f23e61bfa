//! The fakes keep what every port promises: the other half of each line is in the tests of an
//! adapter.

mod backup;
mod host;
mod recipes;

use std::sync::Arc;

use cc_ci_testkit::contract;
use cc_ci_testkit::{FakeSwarm, Faults, VirtualClock};

/// An empty Swarm.
fn swarm() -> FakeSwarm {
    FakeSwarm::new(Arc::new(VirtualClock::new()), Arc::new(Faults::none()))
}

#[tokio::test(start_paused = true)]
async fn clock() {
    contract::clock::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn entropy() {
    contract::entropy::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn signals() {
    contract::signals::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn processes() {
    contract::processes::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn commands() {
    contract::commands::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn probe() {
    contract::probe::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn store() {
    contract::store::check(async || host::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn recipes() {
    contract::recipes::check(async || recipes::Origin::new()).await;
}

#[tokio::test(start_paused = true)]
async fn volumes() {
    contract::volumes::check(async || backup::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn snapshots() {
    contract::snapshots::check(async || backup::Host::new()).await;
}
