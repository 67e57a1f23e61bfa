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
use super::{Assessment, Check, Context, data};

#[cfg(test)]
mod tests;

/// The negative control: none of what the restore has to bring back is there any more.
pub(super) fn assess_disturbed(context: Context<'_>, markers: &[KeptMarker]) -> Assessment {
    let kept = kept(context);
    if kept.is_empty() && data::is_due(context) {
        return Assessment::default();
    }
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
    let restored = restored(context);
    let mut assessment = Assessment::default();
    for known in &kept {
        let now = find(markers, known);
        match (now.and_then(|now| now.file.as_ref()), &known.file) {
            (Some(now), Some(_)) => {
                let before_start = find(restored, known).and_then(|marker| marker.file.as_ref());
                compare(known, now, before_start, &mut assessment);
            }
            (None, _) => assessment.checks.push(Check::with("data_back", missing(known, now))),
            (Some(_), None) => {
                let why = Outcome::unverified(format!(
                    "nobody knows what volume {} was like at the backup",
                    known.volume
                ));
                assessment.checks.push(Check::with("data_back", why));
            }
        }
    }
    if kept.is_empty() && data::is_due(context) {
        return assessment;
    }
    if kept.is_empty() {
        let why = Outcome::unverified("nothing was shown to be in the snapshot");
        assessment.checks.push(Check::with("data_back", why));
    }
    assessment.warnings.extend(without_attributes(&kept));
    if assessment.checks.is_empty() {
        let what = if assessment.warnings.is_empty() {
            "owner, mode and attributes"
        } else {
            "owner and mode"
        };
        let detail = format!("{} back, with {what}", count(kept.len(), "marker"));
        assessment.checks.push(Check::passed("data_back", detail));
    }
    assessment
}

/// Volumes on file systems without extended attributes.
fn without_attributes(kept: &[&KeptMarker]) -> Vec<Finding> {
    let no_xattrs =
        kept.iter().filter(|known| known.file.as_ref().is_some_and(|file| file.xattrs.is_none()));
    let volumes: BTreeSet<&str> = no_xattrs.map(|known| known.volume.as_str()).collect();
    let told = volumes.into_iter().map(|volume| {
        let message = format!(
            "extended attributes of volume {volume} can not be read here and were not compared"
        );
        Finding::new("xattrs_not_compared", message, Some(volume.to_owned()))
    });
    told.collect()
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

/// The content has to be back for the app that runs now; owner, mode and attributes right after the
/// restore or now: what an app gives its files at each start is its own affair.
fn compare(
    known: &KeptMarker,
    now: &MarkerFile,
    before_start: Option<&MarkerFile>,
    assessment: &mut Assessment,
) {
    let Some(then) = &known.file else { return };
    let place = format!("{} of volume {}", known.path, known.volume);
    if now.content != then.content {
        let why = Outcome::failed(format!(
            "data lost: {place} does not hold after the restore what it held at the backup: the restore does not put it back, or puts an older state back"
        ));
        return assessment.checks.push(Check::with("data_back", why));
    }
    let differs = differences(known, then, now);
    let by_restore = before_start.map(|restored| differences(known, then, restored));
    if !differs.is_empty() && by_restore.is_none_or(|by_restore| !by_restore.is_empty()) {
        let why = Outcome::failed(format!(
            "{place} is back, but not as it was: {}: the app may not be able to read it",
            differs.join(", ")
        ));
        assessment.checks.push(Check::with("data_back", why));
    }
    if by_hook(known) && then.xattrs.is_some() && now.xattrs != then.xattrs {
        let message = format!(
            "extended attributes of {place} are not back: a hook carries it, by a program that does not keep them (such as `tar` without `--xattrs`)"
        );
        let place = Some(known.volume.clone());
        assessment.warnings.push(Finding::new("xattrs_lost_by_hook", message, place));
    }
}

/// What is not as it was. Attributes count only where the snapshot itself has the file: it keeps
/// them, and what a recipe's hook makes of a volume (an archive, a dump) need not.
fn differences(known: &KeptMarker, then: &MarkerFile, now: &MarkerFile) -> Vec<String> {
    let mut differs = Vec::new();
    if (now.uid, now.gid) != (then.uid, then.gid) {
        differs.push(format!("owner {}:{} was {}:{}", now.uid, now.gid, then.uid, then.gid));
    }
    if now.mode != then.mode {
        differs.push(format!("mode {:o} was {:o}", now.mode, then.mode));
    }
    if !by_hook(known) && then.xattrs.is_some() && now.xattrs != then.xattrs {
        differs.push("extended attributes differ".to_owned());
    }
    differs
}

/// It is in the snapshot although no label backs up the place it was in: a hook carried it.
fn by_hook(known: &KeptMarker) -> bool {
    !known.backed_up
}

/// The markers right after the restore, before the app was started anew.
fn restored(context: Context<'_>) -> &[KeptMarker] {
    match context.run.act(Act::Restore).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Restored(seen)) => &seen.markers,
        Some(_) | None => &[],
    }
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
