//! What these tests share: an engine, stacks that remove themselves, waiting.

use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use cc_ci_core::ports::{NAMESPACE_LABEL, Objects, RUN_LABEL, Scope, StackWatch};
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::{StackFacts, TaskFacts};
use cc_ci_swarm::Swarm;

/// The image of all test services.
pub(crate) const IMAGE: &str = "cc-ci-fixture.invalid/static-web:2.1.0";

/// Where the engine listens.
pub(crate) const SOCKET: &str = "/var/run/docker.sock";

/// The engine, or `None` when these tests were not asked for.
pub(crate) fn engine(test: &str) -> Option<Swarm> {
    #[expect(clippy::disallowed_methods, reason = "tests are asked for by the environment")]
    let asked_for = std::env::var("CC_CI_E2E").is_ok_and(|value| value == "1");
    if !asked_for {
        // Past the test harness, which would keep the output of a test that passes.
        let skipped = format!("SKIPPED {test}: set CC_CI_E2E=1 to run it on this engine\n");
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        return None;
    }
    Some(Swarm::connect(&format!("unix://{SOCKET}")).expect("the engine's socket is there"))
}

/// Runs the docker CLI.
#[track_caller]
pub(crate) fn docker(arguments: &[&str]) -> String {
    let (is_ok, said) = try_docker(arguments);
    assert!(is_ok, "docker {arguments:?}: {said}");
    said
}

pub(crate) fn try_docker(arguments: &[&str]) -> (bool, String) {
    #[expect(clippy::disallowed_methods, reason = "tests prepare what they look at")]
    let output = Command::new("docker").args(arguments).output().unwrap();
    let streams = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&streams).trim().to_owned())
}

/// A time to measure from.
#[expect(clippy::disallowed_methods, reason = "latencies are measured in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A stack of this test alone, gone when it is dropped.
pub(crate) struct TestStack {
    pub(crate) name: StackName,
    pub(crate) run: RunId,
    folder: tempfile::TempDir,
}

impl TestStack {
    pub(crate) fn new() -> Self {
        let chance = std::hash::RandomState::new().build_hasher().finish();
        let hex = format!("{:06x}", chance & 0xff_ffff);
        Self {
            name: format!("adaptertest-{hex}").parse().unwrap(),
            run: format!("20000101T000000-adaptertest-{hex}").parse().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The full name of something in it.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("{}_{name}", self.name)
    }

    /// Deploys services, written as the inside of `services:`, and further top-level keys.
    pub(crate) fn deploy(&self, services: &str, top_level: &str) {
        let file = self.folder.path().join("compose.yml");
        let text = format!("version: \"3.8\"\nservices:\n{services}\n{top_level}\n");
        File::create(&file).unwrap().write_all(text.as_bytes()).unwrap();
        docker(&["stack", "deploy", "-c", file.to_str().unwrap(), self.name.as_str()]);
    }

    /// A job of two completions that do nothing, in the stack's default network.
    pub(crate) fn create_job(&self, name: &str, image: &str) {
        let (name, network) = (self.full(name), self.full("default"));
        let label = format!("{NAMESPACE_LABEL}={}", self.name);
        // A deploy before has made it already.
        try_docker(&["network", "create", "--driver", "overlay", "--label", &label, &network]);
        let of_stack = ["--label", &label, "--container-label", &label, "--network", &network];
        let job = ["--mode", "replicated-job", "--replicas", "2", "--endpoint-mode", "dnsrr"];
        let how = ["--detach", "--no-resolve-image", "--restart-condition", "on-failure"];
        let named = ["--name", &name, image, "true"];
        docker(&[&["service", "create"][..], &of_stack, &job, &how, &named].concat());
    }

    pub(crate) async fn create_network(&self, swarm: &Swarm, name: &str) {
        let created = swarm.create_network(&self.run, &self.name, &self.full(name)).await;
        created.unwrap();
    }

    pub(crate) async fn create_secret(&self, swarm: &Swarm, name: &str, value: &str) {
        let value = Secret::new(value);
        let created = swarm.create_secret(&self.run, &self.name, &self.full(name), &value).await;
        created.unwrap();
    }

    pub(crate) fn scope(&self, names: &[&str]) -> Scope {
        Scope {
            run: Some(self.run.clone()),
            stacks: vec![self.name.clone()],
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl Drop for TestStack {
    fn drop(&mut self) {
        let labels = [
            format!("label={NAMESPACE_LABEL}={}", self.name),
            format!("label={RUN_LABEL}={}", self.run),
        ];
        let ids = |kind: &[&str], label: &str| -> Vec<String> {
            let said = try_docker(&[kind, &["ls", "-q", "--filter", label]].concat()).1;
            said.lines().map(str::to_owned).collect()
        };
        for service in ids(&["service"], &labels[0]) {
            try_docker(&["service", "rm", &service]);
        }
        let began = now();
        let containers = |more: &[&str]| -> Vec<String> {
            let listed = try_docker(&[&["ps", "-aq", "--filter", &labels[0]], more].concat()).1;
            listed.lines().map(str::to_owned).collect()
        };
        while !containers(&[]).is_empty() && began.elapsed() < Duration::from_secs(30) {
            // Those of jobs would stay for ever.
            for id in containers(&["--filter", "status=exited"]) {
                try_docker(&["rm", "-v", &id]);
            }
            pause();
        }
        for label in &labels {
            let left = try_docker(&["ps", "-aq", "--filter", label]).1;
            for id in left.lines() {
                try_docker(&["rm", "-f", "-v", id]);
            }
            for kind in ["network", "secret", "config", "volume"] {
                for id in ids(&[kind], label) {
                    try_docker(&[kind, "rm", &id]);
                }
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "real stacks take real time")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(200));
}

/// Looks whenever something changes, and every second, until `condition` holds.
#[track_caller]
pub(crate) fn until<'a>(
    watch: &'a mut Box<dyn StackWatch>,
    what: &'a str,
    condition: impl Fn(&StackFacts) -> bool + 'a,
) -> impl Future<Output = StackFacts> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let began = now();
        loop {
            let facts = watch.observe().await.unwrap();
            if condition(&facts) {
                return facts;
            }
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(40), "{caller}: no {what}, last seen: {facts:#?}");
            let _polled = tokio::time::timeout(Duration::from_secs(1), watch.changed()).await;
        }
    }
}

/// The only task of a service.
#[track_caller]
pub(crate) fn only_task<'a>(facts: &'a StackFacts, service: &'a str) -> &'a TaskFacts {
    let tasks: Vec<&TaskFacts> = facts.tasks_of(service).collect();
    assert_eq!(tasks.len(), 1, "{tasks:#?}");
    tasks[0]
}
