//! Finding out about a host, over ports only: everything for `cc-ci doctor`, and for a run or a
//! plan what has to be tried. Nothing is changed but what the state folder remembers.
//!
//! Each question has a limit of its own, so that one that is not answered does not keep the
//! others from being asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cc_ci_core::doctor::{Disk, Facts, Program, Reach, task_addresses, vips};
use cc_ci_core::ports::{
    Bridge, Clock, CommandLine, Commands, EngineError, EngineState, EngineView, HostView,
    Remembered, StateView, SwarmState,
};
use cc_ci_model::host::Tried;

/// How long the engine, or a program, may take for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long something on the tasks' bridge may take: it is on this very host.
const BRIDGE_WITHIN: Duration = Duration::from_secs(2);

/// How many addresses on the bridge are asked.
const ASKED: usize = 3;

/// Programs that are looked for beside `docker`: cc-ci calls the first, tests the others.
const PROGRAMS: [&str; 3] = ["git", "bash", "curl"];

/// Who finds out.
#[derive(Clone)]
pub struct Doctor {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Programs.
    pub commands: Arc<dyn Commands>,
    /// The engine, or why there is none to ask.
    pub engine: Result<Arc<dyn EngineView>, EngineError>,
    /// This host.
    pub host: Arc<dyn HostView>,
    /// Where runs are kept.
    pub state: Arc<dyn StateView>,
    /// What the environment says.
    pub surroundings: Surroundings,
}

/// What the environment says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The engine's address.
    pub docker_host: String,
    /// `PATH`.
    pub search_path: String,
    /// Where programs run.
    pub directory: PathBuf,
}

/// What is known of the ways to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    /// Whether service VIPs answer.
    pub vips: Tried,
    /// Whether this process reaches tasks.
    pub task_addresses: Tried,
}

/// Whether something may be tried that was not in this boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trying {
    /// It is tried unless it is known to work, and remembered.
    Allowed,
    /// Only what is remembered counts.
    Forbidden,
}

impl Doctor {
    /// Looks at everything. Takes at most some ten seconds for each question.
    pub async fn look(&self) -> Facts {
        let engine = self.engine_state().await;
        let reach = match &engine {
            Ok(engine) => self.reach_of(engine).await,
            Err(_) => Reach::default(),
        };
        let root = engine.as_ref().ok().and_then(|engine| engine.root.clone());
        Facts {
            docker_host: self.surroundings.docker_host.clone(),
            cli: self.program("docker").await,
            programs: self.programs().await,
            marked: self.marked(&engine).await,
            reach,
            engine,
            has_ip_vs: self.host.has_ip_vs(),
            kernel: self.host.kernel(),
            volumes: root.as_ref().map(|root| self.volumes(root)),
            state_folder: self.state.folder().display().to_string(),
            state_writable: self.host.can_write(self.state.folder()),
            disks: self.disks(root.as_deref()),
            memory_available_bytes: self.host.memory_available_bytes(),
            open_files: self.host.open_files(),
            runs: self.state.runs(),
        }
    }

    /// What a plan has to know of the ways to an app (PLAN-1). A bad answer that is remembered is
    /// tried again: what was in the way may be gone.
    pub async fn ways(&self, trying: Trying) -> Ways {
        let Ok(engine) = self.engine_state().await else {
            return Ways { vips: Tried::Unknown, task_addresses: Tried::Unknown };
        };
        let kernel = self.host.kernel();
        let vips = vips(&engine.kernel, &kernel, self.host.has_ip_vs());
        let remembered = self.remembered(&engine);
        let task_addresses = match (remembered, trying) {
            (Tried::Works, _) | (_, Trying::Forbidden) => remembered,
            (Tried::Fails | Tried::Unknown, Trying::Allowed) => {
                task_addresses(&engine.kernel, &kernel, &self.reach_of(&engine).await)
            }
        };
        Ways { vips, task_addresses }
    }

    async fn engine_state(&self) -> Result<EngineState, EngineError> {
        let engine = self.engine.clone()?;
        self.within("read the engine's state", engine.state()).await
    }

