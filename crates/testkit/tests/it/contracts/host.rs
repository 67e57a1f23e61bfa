//! The fake host as the stage of its contracts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    Clock, CommandLine, CommandOutput, Commands, DeployRequest, Deployer, Entropy, HttpRequest,
    HttpSend, Probe, Processes, RunStore, Signals, StackView,
};
use cc_ci_model::intent::ProcessId;
use cc_ci_testkit::build::plan::head_commit;
use cc_ci_testkit::contract::{clock, commands, entropy, probe, processes, signals, store};
use cc_ci_testkit::host::process;
use cc_ci_testkit::{
    Answer, Behaviour, FakeCommands, FakeRecipes, PlanBuilder, Play, World, service, stack,
};
use commands::Does;

pub(crate) struct Host {
    world: World,
    programs: Cell<u32>,
}

impl Host {
    pub(crate) fn new() -> Self {
        let plan = PlanBuilder::new(stack([service("app").unchecked()]));
        Self { world: World::of(&plan), programs: Cell::new(0) }
    }
}

fn front_page(address: IpAddr) -> HttpRequest {
    HttpRequest {
        address,
        port: 80,
        domain: "app.example.org".into(),
        path: "/".into(),
        send: HttpSend::default(),
        timeout: Duration::from_secs(5),
    }
}

impl clock::Stage for Host {
    fn clock(&self) -> &dyn Clock {
        self.world.clock.as_ref()
    }
}

impl entropy::Stage for Host {
    fn entropy(&self) -> &dyn Entropy {
        self.world.entropy.as_ref()
    }
}

#[async_trait(?Send)]
impl signals::Stage for Host {
    fn signals(&self) -> &dyn Signals {
        self.world.signals.as_ref()
    }

    async fn raise(&self) {
        self.world.signals.raise();
    }
}

#[async_trait(?Send)]
impl processes::Stage for Host {
    fn processes(&self) -> &dyn Processes {
        self.world.processes.as_ref()
    }

    /// One that ignores TERM gets KILL: to the fake that is the same.
    async fn start(&self, _stubborn: bool) -> ProcessId {
        self.programs.set(self.programs.get() + 1);
        let pid = 100 + i32::try_from(self.programs.get()).expect("a few processes");
        self.world.processes.with_orphan(pid, false);
        process(pid)
    }

    async fn ended(&self) -> ProcessId {
        process(99)
    }
}

#[async_trait(?Send)]
impl commands::Stage for Host {
    fn commands(&self) -> &dyn Commands {
        self.world.commands.as_ref()
    }

    fn clock(&self) -> &dyn Clock {
        self.world.clock.as_ref()
    }

    fn program(&self, does: Does) -> CommandLine {
        self.programs.set(self.programs.get() + 1);
        let program = format!("program-{}", self.programs.get());
        let commands: &FakeCommands = &self.world.commands;
        let end = |code, stdout, stderr| {
            Play::End(CommandOutput { code, expired: false, stdout, stderr })
        };
        commands.play(
            &program,
            match does {
                Does::Says { out, err, code } => end(Some(code), out, err),
                Does::Repeats => Play::Repeat,
                Does::Dies => end(None, Vec::new(), Vec::new()),
                Does::Stays => Play::Stay,
                Does::Missing => {
                    commands.unfit(&program, "not found on its PATH");
                    Play::Repeat
                }
            },
        );
        CommandLine {
            program,
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: "/".into(),
            input: Vec::new(),
            deadline: self.world.clock.now().plus(Duration::from_mins(1)),
        }
    }
}

#[async_trait(?Send)]
impl probe::Stage for Host {
    fn probe(&self) -> &dyn Probe {
        self.world.probe.as_ref()
    }

    async fn app(&self, answers: Vec<Answer>) -> HttpRequest {
        let world = &self.world;
        world.swarm.behave("app", Behaviour::steady().answering(answers));
        let app = &world.plan.apps[0].stack;
        let request = DeployRequest {
            stack: app.clone(),
            directory: FakeRecipes::directory(&head_commit()),
            compose_files: vec!["compose.yml".into()],
            overlay_before: None,
            overlays: Vec::new(),
            overlay: String::new(),
            env: BTreeMap::new(),
            deadline: world.clock.now().plus(Duration::from_mins(1)),
        };
        world.deployer.deploy(&request).await.expect("docker can be run");
        world.clock.sleep_until(world.clock.now().plus(Duration::from_secs(20))).await;
        let addresses = world.swarm.addresses(app, "app").await.expect("the engine answers");
        front_page(addresses[0].address)
    }

    async fn nobody(&self) -> HttpRequest {
        front_page(Ipv4Addr::new(172, 18, 0, 99).into())
    }
}

impl store::Stage for Host {
    fn store(&self) -> &dyn RunStore {
        self.world.store.as_ref()
    }

    fn log(&self) -> Vec<u8> {
        self.world.store.log()
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.world.store.file(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        self.world.store.put(name, content);
    }

    fn files(&self) -> Vec<String> {
        self.world.store.files()
    }
}
