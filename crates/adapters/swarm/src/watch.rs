//! A watch over one stack: its events, and what they and earlier looks told.
//!
//! Nothing runs in the background. Events wait in the connection until the owner asks whether
//! something changed, or looks; so both do first what the events say.
//!
//! Tests: against a real engine in `tests/it/main.rs`.

use std::collections::BTreeMap;
use std::pin::pin;

use async_trait::async_trait;
use bollard::models::{EventMessage, EventMessageTypeEnum};
use cc_ci_core::ports::{EngineError, NAMESPACE_LABEL, StackWatch, Wake};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::{StackFacts, TaskFacts};
use cc_ci_model::time::Timestamp;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;

use crate::client::Swarm;
use crate::containers::Containers;
use crate::error::{engine_error, unreachable};
use crate::feed::{self, Coverage, Filters, News};
use crate::services::{self, Service, short_name};
use crate::tasks::{self, Task, UpToDateFilter};

/// Events of containers that can mean something. Not more: each run of a health check alone
/// brings three, which would wake the watcher all the time.
const CONTAINER_EVENTS: [&str; 6] = ["die", "start", "health_status", "oom", "kill", "destroy"];

/// A running watch.
pub(crate) struct Watch {
    swarm: Swarm,
    stack: StackName,
    news: BoxStream<'static, News>,
    memory: Memory,
    service_names: BTreeMap<String, String>,
    network_names: BTreeMap<String, String>,
    up_to_date: UpToDateFilter,
}

/// What events told.
#[derive(Default)]
struct Memory {
    containers: Containers,
    /// Connections that are down right now.
    n_broken: usize,
    has_gap: bool,
    /// Something happened that the last look did not take in.
    pending: Option<Wake>,
}

impl Watch {
    /// Begins to watch. The connections stand when it returns.
    pub(crate) async fn begin(swarm: Swarm, stack: StackName) -> Result<Self, EngineError> {
        let operation = format!("watch stack {stack}");
        let info = swarm.info().await?;
        let now: Timestamp = info
            .system_time
            .parse()
            .map_err(|_| unreachable(&operation, "the engine does not tell its time"))?;
        let since = now.as_millis().saturating_mul(1_000_000);
        let services = feed::open(swarm.docker.clone(), service_filters(), since);
        let containers = feed::open(swarm.docker.clone(), container_filters(&stack), since);
        let mut watch = Watch {
            swarm,
            stack,
            news: stream::select(services, containers).boxed(),
            memory: Memory::default(),
            service_names: BTreeMap::new(),
            network_names: BTreeMap::new(),
            up_to_date: UpToDateFilter::Works,
        };
        watch.connect(&operation).await?;
        Ok(watch)
    }

    /// Drives the connections until the engine has answered a request that was sent after
    /// theirs. What happens before they stand is brought later, since they ask for the past.
    async fn connect(&mut self, operation: &str) -> Result<(), EngineError> {
        let docker = self.swarm.docker.clone();
        let mut ping = pin!(docker.ping());
        loop {
            tokio::select! {
                biased;
                Some(news) = self.news.next() => self.memory.take(&self.stack, &news),
                answer = &mut ping => {
                    return answer.map(drop).map_err(|error| engine_error(operation, &error));
                }
            }
        }
    }

    /// Takes in the events that wait already.
    fn drain(&mut self) {
        while let Some(Some(news)) = self.news.next().now_or_never() {
            self.memory.take(&self.stack, &news);
        }
    }

    async fn look(&mut self) -> Result<StackFacts, EngineError> {
        let swarm = self.swarm.clone();
        let endpoint = &swarm.endpoint;
        // In this order, one after the other: see `tasks::current`.
        let services = services::list(endpoint, &self.stack).await?;
        let mut tasks = tasks::list(endpoint, &self.stack).await?;
        let current =
            tasks::current(endpoint, &self.stack, &tasks, &services, &mut self.up_to_date).await?;
        let containers = &mut self.memory.containers;
        containers.refresh(endpoint, tasks.iter().filter_map(Task::container_id)).await?;
        self.learn_names(&services).await?;
        // An event may have come while containers were asked about.
        self.drain();
        tasks.sort_by(|a, b| (a.slot, a.age(), &a.id).cmp(&(b.slot, b.age(), &b.id)));
        let mut tasks: Vec<TaskFacts> = tasks
            .iter()
            .map(|task| {
                let container = task.container_id().and_then(|id| self.memory.containers.facts(id));
                task.facts(self.service_of(task), &current, container)
            })
            .collect();
        // Stable: within a slot the oldest stays first.
        tasks.sort_by(|a, b| (&a.service, a.slot).cmp(&(&b.service, b.slot)));
        Ok(StackFacts {
            services: services
                .iter()
                .map(|service| service.facts(&self.stack, &self.network_names))
                .collect(),
            tasks,
            events_gap: self.memory.has_gap || self.memory.n_broken > 0,
        })
    }