    /// Tries, and remembers what follows.
    async fn reach_of(&self, engine: &EngineState) -> Reach {
        let reach = self.reach().await;
        self.remember(engine, task_addresses(&engine.kernel, &self.host.kernel(), &reach));
        reach
    }

    /// Nothing is made for it: what is on the bridge anyway is asked.
    async fn reach(&self) -> Reach {
        let Ok(Some(Bridge { gateway, addresses })) = self.bridge().await else {
            return Reach::default();
        };
        let mut answered = None;
        for address in addresses.into_iter().take(ASKED) {
            if answered != Some(true) {
                answered = Some(self.host.answers(address, BRIDGE_WITHIN).await);
            }
        }
        let gateway_is_own = gateway.is_some_and(|gateway| self.host.is_own(gateway));
        Reach { gateway, gateway_is_own, answered }
    }

    async fn bridge(&self) -> Result<Option<Bridge>, EngineError> {
        let engine = self.engine.clone()?;
        self.within("look at the tasks' bridge", engine.bridge()).await
    }

    /// Only a manager knows.
    async fn marked(
        &self,
        state: &Result<EngineState, EngineError>,
    ) -> Option<Result<Vec<cc_ci_model::intent::Object>, EngineError>> {
        let engine = self.engine.clone().ok()?;
        let SwarmState::Manager { nodes: Ok(_), .. } = state.as_ref().ok()?.swarm else {
            return None;
        };
        Some(self.within("look for leftovers", engine.marked()).await)
    }

    async fn within<T>(
        &self,
        operation: &str,
        answer: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.clock.sleep_until(self.clock.now().plus(ANSWER_WITHIN)) => {
                Err(EngineError::Unreachable {
                    operation: operation.to_owned(),
                    message: format!("no answer within {} s", ANSWER_WITHIN.as_secs()),
                })
            }
        }
    }

    async fn programs(&self) -> Vec<Program> {
        let mut programs = Vec::new();
        for name in PROGRAMS {
            programs.push(self.program(name).await);
        }
        programs
    }

    /// `--version` needs no engine: `docker version` would ask one first.
    async fn program(&self, name: &str) -> Program {
        let path = ("PATH".to_owned(), self.surroundings.search_path.clone());
        let command = CommandLine {
            program: name.to_owned(),
            arguments: vec!["--version".to_owned()],
            environment: BTreeMap::from([path]),
            directory: self.surroundings.directory.clone(),
            input: Vec::new(),
            deadline: self.clock.now().plus(ANSWER_WITHIN),
        };
        let said = match self.commands.run(&command).await {
            Ok(output) => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            Err(error) => Err(error.message),
        };
        Program { name: name.to_owned(), said }
    }

    fn volumes(&self, root: &str) -> (String, Result<(), String>) {
        let folder = format!("{root}/volumes");
        let listed = self.host.can_list(Path::new(&folder));
        (folder, listed)
    }

    /// Those that can be measured: an engine's folder that is not of this host is told by its
    /// volumes.
    fn disks(&self, root: Option<&str>) -> Vec<Disk> {
        let engine = root.filter(|root| self.host.can_list(Path::new(root)).is_ok());
        let engine = engine.map(|root| ("images and volumes", Path::new(root)));
        let folders = engine.into_iter().chain([("runs", self.state.folder())]);
        folders
            .filter_map(|(what, folder)| {
                let free_bytes = self.host.free_bytes(folder).ok()?;
                Some(Disk { what, folder: folder.display().to_string(), free_bytes })
            })
            .collect()
    }

    fn remembered(&self, engine: &EngineState) -> Tried {
        let same =
            |tried: &Remembered| tried.engine_id == engine.id && tried.world == self.host.world();
        let tried = self.state.remembered().filter(same);
        tried.map_or(Tried::Unknown, |tried| tried.task_addresses)
    }

    fn remember(&self, engine: &EngineState, task_addresses: Tried) {
        self.state.remember(&Remembered {
            world: self.host.world(),
            engine_id: engine.id.clone(),
            task_addresses,
        });
    }
}

impl std::fmt::Debug for Doctor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doctor").field("surroundings", &self.surroundings).finish_non_exhaustive()
    }
}
