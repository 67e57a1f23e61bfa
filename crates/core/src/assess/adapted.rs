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
    let replaced = subjects(AdaptationKind::Network);
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
        | Act::Restore
        | Act::Restart
        | Act::Test
        | Act::Observe => true,
        Act::EnsureImages { .. }
        | Act::Plant
        | Act::Seek
        | Act::Mark
        | Act::ReadSnapshot
        | Act::Disturb
        | Act::Recall
        | Act::Dismantle => false,
    }
}

#[cfg(test)]
mod tests {
    use cc_ci_model::plan::Revision;

    use super::*;

    fn adaptation(kind: AdaptationKind, subject: &str) -> Adaptation {
        Adaptation { kind, subject: subject.to_owned(), why: "because".to_owned() }
    }

    /// Every combination of kinds, and what is said of a failure under it.
    #[test]
    fn a_red_under_an_adaptation_says_so() {
        let dnsrr = || {
            vec![
                adaptation(AdaptationKind::EndpointMode, "app"),
                adaptation(AdaptationKind::EndpointMode, "db"),
            ]
        };
        let ports = || vec![adaptation(AdaptationKind::HostPorts, "app")];
        let network = || vec![adaptation(AdaptationKind::Network, "proxy")];
        let host = "a host where VIPs answer may differ";
        let both = "a host where VIPs answer, and one with its own proxy, may differ";
        for (adaptations, expected) in [
            (vec![], None),
            (vec![dnsrr()], Some(format!("`endpoint_mode: dnsrr` for app, db; {host}"))),
            (vec![ports()], Some(format!("ports of app on the host; {host}"))),
            (
                vec![network()],
                Some(
                    "a network of the run instead of proxy; a host with its own proxy may differ"
                        .to_owned(),
                ),
            ),
            (
                vec![dnsrr(), ports()],
                Some(format!(
                    "`endpoint_mode: dnsrr` for app, db, ports of app on the host; {host}"
                )),
            ),
            (
                vec![network(), dnsrr()],
                Some(format!(
                    "`endpoint_mode: dnsrr` for app, db, a network of the run instead of proxy; {both}"
                )),
            ),
            (
                vec![network(), ports()],
                Some(format!(
                    "ports of app on the host, a network of the run instead of proxy; {both}"
                )),
            ),
            (
                vec![network(), ports(), dnsrr()],
                Some(format!(
                    "`endpoint_mode: dnsrr` for app, db, ports of app on the host, a network of the run instead of proxy; {both}"
                )),
            ),
        ] {
            let adaptations: Vec<Adaptation> = adaptations.into_iter().flatten().collect();
            let expected = expected.map(|text| format!("under adaptation: {text}"));
            let head = Revision::Head;
            for act in [
                Act::Deploy { revision: head },
                Act::Converge,
                Act::Answer,
                Act::Inspect,
                Act::Backup,
                Act::Restore,
                Act::Restart,
                Act::Test,
                Act::Observe,
            ] {
                assert_eq!(note(act, &adaptations), expected, "{act:?}");
            }
            for act in [
                Act::EnsureImages { revision: head },
                Act::Plant,
                Act::Seek,
                Act::Mark,
                Act::ReadSnapshot,
                Act::Disturb,
                Act::Recall,
                Act::Dismantle,
            ] {
                assert_eq!(note(act, &adaptations), None, "{act:?}: no network has to do with it");
            }
        }
    }
}
