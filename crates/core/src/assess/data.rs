//! Values planted in databases and the like (STG-9): there before the upgrade and after it; planted
//! afresh before a backup, gone before the restore, back after it.
//!
//! A dump is compressed or binary as its author likes, so that a value need not be found in the
//! snapshot's bytes: the row that comes back after a real loss is the proof, and a stale dump
//! brings back another one.
//!
//! Tests: `data/tests.rs`.

use cc_ci_model::backup::{HookSeen, HookTime, KeptMarker, PathWeight};
use cc_ci_model::evidence::{Act, Evidence, MarkerSeen};
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::marker::{DataInSnapshot, DataMarker, DataSeen};
use cc_ci_model::name::ComposeName;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;
use cc_ci_model::stage::Stage;

use crate::data_markers::told;
use crate::text::count;

use super::{Assessment, Check, Context, backup, markers, restore};

#[cfg(test)]
mod tests;
mod upgrade;

pub(super) fn plant(context: Context<'_>, files: &[MarkerSeen], data: &[DataSeen]) -> Assessment {
    let mut all = markers::assess_planted(context, files);
    add_planted(context, &context.plan.data.base, data, "plant", &mut all);
    all
}

pub(super) fn seek(context: Context<'_>, files: &[MarkerSeen], data: &[DataSeen]) -> Assessment {
    let mut all = markers::assess_sought(context, files);
    upgrade::add_sought(context, data, &mut all);
    all
}

pub(super) fn mark(
    context: Context<'_>,
    before: &[PathWeight],
    files: &[KeptMarker],
    data: &[DataSeen],
) -> Assessment {
    let mut all = backup::assess_marked(context, before, files);
    add_planted(context, &context.plan.data.head, data, "mark", &mut all);
    all
}

pub(super) fn disturb(
    context: Context<'_>,
    files: &[KeptMarker],
    data: &[DataSeen],
    again: &[HookSeen],
) -> Assessment {
    let mut all = restore::assess_disturbed(context, files);
    add_disturbed(context, data, &mut all);
    let otherwise = "a second backup, with the dump of the first one still there";
    all.checks.extend(backup::hooks(again, otherwise).checks);
    all
}

pub(super) fn recall(context: Context<'_>, files: &[KeptMarker], data: &[DataSeen]) -> Assessment {
    let mut all = restore::assess_recalled(context, files);
    add_recalled(context, data, &mut all);
    all
}

/// Adds what is known of the values that were planted, before an upgrade or a backup.
fn add_planted(
    context: Context<'_>,
    planned: &[DataMarker],
    data: &[DataSeen],
    name: &str,
    to: &mut Assessment,
) {
    let mut bad = Vec::new();
    for marker in planned {
        let mut own = data.iter().filter(|seen| seen.marker == marker.name);
        if own.any(|seen| seen.forgets) {
            let message = format!(
                "{} is configured to keep nothing on disk: nothing of it is proven, and nothing can be lost",
                marker.name
            );
            let place = Some(marker.service.to_string());
            to.warnings.push(Finding::new("data_not_marked", message, place));
            continue;
        }
        let whys = unplanted(marker, data);
        if marker.may_be_cache && !is_backed_up(context, marker) {
            let finding =
                |why| Finding::new("data_not_marked", why, Some(marker.service.to_string()));
            to.warnings.extend(whys.into_iter().map(finding));
        } else {
            bad.extend(whys);
        }
    }
    let standing: Vec<&DataSeen> = data.iter().filter(|seen| seen.is_there()).collect();
    if bad.is_empty() && !standing.is_empty() {
        let detail = format!("planted in {}", list(standing.into_iter()));
        to.checks.push(Check::passed(name, detail));
    }
    to.checks.extend(bad.into_iter().map(|why| Check::with(name, Outcome::unverified(why))));
}

/// Why a marker is not planted, in each of its places.
fn unplanted(marker: &DataMarker, data: &[DataSeen]) -> Vec<String> {
    let own: Vec<&DataSeen> = data.iter().filter(|seen| seen.marker == marker.name).collect();
    if own.is_empty() {
        return vec![format!("nothing was planted in {}", marker.name)];
    }
    let bad = own.into_iter().filter(|seen| !seen.is_there());
    bad.map(|seen| {
        let why = seen.problem.as_deref();
        let why = why.unwrap_or("what was read back is not what was written");
        format!("{} could not be marked: {why} (`[[marker]]` of a pack says how)", told(seen))
    })
    .collect()
}

