//! The simulated Swarm: what there is, and a queue of what is going to happen.
//!
//! Nothing here runs by itself: whoever looks first moves it to the present ([`Sim::advance`]).
//! Life of a task: `life.rs`; what an orchestrator does about it: `orchestrate.rs`, `update.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cc_ci_core::ports::FileFacts;
use cc_ci_model::compose::DeclaredService;
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::stack::{AnonymousVolume, TaskState, UpdateState};
use cc_ci_model::time::Timestamp;

use super::EventStream;
use super::behaviour::{Behaviour, Life};
use super::commands::Script;
use super::health::Checked;
use super::orchestrate::Place;
use super::update::Update;

/// Everything there is.
pub(crate) struct Sim {
    pub(crate) now: Timestamp,
    alarms: BTreeMap<(Timestamp, u64), Alarm>,
    counter: u64,
    pub(super) services: Vec<Service>,
    pub(super) tasks: Vec<Task>,
    pub(super) containers: Vec<Container>,
    pub(super) things: Vec<Thing>,
    pub(super) behaviours: BTreeMap<String, Behaviour>,
    /// Of whatever nothing was said about.
    steady: Behaviour,
    pub(super) images: BTreeMap<String, ImageFound>,
    pub(super) images_at_first: BTreeMap<String, (u32, ImageFound)>,
    pub(super) nodes: Vec<String>,
    pub(super) lives_begun: BTreeMap<(String, String), usize>,
    pub(super) requests: BTreeMap<String, usize>,
    /// Content of volumes and of containers' own layers: (volume or container, path) → bytes.
    pub(super) files: BTreeMap<(String, String), FileFacts>,
    pub(super) stream: EventStream,
    /// Changes a watcher could have heard of.
    pub(super) announced: u64,
    /// What commands inside containers do, by words they contain.
    pub(super) scripts: Vec<(String, Script)>,
    /// The same, for the first ones only.
    pub(super) first_scripts: Vec<(String, usize, Script)>,
    /// Values of secrets, which careless apps write into their logs.
    pub(super) secret_values: Vec<String>,
    /// What services write, by their short names.
    pub(super) written: BTreeMap<String, Vec<String>>,
    /// Commands that ran.
    pub(super) commands: Vec<String>,
    /// Volumes that a stranger's container has in use.
    pub(super) held: Vec<String>,
    /// Volumes whose files are on storage that outlives them.
    pub(super) outliving: Vec<String>,
    /// Changes, heard of or not.
    pub(super) changes: u64,
    /// How often the event stream broke.
    pub(super) gaps: u64,
    /// Everything ever created, for audits.
    pub(super) on_create: Option<OnCreate>,
}

type OnCreate = Arc<dyn Fn(&Object) + Send + Sync>;

/// What is going to happen.
pub(super) enum Alarm {
    Populate(String),
    Prepare(String),
    Make(String),
    Go(String),
    Check(String),
    Exit(String, i64),
    BeginUpdate(String, u64),
    Watched(String, u64),
    Reap(String),
    Script(Box<dyn FnOnce(&mut Sim) + Send>),
}

pub(super) struct Service {
    pub(super) id: String,
    pub(super) stack: String,
    pub(super) name: String,
    pub(super) version: u64,
    pub(super) spec: Arc<Spec>,
    pub(super) previous: Option<Arc<Spec>>,
    pub(super) state: UpdateState,
    pub(super) message: Option<String>,
    pub(super) update: Option<Update>,
    pub(super) completed: u64,
    /// How often each place was filled again after its task had ended.
    pub(super) attempts: BTreeMap<Place, u64>,
}

/// What was submitted for a service, with the names of what it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spec {
    pub(crate) declared: DeclaredService,
    pub(crate) networks: Vec<String>,
    pub(crate) secrets: Vec<String>,
    pub(crate) configs: Vec<String>,
    /// Volumes by full name, and where each is mounted.
    pub(crate) volumes: Vec<(String, String)>,
    pub(crate) labels: BTreeMap<String, String>,
    /// How often it was told to replace its tasks though nothing changed.
    pub(crate) forced: u64,
}

impl Spec {
    /// Whether a task of one serves as a task of the other.
    pub(super) fn makes_same_task(&self, other: &Spec) -> bool {
        self.declared.template == other.declared.template
            && self.networks == other.networks
            && self.secrets == other.secrets
            && self.configs == other.configs
            && self.volumes == other.volumes
            && self.forced == other.forced
    }
}

pub(super) struct Task {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) stack: String,
    pub(super) service_name: String,
    pub(super) slot: Option<u64>,
    pub(super) node: Option<String>,
    pub(super) state: TaskState,
    pub(super) desired: TaskState,
    pub(super) spec: Arc<Spec>,
    pub(super) life: Life,
    pub(super) message: String,
    pub(super) error: Option<String>,
    pub(super) exit_code: Option<i64>,
    pub(super) container: Option<String>,
    pub(super) stopping: bool,
}

