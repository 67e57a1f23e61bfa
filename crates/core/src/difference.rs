//! What differs between what two revisions deploy (PLAN-2): everything in the task template,
//! the networks and the endpoint of each service. Labels of a deploy, replicas and update
//! policies alone start no new task and prove nothing.

use std::collections::BTreeMap;

use cc_ci_model::compose::{DeclaredObject, DeclaredService, DeclaredStack};
use cc_ci_model::difference::{Difference, ServiceDifference, ValueDifference};

/// The difference from `base` to `head`; both must be prepared for the same stack.
pub fn difference(base: &DeclaredStack, head: &DeclaredStack) -> Difference {
    let mut difference = Difference::default();
    for service in &head.services {
        match base.service(service.name.as_str()) {
            None => difference.added.push(service.name.to_string()),
            Some(before) => compare(before, service, &mut difference),
        }
    }
    let dropped =
        base.services.iter().filter(|service| head.service(service.name.as_str()).is_none());
    difference.dropped = dropped.map(|service| service.name.to_string()).collect();
    difference.objects = objects(base, head);
    difference
}

fn compare(before: &DeclaredService, after: &DeclaredService, difference: &mut Difference) {
    let values = values(&before.template, &after.template);
    if !values.is_empty() {
        difference.changed.push(ServiceDifference { service: after.name.to_string(), values });
    }
    let policy = self::values(&before.policy, &after.policy).into_iter().map(|mut value| {
        value.path = format!("{}.{}", after.name, value.path);
        value
    });
    difference.policy.extend(policy);
}

/// Values that differ between two flattened maps, by path.
pub fn values(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<ValueDifference> {
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| ValueDifference {
            path: path.clone(),
            base: before.get(path).cloned(),
            head: after.get(path).cloned(),
        })
        .collect()
}

fn objects(base: &DeclaredStack, head: &DeclaredStack) -> Vec<String> {
    let mut all = Vec::new();
    let kinds = [
        ("volume", &base.volumes, &head.volumes),
        ("secret", &base.secrets, &head.secrets),
        ("config", &base.configs, &head.configs),
    ];
    for (kind, before, after) in kinds {
        all.extend(names(kind, &objects_by_name(before), &objects_by_name(after)));
    }
    let networks = |stack: &DeclaredStack| {
        stack
            .networks
            .iter()
            .map(|n| (n.name.to_string(), n.object.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    all.extend(names("network", &networks(base), &networks(head)));
    all
}

fn objects_by_name(objects: &[DeclaredObject]) -> BTreeMap<String, String> {
    objects.iter().map(|object| (object.name.to_string(), object.object.clone())).collect()
}

fn names(
    kind: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<String> {
    values(before, after)
        .into_iter()
        .map(|value| match (&value.base, &value.head) {
            (None, _) => format!("{kind} {}: new", value.path),
            (Some(_), None) => format!("{kind} {}: gone", value.path),
            (Some(from), Some(to)) => format!("{kind} {}: {from} becomes {to}", value.path),
        })
        .collect()
}
