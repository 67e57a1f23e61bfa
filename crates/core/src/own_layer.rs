//! Which files of a container's own layer may be data (STG-11): what an app writes outside every
//! mount is gone with the next task, whatever volumes it has beside.
//!
//! Whether a file is data nobody can tell from its path. What is left out here is made again by
//! every start, or is of no use to anybody; the rest is told, and fails nothing.
//!
//! Tests: at the end of this file.

use cc_ci_model::stack::{AnonymousVolume, ContainerFacts, ServiceFacts};

/// Folders whose content is not meant to outlive a task: caches, logs, what runs now, and
/// configuration, which an entrypoint writes at each start.
const PASSING: [&str; 12] = [
    "/tmp",
    "/run",
    "/var/run",
    "/var/tmp",
    "/var/cache",
    "/var/log",
    "/var/lock",
    "/etc",
    "/proc",
    "/sys",
    "/dev",
    "/.dockerenv",
];

/// Parts of a path that say the same anywhere.
const PASSING_PARTS: [&str; 6] = ["tmp", "temp", "cache", ".cache", "logs", "__pycache__"];

/// Endings of names of files that are of no use to the next process.
const PASSING_ENDINGS: [&str; 6] = [".pid", ".lock", ".sock", ".log", ".pyc", ".tmp"];

/// Changed paths of a container that may be data, in order. `changed` is what the engine says
/// differs from the image, folders included (`GET /containers/{id}/changes`).
pub fn candidates(
    changed: &[String],
    service: &ServiceFacts,
    container: &ContainerFacts,
) -> Vec<String> {
    let mounts = mounts(service, container);
    let touches_mount =
        |path: &str| mounts.iter().any(|mount| is_at(path, mount) || is_at(mount, path));
    let mut left: Vec<String> = changed
        .iter()
        .filter(|path| !is_passing(path) && !touches_mount(path))
        .filter(|path| !changed.iter().any(|other| other != *path && is_at(other, path)))
        .cloned()
        .collect();
    left.sort();
    left
}

/// Where something else than the container's own layer is. Docker makes a file or folder in the
/// layer to mount it on.
fn mounts<'a>(service: &'a ServiceFacts, container: &'a ContainerFacts) -> Vec<&'a str> {
    let is_target = |key: &str| {
        key.starts_with("ContainerSpec.Mounts.") && key.ends_with(".Target")
            || key.starts_with("ContainerSpec.Configs.") && key.ends_with(".File.Name")
            || key.starts_with("ContainerSpec.Secrets.") && key.ends_with(".File.Name")
    };
    let declared = service.template.iter().filter(|(key, _)| is_target(key));
    let anonymous = container.anonymous_volumes.iter().map(|AnonymousVolume { target, .. }| target);
    let targets = declared.map(|(_, target)| target).chain(anonymous);
    targets.map(|target| target.trim_end_matches('/')).filter(|target| !target.is_empty()).collect()
}

fn is_passing(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut parts = path.split('/');
    PASSING.iter().any(|folder| is_at(path, folder))
        || PASSING_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || parts.any(|part| PASSING_PARTS.contains(&part))
        || path.strip_prefix("/root/").is_some_and(|rest| rest.starts_with('.'))
}

/// A path is that folder, or below it.
fn is_at(path: &str, folder: &str) -> bool {
    path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use cc_ci_testkit::FactsBuilder;

    use super::*;

    fn service() -> ServiceFacts {
        let facts = FactsBuilder::new().replicated("app", 1).build();
        let mut service = facts.services[0].clone();
        for (key, value) in [
            ("ContainerSpec.Mounts./data.Target", "/data"),
            ("ContainerSpec.Mounts./srv/www.Target", "/srv/www/"),
            ("ContainerSpec.Configs.st_conf_v1.File.Name", "/app/settings.ini"),
        ] {
            service.template.insert(key.to_owned(), value.to_owned());
        }
        service
    }

    fn container() -> ContainerFacts {
        let target = "/var/lib/anonymous".to_owned();
        ContainerFacts {
            id: "c".into(),
            health: None,
            oom_killed: false,
            unhealthy_seen: false,
            anonymous_volumes: vec![AnonymousVolume { name: "a".repeat(64), target }],
        }
    }

    #[track_caller]
    fn check(changed: &[&str], expected: &[&str]) {
        let changed: Vec<String> = changed.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(candidates(&changed, &service(), &container()), expected);
    }

    #[test]
    fn files_outside_every_mount_are_candidates_and_folders_above_them_are_not() {
        check(&["/opt", "/opt/app", "/opt/app/app.db"], &["/opt/app/app.db"]);
        check(&["/b", "/a", "/ab"], &["/a", "/ab", "/b"]);
    }

    #[test]
    fn what_is_mounted_is_not_in_the_layer() {
        check(&["/data", "/data/x", "/srv", "/srv/www", "/app", "/app/settings.ini"], &[]);
        check(&["/var", "/var/lib", "/var/lib/anonymous"], &[]);
        check(&["/database/x", "/app/settings.ini.bak"], &["/app/settings.ini.bak", "/database/x"]);
    }

    #[test]
    fn what_every_start_makes_again_is_left_out() {
        check(
            &[
                "/tmp/x",
                "/run/nginx.pid",
                "/var/run/x",
                "/var/cache/nginx/a",
                "/var/log/x",
                "/etc/hosts",
                "/etc/nginx/conf.d/default.conf",
                "/root/.ash_history",
                "/usr/local/apache2/logs/x",
                "/app/gunicorn.pid",
                "/app/__pycache__/a.cpython-312.pyc",
            ],
            &[],
        );
        check(&["/root/notes", "/etcetera"], &["/etcetera", "/root/notes"]);
    }
}
