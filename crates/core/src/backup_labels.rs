//! backup-bot-two's labels, read as it reads them (its label specification): from `deploy.labels`
//! of all services of a stack together, after interpolation.
//!
//! Tests: `backup_labels/tests.rs`.

use std::collections::BTreeMap;

use cc_ci_model::backup::{BackedVolume, BackupSpec, ExcludedVolume, Hook, HookTime};
use cc_ci_model::compose::{DeclaredMount, DeclaredService, DeclaredStack, MountKind};
use cc_ci_model::name::ComposeName;

#[cfg(test)]
mod tests;

const ENABLED: &str = "backupbot.backup";
const VOLUMES: &str = "backupbot.backup.volumes.";
const PATH_V1: &str = "backupbot.backup.path";
const HOOKS: [HookTime; 4] =
    [HookTime::BackupPre, HookTime::BackupPost, HookTime::RestorePre, HookTime::RestorePost];

/// What the labels say. Without a service labelled `backupbot.backup=true` nothing of it counts.
pub fn backup_spec(declared: &DeclaredStack) -> BackupSpec {
    let mut spec = BackupSpec::default();
    for service in &declared.services {
        if service.labels.get(ENABLED).is_some_and(|value| is_true(value)) {
            spec.labelled.push(service.name.clone());
        }
        spec.hooks.extend(hooks(service));
    }
    if spec.labelled.is_empty() {
        return BackupSpec::default();
    }
    let old_paths = old_paths(declared, &mut spec);
    let labels = volume_labels(declared, &mut spec);
    for volume in declared.own_volumes() {
        let label = labels.get(volume.name.as_str()).cloned().unwrap_or_default();
        place(&volume.name, label, &old_paths, &mut spec);
    }
    if spec.volumes.is_empty() {
        let why = if declared.volumes.is_empty() {
            "it has no volume"
        } else {
            "every volume is left out"
        };
        spec.problems
            .push(format!("the stack is labelled for backup, but {why}: a backup of it is empty"));
    }
    spec
}

/// Puts a volume where its labels want it: in, or out with the reason.
fn place(
    volume: &ComposeName,
    label: VolumeLabel,
    old_paths: &BTreeMap<String, Vec<String>>,
    spec: &mut BackupSpec,
) {
    let old = old_paths.get(volume.as_str());
    let is_named = label.included || !label.paths.is_empty() || old.is_some();
    let is_left_out = !old_paths.is_empty() && !is_named;
    let left_out = is_left_out.then(|| format!("no path of a `{PATH_V1}` label is in it"));
    if let Some(reason) = label.excluded.or(left_out) {
        spec.excluded.push(ExcludedVolume { volume: volume.clone(), reason });
        return;
    }
    let paths = if label.paths.is_empty() { old.cloned().unwrap_or_default() } else { label.paths };
    let is_whole = paths.iter().any(String::is_empty);
    let paths = if is_whole { Vec::new() } else { paths };
    spec.volumes.push(BackedVolume { volume: volume.clone(), paths });
}

/// What the labels say of one volume.
#[derive(Default, Clone)]
struct VolumeLabel {
    included: bool,
    excluded: Option<String>,
    paths: Vec<String>,
}

fn volume_labels(declared: &DeclaredStack, spec: &mut BackupSpec) -> BTreeMap<String, VolumeLabel> {
    let mut labels: BTreeMap<String, VolumeLabel> = BTreeMap::new();
    for (key, value) in declared.services.iter().flat_map(|service| &service.labels) {
        let Some(rest) = key.strip_prefix(VOLUMES) else { continue };
        let (volume, is_path) = match rest.strip_suffix(".path") {
            Some(volume) => (volume, true),
            None => (rest, false),
        };
        if !declared.volumes.iter().any(|known| known.name.as_str() == volume) {
            spec.problems.push(format!(
                "label `{key}` names volume {volume}, which the recipe does not have"
            ));
            continue;
        }
        let label = labels.entry(volume.to_owned()).or_default();
        if is_path {
            let (inside, outside) = paths(value);
            label.paths.extend(inside);
            spec.problems.extend(
                outside.into_iter().map(|path| {
                    format!("label `{key}={value}`: {path} leads out of volume {volume}")
                }),
            );
        } else if is_true(value) {
            label.included = true;
        } else {
            label.excluded = Some(format!("label `{key}={value}`"));
        }
    }
    labels
}

/// Paths of a label: comma-separated, relative to the volume's root. Those that lead out of it
/// come second.
fn paths(value: &str) -> (Vec<String>, Vec<String>) {
    let paths = value.split(',').map(|path| path.trim().trim_matches('/').to_owned());
    paths.partition(|path| path.split('/').all(|part| part != ".."))
}

/// Paths of the deprecated label, which are absolute in the container, mapped to the volumes that
/// are mounted there.
fn old_paths(declared: &DeclaredStack, spec: &mut BackupSpec) -> BTreeMap<String, Vec<String>> {
    let mut mapped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for service in &declared.services {
        let Some(value) = service.labels.get(PATH_V1) else { continue };
        for path in value.split(',').map(str::trim).filter(|path| !path.is_empty()) {
            let places = places_of(service, path);
            if places.is_empty() {
                spec.problems.push(format!(
                    "label `{PATH_V1}={value}` of service {}: {path} is in none of its volumes, so it is not backed up",
                    service.name
                ));
            }
            for (volume, inner) in places {
                mapped.entry(volume).or_default().push(inner);
            }
        }
    }
    mapped
}

/// The volumes that a path of a service's containers leads into, and where: the one that holds it,
/// else all that are mounted below it, whole.
fn places_of(service: &DeclaredService, path: &str) -> Vec<(String, String)> {
    if let Some(place) = volume_at(service, path) {
        return vec![place];
    }
    let path = path.trim_end_matches('/');
    let is_below =
        |target: &str| target.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    let mounts = service.mounts.iter().filter(|mount| mount.kind == MountKind::Volume);
    let below = mounts.filter(|mount| is_below(&mount.target));
    below.filter_map(|mount| Some((mount.source.clone()?, String::new()))).collect()
}

/// The named volume that holds a path of a service's containers, and where in it.
fn volume_at(service: &DeclaredService, path: &str) -> Option<(String, String)> {
    let path = path.trim_end_matches('/');
    let holds = |mount: &&DeclaredMount| {
        let target = mount.target.trim_end_matches('/');
        path == target || path.strip_prefix(target).is_some_and(|rest| rest.starts_with('/'))
    };
    let mounts =
        service.mounts.iter().filter(|mount| mount.kind == MountKind::Volume).filter(holds);
    let nearest = mounts.max_by_key(|mount| mount.target.len())?;
    let inner = path.strip_prefix(nearest.target.trim_end_matches('/'))?.trim_matches('/');
    Some((nearest.source.clone()?, inner.to_owned()))
}

fn hooks(service: &DeclaredService) -> Vec<Hook> {
    let found = HOOKS.into_iter().filter_map(|when| {
        let command =
            service.labels.get(when.label()).filter(|command| !command.trim().is_empty())?;
        Some(Hook { service: service.name.clone(), when, command: command.clone() })
    });
    found.collect()
}

fn is_true(value: &str) -> bool {
    matches!(value.trim().to_lowercase().as_str(), "true" | "1" | "yes" | "on")
}
