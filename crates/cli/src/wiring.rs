//! Puts adapters behind the engine's ports.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use cc_ci_backup::{HostVolumes, RusticSnapshots};
use cc_ci_coop::{GitRecipes, NativeDeployer};
use cc_ci_core::ports::{Clock, Commands, EngineView, Listener};
use cc_ci_engine::cleanup::Sweeper;
use cc_ci_engine::doctor::{Doctor, Surroundings, Trying, Ways};
use cc_ci_engine::planning::Planner;
use cc_ci_engine::ports::{Place, Ports};
use cc_ci_host::{
    Helper, HostCommands, HostProcesses, HttpProbe, OsEntropy, SystemClock, ThisHost, UnixSignals,
};
use cc_ci_model::host::{HostFacts, SwarmRole, Tried};
use cc_ci_store::{RunDir, StateDir};
use cc_ci_swarm::{Credentials, Swarm};

use crate::failure::{Failure, chain};
use crate::settings::Settings;

/// The first argument of this program when it is about to become a child of itself.
pub(crate) const CHILD: &str = "__child";

/// Becomes the program named by the rest of the arguments, tied to the life of its parent.
pub(crate) fn become_child(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let parsed = match arguments.as_slice() {
        [parent, program, rest @ ..] => parent
            .to_str()
            .and_then(|parent| parent.parse().ok())
            .map(|parent| (parent, program, rest)),
        _ => None,
    };
    let message = match parsed {
        Some((parent, program, rest)) => {
            let error = cc_ci_host::run_as_child(parent, program, rest);
            format!("cannot run `{}`: {error}", program.display())
        }
        None => format!("`{CHILD}` is for cc-ci itself"),
    };
    Failure::error(message).print()
}

/// What is a run's own.
pub(crate) struct Room {
    pub(crate) recipes: Arc<GitRecipes>,
    /// Where clones, overlays and snapshots go.
    pub(crate) work: PathBuf,
    /// Where the engine keeps volumes.
    pub(crate) volume_root: PathBuf,
    pub(crate) store: Arc<RunDir>,
    pub(crate) place: Place,
    pub(crate) signals: Arc<UnixSignals>,
}

/// Adapters that need no engine.
pub(crate) struct Tools {
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) commands: Arc<HostCommands>,
}

impl Tools {
    pub(crate) fn new() -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(|error| {
            Failure::error(format!("cannot tell where cc-ci itself is: {error}"))
        })?;
        let helper = Helper { program: own, arguments: vec![CHILD.to_owned()] };
        let clock = Arc::new(SystemClock::new());
        let commands = HostCommands::new(Some(helper))
            .map_err(|error| Failure::error(format!("cannot prepare to run programs: {error}")))?;
        Ok(Self { clock, commands: Arc::new(commands) })
    }

    /// Who looks at this host, with or without an engine.
    pub(crate) fn doctor(&self, settings: &Settings) -> Doctor {
        let engine = Swarm::connect(&settings.docker_host);
        Doctor {
            clock: self.clock.clone(),
            commands: self.commands.clone(),
            engine: engine.map(|swarm| Arc::new(swarm) as Arc<dyn EngineView>),
            host: Arc::new(ThisHost),
            state: Arc::new(StateDir::new(&settings.state)),
            surroundings: Surroundings {
                docker_host: settings.docker_host.clone(),
                search_path: settings.path.clone(),
                directory: settings.directory.clone(),
            },
        }
    }
}

/// Adapters that need no run directory.
pub(crate) struct Host {
    tools: Tools,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) commands: Arc<HostCommands>,
    pub(crate) swarm: Swarm,
}

impl Host {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Failure> {
        let tools = Tools::new()?;
        let swarm =
            Swarm::connect(&settings.docker_host).map_err(|error| no_engine(&chain(&error)))?;
        let swarm = match settings.docker_config() {
            Some(folder) => swarm.with_credentials(Credentials::new(
                tools.commands.clone(),
                tools.clock.clone(),
                &folder,
                settings.docker_environment(),
            )),
            None => swarm,
        };
        Ok(Self { clock: tools.clock.clone(), commands: tools.commands.clone(), tools, swarm })
    }

