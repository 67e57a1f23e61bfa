//! What an act sees when all is well, and what it sees when the recipe is at fault, in the words
//! of the log: for tests that walk through a run without an engine.

use std::collections::BTreeMap;
use std::time::Duration;

use cc_ci_core::meter::{Got, Sample, seen};
use cc_ci_model::backup::{
    HookTime, KeptMarker, MarkerFile, MarkerInSnapshot, PathWeight, RestoreSeen, SnapshotPath,
    SnapshotSeen, TestSeen,
};
use cc_ci_model::compose::{DeclaredObject, DeclaredService, DeclaredStack, ServiceMode};
use cc_ci_model::evidence::{
    Act, DeploySeen, Evidence, ImageFound, ImageSeen, MarkerSeen, SettleSeen,
};
use cc_ci_model::intent::{Intent, Object, ObjectKind};
use cc_ci_model::meter::MeterSeen;
use cc_ci_model::name::ComposeName;
use cc_ci_model::plan::{BaseChoice, Plan, PlannedApp, PlannedTest, Revision};
use cc_ci_model::stack::{ServiceFacts, StackFacts, TaskState};
use cc_ci_model::time::Timestamp;

use super::data::data_found;
use super::facts::{FactsBuilder, TaskBuilder};
use super::seen::{
    answered, backed_up, examined, expected, front_page, hook, observed, page, present, undeployed,
    verified,
};

/// What the engine would show of an app of a plan that runs a revision.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The app.
    pub app: &'a PlannedApp,
    /// What it runs.
    pub revision: Revision,
    /// When the act ends.
    pub at: Timestamp,
}

