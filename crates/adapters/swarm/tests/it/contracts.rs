//! The adapter keeps what its ports promise, on a real engine; the fake's half is in
//! `testkit/tests/it`.

use std::cell::RefCell;
use std::fmt::Write;

use async_trait::async_trait;
use cc_ci_core::ports::{EngineView, Images, NAMESPACE_LABEL, RUN_LABEL, StackView};
use cc_ci_model::compose::FailureAction;
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::stack::TaskState;
use cc_ci_swarm::Swarm;
use cc_ci_testkit::contract::stage::{Does, Engine, Life, Service, Situation, Stage, proxy, word};
use cc_ci_testkit::contract::{self, engine_view};

use crate::registry::{self, Registry};
use crate::support::{IMAGE, SOCKET, TestStack, docker, engine, try_docker, until};

const NO_IMAGE: &str = "cc-ci-fixture.invalid/no-such:1";

/// Stacks of a case's own on the engine.
struct Lab {
    swarm: Swarm,
    away: Swarm,
    stack: TestStack,
    other: TestStack,
    registry: RefCell<Option<Registry>>,
    images: RefCell<Vec<String>>,
    volumes: RefCell<Vec<String>>,
}

impl Lab {
    fn new(swarm: &Swarm) -> Self {
        Self {
            swarm: swarm.clone(),
            away: Swarm::connect("tcp://127.0.0.1:1").unwrap(),
            stack: TestStack::new(),
            other: TestStack::new(),
            registry: RefCell::default(),
            images: RefCell::default(),
            volumes: RefCell::default(),
        }
    }

    /// The registry of this case, and the name of the one image it has.
    async fn registry(&self) -> String {
        let running = self.registry.borrow().as_ref().map(|registry| registry.address.clone());
        if let Some(address) = running {
            return format!("{address}/test/web");
        }
        let registry = registry::start(self.stack.name.as_str()).await;
        let address = registry.address.clone();
        *self.registry.borrow_mut() = Some(registry);
        format!("{address}/test/web")
    }

    fn remove_later(&self, image: &str) -> String {
        self.images.borrow_mut().push(image.to_owned());
        image.to_owned()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for image in self.images.borrow().iter() {
            try_docker(&["rmi", image]);
        }
        for volume in self.volumes.borrow().iter() {
            try_docker(&["volume", "rm", volume]);
        }
    }
}

/// A service as `docker stack deploy` reads it. Jobs are made without it: CLI 20.10 knows none.
fn written(service: &Service) -> String {
    let Service { name, life, release, .. } = service;
    let image = if *life == Life::NoImage { NO_IMAGE } else { IMAGE };
    let mut text = format!("  {name}:\n    image: {image}\n");
    let slow = if *life == Life::StopsSlowly { ", STOP_DELAY: \"2\"" } else { "" };
    writeln!(text, "    environment: {{RELEASE: \"{release}\"{slow}}}").unwrap();
    let check = |test: &str| {
        format!("    healthcheck: {{test: [\"CMD\", \"{test}\"], interval: 500ms, retries: 2}}\n")
    };
    text += &match life {
        Life::Steady | Life::StopsSlowly | Life::NoImage | Life::Job => String::new(),
        Life::Healthy => check("true"),
        Life::Sick => check("false"),
        Life::OneShot => check("true").replace("500ms", "5s") + "    command: [\"true\"]\n",
        Life::Fails => {
            "    command: [\"sh\", \"-c\", \"echo one; echo two; echo three; exit 3\"]\n".to_owned()
        }
    };
    if service.volumes {
        text += "    volumes: [\"data:/data\", \"/anonymous\"]\n";
    }
    if service.rich {
        text += "    networks: [default, proxy]\n    secrets: [word]\n";
        text += "    configs: [{source: page, target: /page}]\n";
    }
    text + &policy(service)
}

fn policy(service: &Service) -> String {
    let restart = match service.life {
        Life::Fails | Life::NoImage => "restart_policy: {condition: none}, ",
        Life::Sick | Life::OneShot => "restart_policy: {condition: on-failure}, ",
        Life::Steady | Life::Healthy | Life::StopsSlowly | Life::Job => "",
    };
    let action = if service.on_failure == FailureAction::Rollback { "rollback" } else { "pause" };
    format!(
        "    deploy: {{{restart}update_config: {{monitor: 1s, failure_action: {action}}}, \
         rollback_config: {{monitor: 1s}}, endpoint_mode: dnsrr}}\n"
    )
}

/// The top level of a stack with those services.
fn top_level(stack: &StackName, services: &[Service]) -> String {
    let mut text = String::new();
    if services.iter().any(|service| service.volumes) {
        text += "volumes: {data: {}}\n";
    }
    if services.iter().any(|service| service.rich) {
        write!(
            text,
            "networks: {{default: {{}}, proxy: {{external: true, name: {}}}}}\n\
             secrets: {{word: {{external: true, name: {}}}}}\n\
             configs: {{page: {{file: ./compose.yml}}}}\n",
            proxy(stack),
            word(stack)
        )
        .unwrap();
    }
    text
}

#[async_trait(?Send)]
impl Stage for Lab {
    fn stack(&self) -> &StackName {
        &self.stack.name
    }

    fn run(&self) -> &RunId {
        &self.stack.run
    }

    fn engine(&self) -> &dyn Engine {
        &self.swarm
    }

    fn away(&self) -> &dyn Engine {
        &self.away
    }

