//! What cc-ci has to change about a recipe on this host: as little as it can, always said.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_model::compose::{DeclaredService, DeclaredStack};
use cc_ci_model::host::Tried;
use cc_ci_model::plan::{Adaptation, AdaptationKind, Finding};

use super::{BaseFound, Request};
use crate::vips::{IngressPorts, can_do_without_vip, in_mesh, ingress_ports, shown};

/// Every adaptation of the plan.
pub(super) fn adaptations(
    request: &Request,
    declared: &DeclaredStack,
    upgrade: Option<&BaseFound>,
) -> Vec<Adaptation> {
    let mut all: Vec<Adaptation> = declared
        .networks
        .iter()
        .filter(|network| network.external)
        .map(|network| Adaptation {
            kind: AdaptationKind::Network,
            subject: network.name.to_string(),
            why: format!(
                "external network {} is replaced by one of the run: `direct` ingress needs no proxy, and on a shared network \
                 the alias `app` would answer for every stack",
                network.object
            ),
        })
        .collect();
    let stacks: Vec<&DeclaredStack> =
        [declared].into_iter().chain(upgrade.map(|found| &found.base.declared)).collect();
    if request.host.vips == Tried::Fails {
        let named = |service: &DeclaredService| (service.name.to_string(), shown_ports(service));
        let movable = services(&stacks, |_, it| ingress_ports(it) == IngressPorts::Movable);
        let moved: BTreeMap<String, String> = movable.map(named).collect();
        all.extend(moved.into_iter().map(|(service, ports)| on_the_host(service, &ports)));
        let without: BTreeSet<String> =
            services(&stacks, can_do_without_vip).map(|it| it.name.to_string()).collect();
        all.extend(without.into_iter().map(no_vip));
    }
    all
}

/// What stays unreachable on this host.
pub(super) fn stuck_ports(request: &Request, declared: &DeclaredStack) -> Vec<Finding> {
    let services = declared.services.iter().filter(|_| request.host.vips == Tried::Fails);
    let stuck = services.filter_map(|service| match ingress_ports(service) {
        IngressPorts::Stuck { why } => Some((service, why)),
        IngressPorts::None | IngressPorts::Movable => None,
    });
    stuck
        .map(|(service, why)| {
            let message = format!(
                "service {} publishes {} through the ingress mesh, which does not answer on this host (its kernel has no ip_vs), and they can not be published on the host itself: {why}. Neither these ports nor the service's name will answer here",
                service.name,
                shown_ports(service)
            );
            Finding::new("ingress_ports", message, Some(service.name.to_string()))
        })
        .collect()
}

/// Services of several revisions for which something holds.
fn services<'s>(
    stacks: &[&'s DeclaredStack],
    holds: impl Fn(&DeclaredStack, &DeclaredService) -> bool,
) -> impl Iterator<Item = &'s DeclaredService> {
    let all = stacks.iter().flat_map(|stack| stack.services.iter().map(move |it| (*stack, it)));
    all.filter(move |(stack, service)| holds(stack, service)).map(|(_, service)| service)
}

fn shown_ports(service: &DeclaredService) -> String {
    let ports: Vec<String> = in_mesh(service).map(shown).collect();
    format!("{} {}", if ports.len() == 1 { "port" } else { "ports" }, ports.join(", "))
}

fn on_the_host(service: String, ports: &str) -> Adaptation {
    Adaptation {
        kind: AdaptationKind::HostPorts,
        subject: service,
        why: format!(
            "the ingress mesh does not answer on this host (its kernel has no ip_vs), so {ports} are published where the task is \
             (`mode: host`), and an update stops the old task before the new one starts"
        ),
    }
}

fn no_vip(service: String) -> Adaptation {
    Adaptation {
        kind: AdaptationKind::EndpointMode,
        subject: service,
        why: "service VIPs do not answer on this host (its kernel has no ip_vs), so the name resolves to the tasks themselves \
              (`endpoint_mode: dnsrr`)"
            .to_owned(),
    }
}
