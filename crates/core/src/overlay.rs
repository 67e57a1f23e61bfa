//! The generated overlay (IN-6): a small compose file the docker CLI merges over the recipe's.
//! The recipe's own text is never written again.
//!
//! What merges how (measured, docker CLI 20.10 and 28): services merge key by key; top-level
//! networks are replaced whole, so each that is named here is restated completely; `version:`
//! has to be the recipe's; a literal `$` is `$$`.
//!
//! Tests: at the end of this file; against the docker CLI in `tests-e2e`.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_model::compose::DeclaredStack;
use serde_json::{Map, Value, json};

/// The service that carries an app's identity and env.
pub const APP: &str = "app";

/// What identifies a deploy, and the env of its app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The stack's name.
    pub stack: String,
    /// The recipe's name.
    pub recipe: String,
    /// The version of a pinned deploy; under chaos the recipe's own label stays.
    pub version: Option<String>,
    /// The short commit of a chaos deploy.
    pub chaos: Option<String>,
    /// The app's env.
    pub env: BTreeMap<String, String>,
    /// Labels of ours, on every service.
    pub extra_labels: BTreeMap<String, String>,
}

/// What has to be changed about the recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverlayChanges {
    /// External networks, by compose name, and what they are mapped to.
    pub networks: BTreeMap<String, String>,
    /// Services that get `endpoint_mode: dnsrr`.
    pub dnsrr: BTreeSet<String>,
    /// The compose format to say, when the recipe says none and the CLI wants one.
    pub format: Option<String>,
}

/// Why no overlay can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverlayError {
    /// Co-op Cloud's rule R009.
    #[error("the recipe has no service `{APP}`, which carries an app's version and settings")]
    NoApp,
}

/// Makes the overlay: JSON, which is YAML too, so that nothing has to be quoted by hand.
///
/// # Errors
/// When the recipe has no service `app`.
pub fn overlay(
    declared: &DeclaredStack,
    stamp: &Stamp,
    changes: &OverlayChanges,
) -> Result<String, OverlayError> {
    if declared.service(APP).is_none() {
        return Err(OverlayError::NoApp);
    }
    let mut top = Map::new();
    if let Some(format) = declared.format.as_ref().or(changes.format.as_ref()) {
        top.insert("version".to_owned(), json!(format));
    }
    let services: Map<String, Value> = declared
        .services
        .iter()
        .map(|service| {
            let name = service.name.to_string();
            let content = self::service(&name, &service.env_keys, stamp, changes);
            (name, content)
        })
        .collect();
    top.insert("services".to_owned(), Value::Object(services));
    if !changes.networks.is_empty() {
        let restated = |object: &String| json!({ "external": true, "name": literal(object) });
        let networks: Map<String, Value> = changes
            .networks
            .iter()
            .map(|(name, object)| (name.clone(), restated(object)))
            .collect();
        top.insert("networks".to_owned(), Value::Object(networks));
    }
    let text = serde_json::to_string_pretty(&Value::Object(top)).unwrap_or_default();
    Ok(format!("{text}\n"))
}

fn service(name: &str, own_keys: &[String], stamp: &Stamp, changes: &OverlayChanges) -> Value {
    let mut labels: Map<String, Value> = stamp
        .extra_labels
        .iter()
        .map(|(key, value)| (key.clone(), json!(literal(value))))
        .collect();
    let mut content = Map::new();
    if name == APP {
        labels.extend(identity(stamp));
        let env = injected(own_keys, &stamp.env);
        if !env.is_empty() {
            content.insert("environment".to_owned(), Value::Object(env));
        }
    }
    let mut deploy = Map::new();
    deploy.insert("labels".to_owned(), Value::Object(labels));
    if changes.dnsrr.contains(name) {
        deploy.insert("endpoint_mode".to_owned(), json!("dnsrr"));
    }
    content.insert("deploy".to_owned(), Value::Object(deploy));
    Value::Object(content)
}

/// The labels abra stamps on service `app`.
fn identity(stamp: &Stamp) -> Vec<(String, Value)> {
    let key = |name: &str| format!("coop-cloud.{}.{name}", stamp.stack);
    let mut labels = vec![
        (key("recipe"), json!(literal(&stamp.recipe))),
        (
            key("chaos"),
            json!(if stamp.chaos.is_some() {
                "true"
            } else {
                "false"
            }),
        ),
    ];
    if let Some(version) = &stamp.version {
        labels.push((key("version"), json!(literal(version))));
    }
    if let Some(chaos) = &stamp.chaos {
        labels.push((key("chaos-version"), json!(literal(chaos))));
    }
    labels
}

/// The app's env, for keys the service does not set itself (an overlay's value would win).
fn injected(own_keys: &[String], env: &BTreeMap<String, String>) -> Map<String, Value> {
    env.iter()
        .filter(|(key, _)| !own_keys.contains(*key) && !is_of_the_process(key))
        .map(|(key, value)| (key.clone(), json!(literal(value))))
        .collect()
}

/// Variables that steer programs, not apps (IN-8).
pub fn is_of_the_process(key: &str) -> bool {
    matches!(key, "PATH" | "HOME") || key.starts_with("LD_") || key.starts_with("DOCKER_")
}

/// Text the docker CLI must not interpolate.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
