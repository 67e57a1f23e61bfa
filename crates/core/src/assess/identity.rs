//! Identity (STG-3): what the engine holds is what was meant to be deployed, and an upgrade
//! really changed something.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_model::compose::{DeclaredObject, DeclaredService, DeclaredStack, MountKind};
use cc_ci_model::evidence::{Act, DeploySeen, Evidence};
use cc_ci_model::name::ComposeName;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{AppRole, BaseChoice, Plan, PlannedApp, Revision};
use cc_ci_model::stack::ServiceFacts;
use cc_ci_model::stage::Stage;

use super::{Check, Context};
use crate::app::object_of;
use crate::difference::values;
use crate::text::count;

/// Every declared service is held with our spec, and service `app` says which version it is.
pub(super) fn assess(context: Context<'_>, held: &[ServiceFacts]) -> Check {
    let app = context.app().and_then(|app| context.plan.app(app));
    let (Some(app), Some(declared)) = (app, context.declared()) else {
        return Check::with(
            "identity",
            Outcome::errored("the plan does not say what was deployed"),
        );
    };
    let mut wrong = Vec::new();
    for service in &declared.services {
        match held.iter().find(|held| held.name == service.name.as_str()) {
            Some(held) => wrong.extend(mismatches(context.plan, app, declared, service, held)),
            None => wrong.push(format!("service {} is not there", service.name)),
        }
    }
    wrong.extend(wrong_label(context, app, held));
    if wrong.is_empty() {
        let detail = format!("{} held as declared", count(declared.services.len(), "service"));
        return Check::passed("identity", detail);
    }
    Check::with("identity", Outcome::failed(format!("not what was deployed: {}", wrong.join("; "))))
}

/// The label of service `app`: the head's commit, or the base's version.
fn wrong_label(context: Context<'_>, app: &PlannedApp, held: &[ServiceFacts]) -> Option<String> {
    let Some(holder) = held.iter().find(|service| service.name == "app") else {
        return Some("there is no service app to tell the version".to_owned());
    };
    let labels = &holder.labels;
    let prefix = format!("coop-cloud.{}", app.stack);
    let label = |key: &str| labels.get(&format!("{prefix}.{key}")).map(String::as_str);
    match (context.revision(), &context.plan.base) {
        (Revision::Base, BaseChoice::Release(base)) => (label("version")
            != Some(base.version.as_str()))
        .then(|| format!("the version label is {:?}, not {}", label("version"), base.version)),
        (Revision::Base, BaseChoice::None { .. }) => Some("there is no base".to_owned()),
        (Revision::Head, _) => {
            let said = label("chaos-version").unwrap_or_default().trim_end_matches("+U");
            let is_head = said.len() >= 7 && context.plan.head.commit.as_str().starts_with(said);
            (!is_head).then(|| {
                format!(
                    "the chaos-version label is `{said}`, not {}",
                    context.plan.head.commit.short()
                )
            })
        }
    }
}

fn mismatches(
    plan: &Plan,
    app: &PlannedApp,
    stack: &DeclaredStack,
    declared: &DeclaredService,
    held: &ServiceFacts,
) -> Vec<String> {
    let name = &declared.name;
    let mut wrong = Vec::new();
    let image = held.template.get("ContainerSpec.Image").map_or("", String::as_str);
    if familiar(image) != familiar(&declared.image) {
        wrong.push(format!("service {name} runs image {image}, not {}", declared.image));
    }
    for mount in declared.mounts.iter().filter(|mount| mount.kind == MountKind::Volume) {
        let Some(source) = &mount.source else {
            continue;
        };
        let wanted = stack.volumes.iter().find(|volume| volume.name.as_str() == source);
        let wanted = wanted.map(|volume| object_of(plan, app, &volume.object));
        let found = held.template.get(&format!("ContainerSpec.Mounts.{}.Source", mount.target));
        if wanted.as_ref() != found {
            wrong.push(format!(
                "service {name} mounts {found:?} at {}, not {wanted:?}",
                mount.target
            ));
        }
    }
    let kinds = [
        ("secret", &declared.secrets, &stack.secrets, "ContainerSpec.Secrets", "SecretName"),
        ("config", &declared.configs, &stack.configs, "ContainerSpec.Configs", "ConfigName"),
    ];
    for (kind, used, objects, path, key) in kinds {
        for object in used.iter().filter_map(|name| object_named(objects, name)) {
            let wanted = object_of(plan, app, object);
            if held.template.get(&format!("{path}.{wanted}.{key}")) != Some(&wanted) {
                wrong.push(format!("service {name} does not have {kind} {wanted}"));
            }
        }
    }
    wrong
}

fn object_named<'a>(objects: &'a [DeclaredObject], name: &ComposeName) -> Option<&'a str> {
    objects.iter().find(|object| object.name == *name).map(|object| object.object.as_str())
}

/// An image reference as people write it: without the default registry and with a tag.
fn familiar(image: &str) -> String {
    let name = image.strip_prefix("docker.io/").unwrap_or(image);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let has_tag =
        name.contains('@') || name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

/// After the head's deploy of an upgrade: at least one service's spec differs from the one the
/// base left. Labels and injected variables are no change.
pub(super) fn assess_change(context: Context<'_>, seen: &DeploySeen) -> Option<Check> {
    if context.run.stage != Stage::Upgrade || seen.revision != Revision::Head {
        return None;
    }
    let before = context.run.acts.iter().find_map(|act| match &act.evidence {
        Some(Evidence::Deployed(base)) if act.act == (Act::Deploy { revision: Revision::Base }) => {
            Some(base)
        }
        Some(_) | None => None,
    });
    let Some(before) = before else {
        return Some(Check::with(
            "changed",
            Outcome::unverified("nobody looked at the services of the base"),
        ));
    };
    let changed: Vec<String> = seen
        .services
        .iter()
        .filter_map(|after| {
            let before = before.services.iter().find(|before| before.name == after.name);
            change(before, after, &own_keys(context, &after.name))
        })
        .collect();
    Some(if changed.is_empty() {
        let why =
            "hollow: no service's spec differs from the one the base left, so no task was replaced";
        Check::with("changed", Outcome::unverified(why))
    } else {
        Check::passed("changed", changed.join("; "))
    })
}

/// Variables the recipe itself sets for a service, in the base or in the head. Others were
/// injected.
fn own_keys(context: Context<'_>, service: &str) -> BTreeSet<String> {
    let base = context.plan.declared(AppRole::Upgraded, Revision::Base);
    let stacks = [base, context.declared()];
    let services = stacks.into_iter().flatten().filter_map(|stack| stack.service(service));
    services.flat_map(|service| service.env_keys.iter().cloned()).collect()
}

fn change(
    before: Option<&ServiceFacts>,
    after: &ServiceFacts,
    own_keys: &BTreeSet<String>,
) -> Option<String> {
    let Some(before) = before else {
        return Some(format!("service {} is new", after.name));
    };
    let is_injected = |path: &str| {
        path.strip_prefix("ContainerSpec.Env.").is_some_and(|key| !own_keys.contains(key))
    };
    let own = |template: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let own = template.iter().filter(|(path, _)| !is_injected(path));
        own.map(|(path, value)| (path.clone(), value.clone())).collect()
    };
    let differing = values(&own(&before.template), &own(&after.template));
    let first = differing.first()?;
    Some(match differing.len() - 1 {
        0 => format!("service {}: {}", after.name, first.path),
        more => format!("service {}: {} and {more} more", after.name, first.path),
    })
}
