//! The connection to one engine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use cc_ci_core::images::Said;
use cc_ci_core::ports::{EngineError, Kernel};
use cc_ci_model::host::{Capacity, HostFacts, SwarmRole, Tried};
use serde::Deserialize;

use crate::credentials::Credentials;
use crate::error::{engine_error, unreachable};
use crate::raw::{Endpoint, REQUEST_TIMEOUT};

/// How long an engine may take to say that it is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A Docker engine, normally a manager of a Swarm. Clones share the connection settings; each
/// request opens a connection of its own.
#[derive(Debug, Clone)]
pub struct Swarm {
    pub(crate) docker: Docker,
    pub(crate) endpoint: Endpoint,
    /// The user's registry logins; without them images are asked for as anybody would.
    pub(crate) credentials: Option<Arc<Credentials>>,
    /// What registries have said of images.
    pub(crate) said: SaidBefore,
}

/// Answers of registries, by image.
#[derive(Debug, Clone, Default)]
pub(crate) struct SaidBefore(Arc<Mutex<BTreeMap<String, Said>>>);

impl SaidBefore {
    pub(crate) fn get(&self, image: &str) -> Option<Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(image).cloned()
    }

    pub(crate) fn keep(&self, image: String, said: Said) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(image, said);
    }
}

impl Swarm {
    /// Prepares to talk to the engine at `host`: `unix:///var/run/docker.sock` or
    /// `tcp://host:port` (without TLS). Nothing is sent yet.
    ///
    /// # Errors
    /// When the address is of another kind or there is no such socket.
    pub fn connect(host: &str) -> Result<Swarm, EngineError> {
        let operation = format!("connect to `{host}`");
        let endpoint = Endpoint::parse(host)
            .ok_or_else(|| unreachable(&operation, "expected unix://… or tcp://…"))?;
        let seconds = REQUEST_TIMEOUT.as_secs();
        let docker = match &endpoint {
            Endpoint::Unix(_) => Docker::connect_with_unix(host, seconds, API_DEFAULT_VERSION),
            Endpoint::Tcp(address) => {
                Docker::connect_with_http(&format!("tcp://{address}"), seconds, API_DEFAULT_VERSION)
            }
        };
        let docker = docker.map_err(|error| engine_error(&operation, &error))?;
        Ok(Swarm { docker, endpoint, credentials: None, said: SaidBefore::default() })
    }

    /// The same engine, asked for images with the user's registry logins.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Some(Arc::new(credentials)), ..self }
    }

    /// What there is to know about the engine without trying anything. `cli_version` is the
    /// docker CLI's, which the caller found out.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn facts(&self, cli_version: String) -> Result<HostFacts, EngineError> {
        let version: Version = self.endpoint.get("read the engine's version", "/version").await?;
        let info = self.info().await?;
        let capacity = info.capacity();
        Ok(HostFacts {
            engine_id: info.id,
            engine_version: version.version,
            api_version: version.api_version,
            cli_version,
            swarm: info.swarm.role(),
            vips: Tried::Unknown,
            task_addresses: Tried::Unknown,
            capacity,
            volume_root: info.docker_root_dir.map(|root| format!("{root}/volumes")),
        })
    }

    pub(crate) async fn info(&self) -> Result<Info, EngineError> {
        self.endpoint.get("read the engine's state", "/info").await
    }

    /// Whether any node of the Swarm takes tasks now: it is ready, and neither drained nor paused.
    /// Only a manager can be asked.
    ///
    /// # Errors
    /// When the engine does not answer, or is no manager.
    pub async fn takes_tasks(&self) -> Result<bool, EngineError> {
        let nodes: Vec<Node> = self.endpoint.get("list the nodes of the Swarm", "/nodes").await?;
        Ok(nodes.iter().any(Node::takes_tasks))
    }

    /// Whether the engine answers as a manager.
    pub(crate) async fn is_manager(&self) -> bool {
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.info()).await;
        matches!(answer, Ok(Ok(info)) if info.swarm.role() == SwarmRole::Manager)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    pub(crate) version: String,
    pub(crate) api_version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Info {
    #[serde(rename = "ID", default)]
    pub(crate) id: String,
    pub(crate) docker_root_dir: Option<String>,
    #[serde(default)]
    kernel_version: String,
    #[serde(default)]
    mem_total: u64,
    #[serde(rename = "NCPU", default)]
    cpus: u32,
    /// The engine's own clock, RFC 3339.
    pub(crate) system_time: String,
    #[serde(default)]
    pub(crate) swarm: SwarmInfo,
}

impl Info {
    fn capacity(&self) -> Option<Capacity> {
        let (cpus, memory_bytes) = (self.cpus, self.mem_total);
        (cpus > 0 && memory_bytes > 0).then_some(Capacity { cpus, memory_bytes })
    }

    pub(crate) fn kernel(&self) -> Kernel {
        Kernel { release: self.kernel_version.clone(), memory_bytes: self.mem_total }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SwarmInfo {
    #[serde(rename = "NodeID")]
    pub(crate) node_id: String,
    pub(crate) local_node_state: String,
    pub(crate) control_available: bool,
    pub(crate) error: String,
}

impl SwarmInfo {
    /// `pending`, `error` and `locked` nodes cannot be deployed to: they count as no node.
    fn role(&self) -> SwarmRole {
        match (self.local_node_state.as_str(), self.control_available) {
            ("active", true) => SwarmRole::Manager,
            ("active", false) => SwarmRole::Worker,
            _ => SwarmRole::Inactive,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NodeSpec {
    availability: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NodeStatus {
    state: String,
}

impl Node {
    fn takes_tasks(&self) -> bool {
        self.spec.availability == "active" && self.status.state == "ready"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ready_node_that_is_not_drained_takes_tasks() {
        let takes = |availability: &str, state: &str| {
            let json = serde_json::json!({
                "ID": "a", "Spec": {"Role": "manager", "Availability": availability}, "Status": {"State": state}
            });
            serde_json::from_value::<Node>(json).unwrap().takes_tasks()
        };
        assert!(takes("active", "ready"));
        assert!(!takes("drain", "ready"));
        assert!(!takes("pause", "ready"));
        assert!(!takes("active", "down"));
    }

    #[track_caller]
    fn check(json: &str, role: SwarmRole) {
        let info: SwarmInfo = serde_json::from_str(json).unwrap();
        assert_eq!(info.role(), role, "{json}");
    }

    #[test]
    fn only_an_active_node_with_control_is_a_manager() {
        check(r#"{"LocalNodeState":"active","ControlAvailable":true}"#, SwarmRole::Manager);
        check(r#"{"LocalNodeState":"active","ControlAvailable":false}"#, SwarmRole::Worker);
        check(r#"{"LocalNodeState":"inactive","ControlAvailable":false}"#, SwarmRole::Inactive);
        check(r#"{"LocalNodeState":"locked","ControlAvailable":false}"#, SwarmRole::Inactive);
        check("{}", SwarmRole::Inactive);
    }

    #[test]
    fn a_socket_that_is_not_there_is_unreachable() {
        let error = Swarm::connect("unix:///nonexistent/docker.sock").unwrap_err();
        assert!(matches!(error, EngineError::Unreachable { .. }), "{error}");
        let error = Swarm::connect("ssh://elsewhere").unwrap_err();
        assert!(error.to_string().contains("expected unix://"), "{error}");
    }
}