    async fn deploy(&self, services: &[Service]) {
        let (jobs, others): (Vec<&Service>, Vec<&Service>) =
            services.iter().partition(|service| service.life == Life::Job);
        if !others.is_empty() {
            let text: String = others.into_iter().map(written).collect();
            self.stack.deploy(&text, &top_level(&self.stack.name, services));
        }
        for job in jobs {
            self.stack.create_job(job.name, IMAGE);
        }
    }

    async fn disturb(&self) {
        self.other.deploy(&written(&Service::new("other", Life::Steady)), "");
        let mut watch = self.swarm.watch(&self.other.name).await.unwrap();
        until(&mut watch, "running task", |facts| {
            facts.tasks.iter().any(|task| task.state == TaskState::Running)
        })
        .await;
    }

    async fn kill(&self, container: &str) {
        docker(&["kill", container]);
    }

    async fn volume(&self, name: &str, stack: Option<&str>) {
        let label = match stack {
            Some(stack) => format!("{NAMESPACE_LABEL}={stack}"),
            None => "cc-ci.test=contract".to_owned(),
        };
        assert!(!label.starts_with(RUN_LABEL));
        docker(&["volume", "create", "--label", &label, name]);
        self.volumes.borrow_mut().push(name.to_owned());
    }

    async fn look(&self, container: &str, path: &str) -> (u32, u32, u32) {
        let said = docker(&["exec", container, "stat", "-c", "%u %g %a", path]);
        let words: Vec<&str> = said.split(' ').collect();
        let number = |word: &str| word.parse().unwrap();
        (number(words[0]), number(words[1]), u32::from_str_radix(words[2], 8).unwrap())
    }

    fn command(&self, does: Does) -> Vec<String> {
        let script = match does {
            Does::Says(out, err, code) => {
                format!("printf %s '{out}'; printf %s '{err}' >&2; exit {code}")
            }
            Does::Floods(bytes) => {
                format!("head -c {bytes} /dev/zero | tr '\\0' x; printf end")
            }
            Does::Stays => "echo begun; exec sleep 1000".to_owned(),
            Does::TellsItsUser => "id -u".to_owned(),
            Does::Missing => return vec!["no-such-program".to_owned()],
        };
        ["sh", "-c", &script].map(str::to_owned).to_vec()
    }

    async fn image(&self, situation: Situation) -> String {
        match situation {
            Situation::PinnedAndHere => IMAGE.to_owned(),
            Situation::FloatingAndHere => {
                let reference = format!("127.0.0.1:1/{}", self.stack.name);
                docker(&["tag", IMAGE, &reference]);
                self.remove_later(&reference)
            }
            Situation::OnlyHere => {
                let reference = self.remove_later(&format!("{}:1", self.registry().await));
                // Pulled long ago, by somebody else.
                Swarm::connect(&format!("unix://{SOCKET}")).unwrap().ensure(&reference).await;
                if let Some(registry) = self.registry.borrow().as_ref() {
                    registry.forget("1");
                }
                reference
            }
            Situation::InItsRegistry => self.remove_later(&format!("{}:1", self.registry().await)),
            Situation::Nowhere => format!("{}:2", self.registry().await),
            Situation::BehindAClosedDoor => "127.0.0.1:1/a:1".to_owned(),
            Situation::Misspelled => "Not_a/Reference:1".to_owned(),
        }
    }

    fn image_of_services(&self) -> String {
        IMAGE.to_owned()
    }
}

#[tokio::test]
async fn stack_view() {
    let Some(swarm) = engine("stack_view") else { return };
    contract::stack_view::check(async || Lab::new(&swarm)).await;
}

#[tokio::test]
async fn stack_watch() {
    let Some(swarm) = engine("stack_watch") else { return };
    contract::stack_watch::check(async || Lab::new(&swarm)).await;
}

#[tokio::test]
async fn objects() {
    let Some(swarm) = engine("objects") else { return };
    contract::objects::check(async || Lab::new(&swarm)).await;
}

#[tokio::test]
async fn files() {
    let Some(swarm) = engine("files") else { return };
    contract::files::check(async || Lab::new(&swarm)).await;
}

#[tokio::test]
async fn exec() {
    let Some(swarm) = engine("exec") else { return };
    contract::exec::check(async || Lab::new(&swarm)).await;
}

#[tokio::test]
async fn restarts() {
    let Some(swarm) = engine("restarts") else { return };
    contract::restarts::check(async || Lab::new(&swarm)).await;
}

#[tokio::test]
async fn images() {
    let Some(swarm) = engine("images") else { return };
    contract::images::check(async || Lab::new(&swarm)).await;
}

#[async_trait(?Send)]
impl engine_view::Stage for Lab {
    fn engine(&self) -> &dyn EngineView {
        &self.swarm
    }

    fn away(&self) -> Box<dyn EngineView> {
        Box::new(self.away.clone())
    }

    async fn mark(&self) -> (String, [String; 3]) {
        let names = ["net", "word_v1", "data"].map(|name| self.stack.full(name));
        self.stack.create_network(&self.swarm, "net").await;
        self.stack.create_secret(&self.swarm, "word_v1", "value").await;
        self.volume(&names[2], None).await;
        (self.stack.run.to_string(), names)
    }
}

#[tokio::test]
async fn engine_view() {
    let Some(swarm) = engine("engine_view") else { return };
    contract::engine_view::check(async || Lab::new(&swarm)).await;
}
