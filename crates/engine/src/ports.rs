//! The ports a run needs, in one bundle.

use std::sync::Arc;

use cc_ci_core::ports::{
    Clock, Commands, Deployer, Entropy, Files, Images, Listener, Objects, Probe, Processes,
    Recipes, RunStore, Signals, StackView,
};

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
    /// Requests to stop.
    pub signals: Arc<dyn Signals>,
    /// The run directory.
    pub store: Arc<dyn RunStore>,
    /// Who hears of events.
    pub listener: Arc<dyn Listener>,
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