    /// The host's facts; refuses one that cannot deploy, or whose tasks were tried and cannot be
    /// reached.
    pub(crate) async fn facts(
        &self,
        settings: &Settings,
        trying: Trying,
    ) -> Result<HostFacts, Failure> {
        let version =
            crate::docker_cli::version(self.commands.as_ref(), self.clock.now(), settings).await?;
        let facts = self.swarm.facts(version).await;
        let facts = facts.map_err(|error| no_engine(&chain(&error)))?;
        let Ways { vips, task_addresses } = self.tools.doctor(settings).ways(trying).await;
        let facts = HostFacts { vips, task_addresses, ..facts };
        let more = "`cc-ci doctor` says more";
        match (facts.swarm, task_addresses) {
            (SwarmRole::Manager, Tried::Fails) if trying == Trying::Allowed => Err(Failure::error(
                "tasks cannot be reached from here: no app would be seen to answer",
            )
            .hint(format!(
                "run cc-ci on the engine's own host; in a container, with `--network host`; {more}"
            ))),
            (SwarmRole::Manager, _) => self.with_a_node(facts).await,
            (SwarmRole::Inactive, _) => Err(Failure::error(
                "this Docker engine is in no Swarm, or not ready in one",
            )
            .hint(format!(
                "make it one: `docker swarm init` (add `--advertise-addr 127.0.0.1` on a laptop); \
                     a locked one: `docker swarm unlock`; {more}"
            ))),
            (SwarmRole::Worker, _) => {
                Err(Failure::error("this Docker engine is a worker: it cannot deploy stacks")
                    .hint("run cc-ci on a manager node, or set DOCKER_HOST to one"))
            }
        }
    }

    /// Where no node takes tasks every one would wait for a node until its time is up, and the
    /// recipe would be blamed.
    async fn with_a_node(&self, facts: HostFacts) -> Result<HostFacts, Failure> {
        let takes_tasks = self.swarm.takes_tasks().await;
        if takes_tasks.map_err(|error| no_engine(&chain(&error)))? {
            return Ok(facts);
        }
        Err(Failure::error("no node of the Swarm takes tasks: each is drained, paused or down")
            .hint("see `docker node ls`, then `docker node update --availability active NODE`"))
    }

    pub(crate) fn recipes(&self, settings: &Settings, work: &Path) -> Arc<GitRecipes> {
        Arc::new(GitRecipes::new(self.commands.clone(), self.clock.clone(), work, &settings.path))
    }

    pub(crate) fn planner(&self, recipes: Arc<GitRecipes>) -> Planner {
        Planner { clock: self.clock.clone(), recipes }
    }

    /// Everything a run touches.
    pub(crate) fn ports(
        &self,
        settings: &Settings,
        room: Room,
        listener: Arc<dyn Listener>,
    ) -> Result<Ports, Failure> {
        let Room { recipes, work, volume_root, store, place, signals } = room;
        let commands: Arc<dyn Commands> = self.commands.clone();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let deployer = NativeDeployer::new(commands.clone(), &work, settings.docker_environment());
        let probe = HttpProbe::new().map_err(|error| Failure::error(error.to_string()))?;
        let swarm = Arc::new(self.swarm.clone());
        Ok(Ports {
            clock,
            entropy: Arc::new(OsEntropy),
            recipes,
            deployer: Arc::new(deployer),
            commands,
            stacks: swarm.clone(),
            objects: swarm.clone(),
            files: swarm.clone(),
            exec: swarm.clone(),
            restarts: swarm.clone(),
            volumes: Arc::new(HostVolumes::new(volume_root)),
            snapshots: Arc::new(RusticSnapshots::new(work.join("snapshots"), Arc::new(OsEntropy))),
            images: swarm,
            host: Arc::new(ThisHost),
            probe: Arc::new(probe),
            processes: processes()?,
            signals,
            store,
            listener,
            place,
        })
    }

    /// Listens to signals from here on.
    pub(crate) fn signals() -> Result<Arc<UnixSignals>, Failure> {
        let signals = UnixSignals::listen().map_err(|error| Failure::error(error.to_string()))?;
        Ok(Arc::new(signals))
    }

    /// What a sweep needs.
    pub(crate) fn sweeper(&self) -> Result<Sweeper, Failure> {
        Ok(Sweeper {
            clock: self.clock.clone(),
            objects: Arc::new(self.swarm.clone()),
            processes: processes()?,
            signals: Self::signals()?,
        })
    }
}

fn processes() -> Result<Arc<HostProcesses>, Failure> {
    let processes = HostProcesses::new();
    processes.map(Arc::new).map_err(|error| Failure::error(format!("cannot read /proc: {error}")))
}

fn no_engine(message: &str) -> Failure {
    Failure::error(format!("no Docker engine answers: {message}"))
        .hint("start it, or set DOCKER_HOST to one that runs; `scripts/engine up` of the source tree starts one on Debian")
}
