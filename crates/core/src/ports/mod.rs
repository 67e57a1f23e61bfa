//! The ports: what the engine needs from the outside, in words of the domain.
//!
//! A port gives facts and has effects; it never decides. Each has one adapter and one fake
//! (`testkit`), and a contract both keep (`testkit::contract`).

mod backup;
mod doctor;
mod host;
mod recipes;
mod store;
mod swarm;

pub use backup::{
    Exec, ExecOutput, ExecRequest, FileFacts, Restarts, SnapshotEntry, SnapshotError,
    SnapshotSource, Snapshots, VolumeError, Volumes, Weight,
};
pub use doctor::{
    Bridge, EngineState, EngineView, HostView, Kernel, Node, Remembered, RunTrace, StateView,
    SwarmState, Trace,
};
pub use host::{
    ChildLog, Clock, CommandError, CommandLine, CommandOutput, Commands, Entropy, HttpRequest,
    HttpSend, Listener, Probe, ProbeError, Processes, Signals,
};
pub use recipes::{
    DeployAnswer, DeployRequest, Deployer, DeployerError, RecipeError, RecipeFacts, RecipeSource,
    Recipes, Release, ReleasesKnown, Tree,
};
pub use store::{RunStore, StoreError};
pub use swarm::{
    EngineError, Files, Images, NAMESPACE_LABEL, Objects, RUN_LABEL, Removal, Scope, StackView,
    StackWatch, TaskAddress, Wake,
};
