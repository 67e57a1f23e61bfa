//! Containers of a watched stack, remembered beyond their end.
//!
//! Whether an ended task was a finished one-shot or a service that never became healthy can be
//! told only by its container's failing streak, or by an event that is over when one looks
//! (CONV-1). Swarm removes containers as it pleases, so what was seen of them is kept.
//!
//! Tests: at the end of this file.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_core::ports::EngineError;
use cc_ci_model::stack::{AnonymousVolume, ContainerFacts, HealthFacts};
use futures_util::StreamExt;
use futures_util::stream;
use serde::Deserialize;

use crate::raw::{Endpoint, percent_encode};

/// Failures in a row until the engine calls a container unhealthy, unless told otherwise.
const DEFAULT_RETRIES: u64 = 3;

/// Health check outputs that are kept, and how much of each.
const LOGS_KEPT: usize = 5;
const LOG_CHARACTERS: usize = 1000;

/// Containers asked about at once.
const AT_ONCE: usize = 8;

/// What was ever seen of the containers of a stack.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    seen: BTreeMap<String, Seen>,
    unhealthy: BTreeSet<String>,
    out_of_memory: BTreeSet<String>,
}

#[derive(Debug)]
struct Seen {
    facts: ContainerFacts,
    /// Its state cannot change any more.
    is_final: bool,
}

impl Containers {
    /// An event `health_status: unhealthy` came by.
    pub(crate) fn saw_unhealthy(&mut self, id: &str) {
        self.unhealthy.insert(id.to_owned());
    }

    /// An event `oom` came by.
    pub(crate) fn saw_out_of_memory(&mut self, id: &str) {
        self.out_of_memory.insert(id.to_owned());
    }

    /// Looks again at those of `ids` that can have changed.
    pub(crate) async fn refresh(
        &mut self,
        endpoint: &Endpoint,
        ids: impl Iterator<Item = &str>,
    ) -> Result<(), EngineError> {
        let asked: BTreeSet<String> = ids
            .filter(|id| self.seen.get(*id).is_none_or(|seen| !seen.is_final))
            .map(str::to_owned)
            .collect();
        let mut answers = stream::iter(asked)
            .map(|id| async move { (inspect(endpoint, &id).await, id) })
            .buffer_unordered(AT_ONCE);
        while let Some((answer, id)) = answers.next().await {
            match answer? {
                Some(container) => self.remember(id, &container),
                None => self.is_gone(&id),
            }
        }
        Ok(())
    }

    /// What is known of a container; `None` when nobody ever saw anything of it.
    pub(crate) fn facts(&self, id: &str) -> Option<ContainerFacts> {
        let was_unhealthy = self.unhealthy.contains(id);
        let was_out_of_memory = self.out_of_memory.contains(id);
        let mut facts = match self.seen.get(id) {
            Some(seen) => seen.facts.clone(),
            None if was_unhealthy || was_out_of_memory => nothing_but(id),
            None => return None,
        };
        facts.unhealthy_seen = was_unhealthy;
        facts.oom_killed |= was_out_of_memory;
        Some(facts)
    }

    fn remember(&mut self, id: String, container: &Container) {
        let seen = Seen { facts: container.facts(&id), is_final: container.has_ended() };
        self.seen.insert(id, seen);
    }

    fn is_gone(&mut self, id: &str) {
        if let Some(seen) = self.seen.get_mut(id) {
            seen.is_final = true;
        }
    }
}

fn nothing_but(id: &str) -> ContainerFacts {
    ContainerFacts {
        id: id.to_owned(),
        health: None,
        oom_killed: false,
        unhealthy_seen: false,
        anonymous_volumes: Vec::new(),
    }
}

