//! Data that lives outside named volumes (STG-11): it is gone with the next task.

use std::collections::BTreeSet;

use cc_ci_model::backup::BackupSpec;
use cc_ci_model::compose::{DeclaredMount, DeclaredService, DeclaredStack, MountKind};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::marker::{DataMarker, MarkerKind};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{AppRole, Finding, Revision};
use cc_ci_model::stack::StackFacts;
use cc_ci_model::stage::Stage;

use crate::image_names::{holds_data, is_tool, short_name};

use super::{Assessment, Check, Context};

/// Where databases keep their data, by what their image's name contains (as documented with the
/// official images). Caches are not in it: losing them loses nothing.
const DATABASES: [(&str, &str); 6] = [
    ("postgres", "/var/lib/postgresql"),
    ("postgis", "/var/lib/postgresql"),
    ("mariadb", "/var/lib/mysql"),
    ("mysql", "/var/lib/mysql"),
    ("mongo", "/data/db"),
    ("couchdb", "/opt/couchdb/data"),
];

/// Images whose data may go: an anonymous volume of theirs loses nothing.
const CACHES: [&str; 5] = ["redis", "memcached", "valkey", "keydb", "dragonfly"];

/// Adds what a settled stack says about storage.
pub(super) fn add(context: Context<'_>, facts: &StackFacts, assessment: &mut Assessment) {
    let Some(declared) = context.declared() else {
        return;
    };
    let is_upgraded = context.run.stage == Stage::Upgrade && context.revision() == Revision::Head;
    let before = if is_upgraded { settled_base(context).map(anonymous) } else { None };
    for (service, target) in anonymous(facts) {
        let image = declared.service(&service).map_or("", |service| service.image.as_str());
        if CACHES.iter().any(|cache| short_name(image).contains(cache)) {
            continue;
        }
        let is_new = before
            .as_ref()
            .is_some_and(|before| !before.contains(&(service.clone(), target.clone())));
        let message = format!(
            "service {service} keeps {target} in an anonymous volume: what is written there is gone with the next task"
        );
        if is_new {
            let why = format!(
                "{message}; in the base it did not: data users had there would be out of reach"
            );
            assessment.checks.push(Check::with("storage", Outcome::unverified(why)));
        } else {
            assessment.warnings.push(Finding::new("anonymous_volume", message, Some(service)));
        }
    }
    for service in &declared.services {
        database(context, service, is_upgraded, assessment);
    }
}

/// What a database of the stack adds: no volume at all is a failure, an uncovered data path
/// leaves the upgrade unverified, unless it is so in the base too.
fn database(
    context: Context<'_>,
    service: &DeclaredService,
    is_upgraded: bool,
    assessment: &mut Assessment,
) {
    let base = context.plan.declared(AppRole::Upgraded, Revision::Base);
    let before = base.and_then(|base| base.service(service.name.as_str())).and_then(uncovered);
    match uncovered(service) {
        None => {}
        Some(Uncovered::Nothing(why)) => {
            assessment.checks.push(Check::with("storage", Outcome::failed(why)));
        }
        Some(Uncovered::Path(why)) if is_upgraded && before.is_none() => {
            assessment.checks.push(Check::with("storage", Outcome::unverified(why)));
        }
        Some(Uncovered::Path(why)) => {
            let place = Some(service.name.to_string());
            assessment.warnings.push(Finding::new("database_path_uncovered", why, place));
        }
    }
}

/// Why a database's data is in no named volume.
enum Uncovered {
    /// It has no named volume at all.
    Nothing(String),
    /// Its data path is in none of them.
    Path(String),
}

