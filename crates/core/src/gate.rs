//! Where an app answers (ISO-6, CONV-6): which service, which port, which statuses count.

use std::collections::BTreeSet;

use cc_ci_model::compose::{DeclaredService, DeclaredStack};
use cc_ci_model::pack::PackHealth;
use cc_ci_model::plan::HttpGate;

/// The gate of a recipe: what the pack says, else the service with a router port, else `app`.
///
/// # Errors
/// Why no port can be told, and what to write.
pub fn gate(
    declared: &DeclaredStack,
    health: &PackHealth,
    not_found: bool,
) -> Result<HttpGate, String> {
    let (service, by) = service(declared, health)?;
    let (port, from) = port(service, health)?;
    if is_only_internal(declared, service) {
        return Err(format!(
            "service {} is only on internal networks: with `direct` ingress nothing can reach it",
            service.name
        ));
    }
    Ok(HttpGate {
        service: service.name.clone(),
        port,
        why: format!("{by}; {from}"),
        path: health.path.clone().unwrap_or_else(|| "/".to_owned()),
        statuses: statuses(health),
        successes: health.stable.unwrap_or(2).max(1),
        interval_ms: 500,
        not_found,
    })
}

fn service<'a>(
    declared: &'a DeclaredStack,
    health: &PackHealth,
) -> Result<(&'a DeclaredService, &'static str), String> {
    if let Some(name) = &health.service {
        let found = declared.service(name.as_str());
        return found.map(|service| (service, "service named by the pack")).ok_or_else(|| {
            format!("the pack names service {name}, which the recipe does not have")
        });
    }
    if let Some(routed) = declared.services.iter().find(|service| service.router_port().is_some()) {
        return Ok((routed, "service with a router port label"));
    }
    let app = declared.service("app").map(|service| (service, "service `app`"));
    app.ok_or_else(|| {
        "no service has a router port label and none is called `app`: name one as `[health] service`".to_owned()
    })
}

fn port(service: &DeclaredService, health: &PackHealth) -> Result<(u16, &'static str), String> {
    if let Some(port) = health.port {
        return Ok((port, "port named by the pack"));
    }
    if let Some(port) = service.router_port() {
        return Ok((port, "port of its router label"));
    }
    let published: BTreeSet<u16> = service
        .ports
        .iter()
        .filter(|port| port.protocol == "tcp")
        .map(|port| port.target)
        .collect();
    let exposed: BTreeSet<u16> = service.exposed.iter().copied().collect();
    for (ports, from) in
        [(published, "its only published port"), (exposed, "its only exposed port")]
    {
        if let (Some(port), 1) = (ports.first(), ports.len()) {
            return Ok((*port, from));
        }
    }
    Err(format!(
        "it cannot be told on which port service {} answers: it has no router port label and not exactly one published \
         or exposed port; name it as `[health] port`",
        service.name
    ))
}

/// 2xx and 401 unless the pack says otherwise.
fn statuses(health: &PackHealth) -> BTreeSet<u16> {
    match &health.status {
        Some(statuses) => statuses.iter().copied().collect(),
        None => (200..300).chain([401]).collect(),
    }
}

fn is_only_internal(declared: &DeclaredStack, service: &DeclaredService) -> bool {
    !service.networks.is_empty()
        && service.networks.iter().all(|name| {
            declared.networks.iter().any(|network| network.name == *name && network.internal)
        })
}
