//! A recipe's revision in a few words: as facts, and as the files they would be read from.

use std::collections::BTreeMap;

use cc_ci_core::ports::Tree;
use cc_ci_model::compose::{
    DeclaredMount, DeclaredNetwork, DeclaredObject, DeclaredPort, DeclaredService, DeclaredStack,
    FailureAction, HealthCheck, MountKind, RestartCondition, ServiceMode, UpdatePolicy,
};
use cc_ci_model::name::{ComposeName, StackName};

use super::yaml;

/// A name as compose files write it.
///
/// # Panics
/// When it is none.
pub fn compose_name(text: &str) -> ComposeName {
    text.parse().expect("tests use valid compose names")
}

/// A revision with those services.
pub fn stack(services: impl IntoIterator<Item = ServiceBuilder>) -> StackBuilder {
    StackBuilder {
        services: services.into_iter().map(ServiceBuilder::build).collect(),
        external_secrets: Vec::new(),
        fixed_volumes: BTreeMap::new(),
        extra_files: Tree::new(),
    }
}

/// A service of image `registry.test/<name>:1.0.0` with one replica and a health check.
pub fn service(name: &str) -> ServiceBuilder {
    ServiceBuilder(DeclaredService {
        name: compose_name(name),
        image: format!("registry.test/{name}:1.0.0"),
        mode: ServiceMode::Replicated { replicas: 1 },
        health: HealthCheck::Command {
            test: "check".into(),
            cannot_fail: false,
            retries: Some(3),
            start_period_ms: None,
        },
        ports: Vec::new(),
        exposed: Vec::new(),
        labels: BTreeMap::new(),
        env_keys: Vec::new(),
        mounts: Vec::new(),
        networks: Vec::new(),
        secrets: Vec::new(),
        configs: Vec::new(),
        update: UpdatePolicy {
            start_first: false,
            failure_action: FailureAction::Pause,
            monitor_ms: 5000,
            parallelism: 1,
        },
        restart: RestartCondition::Any,
        dnsrr: false,
        template: BTreeMap::new(),
        policy: BTreeMap::new(),
    })
}

/// See [`service`].
#[derive(Debug, Clone)]
pub struct ServiceBuilder(DeclaredService);

impl ServiceBuilder {
    /// Another image.
    #[must_use]
    pub fn image(mut self, reference: &str) -> Self {
        reference.clone_into(&mut self.0.image);
        self
    }

    /// Another mode.
    #[must_use]
    pub fn mode(mut self, mode: ServiceMode) -> Self {
        self.0.mode = mode;
        self
    }

    /// That many replicas.
    #[must_use]
    pub fn replicas(self, replicas: u64) -> Self {
        self.mode(ServiceMode::Replicated { replicas })
    }