pub(super) struct Container {
    pub(super) id: String,
    pub(super) task: String,
    pub(super) stack: String,
    pub(super) name: String,
    pub(super) running: bool,
    pub(super) started: Timestamp,
    pub(super) health: Option<Checked>,
    pub(super) oom: bool,
    pub(super) volumes: Vec<(String, String)>,
    pub(super) anonymous: Vec<AnonymousVolume>,
    pub(super) networks: Vec<String>,
    pub(super) address: u8,
}

/// A network, secret, config or volume.
pub(super) struct Thing {
    pub(super) object: Object,
    /// It was there before, and is nobody's business.
    pub(super) foreign: bool,
}

impl Sim {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            alarms: BTreeMap::new(),
            counter: 0,
            services: Vec::new(),
            tasks: Vec::new(),
            containers: Vec::new(),
            things: Vec::new(),
            behaviours: BTreeMap::new(),
            steady: Behaviour::steady(),
            images: BTreeMap::new(),
            images_at_first: BTreeMap::new(),
            nodes: vec!["node-1".into()],
            lives_begun: BTreeMap::new(),
            requests: BTreeMap::new(),
            files: BTreeMap::new(),
            stream: EventStream::Good,
            announced: 0,
            secret_values: Vec::new(),
            scripts: Vec::new(),
            first_scripts: Vec::new(),
            held: Vec::new(),
            outliving: Vec::new(),
            written: BTreeMap::new(),
            commands: Vec::new(),
            changes: 0,
            gaps: 0,
            on_create: None,
        }
    }

    /// Lets everything happen that is due until `to`.
    pub(super) fn advance(&mut self, to: Timestamp) {
        while let Some((&(at, _), _)) = self.alarms.first_key_value()
            && at <= to
        {
            let Some((_, alarm)) = self.alarms.pop_first() else { break };
            self.now = self.now.max(at);
            self.ring(alarm);
        }
        self.now = self.now.max(to);
    }

    /// When the next thing happens.
    pub(super) fn next_alarm(&self) -> Option<Timestamp> {
        self.alarms.first_key_value().map(|(&(at, _), _)| at)
    }

    pub(super) fn after(&mut self, later: Duration, alarm: Alarm) {
        let number = self.next_number();
        self.alarms.insert((self.now.plus(later), number), alarm);
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn new_id(&mut self, kind: &str) -> String {
        let number = self.next_number();
        format!("{kind}-{number:06}")
    }

    fn ring(&mut self, alarm: Alarm) {
        match alarm {
            Alarm::Populate(service) => self.populate(&service),
            Alarm::Prepare(task) => self.prepare(&task),
            Alarm::Make(task) => self.make(&task),
            Alarm::Go(task) => self.go(&task),
            Alarm::Check(task) => self.check(&task),
            Alarm::Exit(task, code) => self.exit(&task, code),
            Alarm::BeginUpdate(service, version) => self.begin_update(&service, version),
            Alarm::Watched(service, number) => self.watched(&service, number),
            Alarm::Reap(container) => self.reap(&container),
            Alarm::Script(script) => script(self),
        }
    }

    /// Something a watcher would hear of, unless the event is lost.
    pub(super) fn announce(&mut self) -> bool {
        self.changes += 1;
        let is_heard = match self.stream {
            EventStream::Good | EventStream::Doubled => true,
            EventStream::Deaf => false,
            EventStream::LosesEvery(nth) => !self.changes.is_multiple_of(nth.max(1)),
        };
        self.announced += u64::from(is_heard);
        is_heard
    }

    pub(super) fn behaviour(&self, declared: &DeclaredService) -> &Behaviour {
        let by_image = self.behaviours.get(&declared.image);
        let known = by_image.or_else(|| self.behaviours.get(declared.name.as_str()));
        known.unwrap_or(&self.steady)
    }

    pub(super) fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    pub(super) fn service_mut(&mut self, id: &str) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.id == id)
    }

    pub(super) fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    pub(super) fn task_mut(&mut self, id: &str) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.id == id)
    }

    pub(super) fn container_of(&self, task: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.task == task)
    }

    pub(super) fn container_of_mut(&mut self, task: &str) -> Option<&mut Container> {
        self.containers.iter_mut().find(|container| container.task == task)
    }

    /// A network, secret, config or volume; one of that name may be there already.
    pub(super) fn create_thing(
        &mut self,
        kind: ObjectKind,
        name: &str,
        stack: Option<&str>,
        run: Option<&str>,
    ) {
        if self.things.iter().any(|thing| thing.object.kind == kind && thing.object.name == name) {
            return;
        }
        let id =
            if kind == ObjectKind::Volume { name.to_owned() } else { self.new_id(kind.as_str()) };
        let object = Object {
            kind,
            id,
            name: name.to_owned(),
            stack: stack.map(str::to_owned),
            run: run.map(str::to_owned),
        };
        self.created(&object);
        self.things.push(Thing { object, foreign: false });
        self.announce();
    }

    pub(super) fn created(&self, object: &Object) {
        if let Some(hook) = &self.on_create {
            hook(object);
        }
    }
}
