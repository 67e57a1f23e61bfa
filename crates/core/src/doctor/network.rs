//! Whether service VIPs answer, and whether this process reaches tasks at their own addresses.

use std::net::IpAddr;

use cc_ci_model::doctor::{Finding, FindingId};
use cc_ci_model::host::Tried;

use super::Facts;
use crate::ports::{EngineState, Kernel};

/// What was seen of the bridge between tasks and their host (`docker_gwbridge`). Nothing is
/// created for it: the ingress network's own end is always on that bridge, and answers by refusing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reach {
    /// The host's address on the bridge; `None` without a bridge.
    pub gateway: Option<IpAddr>,
    /// That address is one of this process's own network.
    pub gateway_is_own: bool,
    /// Whether something on the bridge answered; `None` when nothing was on it.
    pub answered: Option<bool>,
}

/// Whether service VIPs answer. A VIP is an `ip_vs` entry of the engine's kernel, which the engine
/// loads when it joins a Swarm; of a kernel that is not this process's own nothing is known.
pub fn vips(engine: &Kernel, own: &Kernel, has_ip_vs: bool) -> Tried {
    match (engine == own, has_ip_vs) {
        (true, true) => Tried::Works,
        (true, false) => Tried::Fails,
        (false, _) => Tried::Unknown,
    }
}

/// Whether tasks can be reached. They are if this process is on their bridge itself, the engine
/// runs on this kernel (the same addresses exist on every host), and what is on the bridge
/// answers. An answer that came another way proves nothing: networks were seen in which a proxy
/// answers for every address there is. No answer that way means no.
pub fn task_addresses(engine: &Kernel, own: &Kernel, reach: &Reach) -> Tried {
    match (engine == own, reach.gateway_is_own, reach.answered) {
        (true, true, Some(true) | None) => Tried::Works,
        (_, false, Some(false)) => Tried::Fails,
        // Among them a firewall that swallows the answer of the one that was asked.
        (true, true, Some(false)) | (_, false, Some(true) | None) | (false, true, _) => {
            Tried::Unknown
        }
    }
}

pub(super) fn findings(facts: &Facts, engine: &EngineState) -> [Finding; 2] {
    let vips = vips(&engine.kernel, &facts.kernel, facts.has_ip_vs);
    let tasks = task_addresses(&engine.kernel, &facts.kernel, &facts.reach);
    [vips_finding(vips, &engine.kernel), tasks_finding(tasks, &facts.reach)]
}

fn vips_finding(tried: Tried, kernel: &Kernel) -> Finding {
    let place = format!("kernel {}", kernel.release);
    match tried {
        Tried::Works => Finding::new(FindingId::Vips, "answer: the kernel has ip_vs", place),
        Tried::Fails => Finding::new(
            FindingId::VipsSilent,
            "do not answer: the kernel has no ip_vs. Services of a recipe with more than one are \
             deployed with `endpoint_mode: dnsrr`, unless they publish a port through the ingress \
             mesh; plan and report name each",
            place,
        )
        .next("nothing has to be done; where the kernel has the module, `modprobe ip_vs` and restart Docker"),
        Tried::Unknown => Finding::new(
            FindingId::VipsUnknown,
            "the engine runs on another kernel than cc-ci: whether they answer there is not known, \
             and recipes are deployed as they are",
            place,
        )
        .next("run cc-ci on the engine's own host"),
    }
}

fn tasks_finding(tried: Tried, reach: &Reach) -> Finding {
    let place = reach
        .gateway
        .map_or("docker_gwbridge".to_owned(), |gateway| format!("docker_gwbridge, {gateway}"));
    let elsewhere = "run cc-ci on the engine's own host; in a container, with `--network host`";
    match tried {
        Tried::Works => Finding::new(FindingId::TaskAddresses, "reached from here", place),
        Tried::Fails => Finding::new(
            FindingId::TaskAddressesSilent,
            "not reached from here: cc-ci asks an app at its task's own address, and no app would \
             be seen to answer",
            place,
        )
        .next(elsewhere),
        Tried::Unknown => {
            Finding::new(FindingId::TaskAddressesUnknown, unknown(reach), place).next(elsewhere)
        }
    }
}

/// Why it cannot be told.
fn unknown(reach: &Reach) -> &'static str {
    match (reach.gateway, reach.gateway_is_own, reach.answered) {
        (None, _, _) => "not known: there is no such network before the engine is in a Swarm",
        (_, true, Some(false)) => {
            "not known: this process is on the tasks' bridge, but nothing on it answers (a firewall?)"
        }
        (_, false, None) => "not known: nothing is on the tasks' bridge that could be asked",
        (_, false, Some(true)) => {
            "not known: something answers at their addresses, but this process is not on their \
             bridge, and it may be a proxy"
        }
        (_, _, _) => {
            "not known: the engine runs on another kernel than cc-ci, and its addresses may be used here too"
        }
    }
}
