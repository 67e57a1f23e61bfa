//! What the simulated engine says about a stack.

use std::collections::BTreeMap;

use cc_ci_model::compose::ServiceMode;
use cc_ci_model::stack::{
    ContainerFacts, HealthFacts, RestartFacts, ServiceFacts, StackFacts, TaskFacts, TaskState,
};

use super::health::Checked;
use super::sim::{Container, Service, Sim, Spec, Task};

impl Sim {
    /// One look at a stack; of containers only those that are there.
    pub(super) fn facts(&self, stack: &str) -> StackFacts {
        let mut services: Vec<ServiceFacts> = self
            .services
            .iter()
            .filter(|service| service.stack == stack)
            .map(|service| self.service_facts(service))
            .collect();
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let tasks =
            self.tasks.iter().filter(|task| task.stack == stack).map(|task| self.task_facts(task));
        StackFacts { services, tasks: tasks.collect(), events_gap: false }
    }

    fn service_facts(&self, service: &Service) -> ServiceFacts {
        let declared = &service.spec.declared;
        let running = self
            .tasks
            .iter()
            .filter(|task| task.service == service.id && task.desired == TaskState::Running)
            .count() as u64;
        let desired_tasks = match declared.mode {
            ServiceMode::Replicated { replicas } => replicas,
            ServiceMode::Global => running,
            ServiceMode::ReplicatedJob { completions } => completions,
            ServiceMode::GlobalJob => self.nodes.len() as u64,
        };
        ServiceFacts {
            id: service.id.clone(),
            name: service.name.clone(),
            mode: declared.mode,
            version_index: service.version,
            image: declared.image.clone(),
            update: service.state.clone(),
            update_message: service.message.clone(),
            monitor_ms: declared.update.monitor_ms,
            desired_tasks,
            completed_tasks: service.completed,
            publishes: !declared.ports.is_empty(),
            restart: Some(RestartFacts {
                condition: declared.restart,
                max_attempts: self.behaviour(declared).max_attempts,
            }),
            labels: service.spec.labels.clone(),
            template: service.spec.template(),
        }
    }

    fn task_facts(&self, task: &Task) -> TaskFacts {
        let service = self.service(&task.service);
        TaskFacts {
            id: task.id.clone(),
            service: task.service_name.clone(),
            slot: task.slot,
            node: task.node.clone(),
            state: task.state,
            desired: task.desired,
            current: service.is_some_and(|service| service.spec.makes_same_task(&task.spec)),
            message: task.message.clone(),
            error: task.error.clone(),
            exit_code: task.exit_code,
            container: self.container_of(&task.id).map(Container::facts),
            seen_since: None,
        }
    }
}

impl Spec {
    /// The task template as the engine would show it.
    fn template(&self) -> BTreeMap<String, String> {
        let mut template = BTreeMap::new();
        let mut put = |path: String, value: &str| {
            template.insert(path, value.to_owned());
        };
        put("ContainerSpec.Image".into(), &self.declared.image);
        for (path, value) in &self.declared.template {
            match path.strip_prefix("environment.") {
                Some(key) => put(format!("ContainerSpec.Env.{key}"), value),
                None if path.starts_with("healthcheck.") => {
                    put(format!("ContainerSpec.{path}"), value);
                }
                None => {}
            }
        }
        for (volume, target) in &self.volumes {
            put(format!("ContainerSpec.Mounts.{target}.Source"), volume);
        }
        for name in &self.secrets {
            put(format!("ContainerSpec.Secrets.{name}.SecretName"), name);
        }
        for name in &self.configs {
            put(format!("ContainerSpec.Configs.{name}.ConfigName"), name);
        }
        for name in &self.networks {
            put(format!("Networks.{name}"), name);
        }
        template
    }
}

impl Container {
    fn facts(&self) -> ContainerFacts {
        ContainerFacts {
            id: self.id.clone(),
            health: self.health.as_ref().map(Checked::facts),
            oom_killed: self.oom,
            unhealthy_seen: self.health.as_ref().is_some_and(|health| health.unhealthy_heard),
            anonymous_volumes: self.anonymous.clone(),
        }
    }
}

impl Checked {
    fn facts(&self) -> HealthFacts {
        let log = if self.streak > 0 { vec!["check failed".to_owned()] } else { Vec::new() };
        HealthFacts {
            status: self.status.to_owned(),
            failing_streak: self.streak,
            retries: self.retries,
            log,
        }
    }
}
