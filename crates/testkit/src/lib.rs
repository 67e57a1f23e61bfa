//! Fakes of every port, virtual time and builders: what the tests of `core` and `engine` stand on.
//!
//! The fakes model the awkward parts: a Swarm that accepts an update and begins it later, loses
//! events, keeps containers for a while, refuses what is in use, and does not answer. Every fake
//! call passes one shared [`Faults`] counter, so that a test can fail, hang or interrupt each
//! call of a run in turn. Nothing here ever sleeps for real: time is tokio's paused clock.
//!
//! Reading order: [`clock`], [`faults`], [`build`], [`swarm`], then the small fakes, and
//! [`world`], which puts them together. [`contract`] says what a fake and its adapter have in
//! common: a fake that is kinder than the real thing would make every other test worth less.

pub mod build;
pub mod clock;
pub mod commands;
pub mod contract;
pub mod deployer;
pub mod doctor;
pub mod faults;
pub mod host;
pub mod probe;
pub mod recipes;
pub mod snapshots;
pub mod store;
pub mod swarm;
pub mod trace;
pub mod volumes;
pub mod world;

pub use build::evidence::Shown;
pub use build::facts::{FactsBuilder, TaskBuilder};
pub use build::log::numbered;
pub use build::plan::{PlanBuilder, app_id, host_facts, minimal_plan, two_service_plan};
pub use build::stack::{ServiceBuilder, StackBuilder, service, stack};
pub use clock::{SeededEntropy, VirtualClock};
pub use commands::{FakeCommands, Play};
pub use deployer::FakeDeployer;
pub use doctor::{FakeEngine, FakeHost, FakeState};
pub use faults::{Fate, Fault, Faults};
pub use host::{FakeProcesses, FakeSignals};
pub use probe::FakeProbe;
pub use recipes::{FakeRecipes, History};
pub use snapshots::{FakeSnapshots, Flaw};
pub use store::{MemoryStore, Recorder};
pub use swarm::behaviour::{Answer, Behaviour, Exit, Health, Life, Obstacle};
pub use swarm::commands::Script;
pub use swarm::timeline::{Timeline, Truth};
pub use swarm::{EventStream, FakeSwarm, Outage};
pub use trace::check_trace;
pub use volumes::FakeVolumes;
pub use world::World;
