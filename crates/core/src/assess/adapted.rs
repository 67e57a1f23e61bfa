//! A red under an adaptation says so: what cc-ci changed about the recipe may be what failed.

use cc_ci_model::evidence::Act;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Adaptation, AdaptationKind};

use super::{Assessment, Context};

/// Adds to each failed check of an act what was changed about the recipe, where that can have
/// made a difference.
pub(super) fn of_adapted(context: Context<'_>, mut assessment: Assessment) -> Assessment {
    let Some(note) = note(context.act.act, &context.plan.adaptations) else {
        return assessment;
    };
    for check in &mut assessment.checks {
        if let Outcome::Failed { reason } = &check.outcome {
            let told = format!("{reason} ({note})");
            if check.detail == *reason {
                check.detail.clone_from(&told);
            }
            check.outcome = Outcome::failed(told);
        }
    }
    assessment
}

/// What was changed, and where it may be otherwise; `None` where it can have made no difference.
fn note(act: Act, adaptations: &[Adaptation]) -> Option<String> {
    if adaptations.is_empty() || !is_about_the_network(act) {
        return None;
    }
    let subjects = |kind| {
        let of_kind = adaptations.iter().filter(move |adaptation| adaptation.kind == kind);
        let subjects: Vec<&str> = of_kind.map(|adaptation| adaptation.subject.as_str()).collect();
        (!subjects.is_empty()).then(|| subjects.join(", "))
    };
    let without_vip = subjects(AdaptationKind::EndpointMode);
    let on_the_host = subjects(AdaptationKind::HostPorts);
    let replaced = subjects(AdaptationKind::Network).filter(|_| asks_from_outside(act));
    let is_of_host = without_vip.is_some() || on_the_host.is_some();
    let changed = [
        without_vip.map(|services| format!("`endpoint_mode: dnsrr` for {services}")),
        on_the_host.map(|services| format!("ports of {services} on the host")),
        replaced.as_ref().map(|networks| format!("a network of the run instead of {networks}")),
    ];
    let changed: Vec<String> = changed.into_iter().flatten().collect();
    let elsewhere = match (is_of_host, replaced) {
        (true, Some(networks)) => {
            format!("a host where VIPs answer, and one with its own {networks}, may differ")
        }
        (true, None) => "a host where VIPs answer may differ".to_owned(),
        (false, Some(networks)) => format!("a host with its own {networks} may differ"),
        (false, None) => return None,
    };
    Some(format!("under adaptation: {}; {elsewhere}", changed.join(", ")))
}

/// Whether an act has to do with how services, and whoever asks them, reach each other. What is
/// in an image, a volume, a snapshot or a label is the same on every network.
fn is_about_the_network(act: Act) -> bool {
    match act {
        Act::Deploy { .. }
        | Act::Converge
        | Act::Answer
        | Act::Inspect
        | Act::Backup
        | Act::Verify
        | Act::Restore
        | Act::Restart
        | Act::Test
        | Act::Observe => true,
        Act::EnsureImages { .. }
        | Act::Meter
        | Act::Plant
        | Act::Seek
        | Act::Mark
        | Act::ReadSnapshot
        | Act::Undeploy
        | Act::Disturb
        | Act::Recall
        | Act::Examine
        | Act::Dismantle => false,
    }
}

/// Whether an act asks the app from outside, as a proxy would. Only there can it matter that the
/// proxy's network is one of the run: every recipe with a front has this adaptation, and a note
/// that stands under each red would soon be read by nobody.
fn asks_from_outside(act: Act) -> bool {
    matches!(act, Act::Answer | Act::Inspect | Act::Test)
}

#[cfg(test)]
mod tests {
    use cc_ci_model::plan::Revision;

    use super::*;

    const HEAD: Revision = Revision::Head;

    const OF_THE_NETWORK: [Act; 10] = [
        Act::Deploy { revision: HEAD },
        Act::Converge,
        Act::Answer,
        Act::Inspect,
        Act::Backup,
        Act::Verify,
        Act::Restore,
        Act::Restart,
        Act::Test,
        Act::Observe,
    ];

    const OF_OTHER_THINGS: [Act; 10] = [
        Act::EnsureImages { revision: HEAD },
        Act::Plant,
        Act::Seek,
        Act::Mark,
        Act::ReadSnapshot,
        Act::Undeploy,
        Act::Disturb,
        Act::Recall,
        Act::Examine,
        Act::Dismantle,
    ];

    /// Adaptations, and what is said of a failure under them, of an act that asks from outside and
    /// of another.
    #[track_caller]
    fn check(
        adaptations: &[&[(AdaptationKind, &str)]],
        expected: Option<&str>,
        of_others: Option<&str>,
    ) {
        let adaptations: Vec<Adaptation> = adaptations
            .concat()
            .into_iter()
            .map(|(kind, subject)| Adaptation { kind, subject: subject.into(), why: "so".into() })
            .collect();
        let told = |text: Option<&str>| text.map(|text| format!("under adaptation: {text}"));
        for act in OF_THE_NETWORK {
            let expected = if asks_from_outside(act) { expected } else { of_others };
            assert_eq!(note(act, &adaptations), told(expected), "{act:?}");
        }
        for act in OF_OTHER_THINGS {
            assert_eq!(note(act, &adaptations), None, "{act:?}");
        }
    }

    /// Every combination of kinds.
    #[test]
    fn a_red_under_an_adaptation_says_so() {
        let dnsrr: &[_] = &[AdaptationKind::EndpointMode].map(|kind| (kind, "db"));
        let ports: &[_] = &[(AdaptationKind::HostPorts, "app"), (AdaptationKind::HostPorts, "web")];
        let network: &[_] = &[(AdaptationKind::Network, "proxy")];
        let said = |changed: &str, elsewhere: &str| format!("{changed}; {elsewhere}");
        let vips = "a host where VIPs answer may differ";
        let both = "a host where VIPs answer, and one with its own proxy, may differ";
        let (d, p) = ("`endpoint_mode: dnsrr` for db", "ports of app, web on the host");
        let n = "a network of the run instead of proxy";
        let (only_d, only_p) = (said(d, vips), said(p, vips));
        let both_of_host = said(&format!("{d}, {p}"), vips);
        check(&[], None, None);
        check(&[dnsrr], Some(&only_d), Some(&only_d));
        check(&[ports], Some(&only_p), Some(&only_p));
        check(&[network], Some(&said(n, "a host with its own proxy may differ")), None);
        check(&[ports, dnsrr], Some(&both_of_host), Some(&both_of_host));
        check(&[network, dnsrr], Some(&said(&format!("{d}, {n}"), both)), Some(&only_d));
        check(&[network, ports], Some(&said(&format!("{p}, {n}"), both)), Some(&only_p));
        check(
            &[network, ports, dnsrr],
            Some(&said(&format!("{d}, {p}, {n}"), both)),
            Some(&both_of_host),
        );
    }
}