    /// Without a health check of its own.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.0.health = HealthCheck::Undeclared;
        self
    }

    /// A health check whose failures do not count for that long.
    #[must_use]
    pub fn start_period(mut self, start_period_ms: u64) -> Self {
        self.0.health = HealthCheck::Command {
            test: "check".into(),
            cannot_fail: false,
            retries: Some(3),
            start_period_ms: Some(start_period_ms),
        };
        self
    }

    /// A health check that calls it unhealthy after that many failures.
    #[must_use]
    pub fn retries(mut self, times: u64) -> Self {
        let (test, retries) = ("check".into(), Some(times));
        self.0.health =
            HealthCheck::Command { test, cannot_fail: false, retries, start_period_ms: None };
        self
    }

    /// Another restart condition.
    #[must_use]
    pub fn restart(mut self, restart: RestartCondition) -> Self {
        self.0.restart = restart;
        self
    }

    /// A proxy would send requests to that port.
    #[must_use]
    pub fn routed(mut self, port: u16) -> Self {
        let name = self.0.name.clone();
        let rule = format!("traefik.http.routers.{name}.rule");
        self.0.labels.insert(rule, "Host(`app.test`)".into());
        let key = format!("traefik.http.services.{name}.loadbalancer.server.port");
        self.0.labels.insert(key, port.to_string());
        self
    }

    /// A label of its `deploy.labels`.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Takes part in backups.
    #[must_use]
    pub fn backed_up(self) -> Self {
        self.label("backupbot.backup", "true")
    }

    /// Publishes a port through the ingress mesh.
    #[must_use]
    pub fn publishes(self, port: u16) -> Self {
        self.port(port, false)
    }

    /// Publishes a port on the host of its task.
    #[must_use]
    pub fn publishes_on_host(self, port: u16) -> Self {
        self.port(port, true)
    }

    fn port(mut self, port: u16, host_mode: bool) -> Self {
        let protocol = "tcp".to_owned();
        let port = DeclaredPort { target: port, published: Some(port), protocol, host_mode };
        self.0.ports.push(port);
        self
    }

    /// The new task starts before the old one stops.
    #[must_use]
    pub fn start_first(mut self) -> Self {
        self.0.update.start_first = true;
        self
    }

    /// What a failed update does.
    #[must_use]
    pub fn on_failure(mut self, action: FailureAction) -> Self {
        self.0.update.failure_action = action;
        self
    }

    /// So many tasks are replaced at once; 0 is all.
    #[must_use]
    pub fn parallelism(mut self, tasks: u64) -> Self {
        self.0.update.parallelism = tasks;
        self
    }

    /// How long a new task is watched.
    #[must_use]
    pub fn monitor_ms(mut self, monitor_ms: u64) -> Self {
        self.0.update.monitor_ms = monitor_ms;
        self
    }

    /// A named volume; an empty name is an anonymous one.
    #[must_use]
    pub fn volume(mut self, name: &str, target: &str) -> Self {
        let source = (!name.is_empty()).then(|| name.to_owned());
        let target = target.to_owned();
        self.0.mounts.push(DeclaredMount {
            kind: MountKind::Volume,
            source,
            target,
            read_only: false,
        });
        self
    }

    /// On that network instead of `default`; `proxy` is external.
    #[must_use]
    pub fn network(mut self, name: &str) -> Self {
        self.0.networks.push(compose_name(name));
        self
    }

    /// Uses a secret: an external one, which cc-ci makes.
    #[must_use]
    pub fn secret(mut self, name: &str) -> Self {
        self.0.secrets.push(compose_name(name));
        self
    }

    /// Uses a config of the stack.
    #[must_use]
    pub fn config(mut self, name: &str) -> Self {
        self.0.configs.push(compose_name(name));
        self
    }

    /// A variable of its environment.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.0.env_keys.push(key.to_owned());
        self.0.template.insert(format!("environment.{key}"), value.to_owned());
        self
    }

    /// The service as declared.
    fn build(mut self) -> DeclaredService {
        if self.0.networks.is_empty() {
            self.0.networks.push(compose_name("default"));
        }
        let service = &mut self.0;
        let mut put = |key: String, value: String| service.template.insert(key, value);
        put("image".into(), service.image.clone());
        for mount in &service.mounts {
            let source = mount.source.clone().unwrap_or_default();
            put(format!("mounts.{}", mount.target), source);
        }
        for (kind, names) in [
            ("networks", &service.networks),
            ("secrets", &service.secrets),
            ("configs", &service.configs),
        ] {
            for name in names {
                put(format!("{kind}.{name}"), name.to_string());
            }
        }
        if let HealthCheck::Command { test, retries, start_period_ms, .. } = &service.health {
            put("healthcheck.test".into(), test.clone());
            put("healthcheck.retries".into(), format!("{retries:?}"));
            put("healthcheck.start_period".into(), format!("{start_period_ms:?}"));
        }
        service.policy.insert("mode".into(), format!("{:?}", service.mode));
        service.policy.insert("update".into(), format!("{:?}", service.update));
        self.0
    }
}

