//! Services as flat maps, so that two revisions can be compared without knowing the keys.
//!
//! [`flatten`] holds what makes Swarm replace tasks (task template, networks, endpoint),
//! [`policy`] the rest. Lists are JSON, durations have units, objects go by their names in
//! Docker; what docker ignores is in neither.

use std::collections::BTreeMap;

use super::facts::{Objects, Section};
use super::shape::{self, Fields, Kind};
use super::syntax;
use super::tree::{Fault, Node, Value};

type Flat = BTreeMap<String, String>;

/// The keys of a service that are told in their own way, or elsewhere.
const SPECIAL: &[&str] = &[
    "cap_add", "cap_drop", "configs", "deploy", "expose", "networks", "ports", "restart",
    "secrets", "volumes",
];

/// Deploy keys that are no part of the task.
const POLICY: &[&str] = &["labels", "mode", "replicas", "rollback_config", "update_config"];

/// The task template, networks and endpoint of a service; `alias` is its name in Docker.
pub(super) fn flatten(node: &Node, alias: &str, objects: &Objects<'_>) -> Result<Flat, Fault> {
    let mut flat = Flat::new();
    fields(shape::SERVICE, node, "", &mut flat, &|key| !SPECIAL.contains(&key));
    if let Some(deploy) = node.get(&["deploy"]) {
        fields(shape::DEPLOY, deploy, "deploy.", &mut flat, &|key| !POLICY.contains(&key));
    }
    if node.get(&["deploy", "restart_policy"]).is_none()
        && let Some(restart) = node.text_at(&["restart"])
    {
        flat.insert("restart".to_owned(), restart.to_owned());
    }
    capabilities(node, &mut flat);
    ports(node, &mut flat);
    networks(node, alias, objects, &mut flat)?;
    mounts(node, objects, &mut flat)?;
    files(node, Section::Secrets, objects, &mut flat)?;
    files(node, Section::Configs, objects, &mut flat)?;
    Ok(flat)
}

/// Deploy labels, mode, replicas, update and rollback policy.
pub(super) fn policy(node: &Node) -> Flat {
    let mut flat = Flat::new();
    if let Some(deploy) = node.get(&["deploy"]) {
        fields(shape::DEPLOY, deploy, "deploy.", &mut flat, &|key| POLICY.contains(&key));
    }
    flat
}

fn fields(
    kinds: Fields,
    node: &Node,
    prefix: &str,
    flat: &mut Flat,
    wanted: &dyn Fn(&str) -> bool,
) {
    for (key, member) in node.members(&[]).filter(|(key, _)| wanted(key)) {
        let kind = shape::kind_of(kinds, key).unwrap_or(Kind::Whole);
        let path = format!("{prefix}{key}");
        match (kind, &member.node.value) {
            (Kind::Fields(kinds) | Kind::MaybeFields(kinds), _) => {
                fields(kinds, &member.node, &format!("{path}."), flat, &|_| true);
            }
            (_, Value::Map(_)) => members(&member.node, &path, flat),
            (_, Value::List(items)) if !items.is_empty() => {
                flat.insert(path, json(items));
            }
            (_, Value::Text(text)) => scalar(kind, path, text, flat),
            (
                _,
                Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_),
            ) => {}
        }
    }
}

/// A scalar, unless it says what Docker assumes anyway.
fn scalar(kind: Kind, path: String, text: &str, flat: &mut Flat) {
    // `init: false` differs from no `init`, and 0 replicas from none given.
    let is_default = text.is_empty()
        || matches!(kind, Kind::Flag) && text == "false" && path != "init"
        || matches!(kind, Kind::Count | Kind::Ratio | Kind::Size | Kind::Period) && text == "0";
    if is_default {
        return;
    }
    let printed = match (kind, text.parse()) {
        (Kind::Duration | Kind::Period, Ok(nanoseconds)) => syntax::printed_duration(nanoseconds),
        _ => text.to_owned(),
    };
    flat.insert(path, printed);
}

fn members(node: &Node, path: &str, flat: &mut Flat) {
    for (key, member) in node.members(&[]) {
        let path = format!("{path}.{key}");
        match &member.node.value {
            Value::Map(_) => members(&member.node, &path, flat),
            Value::List(items) => {
                flat.insert(path, json(items));
            }
            Value::Text(text) => {
                flat.insert(path, text.clone());
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                flat.insert(format!("{path} (without value)"), String::new());
            }
        }
    }
}

fn json(items: &[Node]) -> String {
    let texts: serde_json::Value = items.iter().filter_map(Node::as_text).collect();
    texts.to_string()
}

