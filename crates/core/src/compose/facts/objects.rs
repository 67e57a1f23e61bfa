//! Top-level volumes, networks, secrets and configs: what each is called in Docker.

use cc_ci_model::compose::{DeclaredNetwork, DeclaredObject, Elsewhere, StorageBy};
use cc_ci_model::name::ComposeName;
use sha2::{Digest, Sha256};

use std::collections::BTreeMap;

use super::{DEFAULT_NETWORK, compose_name};
use crate::compose::normal::{Canonical, Extra};
use crate::compose::tree::{Fault, Mapping, Node, Spot};

/// The top-level objects of a compose, by their names in it.
pub(in crate::compose) struct Objects<'c> {
    stack: String,
    volumes: BTreeMap<String, Object<'c>>,
    networks: BTreeMap<String, Object<'c>>,
    secrets: BTreeMap<String, Object<'c>>,
    configs: BTreeMap<String, Object<'c>>,
}

/// How a message names a place in the compose files.
pub(in crate::compose) type PlaceOf<'a> = &'a dyn Fn(Spot) -> String;

/// One top-level object.
#[derive(Debug)]
pub(in crate::compose) struct Object<'c> {
    name: ComposeName,
    /// Its name in Docker.
    pub(in crate::compose) full_name: String,
    pub(in crate::compose) is_external: bool,
    pub(in crate::compose) node: &'c Node,
    /// A hash of the file it is made from.
    pub(in crate::compose) content: Option<String>,
}

/// Which list of a service refers to which top-level section.
#[derive(Debug, Clone, Copy)]
pub(in crate::compose) enum Section {
    Secrets,
    Configs,
}

impl Section {
    /// The key of the section, and of the list in a service.
    pub(in crate::compose) fn key(self) -> &'static str {
        match self {
            Section::Secrets => "secrets",
            Section::Configs => "configs",
        }
    }
}

impl<'c> Objects<'c> {
    pub(super) fn read(
        compose: &'c Canonical,
        stack: &str,
        extra: Extra<'_>,
    ) -> Result<Self, Fault> {
        let mut objects = Self {
            stack: stack.to_owned(),
            volumes: section(&compose.volumes, stack)?,
            networks: section(&compose.networks, stack)?,
            secrets: section(&compose.secrets, stack)?,
            configs: section(&compose.configs, stack)?,
        };
        let files = objects.secrets.values_mut().chain(objects.configs.values_mut());
        for object in files.filter(|object| !object.is_external) {
            object.content = content(object.node, extra)?;
        }
        Ok(objects)
    }

    /// The networks of a service with their places: those it names, or the default.
    pub(in crate::compose) fn attached(
        &self,
        service: &Node,
    ) -> Result<Vec<(String, Spot)>, Fault> {
        let mut attached = Vec::new();
        for (name, member) in service.members(&["networks"]) {
            if !self.networks.contains_key(name) && name != DEFAULT_NETWORK {
                return Err(undefined("network", name, member.key));
            }
            attached.push((name.clone(), member.key));
        }
        if attached.is_empty() {
            attached.push((DEFAULT_NETWORK.to_owned(), service.spot));
        }
        Ok(attached)
    }

    /// What a network is called in Docker.
    pub(in crate::compose) fn network(&self, name: &str) -> String {
        match self.networks.get(name) {
            Some(network) => network.full_name.clone(),
            None => format!("{}_{name}", self.stack),
        }
    }

