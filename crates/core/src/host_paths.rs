//! Storage a recipe uses that is not the run's own (ISO-4): folders of the host, shares, volumes
//! of somebody else. A run writes to what it deploys, plants markers in it and undoes a loss it
//! made itself, so it must not be deployed onto data that was there before.
//!
//! Tests: at the end of this file.

use std::path::Path;

use cc_ci_model::compose::{
    DeclaredMount, DeclaredObject, DeclaredService, DeclaredStack, MountKind, ServiceMode,
    StorageBy,
};
use cc_ci_model::plan::Finding;

/// Host paths that are no data: writing to them is writing to the kernel or to a program.
const NO_DATA: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Why a recipe can not be deployed at all: a volume of it is not the run's own.
pub fn refused(declared: &DeclaredStack) -> Option<String> {
    let strange = declared.mounted_volumes().find_map(|volume| Some((volume, what_of(volume)?)));
    strange.map(|(volume, what)| {
        format!(
            "volume {} {what}: a run would write into it, mark it and change it, so nothing was deployed. Give the run a volume of its \
             own: set the variables it comes from, or COMPOSE_FILE without that file, as `[app.env]` in the pack's recipe.toml, or \
             take it out of the recipe",
            volume.name
        )
    })
}

fn what_of(volume: &DeclaredObject) -> Option<String> {
    if volume.external {
        let name = &volume.object;
        return Some(format!("is external (`{name}`): what is in it is somebody else's"));
    }
    let elsewhere = volume.elsewhere.as_ref()?;
    let place = &elsewhere.place;
    Some(match &elsewhere.by {
        StorageBy::Device { device } => {
            format!("is not kept by the engine: its driver_opts lead to `{device}` ({place})")
        }
        StorageBy::Driver { driver } => format!(
            "is not kept by the engine: it is in the hands of driver `{driver}` ({place}), and where that leads can not be told"
        ),
    })
}

/// Paths of the host that services with tasks can write to.
pub fn written(
    declared: &DeclaredStack,
) -> impl Iterator<Item = (&DeclaredService, &DeclaredMount, &str)> {
    let services = declared.services.iter().filter(|service| has_tasks(service));
    let mounts = services.flat_map(|service| service.mounts.iter().map(move |it| (service, it)));
    mounts.filter_map(|(service, mount)| {
        let source = mount.source.as_deref()?;
        let is_written = mount.kind == MountKind::Bind && !mount.read_only && is_data(source);
        is_written.then_some((service, mount, source))
    })
}

/// What a reader should know of them.
pub fn warnings(declared: &DeclaredStack) -> Vec<Finding> {
    let warned = written(declared).map(|(service, mount, source)| {
        let message = format!(
            "service {} can write to {} at {}: cc-ci neither marks it nor backs it up nor cleans it, and what two apps write there \
             they share",
            service.name,
            shown(source),
            mount.target
        );
        Finding::new("host_path", message, Some(service.name.to_string()))
    });
    warned.collect()
}

/// What a green does not mean because of them.
pub fn not_proven(declared: &DeclaredStack) -> impl Iterator<Item = String> {
    written(declared).map(|(service, mount, source)| {
        format!(
            "that what service {} writes to {} survives anything: it is no volume, so nothing was planted or backed up there",
            service.name,
            of_target(source, mount)
        )
    })
}

fn of_target(source: &str, mount: &DeclaredMount) -> String {
    format!("{} ({})", mount.target, shown(source))
}

/// A path as written; docker takes one without `/` to be in the recipe's folder.
fn shown(source: &str) -> String {
    if source.starts_with('/') {
        format!("the host's `{source}`")
    } else {
        format!("`{source}`, a path from the recipe's own folder,")
    }
}

fn has_tasks(service: &DeclaredService) -> bool {
    service.mode != ServiceMode::Replicated { replicas: 0 }
}

/// Sockets, the clock's files and what the kernel shows are no data that could get lost.
fn is_data(source: &str) -> bool {
    let is_clock = matches!(source, "/etc/localtime" | "/etc/timezone");
    let is_socket = Path::new(source).extension().is_some_and(|extension| extension == "sock");
    let is_kernels = NO_DATA.iter().any(|root| {
        source.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    !is_clock && !is_socket && !is_kernels
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::compose::{ComposeText, read};

    fn declared(text: &str) -> DeclaredStack {
        let files = [ComposeText { name: "compose.yml".to_owned(), text: text.to_owned() }];
        read(&files, &BTreeMap::new(), "st", &|_| None).unwrap().stack
    }

    fn with_volume(volume: &str, replicas: u8) -> DeclaredStack {
        declared(&format!(
            "services: {{app: {{image: a, volumes: ['data:/data'], deploy: {{replicas: {replicas}}}}}}}\n\
             volumes: {{data: {volume}}}\n"
        ))
    }

    #[test]
    fn a_volume_that_is_not_the_runs_own_is_refused() {
        let bind = "{driver_opts: {type: none, o: bind, device: /srv/data}}";
        for (volume, said) in [
            (bind, ["volume data", "`/srv/data`", "compose.yml:2", "[app.env]"]),
            (
                "{driver_opts: {type: nfs, device: ':/x'}}",
                ["volume data", "`:/x`", "compose.yml:2", "COMPOSE_FILE"],
            ),
            ("{driver: rclone}", ["volume data", "`rclone`", "compose.yml:2", "can not be told"]),
            (
                "{external: true, name: theirs}",
                ["volume data", "`theirs`", "external", "nothing was deployed"],
            ),
        ] {
            let refused = refused(&with_volume(volume, 1)).unwrap();
            assert!(said.iter().all(|word| refused.contains(word)), "{refused}");
        }
        for own in ["{}", "{name: fixed}", "{driver: local, driver_opts: {type: tmpfs, device: x}}"]
        {
            assert_eq!(refused(&with_volume(own, 1)), None, "{own}");
        }
        // Nobody mounts it: it is only a word in a file.
        assert_eq!(refused(&with_volume(bind, 0)), None);
    }

    #[track_caller]
    fn check(mount: &str, is_told: bool) {
        let declared =
            declared(&format!("services: {{app: {{image: a, volumes: ['{mount}']}}}}\n"));
        let warnings = warnings(&declared);
        assert_eq!(warnings.len(), usize::from(is_told), "{mount}: {warnings:?}");
        assert_eq!(not_proven(&declared).count(), usize::from(is_told), "{mount}");
        let (source, target) = mount.split_once(':').unwrap();
        let names = |message: &str| message.contains("app") && message.contains(source);
        assert!(warnings.iter().all(|it| names(&it.message) && it.message.contains(target)));
    }

    #[test]
    fn paths_of_the_host_that_are_written_to_are_told() {
        for told in ["/srv/data:/data", "./data:/data", "/etc:/host/etc", "/devs:/d"] {
            check(told, true);
        }
        for untold in [
            "/srv/data:/data:ro",
            "/var/run/docker.sock:/var/run/docker.sock",
            "/etc/localtime:/etc/localtime",
            "/etc/timezone:/etc/timezone",
            "/dev:/dev",
            "/dev/net/tun:/dev/net/tun",
            "/sys/fs/cgroup:/sys/fs/cgroup",
            "/proc:/host/proc",
        ] {
            check(untold, false);
        }
    }
}