/// Capabilities in the effective form docker sends: prefixed, sorted, `ALL` alone.
fn capabilities(node: &Node, flat: &mut Flat) {
    let effective = |key: &str| {
        let items = node.get(&[key]).map_or(&[][..], Node::items);
        let mut names: Vec<String> =
            items.iter().filter_map(Node::as_text).map(capability).collect();
        if names.iter().any(|name| name == "ALL") {
            names = vec!["ALL".to_owned()];
        }
        names.sort();
        names.dedup();
        names
    };
    let added = effective("cap_add");
    let mut dropped = effective("cap_drop");
    dropped.retain(|name| !added.contains(name));
    for (key, names) in [("cap_add", added), ("cap_drop", dropped)] {
        if !names.is_empty() {
            flat.insert(key.to_owned(), serde_json::Value::from(names).to_string());
        }
    }
}

fn capability(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    if name == "ALL" || name == "RESET" || name.starts_with("CAP_") {
        return name;
    }
    format!("CAP_{name}")
}

fn ports(node: &Node, flat: &mut Flat) {
    let mut published: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for port in node.get(&["ports"]).map_or(&[][..], Node::items) {
        let text = |key| port.text_at(&[key]).unwrap_or_default();
        let path = format!("ports.{}/{}", text("target"), text("protocol"));
        published.entry(path).or_default().push(format!("{} {}", text("published"), text("mode")));
    }
    for (path, mut ports) in published {
        ports.sort();
        flat.insert(path, ports.join(", "));
    }
}

fn networks(node: &Node, alias: &str, objects: &Objects<'_>, flat: &mut Flat) -> Result<(), Fault> {
    for (name, _) in objects.attached(node)? {
        let network = node.get(&["networks", &name]);
        let aliases = network.and_then(|network| network.get(&["aliases"]));
        let mut aliases: Vec<&str> =
            aliases.map_or(&[][..], Node::items).iter().filter_map(Node::as_text).collect();
        aliases.push(alias);
        let path = format!("networks.{}", objects.network(&name));
        flat.insert(format!("{path}.aliases"), serde_json::Value::from(aliases).to_string());
        if let Some(options) = network.and_then(|network| network.get(&["driver_opts"])) {
            members(options, &format!("{path}.driver_opts"), flat);
        }
    }
    Ok(())
}

fn mounts(node: &Node, objects: &Objects<'_>, flat: &mut Flat) -> Result<(), Fault> {
    for mount in node.get(&["volumes"]).map_or(&[][..], Node::items) {
        let text = |key| mount.text_at(&[key]);
        let path = format!("volumes.{}", text("target").unwrap_or_default());
        let is_default =
            |key: &str, value: &str| key == "target" || value.is_empty() || value == "false";
        for (key, value) in super::facts::texts(mount, &[]) {
            if !is_default(&key, &value) {
                flat.insert(format!("{path}.{key}"), value);
            }
        }
        let is_volume = matches!(text("type"), None | Some("volume" | "cluster"));
        let source = text("source").filter(|source| is_volume && !source.is_empty());
        let Some(source) = source.filter(|source| !source.starts_with("group:")) else {
            continue;
        };
        let volume = objects.volume(source, mount.spot)?;
        flat.insert(format!("{path}.source"), volume.full_name.clone());
        if volume.is_external {
            continue;
        }
        for key in ["driver", "driver_opts", "labels"] {
            match volume.node.get(&[key]) {
                Some(node) if node.as_map().is_some() => {
                    members(node, &format!("{path}.{key}"), flat);
                }
                Some(node) => scalar(
                    Kind::Text,
                    format!("{path}.{key}"),
                    node.as_text().unwrap_or_default(),
                    flat,
                ),
                None => {}
            }
        }
    }
    Ok(())
}

fn files(
    node: &Node,
    section: Section,
    objects: &Objects<'_>,
    flat: &mut Flat,
) -> Result<(), Fault> {
    let list = section.key();
    for file in node.get(&[list]).map_or(&[][..], Node::items) {
        let text = |key| file.text_at(&[key]).filter(|text| !text.is_empty());
        let source = text("source").unwrap_or_default();
        let object = objects.file(section, source, file.spot)?;
        let path = format!("{list}.{}", text("target").unwrap_or(source));
        let mode = text("mode").and_then(|mode| mode.parse().ok()).unwrap_or(0o444_i64);
        flat.insert(format!("{path}.object"), object.full_name.clone());
        flat.insert(format!("{path}.uid"), text("uid").unwrap_or("0").to_owned());
        flat.insert(format!("{path}.gid"), text("gid").unwrap_or("0").to_owned());
        flat.insert(format!("{path}.mode"), format!("{mode:04o}"));
        if let Some(content) = &object.content {
            flat.insert(format!("{path}.content"), content.clone());
        }
        if let Some(driver) = object.node.text_at(&["template_driver"]) {
            flat.insert(format!("{path}.template_driver"), driver.to_owned());
        }
    }
    // A credential spec in a config is a reference like the others.
    if let (Section::Configs, Some(spec)) = (section, node.get(&["credential_spec", "config"])) {
        let object = objects.file(section, spec.as_text().unwrap_or_default(), spec.spot)?;
        flat.insert("credential_spec.object".to_owned(), object.full_name.clone());
    }
    Ok(())
}