/// Adds what the snapshot shows of the values planted right before it.
pub(super) fn add_in_snapshot(
    context: Context<'_>,
    looked: &[DataInSnapshot],
    to: &mut Assessment,
) {
    let mut shown = Vec::new();
    let mut hidden = Vec::new();
    for known in marked(context).iter().filter(|seen| seen.is_there()) {
        let Some(marker) = head_marker(context, known) else { continue };
        if is_in(looked, known) {
            shown.push(known);
        } else if let Some(outcome) = absent(context, marker, known, looked) {
            match outcome {
                Ok(outcome) => to.checks.push(Check::with("data", outcome)),
                Err(finding) => to.warnings.push(finding),
            }
        } else {
            hidden.push(known);
        }
    }
    if !shown.is_empty() {
        let detail =
            format!("what was planted in {} is in the snapshot's bytes", list(shown.into_iter()));
        to.checks.push(Check::passed("data", detail));
    }
    if !hidden.is_empty() {
        let detail = format!(
            "what was planted in {} is not in the snapshot in plain: its form does not allow to look for it, and the restore has to \
             bring it back",
            list(hidden.into_iter())
        );
        to.checks.push(Check::passed("data", detail));
    }
}

/// What is wrong although nobody can look through every form of dump: labels that leave the data
/// out, and dumps that hold an older value in plain.
fn absent(
    context: Context<'_>,
    marker: &DataMarker,
    known: &DataSeen,
    looked: &[DataInSnapshot],
) -> Option<Result<Outcome, Finding>> {
    let what = told(known);
    let is_left_out = marker.may_be_cache || !has_pre_hook(context);
    if is_left_out && !is_backed_up(context, marker) {
        let why = left_out(context, marker);
        let message = format!("{what} is not backed up: {why}, and no hook makes a dump");
        let place = Some(marker.service.to_string());
        return Some(if marker.may_be_cache {
            Err(Finding::new("data_not_backed_up", message, place))
        } else {
            Ok(Outcome::failed(message))
        });
    }
    let has_older = planted_before(context).iter().any(|older| {
        older.is_of(known) && looked.iter().any(|seen| seen.found && seen.nonce == older.nonce)
    });
    (has_older && !is_raw(context, marker)).then(|| {
        Ok(Outcome::failed(format!(
            "what {what} held at the upgrade is in the snapshot, and what was written to it right before the backup is not: the \
             dump is stale"
        )))
    })
}

/// Adds the negative control: no value that the restore has to bring back is there any more.
fn add_disturbed(context: Context<'_>, data: &[DataSeen], to: &mut Assessment) {
    let due = due(context);
    // After a disaster a server that was made anew has no table to read, and says so.
    let may_refuse = context.plan.restore_mode == RestoreMode::Disaster;
    let survivors: Vec<&DataSeen> = due
        .iter()
        .copied()
        .filter(|known| {
            let now = data.iter().find(|seen| seen.is_of(known));
            now.is_none_or(|now| {
                let is_there = now.found.as_ref() == Some(&known.nonce);
                is_there || now.problem.is_some() && !may_refuse
            })
        })
        .collect();
    if !survivors.is_empty() {
        let why = format!(
            "the loss could not be made real in {}: a restore would prove nothing",
            list(survivors.into_iter())
        );
        to.checks.push(Check::with("loss", Outcome::errored(why)));
    } else if !due.is_empty() {
        to.checks.push(Check::passed("loss", format!("gone from {}", list(due.into_iter()))));
    }
}

/// Adds what came back with the restore.
fn add_recalled(context: Context<'_>, data: &[DataSeen], to: &mut Assessment) {
    let due = due(context);
    let mut back = Vec::new();
    for known in &due {
        match judge_recalled(context, known, data) {
            None => back.push(*known),
            Some(outcome) => to.checks.push(Check::with("data_back", outcome)),
        }
    }
    if !back.is_empty() && back.len() == due.len() {
        to.checks.push(Check::passed("data_back", format!("back in {}", list(back.into_iter()))));
    }
}

fn judge_recalled(context: Context<'_>, known: &DataSeen, data: &[DataSeen]) -> Option<Outcome> {
    let what = told(known);
    let Some(seen) = data.iter().find(|seen| seen.is_of(known)) else {
        return Some(Outcome::unverified(format!("nobody looked for the value in {what}")));
    };
    if let Some(problem) = &seen.problem {
        return Some(Outcome::failed(format!(
            "{what} can not be read after the restore, as it could before: {problem}"
        )));
    }
    let Some(found) = &seen.found else {
        return Some(Outcome::failed(format!(
            "data lost: what was in {what} at the backup is not there after the restore"
        )));
    };
    if *found == known.nonce {
        return None;
    }
    let is_older =
        planted_before(context).iter().any(|older| older.is_of(known) && older.nonce == *found);
    let why = if is_older {
        "the restore puts an older state back: the backup holds stale data"
    } else {
        "the restore does not put it back"
    };
    let marker = head_marker(context, known);
    let hint = marker.map(|marker| hint(context, marker)).unwrap_or_default();
    Some(Outcome::failed(format!(
        "data lost: {what} does not hold after the restore what it held at the backup: {why}{hint}"
    )))
}

