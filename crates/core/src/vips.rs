//! What a recipe needs on a host whose service VIPs do not answer (ADR 4 and 7): names that lead
//! to the tasks themselves, and ports published where the task is instead of through the ingress
//! mesh.
//!
//! Tests: `planning/tests.rs`, `overlay/tests.rs`.

use cc_ci_model::compose::{DeclaredPort, DeclaredService, DeclaredStack, ServiceMode};

use crate::compose::lost_ports;

/// Ports a service publishes through the ingress mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngressPorts {
    /// There are none.
    None,
    /// They can be published on the host of the task instead.
    Movable,
    /// They have to stay where nothing answers.
    Stuck {
        /// Why.
        why: String,
    },
}

/// What can be done about the ports a service publishes through the ingress mesh.
pub fn ingress_ports(service: &DeclaredService) -> IngressPorts {
    let in_mesh: Vec<&DeclaredPort> = in_mesh(service).collect();
    // Docker refuses the two together: the recipe's own mistake.
    if in_mesh.is_empty() || service.dnsrr {
        return IngressPorts::None;
    }
    if let Some(port) = lost_ports(service).first() {
        let published =
            port.published.map_or("without a number".to_owned(), |it| format!("as {it}"));
        let why = format!(
            "more than one of them is published {published}, and where files are merged docker keeps only one of those"
        );
        return IngressPorts::Stuck { why };
    }
    match service.mode {
        ServiceMode::Replicated { replicas: tasks }
        | ServiceMode::ReplicatedJob { completions: tasks }
            if tasks > 1 =>
        {
            let why = format!("the service wants {tasks} tasks, and a host has a port only once");
            IngressPorts::Stuck { why }
        }
        ServiceMode::Replicated { .. }
        | ServiceMode::ReplicatedJob { .. }
        | ServiceMode::Global
        | ServiceMode::GlobalJob => IngressPorts::Movable,
    }
}

/// Ports that a service publishes through the ingress mesh.
pub fn in_mesh(service: &DeclaredService) -> impl Iterator<Item = &DeclaredPort> {
    service.ports.iter().filter(|port| !port.host_mode)
}

/// Whether a service gets `endpoint_mode: dnsrr`: others may call it by name, and it publishes
/// nothing through the ingress mesh, or nothing any more.
pub fn can_do_without_vip(stack: &DeclaredStack, service: &DeclaredService) -> bool {
    let is_stuck = matches!(ingress_ports(service), IngressPorts::Stuck { .. });
    stack.services.len() > 1 && !service.dnsrr && !is_stuck
}

/// A port as people write it, e.g. `8080/tcp`; `?` is a number the engine chooses.
pub fn shown(port: &DeclaredPort) -> String {
    let published = port.published.map_or("?".to_owned(), |published| published.to_string());
    format!("{published}/{}", port.protocol)
}
