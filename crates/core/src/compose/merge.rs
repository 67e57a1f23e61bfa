//! Several compose files, merged as the docker CLI merges them.
//!
//! Services merge key by key; top-level volumes, networks, secrets and configs are replaced
//! whole. Merging is a merge of Go structs there, with what follows from it: an empty text, 0
//! or `false` does not override, lists are joined, and ports are told apart by their
//! *published* port alone, so that of two with the same number (tcp and udp, say, or two
//! without one) only the last survives, as soon as any second file names the service.
//!
//! CLI 20.10 differs: it joins commands and mounts, and 0 never overrides.

use std::collections::BTreeMap;

use cc_ci_model::compose::{DeclaredPort, DeclaredService};

use super::normal::Canonical;
use super::shape::{self, Fields, Kind};
use super::tree::{Fault, Mapping, Node, Value};

/// Merges `over` into `base`, and says what nobody can have meant.
///
/// # Errors
/// When their `version:` differ.
pub(super) fn merge(base: &mut Canonical, over: Canonical) -> Result<Vec<Fault>, Fault> {
    let versions = (version(base), version(&over));
    if versions.0 != versions.1 {
        let message = format!(
            "version mismatch between two compose files: {} and {}",
            versions.0, versions.1
        );
        let spot = over.format.or_else(|| base.format.clone()).map(|(_, spot)| spot);
        let spot = spot.unwrap_or(super::tree::Spot { file: 0, line: 1, column: 1 });
        return Err(Fault::new(spot, message));
    }
    let mut doubts = Vec::new();
    for (name, member) in over.services {
        match base.services.get_mut(&name) {
            Some(service) => merge_service(&mut service.node, member.node, &mut doubts),
            None => {
                base.services.insert(name, member);
            }
        }
    }
    base.volumes.extend(over.volumes);
    base.networks.extend(over.networks);
    base.secrets.extend(over.secrets);
    base.configs.extend(over.configs);
    Ok(doubts)
}

fn merge_service(base: &mut Node, over: Node, doubts: &mut Vec<Fault>) {
    let test = |node: &Node| {
        node.get(&["healthcheck", "test"]).filter(|test| !test.items().is_empty()).map(|t| t.spot)
    };
    if let (Some(_), Some(spot)) = (test(base), test(&over)) {
        let message = "docker joins this to the command of the health check that is there already";
        doubts.push(Fault::new(spot, message));
    }
    let (Some(base), Value::Map(over)) = (base.as_map_mut(), over.value) else {
        return;
    };
    // Only lists the first file has, even empty, are treated so.
    let lists: Vec<_> = KEYED.iter().filter(|(list, _)| base.contains_key(*list)).collect();
    merge_fields(shape::SERVICE, base, over);
    for (list, key) in lists {
        distinguish(base, list, key, doubts);
    }
}

/// The format as docker compares it.
fn version(file: &Canonical) -> &str {
    match file.format.as_ref().map_or("", |(version, _)| version.as_str()) {
        "" | "3" => "3.13",
        version => version,
    }
}

/// The published ports of a service that would be lost if a further compose file named the
/// service, whatever it says about it.
pub fn lost_ports(service: &DeclaredService) -> Vec<DeclaredPort> {
    let mut lost = Vec::new();
    let mut kept: BTreeMap<u16, &DeclaredPort> = BTreeMap::new();
    for port in &service.ports {
        lost.extend(kept.insert(port.published.unwrap_or(0), port).cloned());
    }
    lost
}

fn merge_fields(fields: Fields, base: &mut Mapping, over: Mapping) {
    for (key, member) in over {
        match base.get_mut(&key) {
            Some(existing) => {
                let kind = shape::kind_of(fields, &key).unwrap_or(Kind::Whole);
                merge_node(kind, &mut existing.node, member.node);
            }
            // In Go nothing joined with an empty list is still nothing.
            None if matches!(&member.node.value, Value::List(items) if items.is_empty()) => {}
            None => {
                base.insert(key, member);
            }
        }
    }
}

