//! What to try next, one sentence or two for each class.

use cc_ci_model::diagnosis::CauseClass;
use cc_ci_model::evidence::Act;
use cc_ci_model::plan::AdaptationKind;
use cc_ci_model::stage::Stage;

use super::evidence::size;
use super::tasks::{OWN_PORT, limit};
use super::{Cause, Red};

/// A host with less than that left is looked at before the recipe.
const LOW_DISK: u64 = 1 << 30;
const LOW_MEMORY: u64 = 256 << 20;

/// What to try when the base is broken: the head has nothing to mend.
pub(super) fn about_the_base(base: &str) -> String {
    format!(
        "nothing of the head is shown to be wrong. See whether {base} can still be installed at all; if it can not, name an older \
         release the upgrade can start from: `[upgrade] base` in recipe.toml"
    )
}

/// What to try, the host first where it is short of something.
pub(super) fn next(red: &Red<'_>, cause: &Cause) -> String {
    let advice = of_class(red, cause);
    match short_of(red, cause.class) {
        Some(host) => format!("look at the host first: {host}. Then: {advice}"),
        None => advice,
    }
}

/// What the host lacks, where that can be the cause. The recipe is not to be blamed for it.
fn short_of(red: &Red<'_>, class: CauseClass) -> Option<String> {
    let may_matter = match class {
        CauseClass::Registry
        | CauseClass::Resources
        | CauseClass::Start
        | CauseClass::Oom
        | CauseClass::Migration
        | CauseClass::Health
        | CauseClass::CrashLoop
        | CauseClass::Readiness
        | CauseClass::Timeout
        | CauseClass::Hook
        | CauseClass::Backup
        | CauseClass::Data
        | CauseClass::Test
        | CauseClass::Infrastructure => true,
        CauseClass::Image
        | CauseClass::Compose
        | CauseClass::ConfigVersion
        | CauseClass::Secret
        | CauseClass::Port
        | CauseClass::Dns
        | CauseClass::Update => false,
    };
    let seen = red.examined.filter(|_| may_matter)?;
    let disk = seen.free_bytes.filter(|free| *free < LOW_DISK);
    let memory = seen.memory_available_bytes.filter(|free| *free < LOW_MEMORY);
    match (disk, memory) {
        (Some(free), _) => Some(format!("only {} are free on its disk", size(free))),
        (None, Some(free)) => Some(format!("only {} of its memory are free", size(free))),
        (None, None) => None,
    }
}

fn of_class(red: &Red<'_>, cause: &Cause) -> String {
    let service = cause.service.as_deref();
    let of_service = service.map_or(String::new(), |name| format!(" of service {name}"));
    match cause.class {
        CauseClass::Port => port(red, cause),
        CauseClass::Resources => resources(cause),
        CauseClass::Start => format!(
            "mend what the engine names: the command, entrypoint, mounts or devices{of_service} in compose.yml"
        ),
        CauseClass::Oom => oom(red, cause),
        CauseClass::Dns => dns(red),
        CauseClass::Migration => migration(red),
        CauseClass::Health => health(red, &of_service),
        CauseClass::CrashLoop => format!(
            "read the last lines{of_service}: what it misses or refuses is usually there; check its command, its env, and the files \
             that configs and volumes have to bring"
        ),
        CauseClass::Readiness => readiness(red),
        CauseClass::Timeout => timeout(red),
        CauseClass::Data => data(red),
        CauseClass::Image
        | CauseClass::Registry
        | CauseClass::Compose
        | CauseClass::ConfigVersion
        | CauseClass::Secret
        | CauseClass::Update
        | CauseClass::Hook
        | CauseClass::Backup
        | CauseClass::Test
        | CauseClass::Infrastructure => general(cause.class).to_owned(),
    }
}

/// What there is to say whatever was seen.
pub(super) fn general(class: CauseClass) -> &'static str {
    let known = GENERAL.iter().find(|(of, _)| *of == class);
    known.map_or("look at the kept app", |(_, advice)| advice)
}

const GENERAL: &[(CauseClass, &str)] = &[
    (
        CauseClass::Image,
        "check name and tag of the image in compose.yml against its registry (`docker manifest inspect IMAGE`): a tag may have been \
         removed upstream",
    ),
    (
        CauseClass::Registry,
        "nothing of the recipe is shown to be wrong: log in to the registry (`docker login`), check this host's network and the \
         registry's rate limit, and run again",
    ),
    (
        CauseClass::Compose,
        "mend in the compose files or .env.sample what is named here; `cc-ci plan` reads them without deploying anything",
    ),
    (
        CauseClass::ConfigVersion,
        "raise the version of each changed config in abra.sh (`export NAME_VERSION=v2`), so that Swarm gets a new object; a changed \
         secret needs a new SECRET_NAME_VERSION in .env.sample",
    ),
    (
        CauseClass::Secret,
        "declare the secret: `SECRET_NAME_VERSION=v1` in .env.sample, `secrets:` in compose.yml both at the top and at the service, and \
         the same name where the app reads it",
    ),
    (
        CauseClass::Update,
        "see what Swarm says of the update (`docker service ps --no-trunc`), and the service's `deploy.update_config`: order, monitor \
         and failure_action",
    ),
    (
        CauseClass::Hook,
        "run the hook's command by hand in the kept app, and mend it where it ends with an error",
    ),
    (
        CauseClass::Backup,
        "compare the backup labels in compose.yml with where the app keeps its data: paths, volumes, and the hooks that write the dump",
    ),
    (CauseClass::Test, "run the test by hand against the kept app"),
    (
        CauseClass::Infrastructure,
        "nothing of the recipe is shown to be wrong: look at the Docker engine and this host (`cc-ci doctor`), and run again",
    ),
];

