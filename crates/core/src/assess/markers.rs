//! Markers (STG-9): planted in every named volume, found again after the upgrade through the
//! mounts of the tasks that run then. A renamed volume still exists; only a mount tells.

use cc_ci_model::evidence::{Act, Evidence, MarkerSeen};
use cc_ci_model::outcome::Outcome;

use crate::text::count;

use super::{Assessment, Check, Context};

/// A marker that can not be planted proves nothing: unverified, never passed.
pub(super) fn assess_planted(context: Context<'_>, markers: &[MarkerSeen]) -> Assessment {
    let mut assessment = Assessment::default();
    for planned in &context.plan.markers {
        let volume = planned.volume.as_str();
        let seen = markers.iter().find(|marker| marker.volume == volume);
        let outcome = match seen {
            Some(seen) if seen.found.as_ref() == Some(&seen.nonce) => continue,
            Some(seen) => Outcome::unverified(format!(
                "volume {volume} could not be marked: {}",
                seen.problem.as_deref().unwrap_or("what was read back is not what was written")
            )),
            None => Outcome::unverified(format!("volume {volume} was not marked")),
        };
        assessment.checks.push(Check::with("plant", outcome));
    }
    if assessment.checks.is_empty() {
        let detail = match markers.len() {
            0 => "the base has no named volume: there is nothing to lose".to_owned(),
            number => format!("{} marked", count(number, "volume")),
        };
        assessment.checks.push(Check::passed("plant", detail));
    }
    assessment
}

/// Every planted marker must be seen again.
pub(super) fn assess_sought(context: Context<'_>, markers: &[MarkerSeen]) -> Assessment {
    let planted = planted(context);
    let mut assessment = Assessment::default();
    for planned in &context.plan.markers {
        let volume = planned.volume.as_str();
        let nonce =
            planted.iter().find(|marker| marker.volume == volume).map(|marker| &marker.nonce);
        let seen = markers.iter().find(|marker| marker.volume == volume);
        let outcome = match (nonce, seen) {
            (None, _) => Outcome::unverified(format!("volume {volume} was never marked")),
            (Some(_), None) => {
                Outcome::unverified(format!("nobody looked for the marker of volume {volume}"))
            }
            (Some(nonce), Some(seen)) if seen.found.as_ref() == Some(nonce) => continue,
            (Some(_), Some(seen)) => Outcome::failed(lost(volume, seen)),
        };
        assessment.checks.push(Check::with("markers", outcome));
    }
    if assessment.checks.is_empty() {
        let detail = match markers.len() {
            0 => "the base has no named volume: there was nothing to lose".to_owned(),
            number => format!("{} still there", count(number, "marker")),
        };
        assessment.checks.push(Check::passed("markers", detail));
    }
    assessment
}

fn lost(volume: &str, seen: &MarkerSeen) -> String {
    match (&seen.service, &seen.path, &seen.found) {
        (None, _, _) => format!(
            "data lost: no service of the head mounts volume {volume} any more, so what users had in it is out of reach"
        ),
        (Some(service), Some(path), None) => format!(
            "data lost: the marker planted in volume {volume} before the upgrade is gone (looked for at {path} in service {service}{})",
            seen.problem.as_ref().map(|problem| format!(": {problem}")).unwrap_or_default()
        ),
        (Some(service), None, None) => format!(
            "the marker of volume {volume} could not be looked for in service {service}: {}",
            seen.problem.as_deref().unwrap_or("no reason")
        ),
        (Some(service), _, Some(_)) => format!(
            "data changed: the marker in volume {volume}, seen through service {service}, is not the one that was planted"
        ),
    }
}

fn planted(context: Context<'_>) -> &[MarkerSeen] {
    let act = context.run.act(Act::Plant);
    match act.and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Planted { markers }) => markers,
        Some(_) | None => &[],
    }
}