    /// The name of a task's service; its id when the service was gone before the watch began.
    fn service_of(&self, task: &Task) -> String {
        self.service_names.get(&task.service_id).unwrap_or(&task.service_id).clone()
    }

    async fn learn_names(&mut self, services: &[Service]) -> Result<(), EngineError> {
        for service in services {
            let name = short_name(&self.stack, &service.spec.name);
            self.service_names.insert(service.id.clone(), name);
        }
        let mut ids = services.iter().flat_map(Service::network_ids);
        if ids.any(|id| !self.network_names.contains_key(id)) {
            let networks: Vec<Network> =
                self.swarm.endpoint.get("list the networks", "/networks").await?;
            let names = networks.into_iter().map(|network| (network.id, network.name));
            self.network_names.extend(names);
        }
        Ok(())
    }
}

#[async_trait]
impl StackWatch for Watch {
    async fn changed(&mut self) -> Wake {
        loop {
            if let Some(wake) = self.memory.pending.take() {
                return wake;
            }
            match self.news.next().await {
                Some(news) => self.memory.take(&self.stack, &news),
                // Feeds do not end.
                None => std::future::pending().await,
            }
        }
    }

    async fn observe(&mut self) -> Result<StackFacts, EngineError> {
        self.drain();
        // What came before this look is in it. A gap was told by the facts.
        self.memory.pending = None;
        self.look().await
    }
}

impl Memory {
    fn take(&mut self, stack: &StackName, news: &News) {
        match news {
            News::Event(event) => self.take_event(stack, event),
            News::Broken => self.n_broken += 1,
            News::Back(coverage) => {
                self.n_broken = self.n_broken.saturating_sub(1);
                self.take_coverage(*coverage);
            }
        }
    }

    fn take_coverage(&mut self, coverage: Coverage) {
        match coverage {
            Coverage::Whole => self.wake(Wake::Changed),
            Coverage::Lost => {
                self.has_gap = true;
                self.wake(Wake::Gap);
            }
        }
    }

    fn take_event(&mut self, stack: &StackName, event: &EventMessage) {
        let actor = event.actor.as_ref();
        let id = actor.and_then(|actor| actor.id.as_deref()).unwrap_or_default();
        if event.typ == Some(EventMessageTypeEnum::SERVICE) {
            let name = actor.and_then(|actor| actor.attributes.as_ref()?.get("name"));
            if name.is_none_or(|name| short_name(stack, name) == *name) {
                return;
            }
        }
        match event.action.as_deref().unwrap_or_default() {
            "health_status: unhealthy" => self.containers.saw_unhealthy(id),
            "oom" => self.containers.saw_out_of_memory(id),
            _ => {}
        }
        self.wake(Wake::Changed);
    }

    /// A gap is not forgotten over a change.
    fn wake(&mut self, wake: Wake) {
        if self.pending != Some(Wake::Gap) {
            self.pending = Some(wake);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    id: String,
    name: String,
}

/// Events of services cannot be filtered by their labels: they carry names only. The prefix is
/// looked at when they are here.
fn service_filters() -> Filters {
    Filters::from([("type", vec!["service".to_owned()])])
}

fn container_filters(stack: &StackName) -> Filters {
    Filters::from([
        ("type", vec!["container".to_owned()]),
        ("label", vec![format!("{NAMESPACE_LABEL}={stack}")]),
        ("event", CONTAINER_EVENTS.map(str::to_owned).to_vec()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &serde_json::Value) -> News {
        News::Event(Box::new(serde_json::from_value(json.clone()).unwrap()))
    }

    fn memory_after(news: &[News]) -> Memory {
        let mut memory = Memory::default();
        for news in news {
            memory.take(&"st".parse().unwrap(), news);
        }
        memory
    }

    fn service_event(name: &str) -> News {
        event(&serde_json::json!({
            "Type": "service", "Action": "update",
            "Actor": { "ID": "s1", "Attributes": { "name": name } },
        }))
    }

    #[test]
    fn services_of_other_stacks_do_not_wake() {
        assert_eq!(memory_after(&[service_event("st2_app")]).pending, None);
        assert_eq!(memory_after(&[service_event("st_app")]).pending, Some(Wake::Changed));
    }

    #[test]
    fn an_unhealthy_event_is_remembered() {
        let memory = memory_after(&[event(&serde_json::json!({
            "Type": "container", "Action": "health_status: unhealthy", "Actor": { "ID": "c1" },
        }))]);
        assert!(memory.containers.facts("c1").unwrap().unhealthy_seen);
    }

    #[test]
    fn a_gap_outweighs_a_change_and_stays_in_the_facts() {
        let memory =
            memory_after(&[News::Broken, News::Back(Coverage::Lost), service_event("st_app")]);
        assert_eq!((memory.pending, memory.has_gap, memory.n_broken), (Some(Wake::Gap), true, 0));
        let memory = memory_after(&[News::Broken, News::Back(Coverage::Whole)]);
        assert_eq!((memory.pending, memory.has_gap), (Some(Wake::Changed), false));
    }
}
