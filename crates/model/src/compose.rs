//! What a recipe's compose files declare, after interpolation and merging, as facts.
//!
//! The flattened maps ([`DeclaredService::template`]) hold everything Docker would act on, so
//! that two revisions can be compared without a list of keys that somebody has to keep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::ComposeName;

/// Everything one revision of a recipe declares for one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeclaredStack {
    /// The `version:` of the compose files; `None` when they have none.
    pub format: Option<String>,
    /// In the order of their names.
    pub services: Vec<DeclaredService>,
    /// Top-level volumes.
    pub volumes: Vec<DeclaredObject>,
    /// Top-level networks; `default` is in it when a service uses it implicitly.
    pub networks: Vec<DeclaredNetwork>,
    /// Top-level secrets.
    pub secrets: Vec<DeclaredObject>,
    /// Top-level configs.
    pub configs: Vec<DeclaredObject>,
}

/// A service as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeclaredService {
    /// Its name in the compose file.
    pub name: ComposeName,
    /// The image reference as rendered, e.g. `nginx:1.27.0`.
    pub image: String,
    /// How many tasks it wants.
    pub mode: ServiceMode,
    /// Its health check.
    pub health: HealthCheck,
    /// Published ports.
    pub ports: Vec<DeclaredPort>,
    /// Ports named by `expose:`.
    pub exposed: Vec<u16>,
    /// `deploy.labels`.
    pub labels: BTreeMap<String, String>,
    /// Keys its `environment:` sets, in any form, `env_file` included.
    pub env_keys: Vec<String>,
    /// Mounts.
    pub mounts: Vec<DeclaredMount>,
    /// The compose names of its networks.
    pub networks: Vec<ComposeName>,
    /// The compose names of its secrets.
    pub secrets: Vec<ComposeName>,
    /// The compose names of its configs.
    pub configs: Vec<ComposeName>,
    /// How an update of it goes.
    pub update: UpdatePolicy,
    /// `deploy.restart_policy.condition`.
    pub restart: RestartCondition,
    /// `deploy.endpoint_mode: dnsrr` was asked for.
    pub dnsrr: bool,
    /// Everything in the task template, the networks and the endpoint: path → value, e.g.
    /// `environment.TZ` → `UTC`. Deploy labels, replicas and policies are not in it.
    pub template: BTreeMap<String, String>,
    /// Deploy labels, replicas, update and rollback policy: path → value.
    pub policy: BTreeMap<String, String>,
}

/// How many tasks a service wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ServiceMode {
    /// That many, kept running; 0 is legal.
    Replicated {
        /// Wanted tasks.
        replicas: u64,
    },
    /// One on every eligible node.
    Global,
    /// That many tasks run to completion.
    ReplicatedJob {
        /// Wanted completions.
        completions: u64,
    },
    /// One task on every eligible node, run to completion.
    GlobalJob,
}

impl ServiceMode {
    /// Whether its tasks are meant to end.
    pub fn is_job(self) -> bool {
        matches!(self, ServiceMode::ReplicatedJob { .. } | ServiceMode::GlobalJob)
    }
}

/// What a compose file says about a service's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "check", rename_all = "snake_case")]
pub enum HealthCheck {
    /// Nothing: the image may bring one.
    Undeclared,
    /// `disable: true` or `test: ["NONE"]`.
    Disabled,
    /// A command.
    Command {
        /// The command as one text.
        test: String,
        /// It can not fail (`|| true`, `|| exit 0`, `true`).
        cannot_fail: bool,
        /// Failures in a row until unhealthy.
        retries: Option<u64>,
        /// Milliseconds in which failures do not count.
        start_period_ms: Option<u64>,
    },
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeclaredPort {
    /// The port in the container.
    pub target: u16,
    /// The port on the host; `None` lets the engine choose.
    pub published: Option<u16>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// Published on the host of the task, not through the ingress mesh.
    pub host_mode: bool,
}

/// A mount of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeclaredMount {
    /// What is mounted.
    pub kind: MountKind,
    /// Volume name (compose name) or host path; `None` for anonymous volumes and tmpfs.
    pub source: Option<String>,
    /// Where, in the container.
    pub target: String,
    /// It can not be written.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MountKind {
    /// A volume; anonymous when it has no source.
    Volume,
    /// A path of the host.
    Bind,
    /// Memory.
    Tmpfs,
    /// A kind we do not know (`npipe`, `cluster`).
    Other,
}