/// A database whose data no named volume holds.
fn uncovered(service: &DeclaredService) -> Option<Uncovered> {
    let path = data_path(&service.image)?;
    let kept = |mount: &&DeclaredMount| {
        matches!(mount.kind, MountKind::Volume | MountKind::Bind) && mount.source.is_some()
    };
    let mut named = service.mounts.iter().filter(kept).peekable();
    let DeclaredService { name, image, .. } = service;
    if named.peek().is_none() {
        return Some(Uncovered::Nothing(format!(
            "service {name} is a database ({image}) without any named volume: its data is gone with the next task"
        )));
    }
    let is_covered = named.any(|mount| holds_data(&mount.target, path));
    (!is_covered).then(|| {
        Uncovered::Path(format!(
            "no named volume of service {name} covers {path}, where {image} keeps its data"
        ))
    })
}

/// Whether a volume holds a database's data, or the dump a hook of its service makes: a file in
/// it says nothing about that data (STG-9).
pub(super) fn holds_database(
    stack: &DeclaredStack,
    spec: &BackupSpec,
    data: &[DataMarker],
    volume: &str,
) -> bool {
    let has_marker = |service: &&DeclaredService| has_marker(data, service);
    stack.services.iter().filter(|service| !has_marker(service)).any(|service| {
        let Some(path) = data_path(&service.image) else {
            return false;
        };
        let has_hook = spec.hooks.iter().any(|hook| hook.service == service.name);
        let backed_up = spec.volumes.iter().any(|backed| backed.volume.as_str() == volume);
        let mut mounts =
            service.mounts.iter().filter(|mount| mount.source.as_deref() == Some(volume));
        mounts.any(|mount| holds_data(&mount.target, path) || (has_hook && backed_up))
    })
}

/// Whether a value is planted in the database that this service is: then its data speaks for
/// itself.
pub(super) fn has_marker(data: &[DataMarker], service: &DeclaredService) -> bool {
    data.iter().any(|marker| {
        marker.service == service.name && !matches!(marker.kind, MarkerKind::Http { .. })
    })
}

/// Where a database image keeps its data; `None` for images that are none.
pub(super) fn data_path(image: &str) -> Option<&'static str> {
    let name = short_name(image);
    let known = DATABASES.iter().find(|(word, _)| name.contains(word));
    known.filter(|_| !is_tool(&name)).map(|(_, path)| *path)
}

/// Anonymous volumes of running tasks: service and path.
fn anonymous(facts: &StackFacts) -> BTreeSet<(String, String)> {
    let running = facts.tasks.iter().filter(|task| !task.state.is_terminal() && task.current);
    running
        .flat_map(|task| {
            let volumes = task.container.iter().flat_map(|container| &container.anonymous_volumes);
            volumes.map(|volume| (task.service.clone(), volume.target.clone()))
        })
        .collect()
}

/// The stack as it had settled on the base, before the head was submitted.
fn settled_base(context: Context<'_>) -> Option<&StackFacts> {
    let before_head = context
        .run
        .acts
        .iter()
        .take_while(|act| act.act != Act::Deploy { revision: Revision::Head });
    before_head
        .filter_map(|act| match &act.evidence {
            Some(Evidence::Settled(seen)) => Some(&seen.facts),
            Some(_) | None => None,
        })
        .last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_names::covers;

    #[test]
    fn databases_are_known_by_their_image_and_caches_are_none() {
        assert_eq!(data_path("docker.io/library/postgres:16-alpine"), Some("/var/lib/postgresql"));
        assert_eq!(data_path("pgautoupgrade/pgautoupgrade:16"), None);
        assert_eq!(data_path("mariadb:11@sha256:00"), Some("/var/lib/mysql"));
        assert_eq!(data_path("redis:7"), None);
        assert_eq!(data_path("prometheuscommunity/postgres-exporter:v1"), None);
        assert_eq!(data_path("registry:5000/a/b"), None);
    }

    #[test]
    fn a_mount_covers_the_path_itself_above_and_below() {
        assert!(covers("/var/lib/postgresql/data", "/var/lib/postgresql"));
        assert!(covers("/var/lib/", "/var/lib/mysql"));
        assert!(!covers("/var/lib/mysql-files", "/var/lib/mysql"));
    }
}