impl Shown<'_> {
    /// What an act sees when all is well.
    pub fn good(&self, act: Act) -> Evidence {
        match act {
            Act::EnsureImages { revision } => {
                Evidence::Images { images: self.images(revision, &present()) }
            }
            Act::Deploy { revision } => {
                Evidence::Deployed(self.deployed(revision, 0, "Creating service"))
            }
            Act::Converge => Evidence::Settled(self.settled(self.facts(), false)),
            Act::Answer => {
                Evidence::Answered(answered(2, page(200, "<title>Welcome</title>"), false))
            }
            Act::Meter => Evidence::Metered { seen: self.metered("....") },
            Act::Inspect => Evidence::Page(front_page("<title>Welcome</title>")),
            Act::Plant => self.planted(true),
            Act::Seek => self.sought(true),
            Act::Mark => self.marked(self.before(), true),
            Act::Backup => Evidence::BackedUp(backed_up(0)),
            Act::ReadSnapshot => Evidence::Snapshot(self.snapshot(true)),
            Act::Disturb => self.disturbed(false),
            Act::Verify => Evidence::Verified(verified(0)),
            Act::Undeploy => Evidence::Undeployed(undeployed(self.plan, Vec::new())),
            Act::Restore => Evidence::Restored(RestoreSeen {
                hooks: Vec::new(),
                snapshot: "snapshot".into(),
                markers: Vec::new(),
                problem: None,
            }),
            Act::Restart => Evidence::Restarted { services: vec!["app".into()] },
            Act::Recall => self.recalled(true),
            Act::Test => Evidence::Tested { tests: self.tests(0) },
            Act::Examine => examined(self.facts()),
            Act::Observe => observed(self.facts()),
            Act::Dismantle => Evidence::Dismantled { left: Vec::new(), refusals: Vec::new() },
        }
    }

    /// What a meter saw that asked once a second: `x` is a request that failed.
    fn metered(&self, samples: &str) -> Option<MeterSeen> {
        let got = |letter| match letter {
            'x' => Got::Nothing { why: "connection refused".into() },
            _ => Got::Answer,
        };
        let at = |second| self.at.plus(Duration::from_secs(second));
        let samples = (0..).zip(samples.chars());
        let samples = samples.map(|(second, letter)| Sample { at: at(second), got: got(letter) });
        seen("app", 1000, samples.collect())
    }

    /// What was in each backed-up path before a backup.
    fn before(&self) -> Vec<PathWeight> {
        let weight = |(volume, path)| PathWeight { volume, path, files: Some(1), newest: None };
        self.paths().map(weight).collect()
    }

    /// What an act sees when the recipe is at fault.
    pub fn bad(&self, act: Act) -> Evidence {
        match act {
            Act::EnsureImages { revision } => {
                let missing = ImageFound::NotFound { message: "manifest unknown".into() };
                Evidence::Images { images: self.images(revision, &missing) }
            }
            Act::Deploy { revision } => {
                Evidence::Deployed(self.deployed(revision, 1, "invalid compose file"))
            }
            Act::Converge => Evidence::Settled(self.settled(self.starting(), true)),
            Act::Answer => Evidence::Answered(answered(0, page(503, "starting"), true)),
            Act::Meter => Evidence::Metered { seen: self.metered(".xx.") },
            Act::Inspect => Evidence::Page(front_page("<title>502 Bad Gateway</title>")),
            Act::Plant => self.planted(false),
            Act::Seek => self.sought(false),
            Act::Mark => self.marked(Vec::new(), false),
            Act::Backup => Evidence::BackedUp(backed_up(1)),
            Act::ReadSnapshot => Evidence::Snapshot(self.snapshot(false)),
            Act::Disturb => self.disturbed(true),
            Act::Verify => Evidence::Verified(verified(1)),
            Act::Undeploy => Evidence::Undeployed(undeployed(self.plan, vec![self.leftover()])),
            Act::Restore => Evidence::Restored(RestoreSeen {
                hooks: vec![hook(HookTime::RestorePost, 1)],
                snapshot: "snapshot".into(),
                markers: Vec::new(),
                problem: None,
            }),
            Act::Restart => Evidence::Restarted { services: Vec::new() },
            Act::Recall => self.recalled(false),
            Act::Test => Evidence::Tested { tests: self.tests(1) },
            Act::Examine => examined(self.looping()),
            Act::Observe => observed(self.looping()),
            Act::Dismantle => Evidence::Dismantled {
                left: vec![self.leftover()],
                refusals: vec!["in use".into()],
            },
        }
    }

    /// What is announced before an act has its effects.
    pub fn intents(&self, act: Act) -> Vec<Intent> {
        if !matches!(act, Act::Deploy { .. }) {
            return Vec::new();
        }
        let app = self.app;
        let stack = Intent::Stack {
            app: app.id.clone(),
            stack: app.stack.clone(),
            volumes: Vec::new(),
            networks: Vec::new(),
            configs: Vec::new(),
        };
        vec![stack, Intent::Network { name: app.network.clone() }]
    }

    fn declared(&self, revision: Revision) -> Option<&DeclaredStack> {
        self.plan.declared(self.app.role, revision)
    }

    fn images(&self, revision: Revision, found: &ImageFound) -> Vec<ImageSeen> {
        let services =
            self.declared(revision).map(|stack| stack.services.as_slice()).unwrap_or_default();
        let image = |service: &DeclaredService| ImageSeen {
            service: service.name.to_string(),
            reference: service.image.clone(),
            found: found.clone(),
            retries: 0,
        };
        services.iter().map(image).collect()
    }

    fn deployed(&self, revision: Revision, exit_code: i32, said: &str) -> DeploySeen {
        let services = if exit_code == 0 { self.services(revision) } else { Vec::new() };
        DeploySeen {
            revision,
            exit_code: Some(exit_code),
            said: said.to_owned(),
            engine_answers: true,
            services,
        }
    }

    /// The services as the engine holds them after a deploy of that revision.
    pub fn services(&self, revision: Revision) -> Vec<ServiceFacts> {
        let Some(declared) = self.declared(revision) else { return Vec::new() };
        let built = declared.services.iter().fold(FactsBuilder::new(), |facts, service| {
            facts.service(service.name.as_str(), service.mode).with(|held| {
                held.image.clone_from(&service.image);
                held.labels = self.labels(revision);
                held.template = self.template(declared, service);
                if let ServiceMode::ReplicatedJob { completions } = service.mode {
                    held.completed_tasks = completions;
                }
            })
        });
        built.build().services
    }

    fn labels(&self, revision: Revision) -> BTreeMap<String, String> {
        let key = |name: &str| format!("coop-cloud.{}.{name}", self.app.stack);
        match (revision, &self.plan.base) {
            (Revision::Base, BaseChoice::Release(base)) => {
                [(key("version"), base.version.to_string())].into()
            }
            (Revision::Base | Revision::Head, _) => {
                [(key("chaos-version"), self.plan.head.commit.short().to_owned())].into()
            }
        }
    }

    fn template(
        &self,
        stack: &DeclaredStack,
        service: &DeclaredService,
    ) -> BTreeMap<String, String> {
        let mut template: BTreeMap<String, String> =
            [("ContainerSpec.Image".to_owned(), service.image.clone())].into();
        for mount in &service.mounts {
            let Some(source) = &mount.source else { continue };
            let volume = stack.volumes.iter().find(|volume| volume.name.as_str() == source);
            let object = volume.map(|volume| self.object(volume)).unwrap_or_default();
            template.insert(format!("ContainerSpec.Mounts.{}.Source", mount.target), object);
        }
        let mut uses = |names: &[ComposeName], all: &[DeclaredObject], path: &str, key: &str| {
            for object in all.iter().filter(|object| names.contains(&object.name)) {
                let name = self.object(object);
                template.insert(format!("ContainerSpec.{path}.{name}.{key}"), name);
            }
        };
        uses(&service.secrets, &stack.secrets, "Secrets", "SecretName");
        uses(&service.configs, &stack.configs, "Configs", "ConfigName");
        template
    }

    /// An object's name in this app: the plan holds it for the app that is installed first.
    fn object(&self, object: &DeclaredObject) -> String {
        let first = format!("{}_", self.plan.head.declared_for);
        match object.object.strip_prefix(&first) {
            Some(rest) => format!("{}_{rest}", self.app.stack),
            None => object.object.clone(),
        }
    }

    fn facts(&self) -> StackFacts {
        self.with_tasks(TaskBuilder::up)
    }

    fn starting(&self) -> StackFacts {
        self.with_tasks(|| TaskBuilder::new(TaskState::Starting))
    }

    /// Tasks died twice since the stack had settled.
    fn looping(&self) -> StackFacts {
        let mut facts = self.facts();
        for task in facts.tasks.clone() {
            for nth in 1..=2 {
                let mut dead = task.clone();
                dead.id = format!("{}-dead-{nth}", task.id);
                (dead.state, dead.desired) = (TaskState::Failed, TaskState::Shutdown);
                dead.exit_code = Some(1);
                facts.tasks.push(dead);
            }
        }
        facts
    }

    fn with_tasks(&self, task: impl Fn() -> TaskBuilder) -> StackFacts {
        let mut facts =
            StackFacts { services: self.services(self.revision), ..StackFacts::default() };
        for service in &facts.services {
            let slots = match service.mode {
                ServiceMode::Replicated { replicas } => replicas,
                ServiceMode::Global => 1,
                ServiceMode::ReplicatedJob { .. } | ServiceMode::GlobalJob => 0,
            };
            for slot in 1..=slots {
                let id = format!("{}-{}-{slot}", service.name, self.revision);
                let built = FactsBuilder::new()
                    .replicated(&service.name, 1)
                    .task(task().id(&id).slot(slot));
                facts.tasks.extend(built.build().tasks);
            }
        }
        facts
    }

    fn settled(&self, facts: StackFacts, expired: bool) -> SettleSeen {
        let held = Timestamp::from_millis(self.at.as_millis() - 30_000);
        let (looked_at, absences) = (self.at, Vec::new());
        SettleSeen { facts, held_since: held, looked_at, expired, engine_answers: true, absences }
    }

    pub(super) fn markers(&self, found: bool) -> Vec<MarkerSeen> {
        let marker = |planned: &cc_ci_model::plan::PlannedMarker| {
            let nonce = format!("nonce-of-{}", planned.volume);
            MarkerSeen {
                volume: planned.volume.to_string(),
                found: found.then(|| nonce.clone()),
                nonce,
                service: Some(planned.service.to_string()),
                path: Some(format!("{}/marker", planned.target)),
                problem: None,
            }
        };
        self.plan.markers.iter().map(marker).collect()
    }

    /// Every backed-up path: the volume's compose name, and where in it.
    fn paths(&self) -> impl Iterator<Item = (String, String)> {
        self.plan.backup.volumes.iter().flat_map(|backed| {
            let volume = backed.volume.to_string();
            let paths =
                if backed.paths.is_empty() { vec![String::new()] } else { backed.paths.clone() };
            paths.into_iter().map(move |path| (volume.clone(), path))
        })
    }

    /// One marker in each volume, as planted, or as something else.
    pub(super) fn kept(&self, intact: bool) -> Vec<KeptMarker> {
        let declared = self.declared(Revision::Head);
        let volumes = declared.iter().flat_map(|stack| &stack.volumes);
        let marker = |volume: &DeclaredObject| {
            let nonce = format!("nonce-in-{}", volume.name);
            let content = if intact { nonce.clone() } else { "something else".to_owned() };
            let backed_up =
                self.plan.backup.volumes.iter().any(|known| known.volume == volume.name);
            let file = MarkerFile { content, uid: 1000, gid: 1000, mode: 0o640, xattrs: None };
            KeptMarker {
                volume: volume.name.to_string(),
                path: ".marker".into(),
                nonce,
                backed_up,
                file: Some(file),
                problem: None,
            }
        };
        volumes.map(marker).collect()
    }

    fn snapshot(&self, found: bool) -> SnapshotSeen {
        let paths = self.paths();
        let paths = paths.map(|(volume, path)| SnapshotPath { volume, path, files: 9, bytes: 640 });
        let markers = self.kept(true).into_iter();
        let markers = markers.map(|KeptMarker { volume, nonce, .. }| MarkerInSnapshot {
            volume,
            nonce,
            found,
        });
        SnapshotSeen {
            snapshot: "snapshot".into(),
            paths: paths.collect(),
            markers: markers.collect(),
            data: data_found(self.plan, found),
            expected: expected(self.plan, found),
        }
    }

    fn tests(&self, code: i32) -> Vec<TestSeen> {
        let test = |planned: &PlannedTest| TestSeen {
            name: planned.name.clone(),
            code: Some(code),
            expired: false,
            duration_ms: 10,
            said: String::new(),
            tap: None,
            problem: None,
            unfit: None,
        };
        self.plan.tests.iter().map(test).collect()
    }

    fn leftover(&self) -> Object {
        Object {
            kind: ObjectKind::Network,
            id: "left".into(),
            name: self.app.network.clone(),
            stack: Some(self.app.stack.to_string()),
            run: None,
        }
    }
}