fn merge_node(kind: Kind, base: &mut Node, over: Node) {
    match kind {
        Kind::Text | Kind::Cpus => {
            if over.as_text().is_some_and(|text| !text.is_empty()) {
                *base = over;
            }
        }
        Kind::Flag | Kind::Count | Kind::Ratio | Kind::Duration | Kind::Period | Kind::Size => {
            if !matches!(over.as_text(), None | Some("" | "0" | "false")) {
                *base = over;
            }
        }
        Kind::Words => {
            if !over.items().is_empty() {
                *base = over;
            }
        }
        Kind::Texts
        | Kind::Test
        | Kind::Hosts
        | Kind::Records
        | Kind::Ports
        | Kind::Mounts
        | Kind::Files => join(base, over),
        Kind::Pairs | Kind::Limits => replace_members(base, over),
        Kind::Environment => merge_environment(base, over),
        Kind::Attachments => merge_attachments(base, over),
        Kind::Logging => merge_logging(base, over),
        Kind::Fields(fields) | Kind::MaybeFields(fields) => {
            if let (Some(base), Value::Map(over)) = (base.as_map_mut(), over.value) {
                merge_fields(fields, base, over);
            }
        }
        Kind::CountSet | Kind::External | Kind::Whole | Kind::Ignored => *base = over,
    }
}

fn join(base: &mut Node, over: Node) {
    if let (Value::List(base), Value::List(over)) = (&mut base.value, over.value) {
        base.extend(over);
    }
}

fn replace_members(base: &mut Node, over: Node) {
    if let (Some(base), Value::Map(over)) = (base.as_map_mut(), over.value) {
        base.extend(over);
    }
}

/// An empty value, or none, overrides only what is empty itself.
fn merge_environment(base: &mut Node, over: Node) {
    let (Some(base), Value::Map(over)) = (base.as_map_mut(), over.value) else {
        return;
    };
    let is_empty = |node: &Node| node.as_text().is_none_or(str::is_empty);
    for (name, member) in over {
        let is_kept = base.get(&name).is_some_and(|existing| !is_empty(&existing.node));
        if !is_kept || !is_empty(&member.node) {
            base.insert(name, member);
        }
    }
}

/// Aliases are replaced, addresses filled in, and driver options of the first file stay.
fn merge_attachments(base: &mut Node, over: Node) {
    let (Some(base), Value::Map(over)) = (base.as_map_mut(), over.value) else {
        return;
    };
    for (name, member) in over {
        let existing = base.get_mut(&name).and_then(|existing| existing.node.as_map_mut());
        match (existing, member.node.value) {
            (Some(existing), Value::Map(mut over)) => {
                existing.remove("aliases");
                over.remove("driver_opts");
                over.retain(|key, member| {
                    key == "aliases" || member.node.as_text().is_some_and(|text| !text.is_empty())
                });
                existing.extend(over);
            }
            (Some(_), _) => {}
            (None, value) => {
                let node = Node::new(member.node.spot, value);
                base.insert(name, super::tree::Member { key: member.key, node });
            }
        }
    }
}

/// Options merge if the drivers are the same or one is unnamed; docker loses them when the
/// first file has none.
fn merge_logging(base: &mut Node, over: Node) {
    let driver = |node: &Node| node.text_at(&["driver"]).unwrap_or_default().to_owned();
    let (mine, theirs) = (driver(base), driver(&over));
    if mine != theirs && !mine.is_empty() && !theirs.is_empty() {
        *base = over;
        return;
    }
    let (Some(base), Value::Map(mut over)) = (base.as_map_mut(), over.value) else {
        return;
    };
    if let (Some(base), Some(over)) = (base.get_mut("options"), over.remove("options")) {
        replace_members(&mut base.node, over.node);
    }
    if mine.is_empty() {
        base.extend(over);
    }
}

/// Lists of a service whose items docker tells apart by one key.
const KEYED: [(&str, &str); 4] =
    [("ports", "published"), ("volumes", "target"), ("secrets", "source"), ("configs", "source")];

/// What docker does to a list of a service that a second file names: one item per key, the
/// last one, sorted by it.
fn distinguish(service: &mut Mapping, list: &str, key: &str, doubts: &mut Vec<Fault>) {
    let Some(Value::List(items)) = service.get_mut(list).map(|member| &mut member.node.value)
    else {
        return;
    };
    let mut distinct: BTreeMap<(usize, String), Node> = BTreeMap::new();
    for item in std::mem::take(items) {
        let text = item.text_at(&[key]).unwrap_or_default().to_owned();
        // Ports are sorted as numbers.
        let length = if list == "ports" { text.len() } else { 0 };
        let spot = item.spot;
        let replaced = distinct.insert((length, text), item);
        // From one file to the next it is an override.
        if let Some(replaced) = replaced.filter(|replaced| replaced.spot.file == spot.file) {
            let message = format!(
                "docker drops this from `{list}`: another item has the same `{key}`, and a further compose file names the service"
            );
            doubts.push(Fault::new(replaced.spot, message));
        }
    }
    items.extend(distinct.into_values());
}