fn object(name: &ComposeName, object: String, external: bool) -> DeclaredObject {
    DeclaredObject { name: name.clone(), object, external, file: None, elsewhere: None }
}

/// See [`stack`].
#[derive(Debug, Clone)]
pub struct StackBuilder {
    services: Vec<DeclaredService>,
    external_secrets: Vec<String>,
    fixed_volumes: BTreeMap<String, String>,
    extra_files: Tree,
}

impl StackBuilder {
    /// One more file of the recipe.
    #[must_use]
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.extra_files.insert(path.to_owned(), content.into());
        self
    }

    /// A volume has a name of its own in Docker (`name:`), without the stack's prefix.
    #[must_use]
    pub fn fixed_volume(mut self, name: &str, object: &str) -> Self {
        self.fixed_volumes.insert(name.to_owned(), object.to_owned());
        self
    }

    /// A secret nothing makes: the deploy is refused half-way.
    #[must_use]
    pub fn unmade_secret(mut self, name: &str) -> Self {
        self.external_secrets.push(name.to_owned());
        self
    }

    /// What it declares for a stack of that name.
    pub fn declared(&self, stack: &StackName) -> DeclaredStack {
        let mut services = self.services.clone();
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let made = self.names(|service| &service.secrets);
        let unmade = self.external_secrets.iter().map(|name| compose_name(name));
        let secret = |name: ComposeName| object(&name, format!("{stack}_{name}_v1"), true);
        let volume = |name: ComposeName| {
            let own = self.fixed_name(&name).map(str::to_owned);
            object(&name, own.unwrap_or_else(|| format!("{stack}_{name}")), false)
        };
        let config = |name: ComposeName| object(&name, format!("{stack}_{name}_v1"), false);
        let networks = self.names(|service| &service.networks).into_iter().map(|name| {
            let external = name.as_str() == "proxy";
            let object = if external { name.to_string() } else { format!("{stack}_{name}") };
            DeclaredNetwork { name, object, external, internal: false }
        });
        DeclaredStack {
            format: Some("3.8".into()),
            networks: networks.collect(),
            volumes: self.volumes().into_iter().map(volume).collect(),
            configs: self.names(|s| &s.configs).into_iter().map(config).collect(),
            secrets: made.into_iter().chain(unmade).map(secret).collect(),
            services,
        }
    }

    /// The files a recipe would say it with.
    pub fn tree(&self) -> Tree {
        let mut tree = self.extra_files.clone();
        let mut put = |path: &str, text: String| {
            tree.entry(path.to_owned()).or_insert_with(|| text.into_bytes());
        };
        put("compose.yml", yaml::compose(self));
        put(".env.sample", yaml::env_sample(self));
        put("abra.sh", yaml::abra_sh(self));
        for name in self.names(|service| &service.configs) {
            put(&format!("{name}.conf"), "# nothing\n".into());
        }
        tree
    }

    /// The name of its own a volume has.
    pub(super) fn fixed_name(&self, volume: &ComposeName) -> Option<&str> {
        self.fixed_volumes.get(volume.as_str()).map(String::as_str)
    }

    pub(super) fn services(&self) -> &[DeclaredService] {
        &self.services
    }

    pub(super) fn unmade_secrets(&self) -> &[String] {
        &self.external_secrets
    }

    pub(super) fn names(
        &self,
        of: impl Fn(&DeclaredService) -> &Vec<ComposeName>,
    ) -> Vec<ComposeName> {
        let mut names: Vec<ComposeName> =
            self.services.iter().flat_map(|s| of(s).clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) fn volumes(&self) -> Vec<ComposeName> {
        let mounts = self.services.iter().flat_map(|service| &service.mounts);
        let mut names: Vec<ComposeName> =
            mounts.filter_map(|mount| mount.source.as_deref()).map(compose_name).collect();
        names.sort();
        names.dedup();
        names
    }
}
