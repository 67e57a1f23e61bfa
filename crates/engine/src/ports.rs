//! The ports a run needs, in one bundle.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use cc_ci_core::ports::{
    Clock, Commands, Deployer, Entropy, Exec, Files, HostView, Images, Listener, Objects, Probe,
    Processes, Recipes, Restarts, RunStore, Signals, Snapshots, StackView, Volumes,
};

use cc_ci_model::name::ComposeName;
use cc_ci_model::secret::Secret;

use crate::cleanup::Sweeper;

/// Everything a run touches.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// The run's clone of the recipe.
    pub recipes: Arc<dyn Recipes>,
    /// What submits stacks.
    pub deployer: Arc<dyn Deployer>,
    /// Child processes; the run's journal is attached to it.
    pub commands: Arc<dyn Commands>,
    /// Stacks.
    pub stacks: Arc<dyn StackView>,
    /// Single objects.
    pub objects: Arc<dyn Objects>,
    /// Files inside containers.
    pub files: Arc<dyn Files>,
    /// Images.
    pub images: Arc<dyn Images>,
    /// Requests to the app.
    pub probe: Arc<dyn Probe>,
    /// This process and others.
    pub processes: Arc<dyn Processes>,
    /// Commands inside containers.
    pub exec: Arc<dyn Exec>,
    /// Restarts of services.
    pub restarts: Arc<dyn Restarts>,
    /// The files of volumes.
    pub volumes: Arc<dyn Volumes>,
    /// The run's snapshots.
    pub snapshots: Arc<dyn Snapshots>,
    /// The host this process runs on.
    pub host: Arc<dyn HostView>,
    /// Requests to stop.
    pub signals: Arc<dyn Signals>,
    /// The run directory.
    pub store: Arc<dyn RunStore>,
    /// Who hears of events.
    pub listener: Arc<dyn Listener>,
    /// Where tests find themselves.
    pub place: Place,
}

/// Where the tests of a run find themselves, and what else of the pack is in no plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The run's directory.
    pub run_directory: PathBuf,
    /// The folder of the pack that was given.
    pub pack: Option<PathBuf>,
    /// `PATH`.
    pub path: String,
    /// Values of secrets that the pack gives. They are in no plan and no log.
    pub secrets: BTreeMap<ComposeName, Secret>,
}

impl Ports {
    /// The part of it that removes things.
    pub fn sweeper(&self) -> Sweeper {
        Sweeper {
            clock: self.clock.clone(),
            objects: self.objects.clone(),
            processes: self.processes.clone(),
            signals: self.signals.clone(),
        }
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}
