//! The simulated Swarm as the stage of its contracts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, DeployRequest, Deployer, Objects, Scope, StackView};
use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::stack::ServiceFacts;
use cc_ci_testkit::contract::deployer;
use cc_ci_testkit::contract::stage::{
    Does, Engine, Life as Plays, Service, Situation, Stage, proxy,
};
use cc_ci_testkit::deployer::Reply;
use cc_ci_testkit::{
    Behaviour, Exit, FakeCommands, FakeDeployer, FakeRecipes, FakeSwarm, Faults, History, Life,
    Outage, Script, ServiceBuilder, StackBuilder, VirtualClock, service, stack,
};

const IMAGE: &str = "registry.test/static-web:2.1.0";
const NO_IMAGE: &str = "registry.test/no-such:1";

pub(crate) struct Lab {
    clock: Arc<VirtualClock>,
    swarm: FakeSwarm,
    away: FakeSwarm,
    pub(crate) deployer: FakeDeployer,
    stack: StackName,
    run: RunId,
    deploys: Cell<u32>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(VirtualClock::new());
        let faults = Arc::new(Faults::none());
        let swarm = FakeSwarm::new(clock.clone(), faults.clone());
        let away = FakeSwarm::new(clock.clone(), faults.clone());
        let (after, lasts) = (Duration::ZERO, Duration::from_hours(48));
        away.outage(Outage { after, lasts, hangs: false });
        let commands = Arc::new(FakeCommands::new(clock.clone(), faults.clone()));
        swarm.image(NO_IMAGE, ImageFound::NotFound { message: "manifest unknown".into() });
        Self {
            deployer: FakeDeployer::new(swarm.clone(), commands, faults),
            clock,
            swarm,
            away,
            stack: "contract-0a1b2c".parse().expect("a name of a stack"),
            run: "20000101T000000-contract-0a1b2c".parse().expect("an id of a run"),
            deploys: Cell::new(0),
        }
    }

    /// A commit that declares that.
    fn commit(&self, declares: StackBuilder) -> DeployRequest {
        self.deploys.set(self.deploys.get() + 1);
        let commit = History::id(&self.deploys.get().to_string());
        self.deployer.commit(&commit, declares);
        DeployRequest {
            stack: self.stack.clone(),
            directory: FakeRecipes::directory(&commit),
            compose_files: vec!["compose.yml".into()],
            overlay_before: None,
            overlays: Vec::new(),
            overlay: format!("networks: {{proxy: {{name: {}}}}}", proxy(&self.stack)),
            env: BTreeMap::new(),
            deadline: self.clock.now().plus(Duration::from_mins(1)),
        }
    }

    async fn deploy_into(&self, into: &StackName, services: Vec<ServiceBuilder>) {
        let request = DeployRequest { stack: into.clone(), ..self.commit(stack(services)) };
        let answer = self.deployer.deploy(&request).await.expect("docker can be run");
        assert_eq!(answer.exit_code, Some(0), "{}", answer.said);
    }
}

fn declared(wanted: &Service) -> ServiceBuilder {
    let plain = service(wanted.name).image(IMAGE).env("RELEASE", wanted.release).monitor_ms(1000);
    let once = RestartCondition::OnFailure;
    let mut service = match wanted.life {
        Plays::Steady | Plays::StopsSlowly => plain.unchecked(),
        Plays::Healthy => plain.retries(2),
        Plays::Sick | Plays::OneShot => plain.retries(2).restart(once),
        Plays::Fails => plain.unchecked().restart(RestartCondition::None),
        Plays::NoImage => plain.unchecked().image(NO_IMAGE).restart(RestartCondition::None),
        Plays::Job => plain.unchecked().mode(ServiceMode::ReplicatedJob { completions: 2 }),
    };
    service = service.on_failure(wanted.on_failure);
    if wanted.volumes {
        service = service.volume("data", "/data").volume("", "/anonymous");
    }
    if wanted.rich {
        service = service.network("default").network("proxy").secret("word").config("page");
    }
    service
}

fn behaviour(wanted: &Service) -> Behaviour {
    let on_term = Exit { after: Duration::from_secs(2), code: 0 };
    let at_once = Exit { after: Duration::from_millis(500), code: 0 };
    let plain = match wanted.life {
        Plays::Steady | Plays::NoImage => {
            Behaviour::lives([Life::with_health(cc_ci_testkit::Health::Unchecked)])
        }
        Plays::Healthy => Behaviour::steady(),
        Plays::StopsSlowly => Behaviour::lives([Life {
            on_term,
            ..Life::with_health(cc_ci_testkit::Health::Unchecked)
        }]),
        Plays::Sick => Behaviour::never_healthy(0),
        Plays::OneShot => Behaviour::lives([Life { ends: Some(at_once), ..Life::steady() }]),
        Plays::Fails => Behaviour::lives([Life::ending(at_once.after, 3)]),
        Plays::Job => Behaviour::one_shot(at_once.after),
    };
    let anonymous = if wanted.volumes { vec!["/anonymous".into()] } else { vec![] };
    Behaviour { anonymous, ..plain }
}

