//! The compose file that is laid over a recipe's own: labels that say what is deployed, the
//! app's env, and what this host makes necessary.
//!
//! The docker CLI merges it (`-c compose.yml -c <this>`), so it says only what it must. Never
//! a top-level object that it does not restate completely, since those are replaced whole; and
//! only env keys the service does not set itself, since ours would win.
//!
//! A further file that names a service makes docker drop ports of it that are published under one
//! number (tcp and udp, say). What is said of such a service is merged *before* the recipe's
//! files, where it drops nothing, and where the recipe wins instead of us (ADR 7).
//!
//! Tests: `overlay/tests.rs`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cc_ci_model::compose::{DeclaredPort, DeclaredService, DeclaredStack};
use cc_ci_model::name::ComposeName;

use crate::compose::{is_reserved, lost_ports};
use crate::vips::in_mesh;

/// The service that carries labels and env.
const APP: &str = "app";

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The stack.
    pub stack: String,
    /// The recipe.
    pub recipe: String,
    /// The version, when there is one.
    pub version: Option<String>,
    /// The commit (eight hexadecimal digits) of a deploy that is no release.
    pub chaos: Option<String>,
    /// The app's env.
    pub env: BTreeMap<String, String>,
}

/// What else the overlay changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverlayChanges {
    /// External networks of the recipe, and the networks to use in their place.
    pub networks: BTreeMap<String, String>,
    /// Services that get `endpoint_mode: dnsrr`.
    pub dnsrr: BTreeSet<String>,
    /// Services whose ports are published on the host instead of through the ingress mesh, and
    /// whose updates stop the old task first: it holds the port.
    pub host_ports: BTreeSet<String>,
    /// Further deploy labels of service `app`.
    pub extra_labels: BTreeMap<String, String>,
}

/// A generated compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// The file that is merged before the recipe's, if there has to be one.
    pub before: Option<String>,
    /// The file that is merged last.
    pub text: String,
    /// Published ports that docker drops because the last file names their service, which can not
    /// come first since the recipe's own words would win over what has to be said: docker tells
    /// ports apart by their published port alone.
    pub lost_ports: Vec<(ComposeName, DeclaredPort)>,
}

/// Why there is no overlay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverlayError {
    /// Nothing to put labels and env on.
    #[error("the recipe has no service `app`")]
    NoApp,
    /// A change of a service that is not declared.
    #[error("the recipe has no service `{0}`")]
    NoService(String),
    /// A network cannot be exchanged.
    #[error("the network `{0}` is not an external network of the recipe")]
    NotExternal(String),
}

/// The overlay for a stack.
///
/// # Errors
/// When there is no service `app`, or a change names what the stack does not declare.
pub fn overlay(
    declared: &DeclaredStack,
    stamp: &Stamp,
    changes: &OverlayChanges,
) -> Result<Overlay, OverlayError> {
    for name in changes.networks.keys() {
        let is_external = |network: &cc_ci_model::compose::DeclaredNetwork| {
            network.external && network.name.as_str() == name
        };
        if !declared.networks.iter().any(is_external) {
            return Err(OverlayError::NotExternal(name.clone()));
        }
    }
    let services = services(declared, stamp, changes)?;
    let (mut first, mut last, mut lost) = (Services::new(), Services::new(), Vec::new());
    for (name, (service, said)) in services {
        let dropped = lost_ports(service);
        if dropped.is_empty() || !said.stands_before(service) {
            lost.extend(dropped.into_iter().map(|port| (service.name.clone(), port)));
            last.insert(name, said);
        } else {
            first.insert(name, said);
        }
    }
    let format = declared.format.as_ref();
    let before = (!first.is_empty()).then(|| rendered(format, &first, &BTreeMap::new()));
    Ok(Overlay { before, text: rendered(format, &last, &changes.networks), lost_ports: lost })
}

type Services<'a> = BTreeMap<&'a str, Service>;

/// What has to be said, service by service.
fn services<'a>(
    declared: &'a DeclaredStack,
    stamp: &Stamp,
    changes: &OverlayChanges,
) -> Result<BTreeMap<&'a str, (&'a DeclaredService, Service)>, OverlayError> {
    let app = declared.service(APP).ok_or(OverlayError::NoApp)?;
    let mut services = BTreeMap::from([(
        APP,
        (
            app,
            Service {
                labels: labels(stamp, changes),
                environment: injected(&stamp.env, &app.env_keys),
                ..Service::default()
            },
        ),
    )]);
    for name in changes.dnsrr.iter().chain(&changes.host_ports) {
        let service = declared.service(name);
        let service = service.ok_or_else(|| OverlayError::NoService(name.clone()))?;
        let said = services.entry(service.name.as_str()).or_insert((service, Service::default()));
        said.1.dnsrr = changes.dnsrr.contains(name);
        if changes.host_ports.contains(name) {
            said.1.ports = in_mesh(service).cloned().collect();
            said.1.stop_first = starts_first(service);
        }
    }
    Ok(services)
}

