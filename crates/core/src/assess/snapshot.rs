//! What is in a snapshot (STG-4): every backed-up path with something in it, and the nonce that
//! was planted right before.
//!
//! Tests: `snapshot/tests.rs`.

use std::collections::BTreeSet;

use cc_ci_model::backup::{
    HookTime, KeptMarker, MarkerInSnapshot, PathWeight, SnapshotPath, SnapshotSeen,
};
use cc_ci_model::evidence::{Act, Evidence, MarkerSeen};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;
use cc_ci_model::stage::Stage;

use super::{Assessment, Check, Context, data, storage, verify};

#[cfg(test)]
mod tests;

/// What was planted right before must be in the snapshot: else it is a stale one.
pub(super) fn assess(context: Context<'_>, seen: &SnapshotSeen) -> Assessment {
    let (before, markers) = marked(context);
    let look = Look { context, seen, markers };
    let mut assessment = Assessment::default();
    look.paths(before, &mut assessment);
    for marker in markers {
        match look.judge(marker) {
            Judged::Kept => {}
            Judged::Bad(outcome) => add(&mut assessment.checks, Check::with("nonce", outcome)),
            Judged::LeftOut(finding) => add(&mut assessment.warnings, finding),
        }
    }
    let kept = markers.iter().filter(|marker| look.has(marker)).count();
    if kept == 0 && assessment.checks.is_empty() && !data::is_due(context) {
        let why = Outcome::unverified(
            "none of what was planted is in the snapshot: nothing was shown to be backed up",
        );
        assessment.checks.push(Check::with("nonce", why));
    }
    if assessment.checks.is_empty() {
        let detail = format!("{kept} of {} nonces are in the snapshot's bytes", markers.len());
        assessment.checks.push(Check::passed("nonce", detail));
    }
    data::add_in_snapshot(context, &seen.data, &mut assessment);
    let expected = &context.plan.backup_checks.expect;
    assessment.checks.splice(..0, verify::assess_expected(expected, &seen.expected));
    assessment
}

/// Two markers of a volume may say the same.
fn add<T: PartialEq>(all: &mut Vec<T>, one: T) {
    if !all.contains(&one) {
        all.push(one);
    }
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

/// A snapshot and what was planted for it.
struct Look<'a> {
    context: Context<'a>,
    seen: &'a SnapshotSeen,
    markers: &'a [KeptMarker],
}