/// `deploy.update_config`, with Swarm's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UpdatePolicy {
    /// The new task starts before the old one stops.
    pub start_first: bool,
    /// What a failed update does.
    pub failure_action: FailureAction,
    /// Milliseconds a new task is watched for failure (default 5000).
    pub monitor_ms: u64,
    /// Tasks replaced at once; 0 is all.
    pub parallelism: u64,
}

/// What Swarm does when an update fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureAction {
    /// Stop where it is (the default).
    Pause,
    /// Go on.
    Continue,
    /// Go back to the previous spec.
    Rollback,
}

/// When Swarm starts a new task for one that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartCondition {
    /// Always (the default).
    Any,
    /// When it exited with another code than 0.
    OnFailure,
    /// Never.
    None,
}

/// A top-level volume, secret or config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeclaredObject {
    /// Its name in the compose file.
    pub name: ComposeName,
    /// Its name in Docker: `<stack>_<name>` unless `name:` says otherwise.
    pub object: String,
    /// It exists before the deploy and stays after it.
    pub external: bool,
    /// `file:`, as written.
    pub file: Option<String>,
    /// Where its data is, when that is no folder of the engine's own. Volumes only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Elsewhere>,
}

/// Where the data of a volume is, when the engine does not keep it in a folder of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Elsewhere {
    /// What leads there.
    pub by: StorageBy,
    /// The place in the compose file that says so, `file:line:column`.
    pub place: String,
}

/// What leads a volume's data away from the engine's own folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum StorageBy {
    /// `driver_opts` of Docker's local driver, which mounts a host folder, a disk or a share.
    Device {
        /// `device`, after substitution, e.g. `/srv/data` or `//nas/share`.
        device: String,
    },
    /// A volume driver that is not Docker's own.
    Driver {
        /// Its name.
        driver: String,
    },
}

/// A top-level network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeclaredNetwork {
    /// Its name in the compose file.
    pub name: ComposeName,
    /// Its name in Docker.
    pub object: String,
    /// It exists before the deploy and stays after it.
    pub external: bool,
    /// No way out of it and none in.
    pub internal: bool,
}

impl DeclaredStack {
    /// Named volumes that Swarm creates: those of the stack itself that a service with tasks
    /// mounts. A volume nobody mounts is only a word in a file.
    pub fn own_volumes(&self) -> impl Iterator<Item = &DeclaredObject> {
        self.mounted_volumes().filter(|volume| !volume.external)
    }

    /// Named volumes that a service with tasks mounts.
    pub fn mounted_volumes(&self) -> impl Iterator<Item = &DeclaredObject> {
        let mounts = |volume: &DeclaredObject| {
            let with_tasks = self
                .services
                .iter()
                .filter(|service| service.mode != ServiceMode::Replicated { replicas: 0 });
            with_tasks.flat_map(|service| &service.mounts).any(|mount| {
                mount.kind == MountKind::Volume
                    && mount.source.as_deref() == Some(volume.name.as_str())
            })
        };
        self.volumes.iter().filter(move |volume| mounts(volume))
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&DeclaredService> {
        self.services.iter().find(|service| service.name.as_str() == name)
    }
}

impl DeclaredService {
    /// The port a traefik load balancer would be told (`traefik.http.services.*.loadbalancer.server.port`).
    pub fn router_port(&self) -> Option<u16> {
        self.labels.iter().find_map(|(key, value)| {
            let is_port = key.starts_with("traefik.http.services.")
                && key.to_ascii_lowercase().ends_with(".loadbalancer.server.port");
            is_port.then(|| value.trim().parse().ok()).flatten()
        })
    }

    /// Whether a proxy would send requests to it.
    pub fn is_routed(&self) -> bool {
        self.labels.keys().any(|key| {
            key.starts_with("traefik.http.routers.") || key.starts_with("traefik.tcp.routers.")
        })
    }
}
