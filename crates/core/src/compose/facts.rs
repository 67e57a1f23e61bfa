//! From merged compose files to the facts the rest of the program works with.

mod health;
mod objects;
mod policy;
#[cfg(test)]
mod tests;

use cc_ci_model::compose::{
    DeclaredMount, DeclaredPort, DeclaredService, DeclaredStack, MountKind,
};
use cc_ci_model::name::ComposeName;

use super::normal::{Canonical, Extra};
use super::syntax;
use super::template;
use super::tree::{Fault, Member, Node, Spot};
pub(super) use objects::{Objects, PlaceOf, Section};

/// The network of services that name none.
const DEFAULT_NETWORK: &str = "default";

/// Everything a compose declares.
pub(super) fn declared(
    compose: &Canonical,
    stack: &str,
    extra: Extra<'_>,
    place: PlaceOf<'_>,
) -> Result<DeclaredStack, Fault> {
    let objects = Objects::read(compose, stack, extra)?;
    let mut services = Vec::new();
    for (name, member) in &compose.services {
        services.push(service(name, member, stack, &objects)?);
    }
    let uses_default = |service: &DeclaredService| {
        service.networks.iter().any(|network| network.as_str() == DEFAULT_NETWORK)
    };
    let mut networks = objects.networks();
    let has_default = networks.iter().any(|network| network.name.as_str() == DEFAULT_NETWORK);
    if !has_default && services.iter().any(uses_default) {
        networks.extend(objects.default_network());
    }
    Ok(DeclaredStack {
        format: compose.format.as_ref().map(|(format, _)| format.clone()),
        services,
        volumes: objects.volumes(place),
        networks,
        secrets: objects.secrets(),
        configs: objects.configs(),
    })
}

fn service(
    name: &str,
    member: &Member,
    stack: &str,
    objects: &Objects<'_>,
) -> Result<DeclaredService, Fault> {
    let node = &member.node;
    let image = node.text_at(&["image"]).filter(|image| !image.is_empty());
    let Some(image) = image else {
        return Err(Fault::new(member.key, format!("the service `{name}` has no image")));
    };
    let attached = objects.attached(node)?;
    let template = template::flatten(node, &format!("{stack}_{name}"), objects)?;
    Ok(DeclaredService {
        name: compose_name(name, member.key)?,
        image: image.to_owned(),
        mode: policy::mode(node)?,
        health: health::check(node),
        ports: ports(node),
        exposed: exposed(node),
        labels: texts(node, &["deploy", "labels"]),
        env_keys: node.members(&["environment"]).map(|(name, _)| name.clone()).collect(),
        mounts: node.get(&["volumes"]).map_or(&[][..], Node::items).iter().map(mount).collect(),
        networks: names(attached.iter().map(|(name, spot)| (name.as_str(), *spot)))?,
        secrets: names(sources(node, "secrets"))?,
        configs: names(sources(node, "configs"))?,
        update: policy::update(node)?,
        restart: policy::restart(node)?,
        dnsrr: is_dnsrr(node),
        template,
        policy: template::policy(node),
    })
}

/// A name in the compose file.
pub(super) fn compose_name(name: &str, spot: Spot) -> Result<ComposeName, Fault> {
    name.parse().map_err(|error: cc_ci_model::name::NameError| Fault::new(spot, error.to_string()))
}

fn names<'a>(names: impl Iterator<Item = (&'a str, Spot)>) -> Result<Vec<ComposeName>, Fault> {
    names.map(|(name, spot)| compose_name(name, spot)).collect()
}

/// The sources of the `secrets` or `configs` of a service.
pub(super) fn sources<'a>(node: &'a Node, list: &str) -> impl Iterator<Item = (&'a str, Spot)> {
    let items = node.get(&[list]).map_or(&[][..], Node::items);
    items.iter().filter_map(|item| Some((item.text_at(&["source"])?, item.spot)))
}

/// The texts of a mapping.
pub(super) fn texts(node: &Node, path: &[&str]) -> std::collections::BTreeMap<String, String> {
    node.members(path)
        .map(|(key, member)| (key.clone(), member.node.as_text().unwrap_or_default().to_owned()))
        .collect()
}

/// Whether round-robin DNS was asked for instead of a virtual address.
fn is_dnsrr(node: &Node) -> bool {
    node.text_at(&["deploy", "endpoint_mode"])
        .is_some_and(|mode| mode.eq_ignore_ascii_case("dnsrr"))
}

fn ports(node: &Node) -> Vec<DeclaredPort> {
    let number = |port: &Node, key: &str| port.text_at(&[key])?.parse::<u16>().ok();
    let items = node.get(&["ports"]).map_or(&[][..], Node::items);
    items
        .iter()
        .map(|port| DeclaredPort {
            target: number(port, "target").unwrap_or(0),
            published: number(port, "published").filter(|published| *published != 0),
            protocol: port.text_at(&["protocol"]).unwrap_or("tcp").to_owned(),
            host_mode: port.text_at(&["mode"]) == Some("host"),
        })
        .collect()
}

/// The ports of `expose:`; what is no port says nothing to Docker either.
fn exposed(node: &Node) -> Vec<u16> {
    let items = node.get(&["expose"]).map_or(&[][..], Node::items);
    let ranges = items.iter().filter_map(|item| {
        let text = item.as_text()?;
        syntax::port_range(text.split('/').next().unwrap_or(text))
    });
    let ports: std::collections::BTreeSet<u16> =
        ranges.flat_map(|(first, last)| first..=last).collect();
    ports.into_iter().collect()
}

fn mount(mount: &Node) -> DeclaredMount {
    let kind = match mount.text_at(&["type"]) {
        None | Some("volume") => MountKind::Volume,
        Some("bind") => MountKind::Bind,
        Some("tmpfs") => MountKind::Tmpfs,
        Some(_) => MountKind::Other,
    };
    DeclaredMount {
        kind,
        source: mount.text_at(&["source"]).filter(|source| !source.is_empty()).map(str::to_owned),
        target: mount.text_at(&["target"]).unwrap_or_default().to_owned(),
        read_only: mount.text_at(&["read_only"]) == Some("true"),
    }
}
