//! A backup (STG-4): what was planted right before is in the snapshot's bytes, every backed-up
//! path is there, and no hook failed.

use std::collections::BTreeSet;

use cc_ci_model::backup::{
    BackupSeen, HookSeen, KeptMarker, MarkerInSnapshot, PathWeight, SnapshotPath, SnapshotSeen,
};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;

use super::{Assessment, Check, Context, storage};

/// Every volume must carry a fresh nonce.
pub(super) fn assess_marked(
    context: Context<'_>,
    before: &[PathWeight],
    markers: &[KeptMarker],
) -> Assessment {
    let mut assessment = Assessment::default();
    for problem in &context.plan.backup.problems {
        assessment.checks.push(Check::with("labels", Outcome::failed(problem)));
    }
    for volume in context.declared().map(|stack| stack.volumes.as_slice()).unwrap_or_default() {
        let name = volume.name.as_str();
        let mut own = markers.iter().filter(|marker| marker.volume == name).peekable();
        if own.peek().is_none() && !volume.external {
            let why = Outcome::unverified(format!("volume {name} was not marked"));
            assessment.checks.push(Check::with("mark", why));
        }
        let unmarked = own
            .filter(|marker| marker.file.as_ref().is_none_or(|file| file.content != marker.nonce));
        assessment.checks.extend(unmarked.map(|marker| {
            let why =
                marker.problem.as_deref().unwrap_or("what was read back is not what was written");
            Check::with(
                "mark",
                Outcome::unverified(format!("volume {name} could not be marked: {why}")),
            )
        }));
    }
    if assessment.checks.is_empty() {
        let detail = format!(
            "{} markers planted, {} backed-up paths looked at",
            markers.len(),
            before.len()
        );
        assessment.checks.push(Check::passed("mark", detail));
    }
    assessment
}

/// Hooks that failed and paths that are missing are the recipe's; the rest is infrastructure.
pub(super) fn assess_backed_up(seen: &BackupSeen) -> Assessment {
    let mut assessment =
        hooks(&seen.hooks, "the bot would have gone on and called the backup a success");
    for missing in &seen.missing {
        let why = format!("a backed-up path is not there: {missing}: a backup of it is empty");
        assessment.checks.push(Check::with("backup", Outcome::failed(why)));
    }
    match (&seen.snapshot, &seen.problem) {
        (Some(id), _) => {
            let short: String = id.chars().take(8).collect();
            assessment.checks.push(Check::passed("backup", format!("snapshot {short}")));
        }
        (None, problem) if seen.missing.is_empty() => {
            let why = problem.as_deref().unwrap_or("no snapshot was taken");
            assessment.checks.push(Check::with("backup", Outcome::errored(why)));
        }
        (None, _) => {}
    }
    assessment
}

/// Failed hooks as failed checks, hooks without `bash` as warnings.
pub(super) fn hooks(hooks: &[HookSeen], otherwise: &str) -> Assessment {
    let mut assessment = Assessment::default();
    for hook in hooks {
        let label = hook.when.label();
        let place = format!("`{label}` of service {}", hook.service);
        match hook.code {
            Some(0) => {}
            Some(code) => {
                let why = format!(
                    "{place} ended with exit code {code} ({otherwise}): {}",
                    last_lines(&hook.said)
                );
                assessment.checks.push(Check::with("hook", Outcome::failed(why)));
            }
            None => {
                let why = format!(
                    "{place} did not end in time, or could not be run: {}",
                    last_lines(&hook.said)
                );
                assessment.checks.push(Check::with("hook", Outcome::failed(why)));
            }
        }
        if hook.by_sh {
            let message = format!(
                "{place} was run by `sh`: the image has no `bash`, so a failure inside a pipe goes unseen"
            );
            assessment.warnings.push(Finding::new(
                "hook_without_bash",
                message,
                Some(hook.service.clone()),
            ));
        }
    }
    assessment
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => "it said nothing".to_owned(),
        [.., before, last] => format!("{before}; {last}"),
        [last] => (*last).to_owned(),
    }
}

/// What was planted right before must be in the snapshot: else it is a stale one.
pub(super) fn assess_snapshot(context: Context<'_>, seen: &SnapshotSeen) -> Assessment {
    let (before, markers) = marked(context);
    let mut assessment = Assessment::default();
    paths(context, seen, before, markers, &mut assessment);
    for marker in markers {
        let found = seen.markers.iter().any(|looked| in_snapshot(looked, marker));
        match judge(context, marker, found) {
            Judged::Kept => {}
            Judged::Bad(outcome) => assessment.checks.push(Check::with("nonce", outcome)),
            Judged::LeftOut(finding) => assessment.warnings.push(finding),
        }
    }
    let kept = markers
        .iter()
        .filter(|marker| seen.markers.iter().any(|looked| in_snapshot(looked, marker)))
        .count();
    if kept == 0 && assessment.checks.is_empty() {
        let why = Outcome::unverified(
            "none of what was planted is in the snapshot: nothing was shown to be backed up",
        );
        assessment.checks.push(Check::with("nonce", why));
    }
    if assessment.checks.is_empty() {
        let detail = format!("{kept} of {} nonces are in the snapshot's bytes", markers.len());
        assessment.checks.push(Check::passed("nonce", detail));
    }
    assessment
}

