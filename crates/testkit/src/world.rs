//! Everything a run touches, in one place.

use std::sync::{Arc, Mutex, PoisonError};

use cc_ci_model::intent::{Intent, Object, ObjectKind};
use cc_ci_model::plan::{BaseChoice, Plan};

use crate::build::plan::PlanBuilder;
use crate::clock::{SeededEntropy, VirtualClock};
use crate::commands::FakeCommands;
use crate::deployer::FakeDeployer;
use crate::faults::Faults;
use crate::host::{FakeProcesses, FakeSignals};
use crate::probe::FakeProbe;
use crate::recipes::FakeRecipes;
use crate::snapshots::FakeSnapshots;
use crate::store::{MemoryStore, Recorder};
use crate::swarm::FakeSwarm;
use crate::volumes::FakeVolumes;

/// All fakes, wired together for one plan.
#[derive(Debug)]
pub struct World {
    /// Time.
    pub clock: Arc<VirtualClock>,
    /// What befalls which call.
    pub faults: Arc<Faults>,
    /// The Swarm.
    pub swarm: FakeSwarm,
    /// What submits stacks to it.
    pub deployer: Arc<FakeDeployer>,
    /// The recipe.
    pub recipes: Arc<FakeRecipes>,
    /// What asks its tasks.
    pub probe: Arc<FakeProbe>,
    /// Programs.
    pub commands: Arc<FakeCommands>,
    /// Processes.
    pub processes: Arc<FakeProcesses>,
    /// Signals.
    pub signals: Arc<FakeSignals>,
    /// The run directory.
    pub store: Arc<MemoryStore>,
    /// The files of volumes.
    pub volumes: Arc<FakeVolumes>,
    /// Snapshots of them.
    pub snapshots: Arc<FakeSnapshots>,
    /// Who heard of every event.
    pub recorder: Arc<Recorder>,
    /// Chance.
    pub entropy: Arc<SeededEntropy>,
    /// The plan.
    pub plan: Plan,
    /// Objects that were created although no intent announced them.
    unannounced: Arc<Mutex<Vec<Object>>>,
}

impl World {
    /// A world in which that plan goes well. To be made inside a runtime whose time is paused.
    pub fn of(builder: &PlanBuilder) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let faults = Arc::new(Faults::none());
        let swarm = FakeSwarm::new(clock.clone(), faults.clone());
        let commands = Arc::new(FakeCommands::new(clock.clone(), faults.clone()));
        let world = Self {
            deployer: Arc::new(FakeDeployer::new(swarm.clone(), commands.clone(), faults.clone())),
            recipes: Arc::new(FakeRecipes::new(faults.clone())),
            probe: Arc::new(FakeProbe::new(swarm.clone(), faults.clone())),
            processes: Arc::new(FakeProcesses::new(faults.clone())),
            signals: Arc::new(FakeSignals::new(clock.clone())),
            store: Arc::new(MemoryStore::new(faults.clone())),
            volumes: Arc::new(FakeVolumes::new(swarm.clone(), faults.clone())),
            snapshots: Arc::new(FakeSnapshots::new(swarm.clone(), faults.clone())),
            recorder: Arc::new(Recorder::default()),
            entropy: Arc::new(SeededEntropy::new(7)),
            plan: builder.build(),
            unannounced: Arc::default(),
            commands,
            clock,
            faults,
            swarm,
        };
        world.fill(builder);
        world.audit();
        world
    }

    /// Objects that were created although no intent announced them: must be none (TEAR-2).
    pub fn unannounced(&self) -> Vec<Object> {
        self.unannounced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fill(&self, builder: &PlanBuilder) {
        let head = &self.plan.head.commit;
        self.recipes.commit(head.clone(), builder.head_stack().tree());
        self.deployer.commit(head, builder.head_stack().clone());
        if let (BaseChoice::Release(base), Some(stack)) = (&self.plan.base, builder.base_stack()) {
            self.recipes.commit(base.commit.clone(), stack.tree());
            self.deployer.commit(&base.commit, stack.clone());
        }
    }

    fn audit(&self) {
        let (store, unannounced) = (self.store.clone(), self.unannounced.clone());
        self.swarm.on_create(move |object| {
            if !store.intents().iter().any(|intent| announces(intent, object)) {
                unannounced.lock().unwrap_or_else(PoisonError::into_inner).push(object.clone());
            }
        });
    }
}

/// Whether an intent says that this object may be created.
fn announces(intent: &Intent, object: &Object) -> bool {
    match intent {
        Intent::Stack { stack, volumes, networks, configs, .. } => {
            let named = |names: &[String]| names.contains(&object.name);
            let of_stack = object.stack.as_deref() == Some(stack.as_str());
            match object.kind {
                ObjectKind::Service | ObjectKind::Task | ObjectKind::Container => of_stack,
                ObjectKind::Network => named(networks),
                ObjectKind::Config | ObjectKind::Secret => named(configs),
                // Nobody knows the name of an anonymous volume before it is there.
                ObjectKind::Volume => named(volumes) || object.stack.is_none(),
            }
        }
        Intent::Secret { name } => object.kind == ObjectKind::Secret && object.name == *name,
        Intent::Network { name } => object.kind == ObjectKind::Network && object.name == *name,
    }
}