/// A container, or `None` when this engine has none of that id: it was removed, or is on
/// another node.
async fn inspect(endpoint: &Endpoint, id: &str) -> Result<Option<Container>, EngineError> {
    let target = format!("/containers/{}/json", percent_encode(id));
    match endpoint.get(&format!("inspect container {id}"), &target).await {
        Ok(container) => Ok(Some(container)),
        Err(EngineError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    state: State,
    config: Config,
    #[serde(default)]
    mounts: Vec<MountPoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: String,
    #[serde(rename = "OOMKilled", default)]
    oom_killed: bool,
    health: Option<Health>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    status: String,
    #[serde(default)]
    failing_streak: u64,
    log: Option<Vec<HealthLog>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthLog {
    #[serde(default)]
    exit_code: i64,
    #[serde(default)]
    output: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    healthcheck: Option<Healthcheck>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Healthcheck {
    #[serde(default)]
    retries: u64,
}

/// A mount of a container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MountPoint {
    #[serde(rename = "Type", default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    destination: String,
}

impl MountPoint {
    /// The volume in it, when nobody named it.
    pub(crate) fn anonymous_volume(&self) -> Option<AnonymousVolume> {
        (self.kind == "volume" && is_anonymous(&self.name))
            .then(|| AnonymousVolume { name: self.name.clone(), target: self.destination.clone() })
    }
}

/// The engine names a volume nobody named by 64 hexadecimal digits of chance. A name that
/// somebody wrote of that form counts as anonymous too.
pub(crate) fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl Container {
    fn has_ended(&self) -> bool {
        matches!(self.state.status.as_str(), "exited" | "dead")
    }

    fn facts(&self, id: &str) -> ContainerFacts {
        let retries = self.config.healthcheck.as_ref().map_or(0, |check| check.retries);
        ContainerFacts {
            health: self.state.health.as_ref().map(|health| health.facts(retries)),
            oom_killed: self.state.oom_killed,
            anonymous_volumes: self
                .mounts
                .iter()
                .filter_map(MountPoint::anonymous_volume)
                .collect(),
            ..nothing_but(id)
        }
    }
}

impl Health {
    fn facts(&self, retries: u64) -> HealthFacts {
        let log = self.log.as_deref().unwrap_or_default();
        HealthFacts {
            status: self.status.clone(),
            failing_streak: self.failing_streak,
            retries: if retries == 0 { DEFAULT_RETRIES } else { retries },
            log: log
                .iter()
                .skip(log.len().saturating_sub(LOGS_KEPT))
                .map(HealthLog::told)
                .collect(),
        }
    }
}

impl HealthLog {
    fn told(&self) -> String {
        let output: String = self.output.trim().chars().take(LOG_CHARACTERS).collect();
        format!("exit {}: {output}", self.exit_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(status: &str, health: &serde_json::Value, retries: u64) -> Container {
        let volume = "0123456789abcdef".repeat(4);
        let json = serde_json::json!({
            "State": { "Status": status, "OOMKilled": false, "Health": health },
            "Config": { "Healthcheck": { "Retries": retries } },
            "Mounts": [
                { "Type": "volume", "Name": volume, "Destination": "/anonymous" },
                { "Type": "volume", "Name": "st_data", "Destination": "/data" },
                { "Type": "bind", "Source": "/etc", "Destination": "/etc" },
            ],
        });
        serde_json::from_value(json).unwrap()
    }

    /// Unhealthy, stopped by Swarm, exit code 0, removed: what was seen must stay.
    #[test]
    fn a_container_is_remembered_beyond_its_end() {
        let mut containers = Containers::default();
        let health = serde_json::json!({ "Status": "unhealthy", "FailingStreak": 3, "Log": null });
        containers.remember("c1".into(), &container("exited", &health, 0));
        containers.saw_unhealthy("c1");
        containers.is_gone("c1");
        let facts = containers.facts("c1").unwrap();
        let health = facts.health.unwrap();
        assert_eq!((health.failing_streak, health.retries), (3, 3));
        assert!(facts.unhealthy_seen);
        assert_eq!(facts.anonymous_volumes.len(), 1);
        assert_eq!(facts.anonymous_volumes[0].target, "/anonymous");
    }

    #[test]
    fn an_event_alone_is_something_seen() {
        let mut containers = Containers::default();
        assert_eq!(containers.facts("c1"), None);
        containers.saw_unhealthy("c1");
        assert!(containers.facts("c1").unwrap().unhealthy_seen);
        containers.saw_out_of_memory("c2");
        assert!(containers.facts("c2").unwrap().oom_killed);
    }

    #[test]
    fn the_last_health_logs_are_kept_short() {
        let log: Vec<_> = (0..9)
            .map(|n| serde_json::json!({ "ExitCode": 1, "Output": format!("{n}{}", "x".repeat(2000)) }))
            .collect();
        let health = serde_json::json!({ "Status": "starting", "FailingStreak": 1, "Log": log });
        let facts = container("running", &health, 5).facts("c").health.unwrap();
        assert_eq!((facts.log.len(), facts.retries), (5, 5));
        assert!(facts.log[0].starts_with("exit 1: 4x"), "{}", &facts.log[0][..12]);
        assert_eq!(facts.log[0].len(), "exit 1: ".len() + 1000);
    }

    #[test]
    fn only_hexadecimal_names_are_nobodys() {
        assert!(is_anonymous(&"a0".repeat(32)));
        assert!(!is_anonymous(&"A0".repeat(32)));
        assert!(!is_anonymous("st_data"));
    }
}
