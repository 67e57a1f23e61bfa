//! The compose file that is laid over a recipe's own: labels that say what is deployed, the
//! app's env, and what this host makes necessary.
//!
//! The docker CLI merges it (`-c compose.yml -c <this>`), so it says only what it must. Never
//! a top-level object that it does not restate completely, since those are replaced whole; and
//! only env keys the service does not set itself, since ours would win.
//!
//! Tests: `overlay/tests.rs`.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cc_ci_model::compose::{DeclaredPort, DeclaredStack};
use cc_ci_model::name::ComposeName;

use crate::compose::{is_reserved, lost_ports};

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
    /// Further deploy labels of service `app`.
    pub extra_labels: BTreeMap<String, String>,
}

/// A generated compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// Its text.
    pub text: String,
    /// Published ports that docker drops because the overlay names their service: it tells
    /// ports apart by their published port alone. No overlay can put them back.
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
    let app = declared.service(APP).ok_or(OverlayError::NoApp)?;
    let mut services: BTreeMap<&str, Service> = BTreeMap::new();
    services.insert(
        APP,
        Service {
            dnsrr: false,
            labels: labels(stamp, changes),
            environment: injected(&stamp.env, &app.env_keys),
        },
    );
    for name in &changes.dnsrr {
        if declared.service(name).is_none() {
            return Err(OverlayError::NoService(name.clone()));
        }
        services.entry(name).or_default().dnsrr = true;
    }
    for name in changes.networks.keys() {
        let is_external = |network: &cc_ci_model::compose::DeclaredNetwork| {
            network.external && network.name.as_str() == name
        };
        if !declared.networks.iter().any(is_external) {
            return Err(OverlayError::NotExternal(name.clone()));
        }
    }
    let touched = services.keys().filter_map(|name| declared.service(name));
    let lost = touched.flat_map(|service| {
        lost_ports(service).into_iter().map(|port| (service.name.clone(), port))
    });
    Ok(Overlay {
        lost_ports: lost.collect(),
        text: rendered(declared.format.as_ref(), &services, changes),
    })
}

/// What the overlay says about a service.
#[derive(Default)]
struct Service {
    dnsrr: bool,
    labels: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
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
    services: &BTreeMap<&str, Service>,
    changes: &OverlayChanges,
) -> String {
    let mut out = Lines::default();
    if let Some(format) = format {
        out.line(0, &format!("version: {}", value(format)));
    }
    out.line(0, "services:");
    for (name, service) in services {
        out.line(1, &format!("{}:", quoted(name)));
        out.line(2, "deploy:");
        if service.dnsrr {
            out.line(3, "endpoint_mode: dnsrr");
        }
        out.pairs(3, "labels", &service.labels);
        out.pairs(2, "environment", &service.environment);
    }
    if !changes.networks.is_empty() {
        out.line(0, "networks:");
    }
    for (name, object) in &changes.networks {
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