/// Update and rollback policies that start the new task while the old one holds the port.
fn starts_first(service: &DeclaredService) -> Vec<&'static str> {
    let is_start_first = |policy: &&str| {
        let order = service.policy.get(&format!("deploy.{policy}.order"));
        order.is_some_and(|order| order == "start-first")
    };
    ["rollback_config", "update_config"].into_iter().filter(is_start_first).collect()
}

/// What the overlay says about a service.
#[derive(Default)]
struct Service {
    dnsrr: bool,
    labels: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    /// Ports that get `mode: host`.
    ports: Vec<DeclaredPort>,
    /// Policies that get `order: stop-first`.
    stop_first: Vec<&'static str>,
}

impl Service {
    /// Whether it holds even where the service's own words come later and win.
    fn stands_before(&self, service: &DeclaredService) -> bool {
        let is_said_otherwise = |(key, value): (&String, &String)| {
            service.labels.get(key).is_some_and(|own| own != value)
        };
        let mode_is_said = service.template.contains_key("deploy.endpoint_mode");
        self.ports.is_empty()
            && !self.labels.iter().any(is_said_otherwise)
            && !(self.dnsrr && mode_is_said)
    }
}

fn labels(stamp: &Stamp, changes: &OverlayChanges) -> BTreeMap<String, String> {
    let mut labels = changes.extra_labels.clone();
    let mut set = |key: &str, value: &str| {
        labels.insert(format!("coop-cloud.{}.{key}", stamp.stack), value.to_owned());
    };
    set("recipe", &stamp.recipe);
    set("chaos", if stamp.chaos.is_some() { "true" } else { "false" });
    if let Some(version) = &stamp.version {
        set("version", version);
    }
    if let Some(commit) = &stamp.chaos {
        set("chaos-version", commit);
    }
    labels
}

/// The env keys a service does not set itself, and that may leave this program.
fn injected(env: &BTreeMap<String, String>, own: &[String]) -> BTreeMap<String, String> {
    let is_injected = |key: &String| !key.is_empty() && !own.contains(key) && !is_reserved(key);
    env.iter()
        .filter(|(key, _)| is_injected(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn rendered(
    format: Option<&String>,
    services: &Services<'_>,
    networks: &BTreeMap<String, String>,
) -> String {
    let mut out = Lines::default();
    if let Some(format) = format {
        out.line(0, &format!("version: {}", value(format)));
    }
    out.line(0, if services.is_empty() { "services: {}" } else { "services:" });
    for (name, service) in services {
        out.line(1, &format!("{}:", quoted(name)));
        out.service(service);
    }
    if !networks.is_empty() {
        out.line(0, "networks:");
    }
    for (name, object) in networks {
        out.line(1, &format!("{}:", quoted(name)));
        out.line(2, "external: true");
        out.line(2, &format!("name: {}", value(object)));
    }
    out.text
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, depth: usize, text: &str) {
        self.text.extend(std::iter::repeat_n("  ", depth));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn service(&mut self, service: &Service) {
        if service.dnsrr || !service.labels.is_empty() || !service.stop_first.is_empty() {
            self.line(2, "deploy:");
        }
        if service.dnsrr {
            self.line(3, "endpoint_mode: dnsrr");
        }
        self.pairs(3, "labels", &service.labels);
        for policy in &service.stop_first {
            self.line(3, &format!("{policy}:"));
            self.line(4, "order: stop-first");
        }
        self.pairs(2, "environment", &service.environment);
        if !service.ports.is_empty() {
            self.line(2, "ports:");
        }
        for port in &service.ports {
            self.line(3, "- mode: host");
            self.line(4, &format!("target: {}", port.target));
            if let Some(published) = port.published {
                self.line(4, &format!("published: {published}"));
            }
            self.line(4, &format!("protocol: {}", port.protocol));
        }
    }

    fn pairs(&mut self, depth: usize, name: &str, pairs: &BTreeMap<String, String>) {
        if pairs.is_empty() {
            return;
        }
        self.line(depth, &format!("{name}:"));
        for (key, text) in pairs {
            self.line(depth + 1, &format!("{}: {}", quoted(key), value(text)));
        }
    }
}

/// A text that docker is to take as it is: quoted, and without variables.
fn value(text: &str) -> String {
    quoted(&text.replace('$', "$$"))
}

/// A double-quoted YAML scalar of ASCII characters only, so that no reader of any version
/// folds or refuses what is in it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ => escape(&mut out, u32::from(c)),
        }
    }
    out.push('"');
    out
}

fn escape(out: &mut String, code: u32) {
    let written =
        if code > 0xffff { write!(out, "\\U{code:08x}") } else { write!(out, "\\u{code:04x}") };
    // Writing to a text cannot fail.
    written.unwrap_or_default();
}
