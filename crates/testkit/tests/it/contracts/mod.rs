//! The fakes keep what every port promises: the other half of each line is in the tests of an
//! adapter.

mod backup;
mod doctor;
mod host;
mod recipes;
mod swarm;

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

#[tokio::test(start_paused = true)]
async fn stack_view() {
    contract::stack_view::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn stack_watch() {
    contract::stack_watch::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn objects() {
    contract::objects::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn files() {
    contract::files::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn exec() {
    contract::exec::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn restarts() {
    contract::restarts::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn images() {
    contract::images::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn deployer() {
    contract::deployer::check(async || swarm::Lab::new()).await;
}

#[tokio::test(start_paused = true)]
async fn engine_view() {
    contract::engine_view::check(async || doctor::Engine::new()).await;
}

#[tokio::test(start_paused = true)]
async fn host_view() {
    contract::host_view::check(async || doctor::Host::new()).await;
}

#[tokio::test(start_paused = true)]
async fn state_view() {
    contract::state_view::check(async || doctor::State::new()).await;
}