#[async_trait(?Send)]
impl Stage for Lab {
    fn stack(&self) -> &StackName {
        &self.stack
    }

    fn run(&self) -> &RunId {
        &self.run
    }

    fn engine(&self) -> &dyn Engine {
        &self.swarm
    }

    fn away(&self) -> &dyn Engine {
        &self.away
    }

    async fn deploy(&self, services: &[Service]) {
        for service in services {
            self.swarm.behave(service.name, behaviour(service));
            if service.life == Plays::Fails {
                self.swarm.writes(service.name, &["one", "two", "three"]);
            }
        }
        self.deploy_into(&self.stack, services.iter().map(declared).collect()).await;
    }

    async fn disturb(&self) {
        let other = "contract-other".parse().expect("a name of a stack");
        self.deploy_into(&other, vec![service("other").unchecked()]).await;
        self.clock.sleep_until(self.clock.now().plus(Duration::from_secs(20))).await;
    }

    async fn kill(&self, container: &str) {
        self.swarm.kill(container);
    }

    async fn volume(&self, name: &str, stack: Option<&str>) {
        self.swarm.foreign_of(ObjectKind::Volume, name, stack);
    }

    async fn look(&self, container: &str, path: &str) -> (u32, u32, u32) {
        let file = self.swarm.look(container, path).expect("it is there");
        (file.uid, file.gid, file.mode)
    }

    fn command(&self, does: Does) -> Vec<String> {
        let words = format!("{does:?}");
        let script = match does {
            Does::Says(out, err, code) => Script::End(code, format!("{out}{err}")),
            Does::Floods(bytes) => Script::End(0, format!("{}end", "x".repeat(bytes))),
            Does::Stays => Script::Stuck("begun\n".into()),
            Does::TellsItsUser => Script::End(0, "0\n".into()),
            Does::Missing => Script::End(126, "OCI runtime exec failed".into()),
        };
        self.swarm.script_command(&words, script);
        vec![words]
    }

    async fn image(&self, situation: Situation) -> String {
        let reference = format!("registry.test/{situation:?}:1").to_lowercase();
        let id = format!("sha256:{}", "0".repeat(64));
        let message = "in the registry's words".to_owned();
        let found = match situation {
            Situation::PinnedAndHere => return IMAGE.to_owned(),
            Situation::OnlyHere => ImageFound::LocalOnly { id, message },
            Situation::InItsRegistry => {
                ImageFound::Present { digest: Some(id.clone()), id, asked: true }
            }
            Situation::Nowhere | Situation::Misspelled => ImageFound::NotFound { message },
            Situation::FloatingAndHere | Situation::BehindAClosedDoor => {
                ImageFound::Unreachable { message }
            }
        };
        self.swarm.image(&reference, found);
        reference
    }

    fn image_of_services(&self) -> String {
        IMAGE.to_owned()
    }
}

impl Lab {
    /// A service by its full name.
    async fn service(&self, name: &str) -> Option<ServiceFacts> {
        let mut watch = self.swarm.watch(&self.stack).await.expect("the engine answers");
        let facts = watch.observe().await.expect("the engine answers");
        let short = name.strip_prefix(self.stack.as_str()).and_then(|rest| rest.strip_prefix('_'));
        facts.service(short.unwrap_or_default()).cloned()
    }
}

#[async_trait(?Send)]
impl deployer::Stage for Lab {
    fn deployer(&self) -> &dyn Deployer {
        &self.deployer
    }

    fn missing(&self) -> Box<dyn Deployer> {
        let other = Lab::new();
        other.deployer.reply(Reply::Missing);
        Box::new(other.deployer)
    }

    fn stack(&self) -> &StackName {
        &self.stack
    }

    async fn checkout(&self, declares: StackBuilder) -> DeployRequest {
        DeployRequest { overlay: String::new(), ..self.commit(declares) }
    }

    fn nowhere(&self) -> DeployRequest {
        let request = self.commit(stack([]));
        DeployRequest { directory: "/nowhere".into(), ..request }
    }

    fn in_a_hurry(&self, request: DeployRequest) -> DeployRequest {
        let deadline = self.clock.now().plus(Duration::from_millis(30));
        DeployRequest { deadline, ..request }
    }

    async fn names(&self, kind: ObjectKind) -> Vec<String> {
        let scope = Scope { run: None, stacks: vec![self.stack.clone()], names: Vec::new() };
        let all = self.swarm.inventory(&scope).await.expect("the engine answers");
        let of_kind = all.into_iter().filter(|object| object.kind == kind);
        let mut names: Vec<String> = of_kind.map(|object| object.name).collect();
        names.sort();
        names
    }

    async fn label(&self, service: &str, key: &str) -> Option<String> {
        self.service(service).await?.labels.get(key).cloned()
    }

    async fn template(&self, service: &str) -> String {
        let service = self.service(service).await.expect("it is there");
        format!("{:?} {:?}", service.id, service.template)
    }
}
