//! What an engine says about itself, its Swarm, the bridge to its tasks, and everything that
//! carries a run's label.
//!
//! Tests: at the end of this file, and against a real engine in `tests/it/main.rs`.

use std::net::IpAddr;

use async_trait::async_trait;
use cc_ci_core::ports::{Bridge, EngineError, EngineState, EngineView, Node, SwarmState};
use cc_ci_model::intent::Object;
use serde::Deserialize;

use crate::client::{Info, Swarm, Version};
use crate::inventory;
use crate::view::{GATEWAY_NETWORK, Gateway};

/// The ingress network's own end: on the bridge as long as the engine is in a Swarm.
const INGRESS_END: &str = "ingress-sbox";

#[async_trait]
impl EngineView for Swarm {
    async fn state(&self) -> Result<EngineState, EngineError> {
        let version: Version = self.endpoint.get("read the engine's version", "/version").await?;
        let info = self.info().await?;
        Ok(EngineState {
            version: version.version,
            api_version: version.api_version,
            kernel: info.kernel(),
            swarm: self.swarm_state(&info).await,
            root: info.docker_root_dir,
            id: info.id,
        })
    }

    async fn bridge(&self) -> Result<Option<Bridge>, EngineError> {
        let operation = format!("inspect network {GATEWAY_NETWORK}");
        let found = self.endpoint.get(&operation, &format!("/networks/{GATEWAY_NETWORK}")).await;
        match found {
            Ok(gateway) => Ok(Some(bridge(&gateway))),
            Err(EngineError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn marked(&self) -> Result<Vec<Object>, EngineError> {
        inventory::marked(self).await
    }
}

impl Swarm {
    async fn swarm_state(&self, info: &Info) -> SwarmState {
        let swarm = &info.swarm;
        match (swarm.local_node_state.as_str(), swarm.control_available) {
            ("active", true) => SwarmState::Manager {
                node: swarm.node_id.clone(),
                nodes: self.nodes().await.map_err(|error| error.to_string()),
            },
            ("active", false) => SwarmState::Worker,
            ("locked", _) => SwarmState::Locked,
            ("" | "inactive", _) => SwarmState::Inactive,
            (state, _) => {
                SwarmState::Unready { state: state.to_owned(), message: swarm.error.clone() }
            }
        }
    }

    async fn nodes(&self) -> Result<Vec<Node>, EngineError> {
        let nodes: Vec<NodeSeen> = self.endpoint.get("list the nodes", "/nodes").await?;
        Ok(nodes.into_iter().map(NodeSeen::node).collect())
    }
}

/// The ingress network's end first: it is always there, and nothing of a recipe's.
fn bridge(gateway: &Gateway) -> Bridge {
    let ingress = gateway.address(INGRESS_END);
    let others = gateway.containers.keys().filter(|name| *name != INGRESS_END);
    let others = others.filter_map(|name| gateway.address(name));
    Bridge {
        gateway: gateway.ipam.config.iter().find_map(|config| config.gateway.parse().ok()),
        addresses: ingress.into_iter().chain(others).collect::<Vec<IpAddr>>(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NodeSeen {
    #[serde(rename = "ID")]
    id: String,
    spec: NodeSpec,
    #[serde(default)]
    description: NodeDescription,
    status: NodeStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NodeSpec {
    availability: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct NodeDescription {
    hostname: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NodeStatus {
    state: String,
}

impl NodeSeen {
    /// A node that has never been up has no name yet.
    fn node(self) -> Node {
        let name = self.description.hostname;
        Node {
            name: if name.is_empty() { self.id.clone() } else { name },
            id: self.id,
            availability: self.spec.availability,
            state: self.status.state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded on Engine 20.10.24, shortened.
    const GATEWAY: &str = r#"{"Name":"docker_gwbridge","IPAM":{"Driver":"default","Config":[
        {"Subnet":"172.18.0.0/16","Gateway":"172.18.0.1"}]},"Containers":{
        "0fb06ecb3110":{"Name":"gateway_43e0b1999483","IPv4Address":"172.18.0.3/16"},
        "ingress-sbox":{"Name":"gateway_ingress-sbox","IPv4Address":"172.18.0.2/16"}}}"#;

    #[test]
    fn the_ingress_networks_end_is_asked_first() {
        let gateway: Gateway = serde_json::from_str(GATEWAY).unwrap();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let expected = Bridge {
            gateway: Some(address("172.18.0.1")),
            addresses: vec![address("172.18.0.2"), address("172.18.0.3")],
        };
        assert_eq!(bridge(&gateway), expected);
        let empty: Gateway = serde_json::from_str("{}").unwrap();
        assert_eq!(bridge(&empty), Bridge::default());
    }

    /// Recorded on Engine 20.10.24: one that is up, and one whose host never was.
    #[test]
    fn nodes_are_told_by_their_hosts_names() {
        let json = r#"[{"ID":"n1","Spec":{"Role":"manager","Availability":"active"},
            "Description":{"Hostname":"vm"},"Status":{"State":"ready","Addr":"127.0.0.1"}},
            {"ID":"n2","Spec":{"Role":"worker","Availability":"drain"},"Status":{"State":"unknown"}}]"#;
        let nodes: Vec<NodeSeen> = serde_json::from_str(json).unwrap();
        let told: Vec<String> = nodes
            .into_iter()
            .map(NodeSeen::node)
            .map(|node| format!("{} {} {} {}", node.id, node.name, node.availability, node.state))
            .collect();
        assert_eq!(told, ["n1 vm active ready", "n2 n2 drain unknown"]);
    }
}