impl Look<'_> {
    fn has(&self, marker: &KeptMarker) -> bool {
        self.seen.markers.iter().any(|looked| in_snapshot(looked, marker))
    }

    fn judge(&self, marker: &KeptMarker) -> Judged {
        let KeptMarker { volume, path, .. } = marker;
        if self.is_database(volume) {
            return Judged::Bad(Outcome::unverified(format!(
                "volume {volume} holds a database: a file in it proves nothing about its data, and no database marker is declared"
            )));
        }
        if self.has(marker) {
            return Judged::Kept;
        }
        if let Some(finding) = self.replaced(marker) {
            return Judged::LeftOut(finding);
        }
        if marker.backed_up {
            return Judged::Bad(Outcome::failed(format!(
                "what was written to {path} of volume {volume} right before the backup is not in the snapshot: it is stale or incomplete"
            )));
        }
        if self.is_proven_by_data(volume) {
            return Judged::Kept;
        }
        if self.has_older(volume) && !self.carried().any(|other| other.volume == *volume) {
            return Judged::Bad(Outcome::failed(format!(
                "what volume {volume} held at the upgrade is in the snapshot, and what was written to it right before the backup is \
                 not: the backup copies stale data"
            )));
        }
        match self.unproven_hook(volume).filter(|_| !self.is_worthless(volume)) {
            Some(service) => Judged::Bad(Outcome::unverified(format!(
                "nothing shows that the pre-hook of service {service} carries volume {volume} into the backup: what was written to it \
                 right before is not in the snapshot. It copies stale data, or data in a form in which a file can not be found again"
            ))),
            None => Judged::LeftOut(self.left_out(marker)),
        }
    }

    fn left_out(&self, marker: &KeptMarker) -> Finding {
        let KeptMarker { volume, path, .. } = marker;
        let is_in_part =
            self.markers.iter().any(|other| other.volume == *volume && self.has(other));
        let excluded = self.context.plan.backup.excluded.iter();
        let excluded = excluded.into_iter().find(|out| out.volume.as_str() == volume);
        let message = match excluded {
            _ if is_in_part => format!(
                "volume {volume} is backed up only in part: what was written to {path} is not in the snapshot"
            ),
            Some(out) => format!("volume {volume} is not backed up: {}", out.reason),
            None => {
                format!("volume {volume} is not backed up: only other paths of it are labelled")
            }
        };
        Finding::new("volume_not_backed_up", message, Some(volume.clone()))
    }

    /// A hook that carries another volume into a backed-up one may take away what was there before,
    /// ours included.
    fn replaced(&self, marker: &KeptMarker) -> Option<Finding> {
        let hooks = self.context.plan.backup.hooks.iter();
        let pre = hooks.filter(|hook| hook.when == HookTime::BackupPre);
        let mut services = pre.map(|hook| hook.service.as_str());
        let service = services.find(|service| {
            let from = |other: &KeptMarker| {
                other.volume != marker.volume && self.mounts(service, &other.volume)
            };
            self.mounts(service, &marker.volume) && self.carried().any(from)
        });
        let service = service.filter(|_| marker.backed_up)?;
        let KeptMarker { volume, path, .. } = marker;
        let message = format!(
            "{path} of volume {volume} is not in the snapshot: the pre-hook of service {service} takes away what it does not write"
        );
        Some(Finding::new("replaced_by_hook", message, Some(volume.clone())))
    }

    /// What the upgrade planted in that volume is in the snapshot.
    fn has_older(&self, volume: &str) -> bool {
        let older = upgraded(self.context).iter().filter(|marker| marker.volume == volume);
        let mut looked = older.flat_map(|marker| {
            self.seen.markers.iter().filter(|looked| looked.nonce == marker.nonce)
        });
        looked.any(|looked| looked.found)
    }

    /// A service whose pre-hook can read a volume that is not backed up itself, when no such hook
    /// was seen to carry anything: what a volume's label leaves out may be worthless, or what the
    /// hook is for.
    fn unproven_hook(&self, volume: &str) -> Option<String> {
        let hooks = self.context.plan.backup.hooks.iter();
        let pre = hooks.filter(|hook| hook.when == HookTime::BackupPre);
        let mut able =
            pre.map(|hook| hook.service.as_str()).filter(|name| self.mounts(name, volume));
        let first = able.next()?;
        let carries =
            |service: &str| self.carried().any(|marker| self.mounts(service, &marker.volume));
        (!carries(first) && !able.any(carries)).then(|| first.to_owned())
    }

    /// What a volume is left out for by its own name, or its path's: nobody copies a cache, and a
    /// hook of the same service (one that switches an app into maintenance, say) is for something
    /// else, unless it names that path.
    fn is_worthless(&self, volume: &str) -> bool {
        let services = self.context.declared().map(|stack| stack.services.as_slice());
        let mounts = services.unwrap_or_default().iter().flat_map(|service| &service.mounts);
        let targets: Vec<&str> = mounts
            .filter(|mount| mount.source.as_deref() == Some(volume))
            .map(|mount| mount.target.trim_end_matches('/'))
            .collect();
        let says_so = std::iter::once(volume).chain(targets.iter().copied()).any(is_passing);
        let mut hooks = self.context.plan.backup.hooks.iter();
        says_so && !hooks.any(|hook| targets.iter().any(|target| hook.command.contains(target)))
    }

    /// Markers that a hook has carried into the backup.
    fn carried(&self) -> impl Iterator<Item = &KeptMarker> {
        self.markers.iter().filter(|marker| !marker.backed_up && self.has(marker))
    }

    fn mounts(&self, service: &str, volume: &str) -> bool {
        let declared = self.context.declared().and_then(|stack| stack.service(service));
        declared.is_some_and(|service| {
            service.mounts.iter().any(|mount| mount.source.as_deref() == Some(volume))
        })
    }

    fn is_database(&self, volume: &str) -> bool {
        let stack = self.context.declared();
        let services = stack.map(|stack| stack.services.as_slice()).unwrap_or_default();
        services.iter().any(|service| {
            storage::data_path(&service.image).is_some()
                && !storage::has_marker(&self.context.plan.data.head, service)
                && self.mounts(service.name.as_str(), volume)
        })
    }

    /// Whether what is in a volume is data that a value in its database speaks for: the files of
    /// it need not be backed up themselves.
    fn is_proven_by_data(&self, volume: &str) -> bool {
        let markers = &self.context.plan.data.head;
        markers.iter().any(|marker| marker.volumes.iter().any(|own| own.as_str() == volume))
    }

    /// Whether a path is empty is judged by what is there beside our own markers.
    fn paths(&self, before: &[PathWeight], assessment: &mut Assessment) {
        let seen = &self.seen.paths;
        let is_hollow = |path: &&SnapshotPath| self.own(path) == 0 && path.bytes == 0;
        for path in seen.iter().filter(is_hollow) {
            let why = format!("backed-up path {} is empty in the snapshot", name(path));
            assessment.checks.push(Check::with("paths", Outcome::failed(why)));
        }
        let is_empty = |path: &&SnapshotPath| path.files <= self.own(path) && !is_hollow(path);
        let empty: BTreeSet<String> = seen.iter().filter(is_empty).map(name).collect();
        if !empty.is_empty() && empty.len() == seen.len() {
            let empty = empty.into_iter().collect::<Vec<_>>().join(", ");
            let why = format!(
                "nothing was in any backed-up path before cc-ci put its marker there: {empty}"
            );
            assessment.checks.push(Check::with("paths", Outcome::unverified(why)));
        } else {
            assessment.warnings.extend(empty.iter().map(|path| {
                let message = format!(
                    "nothing was in backed-up path {path} before cc-ci put its marker there"
                );
                Finding::new("backed_up_path_empty", message, None)
            }));
        }
        let volumes = self.context.plan.backup.volumes.iter();
        let expected = volumes.map(|volume| volume.paths.len().max(1)).sum::<usize>();
        if seen.len() < expected || before.len() < expected {
            let why = format!(
                "{} of {expected} backed-up paths were looked for in the snapshot",
                seen.len()
            );
            assessment.checks.push(Check::with("paths", Outcome::errored(why)));
        }
    }

    /// Files of ours in a backed-up path. The one that the upgrade left is among them: it was
    /// written anew.
    fn own(&self, path: &SnapshotPath) -> u64 {
        let inside = |marker: &&KeptMarker| {
            marker.volume == path.volume && is_below(&marker.path, &path.path)
        };
        self.markers.iter().filter(inside).count() as u64
    }
}

/// A name, or a path, one of whose words says that what is there is made again.
fn is_passing(name: &str) -> bool {
    const WORDS: [&str; 6] = ["cache", "caches", "tmp", "temp", "thumbnails", "transcodes"];
    name.to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| WORDS.contains(&word))
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path == folder
        || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn name(path: &SnapshotPath) -> String {
    match path.path.as_str() {
        "" => path.volume.clone(),
        inner => format!("{}/{inner}", path.volume),
    }
}

/// What was planted in this stage.
fn marked(context: Context<'_>) -> (&[PathWeight], &[KeptMarker]) {
    match context.run.act(Act::Mark).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Marked { before, markers, .. }) => (before, markers),
        Some(_) | None => (&[], &[]),
    }
}

/// What the upgrade of this app planted.
fn upgraded(context: Context<'_>) -> &[MarkerSeen] {
    let run = context.state.run_of(Stage::Upgrade, context.app());
    match run.and_then(|run| run.act(Act::Plant)).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Planted { markers, .. }) => markers,
        Some(_) | None => &[],
    }
}
