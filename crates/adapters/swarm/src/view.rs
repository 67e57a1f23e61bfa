//! Looking at stacks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use async_trait::async_trait;
use cc_ci_core::ports::{EngineError, StackView, StackWatch, TaskAddress};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::TaskState;
use serde::Deserialize;

use crate::client::Swarm;
use crate::logs;
use crate::tasks;
use crate::watch::Watch;

/// The bridge through which the tasks of this node reach the host, and the host them.
pub(crate) const GATEWAY_NETWORK: &str = "docker_gwbridge";

#[async_trait]
impl StackView for Swarm {
    async fn watch(&self, stack: &StackName) -> Result<Box<dyn StackWatch>, EngineError> {
        Ok(Box::new(Watch::begin(self.clone(), stack.clone()).await?))
    }

    async fn addresses(
        &self,
        stack: &StackName,
        service: &str,
    ) -> Result<Vec<TaskAddress>, EngineError> {
        let tasks = tasks::list_of(&self.endpoint, &format!("{stack}_{service}")).await?;
        let gateway: Gateway = self
            .endpoint
            .get(
                &format!("inspect network {GATEWAY_NETWORK}"),
                &format!("/networks/{GATEWAY_NETWORK}"),
            )
            .await?;
        let mut addresses: Vec<TaskAddress> = tasks
            .iter()
            .filter(|task| task.state() == TaskState::Running)
            .filter_map(|task| {
                let address = gateway.address(task.container_id()?)?;
                let leaving = task.desired_state != TaskState::Running;
                Some(TaskAddress { task: task.id.clone(), address, leaving })
            })
            .collect();
        addresses.sort_by(|a, b| a.task.cmp(&b.task));
        Ok(addresses)
    }

    async fn answers(&self) -> bool {
        self.is_manager().await
    }

    async fn log_tail(
        &self,
        stack: &StackName,
        service: &str,
        lines: u32,
    ) -> Result<String, EngineError> {
        logs::tail(&self.docker, &format!("{stack}_{service}"), lines).await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Gateway {
    #[serde(rename = "IPAM", default)]
    pub(crate) ipam: Ipam,
    #[serde(default)]
    pub(crate) containers: BTreeMap<String, Member>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Ipam {
    pub(crate) config: Vec<IpamConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct IpamConfig {
    #[serde(default)]
    pub(crate) gateway: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Member {
    #[serde(rename = "IPv4Address", default)]
    address: String,
}

impl Gateway {
    /// Written as `172.18.0.3/16`.
    pub(crate) fn address(&self, container: &str) -> Option<IpAddr> {
        self.containers.get(container)?.address.split('/').next()?.parse().ok()
    }
}
