//! `docker stack deploy` into the simulated Swarm.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    Clock, DeployAnswer, DeployRequest, Deployer, DeployerError, NAMESPACE_LABEL,
};
use cc_ci_model::compose::{DeclaredService, DeclaredStack};
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::name::{CommitSha, ComposeName};

use crate::build::stack::StackBuilder;
use crate::commands::FakeCommands;
use crate::faults::{Fate, Faults, injected};

use crate::recipes::FakeRecipes;
use crate::swarm::{FakeSwarm, Spec};

/// Between two objects it creates.
const PACE: Duration = Duration::from_millis(20);

/// Submits what a checkout declares, object by object, in the docker CLI's order: networks,
/// configs, then services. What it is stopped in the middle of stays half done.
#[derive(Debug)]
pub struct FakeDeployer {
    swarm: FakeSwarm,
    commands: Arc<FakeCommands>,
    faults: Arc<Faults>,
    inner: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    revisions: BTreeMap<PathBuf, StackBuilder>,
    replies: VecDeque<Reply>,
}

/// What the next deploys answer instead of doing their work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Does its work.
    Work,
    /// Refuses at once.
    Refuse(i32, String),
    /// Does its work and then ends with an error.
    WorkThenRefuse(i32, String),
    /// Has to be ended at its deadline.
    Stuck,
    /// Its program is not there.
    Missing,
}

impl FakeDeployer {
    /// A deployer that knows no checkout yet.
    pub fn new(swarm: FakeSwarm, commands: Arc<FakeCommands>, faults: Arc<Faults>) -> Self {
        Self { swarm, commands, faults, inner: Mutex::default() }
    }

    /// What a commit declares.
    pub fn commit(&self, commit: &CommitSha, declares: StackBuilder) {
        self.lock().revisions.insert(FakeRecipes::directory(commit), declares);
    }