/// What such a server is known for, or what the labels do with it.
fn hint(context: Context<'_>, marker: &DataMarker) -> String {
    if marker.may_be_cache {
        " (a server of this kind writes its memory over the restored file when it stops, unless a restore post-hook forbids it: \
         `redis-cli config set save ''`; what is only a cache can be left out of the backup)"
            .to_owned()
    } else if is_backed_up(context, marker) {
        String::new()
    } else {
        format!(" ({})", left_out(context, marker))
    }
}

/// Whether something of a backup is known to be proven by values in databases.
pub(super) fn is_due(context: Context<'_>) -> bool {
    !due(context).is_empty()
}

/// Values that the restore has to bring back: all that were planted for the backup, but those of a
/// cache that is left out of it.
fn due(context: Context<'_>) -> Vec<&DataSeen> {
    let looked = looked(context);
    let is_due = |seen: &&DataSeen| {
        let marker = head_marker(context, seen);
        let is_left_out = marker.is_some_and(|marker| {
            marker.may_be_cache && !is_backed_up(context, marker) && !is_in(looked, seen)
        });
        seen.is_there() && !is_left_out
    };
    marked(context).iter().filter(is_due).collect()
}

fn is_in(looked: &[DataInSnapshot], known: &DataSeen) -> bool {
    looked.iter().any(|seen| {
        seen.found
            && seen.nonce == known.nonce
            && seen.marker == known.marker
            && seen.database == known.database
    })
}

/// Something of the volumes that hold its data is backed up, or of where its service's hooks put
/// their dump.
fn is_backed_up(context: Context<'_>, marker: &DataMarker) -> bool {
    let spec = &context.plan.backup;
    let declared = context.plan.head.declared.service(marker.service.as_str());
    let mounts = declared.iter().flat_map(|service| &service.mounts);
    let mounted = mounts.filter_map(|mount| mount.source.as_deref());
    let mut volumes = mounted.chain(marker.volumes.iter().map(ComposeName::as_str));
    volumes.any(|volume| spec.volumes.iter().any(|backed| backed.volume.as_str() == volume))
}

/// The data's own files are backed up whole: what they hold of older values says nothing.
fn is_raw(context: Context<'_>, marker: &DataMarker) -> bool {
    let spec = &context.plan.backup;
    marker.volumes.iter().any(|volume| {
        spec.volumes.iter().any(|backed| backed.volume == *volume && backed.paths.is_empty())
    })
}

/// Any service may dump any database it reaches.
fn has_pre_hook(context: Context<'_>) -> bool {
    context.plan.backup.hooks.iter().any(|hook| hook.when == HookTime::BackupPre)
}

fn left_out(context: Context<'_>, marker: &DataMarker) -> String {
    let out = context.plan.backup.excluded.iter();
    let out: Vec<String> = out
        .filter(|out| marker.volumes.contains(&out.volume))
        .map(|out| format!("volume {}: {}", out.volume, out.reason))
        .collect();
    if out.is_empty() {
        format!("no volume of service {} is", marker.service)
    } else {
        out.join("; ")
    }
}

fn list<'a>(seen: impl Iterator<Item = &'a DataSeen>) -> String {
    let all: Vec<String> = seen.map(told).collect();
    match all.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        _ => format!("{}: {}", count(all.len(), "place"), all.join(", ")),
    }
}

fn head_marker<'a>(context: Context<'a>, seen: &DataSeen) -> Option<&'a DataMarker> {
    context.plan.data.head.iter().find(|marker| marker.name == seen.marker)
}

/// What the upgrade of this app planted.
fn planted_before(context: Context<'_>) -> &[DataSeen] {
    let run = context.state.run_of(Stage::Upgrade, context.app());
    match run.and_then(|run| run.act(Act::Plant)).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Planted { data, .. }) => data,
        Some(_) | None => &[],
    }
}

/// What was planted for the backup of this app.
fn marked(context: Context<'_>) -> &[DataSeen] {
    let run = context.state.run_of(Stage::Backup, context.app());
    match run.and_then(|run| run.act(Act::Mark)).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Marked { data, .. }) => data,
        Some(_) | None => &[],
    }
}

/// What was seen of it in the snapshot.
fn looked(context: Context<'_>) -> &[DataInSnapshot] {
    let run = context.state.run_of(Stage::Backup, context.app());
    match run.and_then(|run| run.act(Act::ReadSnapshot)).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Snapshot(seen)) => &seen.data,
        Some(_) | None => &[],
    }
}
