//! What cc-ci has to change about a recipe on this host: as little as it can, always said.

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::host::Tried;
use cc_ci_model::plan::{Adaptation, AdaptationKind};

use super::{BaseFound, Request, upgrade};

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
    if request.host.vips == Tried::Fails {
        let stacks: Vec<&DeclaredStack> =
            [declared].into_iter().chain(upgrade.map(|found| &found.base.declared)).collect();
        all.extend(upgrade::without_vip(&stacks).into_iter().map(no_vip));
    }
    all
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