    /// What the next deploy answers.
    pub fn reply(&self, reply: Reply) {
        self.lock().replies.push_back(reply);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Script> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pause(&self) {
        self.swarm.poke();
        let clock = self.swarm.clock();
        clock.sleep_until(clock.now().plus(PACE)).await;
    }

    async fn work(&self, request: &DeployRequest, stack: &StackBuilder) -> DeployAnswer {
        let declared = stack.declared(&request.stack);
        if self.swarm.reach("deploy a stack").await.is_err() {
            return said(1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.");
        }
        let mapped = self.swarm.sim().networks_in(&request.overlay);
        if let Some(missing) = declared.networks.iter().find(|n| n.external && mapped.is_empty()) {
            return said(
                1,
                &format!(
                    "network \"{}\" is declared as external, but could not be found. You need to create a swarm-scoped network before the stack is deployed",
                    missing.object
                ),
            );
        }
        let name = request.stack.as_str();
        for network in declared.networks.iter().filter(|network| !network.external) {
            self.swarm.sim().create_thing_of(ObjectKind::Network, &network.object, name);
            self.pause().await;
        }
        for config in declared.configs.iter().filter(|config| !config.external) {
            self.swarm.sim().create_thing_of(ObjectKind::Config, &config.object, name);
            self.pause().await;
        }
        for service in &declared.services {
            // The CLI looks a service's secrets up when it comes to it: what it made before stays.
            if let Some(missing) = self.missing_secret(&declared) {
                return said(1, &format!("service {}: secret not found: {missing}", service.name));
            }
            let labels = merged_labels(request, service);
            let spec = spec(&declared, service, name, &mapped, labels);
            self.swarm.sim().submit(name, spec);
            self.pause().await;
        }
        said(0, "Creating service\n")
    }

    async fn reply_to(
        &self,
        request: &DeployRequest,
        stack: &StackBuilder,
        reply: Reply,
    ) -> DeployAnswer {
        match reply {
            Reply::Work => self.work(request, stack).await,
            Reply::Refuse(code, text) => said(code, &text),
            Reply::WorkThenRefuse(code, text) => {
                self.work(request, stack).await;
                said(code, &text)
            }
            Reply::Stuck | Reply::Missing => std::future::pending().await,
        }
    }

    fn missing_secret(&self, declared: &DeclaredStack) -> Option<String> {
        let sim = self.swarm.sim();
        let missing =
            declared.secrets.iter().find(|secret| !sim.has(ObjectKind::Secret, &secret.object));
        missing.map(|secret| secret.object.clone())
    }
}

fn said(code: i32, text: &str) -> DeployAnswer {
    DeployAnswer { exit_code: Some(code), said: text.to_owned() }
}

/// Labels of the overlay that say which version this is: `coop-cloud.<stack>.…: value`.
fn stamped(overlay: &str) -> BTreeMap<String, String> {
    let bare = |text: &str| text.trim().trim_end_matches(',').trim_matches(['"', '\'']).to_owned();
    let lines = overlay.lines().filter(|line| line.contains("coop-cloud."));
    lines
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (bare(key), bare(value)))
        .collect()
}

/// Labels of a service, as compose files are merged: what comes later wins.
fn merged_labels(request: &DeployRequest, service: &DeclaredService) -> BTreeMap<String, String> {
    let mut labels = stamped(request.overlay_before.as_deref().unwrap_or_default());
    labels.extend(service.labels.clone());
    labels.extend(request.overlays.iter().flat_map(|overlay| stamped(&overlay.text)));
    labels.extend(stamped(&request.overlay));
    labels
}

pub(crate) fn spec(
    stack: &DeclaredStack,
    service: &DeclaredService,
    name: &str,
    mapped: &[String],
    mut labels: BTreeMap<String, String>,
) -> Spec {
    let full = |names: &[ComposeName], all: &[cc_ci_model::compose::DeclaredObject]| {
        let known = names.iter().filter_map(|name| all.iter().find(|object| object.name == *name));
        known.map(|object| object.object.clone()).collect::<Vec<String>>()
    };
    let networks = stack.networks.iter().filter(|network| service.networks.contains(&network.name));
    let volumes = service.mounts.iter().filter_map(|mount| {
        let source = mount.source.as_deref()?;
        let volume = stack.volumes.iter().find(|volume| volume.name.as_str() == source)?;
        Some((volume.object.clone(), mount.target.clone()))
    });
    labels.insert(NAMESPACE_LABEL.to_owned(), name.to_owned());
    labels.insert("com.docker.stack.image".to_owned(), service.image.clone());
    Spec {
        networks: networks
            .flat_map(
                |network| {
                    if network.external { mapped.to_vec() } else { vec![network.object.clone()] }
                },
            )
            .collect(),
        secrets: full(&service.secrets, &stack.secrets),
        configs: full(&service.configs, &stack.configs),
        volumes: volumes.collect(),
        declared: service.clone(),
        labels,
        forced: 0,
    }
}

#[async_trait]
impl Deployer for FakeDeployer {
    async fn deploy(&self, request: &DeployRequest) -> Result<DeployAnswer, DeployerError> {
        let failed = |message: String| DeployerError { program: "docker".into(), message };
        let fate = self.faults.enter("deploy a stack").await;
        if fate == Fate::Fail {
            return Err(failed(injected("deploy a stack")));
        }
        let (reply, stack) = {
            let mut script = self.lock();
            let reply = script.replies.pop_front().unwrap_or(Reply::Work);
            (reply, script.revisions.get(&request.directory).cloned())
        };
        if reply == Reply::Missing {
            return Err(failed("not found on its PATH".to_owned()));
        }
        let _child = self.commands.start();
        let stack = stack
            .ok_or_else(|| failed(format!("nothing is in {}", request.directory.display())))?;
        // Biased: what is done at the deadline is done.
        let answer = tokio::select! {
            biased;
            answer = self.reply_to(request, &stack, reply) => answer,
            () = self.swarm.clock().sleep_until(request.deadline) => {
                DeployAnswer { exit_code: None, said: String::new() }
            }
        };
        match fate {
            Fate::Go => Ok(answer),
            Fate::Fail | Fate::GoThenFail => Err(failed(injected("deploy a stack"))),
            Fate::GoThenHang => std::future::pending().await,
        }
    }
}
