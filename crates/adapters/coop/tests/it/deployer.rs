//! The native deployer keeps what its port promises, on a real engine. Runs with `CC_CI_E2E=1`
//! only, and says so otherwise; needs the docker CLI.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_coop::NativeDeployer;
use cc_ci_core::ports::{Clock, DeployRequest, Deployer};
use cc_ci_host::{HostCommands, SystemClock};
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::name::StackName;
use cc_ci_testkit::StackBuilder;
use cc_ci_testkit::contract::deployer::{self, Stage};
use tempfile::TempDir;

use crate::repository::write_bytes;

/// What every service of a contract runs.
const IMAGE: &str = "cc-ci-fixture.invalid/static-web:2.1.0";

/// A stack of a case's own, gone when it is dropped.
struct Lab {
    clock: SystemClock,
    folder: TempDir,
    deployer: NativeDeployer,
    stack: StackName,
    checkouts: Cell<u32>,
}

fn native(folder: &TempDir, path: &str) -> NativeDeployer {
    let commands = Arc::new(HostCommands::new(None).expect("/proc can be read"));
    let home = folder.path().display().to_string();
    let environment = [("PATH", path.to_owned()), ("HOME", home)];
    let environment = environment.map(|(key, value)| (key.to_owned(), value)).into();
    NativeDeployer::new(commands, folder.path(), environment)
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let chance = std::hash::RandomState::new().build_hasher().finish();
        let stack = format!("adaptertest-{:06x}", chance & 0xff_ffff);
        Self {
            clock: SystemClock::new(),
            deployer: native(&folder, "/usr/local/bin:/usr/bin:/bin"),
            folder,
            stack: stack.parse().expect("a name of a stack"),
            checkouts: Cell::new(0),
        }
    }

    fn request(&self, directory: PathBuf) -> DeployRequest {
        let env = [
            ("STACK_NAME", self.stack.as_str()),
            ("SETTINGS_VERSION", "v1"),
            ("SECRET_PASSWORD_VERSION", "v1"),
        ];
        DeployRequest {
            stack: self.stack.clone(),
            directory,
            compose_files: vec!["compose.yml".into()],
            overlay_before: None,
            overlays: Vec::new(),
            overlay: "version: \"3.8\"\n".into(),
            env: env.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            deadline: self.clock.now().plus(Duration::from_mins(1)),
        }
    }

    fn label(&self) -> String {
        format!("label=com.docker.stack.namespace={}", self.stack)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        docker(&["stack", "rm", self.stack.as_str()]);
        // A network stays until its tasks are gone.
        for _ in 0..100 {
            let left = docker(&["network", "ls", "-q", "--filter", &self.label()]).1;
            if left.is_empty() {
                return;
            }
            for id in left.lines() {
                docker(&["network", "rm", id]);
            }
            pause();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "real stacks take real time")]
fn pause() {
    std::thread::sleep(Duration::from_millis(200));
}

#[expect(clippy::disallowed_methods, reason = "tests look at what was deployed")]
fn docker(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("docker").args(arguments).output().expect("docker can be run");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success(), said)
}

/// The recipe's text with the fixture's image in it.
fn with_image(content: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(content);
    let lines = text.lines().map(|line| match line.trim_start().strip_prefix("image: ") {
        Some(_) => format!("    image: {IMAGE}\n"),
        None => format!("{line}\n"),
    });
    lines.collect::<String>().into_bytes()
}

#[async_trait(?Send)]
impl Stage for Lab {
    fn deployer(&self) -> &dyn Deployer {
        &self.deployer
    }

    fn missing(&self) -> Box<dyn Deployer> {
        Box::new(native(&self.folder, "/nonexistent"))
    }

    fn stack(&self) -> &StackName {
        &self.stack
    }

    async fn checkout(&self, declares: StackBuilder) -> DeployRequest {
        self.checkouts.set(self.checkouts.get() + 1);
        let directory = self.folder.path().join(format!("checkout-{}", self.checkouts.get()));
        for (name, content) in declares.tree() {
            write_bytes(&directory.join(name), &with_image(&content));
        }
        self.request(directory)
    }

    fn nowhere(&self) -> DeployRequest {
        self.request(self.folder.path().join("missing"))
    }

    fn in_a_hurry(&self, request: DeployRequest) -> DeployRequest {
        let deadline = self.clock.now().plus(Duration::from_millis(5));
        DeployRequest { deadline, ..request }
    }

    async fn names(&self, kind: ObjectKind) -> Vec<String> {
        let arguments = [kind.as_str(), "ls", "--format", "{{.Name}}", "--filter", &self.label()];
        let (is_ok, said) = docker(&arguments);
        assert!(is_ok, "docker {arguments:?}");
        let mut names: Vec<String> = said.lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    async fn label(&self, service: &str, key: &str) -> Option<String> {
        let labels = docker(&["service", "inspect", "-f", "{{json .Spec.Labels}}", service]).1;
        let labels: BTreeMap<String, String> = serde_json::from_str(&labels).ok()?;
        labels.get(key).cloned()
    }

    async fn template(&self, service: &str) -> String {
        let format = "{{.ID}} {{json .Spec.TaskTemplate}}";
        docker(&["service", "inspect", "-f", format, service]).1
    }
}

#[tokio::test]
async fn deployer() {
    #[expect(clippy::disallowed_methods, reason = "tests are asked for by the environment")]
    let asked_for = std::env::var("CC_CI_E2E").is_ok_and(|value| value == "1");
    if !asked_for {
        // Past the test harness, which would keep the output of a test that passes.
        let skipped = b"SKIPPED deployer: set CC_CI_E2E=1 to run it on this engine\n";
        std::io::stderr().write_all(skipped).expect("there is a standard error");
        return;
    }
    deployer::check(async || Lab::new()).await;
}