    /// The volume a service mounts.
    pub(in crate::compose) fn volume(&self, name: &str, spot: Spot) -> Result<&Object<'c>, Fault> {
        self.volumes.get(name).ok_or_else(|| undefined("volume", name, spot))
    }

    /// The secret or config a service refers to.
    pub(in crate::compose) fn file(
        &self,
        section: Section,
        name: &str,
        spot: Spot,
    ) -> Result<&Object<'c>, Fault> {
        let (objects, what) = match section {
            Section::Secrets => (&self.secrets, "secret"),
            Section::Configs => (&self.configs, "config"),
        };
        objects.get(name).ok_or_else(|| undefined(what, name, spot))
    }

    pub(super) fn volumes(&self, place: PlaceOf<'_>) -> Vec<DeclaredObject> {
        let with_storage = |volume: &Object<'_>| DeclaredObject {
            elsewhere: elsewhere(volume.node, place),
            ..volume.declared()
        };
        self.volumes.values().map(with_storage).collect()
    }

    pub(super) fn secrets(&self) -> Vec<DeclaredObject> {
        self.secrets.values().map(Object::declared).collect()
    }

    pub(super) fn configs(&self) -> Vec<DeclaredObject> {
        self.configs.values().map(Object::declared).collect()
    }

    pub(super) fn networks(&self) -> Vec<DeclaredNetwork> {
        let networks = self.networks.values().map(|network| DeclaredNetwork {
            name: network.name.clone(),
            object: network.full_name.clone(),
            external: network.is_external,
            internal: network.node.text_at(&["internal"]) == Some("true"),
        });
        networks.collect()
    }

    /// The network docker makes for services that name none.
    pub(super) fn default_network(&self) -> Option<DeclaredNetwork> {
        Some(DeclaredNetwork {
            name: DEFAULT_NETWORK.parse().ok()?,
            object: self.network(DEFAULT_NETWORK),
            external: false,
            internal: false,
        })
    }
}

impl Object<'_> {
    fn declared(&self) -> DeclaredObject {
        DeclaredObject {
            name: self.name.clone(),
            object: self.full_name.clone(),
            external: self.is_external,
            file: self.node.text_at(&["file"]).map(str::to_owned),
            elsewhere: None,
        }
    }
}

/// Where a volume's data is, if not in a folder of the engine's own.
///
/// The local driver hands `type`, `o` and `device` to mount(2) as they are. Memory has no device
/// worth the name; a bind mount ignores its type.
fn elsewhere(volume: &Node, place: PlaceOf<'_>) -> Option<Elsewhere> {
    let of = |by, spot| Some(Elsewhere { by, place: place(spot) });
    let driver = volume.get(&["driver"]).filter(|driver| !is_local(driver));
    if let Some((driver, name)) = driver.and_then(|driver| Some((driver, driver.as_text()?))) {
        return of(StorageBy::Driver { driver: name.to_owned() }, driver.spot);
    }
    let device = volume.get(&["driver_opts", "device"])?;
    let path = device.as_text().filter(|path| !path.is_empty())?;
    let option = |key| volume.text_at(&["driver_opts", key]).unwrap_or_default();
    let is_bind = option("o").split(',').any(|word| matches!(word.trim(), "bind" | "rbind"));
    let is_memory = matches!(option("type"), "tmpfs" | "ramfs");
    if is_memory && !is_bind {
        return None;
    }
    of(StorageBy::Device { device: path.to_owned() }, device.spot)
}

fn is_local(driver: &Node) -> bool {
    matches!(driver.as_text(), None | Some("" | "local"))
}

fn section<'c>(section: &'c Mapping, stack: &str) -> Result<BTreeMap<String, Object<'c>>, Fault> {
    let mut objects = BTreeMap::new();
    for (name, member) in section {
        let node = &member.node;
        let is_external = node.text_at(&["external", "external"]) == Some("true");
        let given = node.text_at(&["name"]).filter(|name| !name.is_empty());
        let external = || node.text_at(&["external", "name"]).unwrap_or(name);
        let full_name = match given {
            Some(given) => given.to_owned(),
            None if is_external => external().to_owned(),
            None => format!("{stack}_{name}"),
        };
        let object = Object {
            name: compose_name(name, member.key)?,
            full_name,
            is_external,
            node,
            content: None,
        };
        objects.insert(name.clone(), object);
    }
    Ok(objects)
}

/// A hash of the file a secret or config is made from; one with a driver is made from none.
fn content(node: &Node, extra: Extra<'_>) -> Result<Option<String>, Fault> {
    if node.text_at(&["driver"]).is_some_and(|driver| !driver.is_empty()) {
        return Ok(None);
    }
    let Some((file, path)) = node.get(&["file"]).and_then(|file| Some((file, file.as_text()?)))
    else {
        return Err(Fault::new(node.spot, "neither `external` nor made from a `file`"));
    };
    let bytes = extra(path)
        .ok_or_else(|| Fault::new(file.spot, format!("the file `{path}` does not exist")))?;
    Ok(Some(format!("sha256:{}", hex::encode(Sha256::digest(&bytes)))))
}

fn undefined(what: &str, name: &str, spot: Spot) -> Fault {
    Fault::new(spot, format!("undefined {what} `{name}`"))
        .with_hint(format!("declare it in the top-level `{what}s:`"))
}