fn port(red: &Red<'_>, cause: &Cause) -> String {
    if cause.message.contains(OWN_PORT) {
        return "two programs in one container want the same port: check the command and the env of the service".to_owned();
    }
    if !red.is_errored() {
        return "two services of this stack, or the old and the new task of one, want the same port of the host: publish another one, \
                or none (what is behind the proxy needs none), or update with `order: stop-first`"
            .to_owned();
    }
    let on_host = red.plan.adaptations.iter().any(|one| one.kind == AdaptationKind::HostPorts);
    let note = if on_host {
        "; on this host published ports are taken on the host itself, so two services, or the old and the new task, can not share one"
    } else {
        ""
    };
    format!(
        "see who has the port (`ss -lntp`, `docker service ls`) and free it, or publish another one; a service behind the proxy needs none{note}"
    )
}

fn resources(cause: &Cause) -> String {
    let said = &cause.message;
    if said.contains("insufficient resources") {
        return "lower `deploy.resources.reservations` in compose.yml, or give the Swarm a node with as much".to_owned();
    }
    if said.contains("constraints") {
        return "check `deploy.placement.constraints` in compose.yml: no node has what they ask for (`docker node inspect`)".to_owned();
    }
    "make room on the host (`docker system df`), then run again".to_owned()
}

fn oom(red: &Red<'_>, cause: &Cause) -> String {
    let service = cause.service.as_deref().and_then(|name| red.facts?.service(name));
    match service.and_then(limit) {
        Some(limit) => format!(
            "raise `deploy.resources.limits.memory` of service {} (now {}), or have the app use less",
            cause.service.as_deref().unwrap_or_default(),
            size(limit)
        ),
        None => "run on a host with more memory, or set `deploy.resources.limits.memory` so that the app knows what it may use".to_owned(),
    }
}

fn dns(red: &Red<'_>) -> String {
    let adapted = red.plan.adaptations.iter().any(|one| one.kind == AdaptationKind::EndpointMode);
    let note = if adapted {
        "; on this host services have no virtual address (`endpoint_mode: dnsrr`), so a service without a running task has no name: rule \
         that out first"
    } else {
        ""
    };
    format!(
        "check the name the app looks up: it has to be a service on one of its own networks (`app`, `db`), or a public name this host \
         resolves{note}"
    )
}

fn migration(red: &Red<'_>) -> String {
    if red.run.stage == Stage::Upgrade {
        return "the app can not use the data of the base: see its upgrade notes for steps between the two versions, and write them into \
                release/<version>, or go there in smaller steps"
            .to_owned();
    }
    "the app can not use the data it finds: check which version wrote it, and whether the database is the one this version wants".to_owned()
}

fn health(red: &Red<'_>, of_service: &str) -> String {
    let tried = red.act.is_some_and(|act| act.act == Act::Converge);
    let slow = if tried { "; if it only needs longer to start, raise `start_period`" } else { "" };
    format!(
        "run the health check's command by hand in the container{of_service}: is the program in the image, is it the port the app listens on?{slow}"
    )
}

fn readiness(red: &Red<'_>) -> String {
    let gate = red.plan.gate.as_ref();
    let asked = gate
        .map(|gate| format!("port {} of service {}, path {}", gate.port, gate.service, gate.path));
    let asked = asked.unwrap_or_else(|| "the app".to_owned());
    format!(
        "ask {asked} yourself in the kept app. Is it the port the app listens on (label `loadbalancer.server.port`)? If another path or \
         status is right, say so in recipe.toml: `[health] path`, `status`"
    )
}

fn timeout(red: &Red<'_>) -> String {
    let budgets = &red.plan.budgets;
    let (key, ms) = match red.run.stage {
        Stage::Upgrade if red.base().is_none() => ("upgrade", budgets.upgrade_ms),
        Stage::Backup => ("backup", budgets.backup_ms),
        Stage::Restore => ("restore", budgets.restore_ms),
        Stage::Install
        | Stage::Upgrade
        | Stage::Reinstall
        | Stage::Functional
        | Stage::RecipeLocal
        | Stage::Teardown => ("deploy", budgets.deploy_ms),
    };
    format!(
        "see in the logs whether it was still at work; if it needs longer than {} s, give it more: `[timeouts] {key}` in recipe.toml",
        ms / 1000
    )
}

fn data(red: &Red<'_>) -> String {
    match red.run.stage {
        Stage::Restore => {
            "compare what the snapshot holds with what the app reads after a restart: the restore hook, owner and mode of the files, and \
             the path they go to"
                .to_owned()
        }
        Stage::Install
        | Stage::Upgrade
        | Stage::Reinstall
        | Stage::Backup
        | Stage::Functional
        | Stage::RecipeLocal
        | Stage::Teardown => {
            "compare the volumes of both versions (`cc-ci plan` shows the difference): a renamed volume, a moved data directory of the \
             image, or an entrypoint that clears it"
                .to_owned()
        }
    }
}
