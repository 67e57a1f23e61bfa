//! A restore (STG-5): the loss was real, and afterwards everything that was in the snapshot is
//! back bit for bit, with owner, mode and extended attributes.
//!
//! Tests: `restore/tests.rs`.

use std::collections::BTreeSet;

use cc_ci_model::backup::{KeptMarker, MarkerFile, RestoreSeen};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;
use cc_ci_model::stage::Stage;

use crate::text::count;

use super::backup::hooks;
use super::snapshot::in_snapshot;
use super::{Assessment, Check, Context};

#[cfg(test)]
mod tests;

/// The negative control: none of what the restore has to bring back is there any more.
pub(super) fn assess_disturbed(context: Context<'_>, markers: &[KeptMarker]) -> Assessment {
    let kept = kept(context);
    if kept.is_empty() {
        let why = Outcome::unverified(
            "nothing is known to be in the snapshot, so nothing can be lost and found",
        );
        return Assessment::of(Check::with("loss", why));
    }
    let survivors: BTreeSet<&str> = kept
        .iter()
        .filter(|known| {
            let now = find(markers, known);
            now.is_none_or(|now| {
                now.problem.is_some()
                    || now.file.as_ref().is_some_and(|file| file.content == known.nonce)
            })
        })
        .map(|known| known.volume.as_str())
        .collect();
    if survivors.is_empty() {
        return Assessment::of(Check::passed(
            "loss",
            format!("{} gone", count(kept.len(), "marker")),
        ));
    }
    let survivors: Vec<&str> = survivors.into_iter().collect();
    let why = format!(
        "the loss could not be made real in volume {}: a restore would prove nothing",
        survivors.join(", ")
    );
    Assessment::of(Check::with("loss", Outcome::errored(why)))
}

pub(super) fn assess_restored(seen: &RestoreSeen) -> Assessment {
    let mut assessment =
        hooks(&seen.hooks, "the bot would have gone on and called the restore a success");
    if let Some(problem) = &seen.problem {
        assessment.checks.push(Check::with("restore", Outcome::errored(problem)));
    } else {
        let short: String = seen.snapshot.chars().take(8).collect();
        assessment.checks.push(Check::passed("restore", format!("snapshot {short} is put back")));
    }
    assessment
}

/// Every service that runs must have been told.
pub(super) fn assess_restarted(services: &[String]) -> Assessment {
    Assessment::of(if services.is_empty() {
        Check::with("restart", Outcome::unverified("no service was restarted after the restore"))
    } else {
        Check::passed("restart", format!("{} restarted", count(services.len(), "service")))
    })
}

/// Everything that was in the snapshot is as it was.
pub(super) fn assess_recalled(context: Context<'_>, markers: &[KeptMarker]) -> Assessment {
    let kept = kept(context);
    let mut assessment = Assessment::default();
    for known in &kept {
        let now = find(markers, known);
        let outcome = match (now.and_then(|now| now.file.as_ref()), &known.file) {
            (Some(now), Some(then)) => compare(known, then, now),
            (None, _) => Some(missing(known, now)),
            (Some(_), None) => Some(Outcome::unverified(format!(
                "nobody knows what volume {} was like at the backup",
                known.volume
            ))),
        };
        assessment.checks.extend(outcome.map(|outcome| Check::with("data_back", outcome)));
    }
    if kept.is_empty() {
        assessment.checks.push(Check::with(
            "data_back",
            Outcome::unverified("nothing was shown to be in the snapshot"),
        ));
    }
    if assessment.checks.is_empty() {
        let detail =
            format!("{} back, with owner, mode and attributes", count(kept.len(), "marker"));
        assessment.checks.push(Check::passed("data_back", detail));
    }
    let no_xattrs =
        kept.iter().filter(|known| known.file.as_ref().is_some_and(|file| file.xattrs.is_none()));
    let volumes: BTreeSet<&str> = no_xattrs.map(|known| known.volume.as_str()).collect();
    assessment.warnings.extend(volumes.into_iter().map(|volume| {
        let message = format!(
            "extended attributes of volume {volume} can not be read here and were not compared"
        );
        Finding::new("xattrs_not_compared", message, Some(volume.to_owned()))
    }));
    assessment
}

/// A file that could not be read is not a file that is gone.
fn missing(known: &KeptMarker, now: Option<&KeptMarker>) -> Outcome {
    let place = format!("{} of volume {}", known.path, known.volume);
    match now.and_then(|now| now.problem.as_ref()) {
        Some(problem) => {
            Outcome::errored(format!("{place} could not be looked at after the restore: {problem}"))
        }
        None => Outcome::failed(format!(
            "data lost: what was in {place} at the backup is not there after the restore"
        )),
    }
}

fn compare(known: &KeptMarker, then: &MarkerFile, now: &MarkerFile) -> Option<Outcome> {
    let place = format!("{} of volume {}", known.path, known.volume);
    if now.content != then.content {
        return Some(Outcome::failed(format!(
            "data lost: {place} does not hold after the restore what it held at the backup: the restore does not put it back, or puts an older state back"
        )));
    }
    let mut differs = Vec::new();
    if (now.uid, now.gid) != (then.uid, then.gid) {
        differs.push(format!("owner {}:{} was {}:{}", now.uid, now.gid, then.uid, then.gid));
    }
    if now.mode != then.mode {
        differs.push(format!("mode {:o} was {:o}", now.mode, then.mode));
    }
    if then.xattrs.is_some() && now.xattrs != then.xattrs {
        differs.push("extended attributes differ".to_owned());
    }
    (!differs.is_empty()).then(|| {
        Outcome::failed(format!(
            "{place} is back, but not as it was: {}: the app may not be able to read it",
            differs.join(", ")
        ))
    })
}

fn find<'a>(markers: &'a [KeptMarker], known: &KeptMarker) -> Option<&'a KeptMarker> {
    markers.iter().find(|marker| marker.volume == known.volume && marker.path == known.path)
}

/// Markers that were planted for the backup and found in its snapshot.
fn kept(context: Context<'_>) -> Vec<&KeptMarker> {
    let backup = context.state.run_of(Stage::Backup, context.app());
    let evidence = |act| backup.and_then(|run| run.act(act)).and_then(|act| act.evidence.as_ref());
    match (evidence(Act::Mark), evidence(Act::ReadSnapshot)) {
        (Some(Evidence::Marked { markers, .. }), Some(Evidence::Snapshot(seen))) => markers
            .iter()
            .filter(|marker| seen.markers.iter().any(|looked| in_snapshot(looked, marker)))
            .collect(),
        (_, _) => Vec::new(),
    }
}