/// Whether a marker's nonce was found in the snapshot of its stage.
pub(super) fn in_snapshot(looked: &MarkerInSnapshot, marker: &KeptMarker) -> bool {
    looked.found && looked.nonce == marker.nonce && looked.volume == marker.volume
}

enum Judged {
    Kept,
    Bad(Outcome),
    LeftOut(Finding),
}

fn judge(context: Context<'_>, marker: &KeptMarker, found: bool) -> Judged {
    let volume = &marker.volume;
    if is_database(context, volume) {
        return Judged::Bad(Outcome::unverified(format!(
            "volume {volume} holds a database: a file in it proves nothing about its data, and no database marker is declared"
        )));
    }
    match (found, marker.backed_up, fed_by_hook(context, volume)) {
        (true, _, _) => Judged::Kept,
        (false, true, _) => Judged::Bad(Outcome::failed(format!(
            "what was written to {} of volume {volume} right before the backup is not in the snapshot: it is stale or incomplete",
            marker.path
        ))),
        (false, false, Some(service)) => Judged::Bad(Outcome::failed(format!(
            "the pre-hook of service {service} should carry volume {volume} into the backup, but what was written to it right before \
             is not in the snapshot: the hook copies stale data"
        ))),
        (false, false, None) => {
            let excluded =
                context.plan.backup.excluded.iter().find(|out| out.volume.as_str() == volume);
            let why =
                excluded.map_or("only other paths of it are labelled", |out| out.reason.as_str());
            let message = format!("volume {volume} is not backed up: {why}");
            Judged::LeftOut(Finding::new("volume_not_backed_up", message, Some(volume.clone())))
        }
    }
}

/// The service whose pre-hook can read a volume that is not backed up itself.
fn fed_by_hook(context: Context<'_>, volume: &str) -> Option<String> {
    let declared = context.declared()?;
    let pre = context
        .plan
        .backup
        .hooks
        .iter()
        .filter(|hook| hook.when == cc_ci_model::backup::HookTime::BackupPre);
    let mounts = |name: &str| {
        declared.service(name).is_some_and(|service| {
            service.mounts.iter().any(|mount| mount.source.as_deref() == Some(volume))
        })
    };
    pre.map(|hook| hook.service.to_string()).find(|name| mounts(name))
}

fn is_database(context: Context<'_>, volume: &str) -> bool {
    let services = context.declared().map(|stack| stack.services.as_slice()).unwrap_or_default();
    services.iter().any(|service| {
        storage::data_path(&service.image).is_some()
            && service.mounts.iter().any(|mount| mount.source.as_deref() == Some(volume))
    })
}

/// Whether a path is empty is judged by what is there beside our own marker.
fn paths(
    context: Context<'_>,
    seen: &SnapshotSeen,
    before: &[PathWeight],
    markers: &[KeptMarker],
    assessment: &mut Assessment,
) {
    let own = |path: &SnapshotPath| {
        let inside = |marker: &&KeptMarker| {
            marker.volume == path.volume && is_below(&marker.path, &path.path)
        };
        markers.iter().filter(inside).count() as u64
    };
    let is_empty = |path: &&SnapshotPath| path.files <= own(path);
    let empty: BTreeSet<String> =
        seen.paths.iter().filter(is_empty).map(|path| name(&path.volume, &path.path)).collect();
    if !empty.is_empty() && empty.len() == seen.paths.len() {
        let why = format!(
            "nothing was in any backed-up path before cc-ci put its marker there: {}",
            join(&empty)
        );
        assessment.checks.push(Check::with("paths", Outcome::unverified(why)));
    } else {
        assessment.warnings.extend(empty.iter().map(|path| {
            let message =
                format!("nothing was in backed-up path {path} before cc-ci put its marker there");
            Finding::new("backed_up_path_empty", message, None)
        }));
    }
    let expected =
        context.plan.backup.volumes.iter().map(|volume| volume.paths.len().max(1)).sum::<usize>();
    if seen.paths.len() < expected || before.len() < expected {
        let why = format!(
            "{} of {expected} backed-up paths were looked for in the snapshot",
            seen.paths.len()
        );
        assessment.checks.push(Check::with("paths", Outcome::errored(why)));
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path == folder
        || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn name(volume: &str, path: &str) -> String {
    if path.is_empty() { volume.to_owned() } else { format!("{volume}/{path}") }
}

fn join(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What was planted in this stage.
fn marked(context: Context<'_>) -> (&[PathWeight], &[KeptMarker]) {
    match context.run.act(Act::Mark).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Marked { before, markers }) => (before, markers),
        Some(_) | None => (&[], &[]),
    }
}
