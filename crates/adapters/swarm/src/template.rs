//! Everything in a service's spec that makes a task, flattened to path → value.
//!
//! Lists whose order means nothing are keyed by what names their items (`ContainerSpec.Env.TZ`,
//! `Networks.<name>`, `ContainerSpec.Mounts./data`), so that one more item does not shift the
//! rest. Left out is what docker adds by itself or what changes without a difference: digests
//! and platforms it found at a registry, ids of networks, secrets and configs (their names
//! stay), `ForceUpdate`, `Runtime`.
//!
//! Tests: at the end of this file.

use std::collections::BTreeMap;

use serde_json::Value;

/// Flattens a task template with its endpoint and, from old clients, the service's own networks.
pub(crate) fn flatten(
    task_template: &Value,
    endpoint: Option<&Value>,
    service_networks: Option<&Value>,
    network_names: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut flat = Flat { network_names, entries: BTreeMap::new() };
    flat.add("", task_template);
    if let Some(networks) = service_networks {
        flat.add("Networks", networks);
    }
    if let Some(endpoint) = endpoint {
        flat.add("EndpointSpec", endpoint);
    }
    flat.entries
}

/// An image reference without the digest that docker added.
pub(crate) fn without_digest(image: &str) -> &str {
    match image.split_once("@sha256:") {
        // A digest without a tag was written by a person: docker adds it to a tag only.
        Some((name, _)) if has_tag(name) => name,
        _ => image,
    }
}

fn has_tag(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

struct Flat<'a> {
    network_names: &'a BTreeMap<String, String>,
    entries: BTreeMap<String, String>,
}

impl Flat<'_> {
    fn add(&mut self, path: &str, value: &Value) {
        if is_left_out(path) {
            return;
        }
        match value {
            Value::Null => {}
            Value::Object(object) => {
                for (key, value) in object {
                    self.add(&join(path, key), value);
                }
            }
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    self.add_item(path, place, item);
                }
            }
            Value::Bool(_) | Value::Number(_) => self.leaf(path, value.to_string()),
            Value::String(text) => self.leaf(path, self.plain(path, text)),
        }
    }

    fn add_item(&mut self, path: &str, place: usize, item: &Value) {
        if path == "ContainerSpec.Env" {
            let text = item.as_str().unwrap_or_default();
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            self.leaf(&join(path, name), value.to_owned());
            return;
        }
        let key = self.name_of(path, item).unwrap_or_else(|| place.to_string());
        let path = self.free(&join(path, &key));
        self.add(&path, item);
    }

    /// What names an item of the list at `path`.
    fn name_of(&self, path: &str, item: &Value) -> Option<String> {
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        match path {
            "Networks" => text("Target").map(|id| self.network(&id)),
            "ContainerSpec.Mounts" => text("Target"),
            "ContainerSpec.Secrets" => text("SecretName"),
            "ContainerSpec.Configs" => text("ConfigName"),
            "EndpointSpec.Ports" => {
                let port = item.get("TargetPort").and_then(Value::as_u64)?;
                Some(format!("{port}/{}", text("Protocol").unwrap_or_else(|| "tcp".into())))
            }
            _ => None,
        }
    }

    fn plain(&self, path: &str, text: &str) -> String {
        if path == "ContainerSpec.Image" {
            return without_digest(text).to_owned();
        }
        if path.starts_with("Networks.") && path.ends_with(".Target") {
            return self.network(text);
        }
        text.to_owned()
    }

    fn network(&self, id: &str) -> String {
        self.network_names.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    fn leaf(&mut self, path: &str, value: String) {
        let path = self.free(path);
        self.entries.insert(path, value);
    }

    /// `path`, or `path#2` when something is there already: one secret mounted twice, one
    /// variable set twice.
    fn free(&self, path: &str) -> String {
        let is_taken = |path: &str| {
            let inside = format!("{path}.");
            self.entries
                .range(path.to_owned()..)
                .take_while(|(key, _)| key.starts_with(path))
                .any(|(key, _)| key == path || key.starts_with(&inside))
        };
        let mut free = path.to_owned();
        let mut number = 2;
        while is_taken(&free) {
            free = format!("{path}#{number}");
            number += 1;
        }
        free
    }
}

fn is_left_out(path: &str) -> bool {
    matches!(path, "ForceUpdate" | "Runtime" | "Placement.Platforms")
        || (path.starts_with("ContainerSpec.Secrets.") && path.ends_with(".SecretID"))
        || (path.starts_with("ContainerSpec.Configs.") && path.ends_with(".ConfigID"))
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        serde_json::json!({
            "ContainerSpec": {
                "Image": "nginx:1.27@sha256:0123",
                "Env": ["TZ=UTC", "EMPTY=", "A=1", "A=2"],
                "Privileges": { "CredentialSpec": null },
                "Healthcheck": { "Test": ["CMD", "true"], "Interval": 2_000_000_000_u64 },
                "Mounts": [{ "Type": "volume", "Source": "s_data", "Target": "/data" }],
                "Secrets": [
                    { "File": { "Name": "a" }, "SecretID": "x1", "SecretName": "s_pw_v1" },
                    { "File": { "Name": "b" }, "SecretID": "x1", "SecretName": "s_pw_v1" },
                ],
            },
            "Resources": {},
            "Placement": { "Platforms": [{ "OS": "linux" }], "Constraints": ["node.role==manager"] },
            "Networks": [{ "Target": "n1", "Aliases": ["app"] }, { "Target": "n2" }],
            "ForceUpdate": 3,
            "Runtime": "container",
        })
    }

    #[test]
    fn a_template_is_read_by_names() {
        let names = BTreeMap::from([("n1".to_owned(), "s_default".to_owned())]);
        let endpoint = serde_json::json!({
            "Mode": "vip",
            "Ports": [{ "TargetPort": 80, "Protocol": "tcp", "PublishedPort": 8080 }],
        });
        let flat = flatten(&sample(), Some(&endpoint), None, &names);
        let lines: Vec<String> = flat.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected = [
            "ContainerSpec.Env.A=1",
            "ContainerSpec.Env.A#2=2",
            "ContainerSpec.Env.EMPTY=",
            "ContainerSpec.Env.TZ=UTC",
            "ContainerSpec.Healthcheck.Interval=2000000000",
            "ContainerSpec.Healthcheck.Test.0=CMD",
            "ContainerSpec.Healthcheck.Test.1=true",
            "ContainerSpec.Image=nginx:1.27",
            "ContainerSpec.Mounts./data.Source=s_data",
            "ContainerSpec.Mounts./data.Target=/data",
            "ContainerSpec.Mounts./data.Type=volume",
            "ContainerSpec.Secrets.s_pw_v1#2.File.Name=b",
            "ContainerSpec.Secrets.s_pw_v1#2.SecretName=s_pw_v1",
            "ContainerSpec.Secrets.s_pw_v1.File.Name=a",
            "ContainerSpec.Secrets.s_pw_v1.SecretName=s_pw_v1",
            "EndpointSpec.Mode=vip",
            "EndpointSpec.Ports.80/tcp.Protocol=tcp",
            "EndpointSpec.Ports.80/tcp.PublishedPort=8080",
            "EndpointSpec.Ports.80/tcp.TargetPort=80",
            "Networks.n2.Target=n2",
            "Networks.s_default.Aliases.0=app",
            "Networks.s_default.Target=s_default",
            "Placement.Constraints.0=node.role==manager",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_digest_somebody_wrote_is_kept() {
        assert_eq!(without_digest("nginx:1.27@sha256:ab"), "nginx:1.27");
        assert_eq!(without_digest("nginx@sha256:ab"), "nginx@sha256:ab");
        assert_eq!(without_digest("host:5000/nginx@sha256:ab"), "host:5000/nginx@sha256:ab");
        assert_eq!(without_digest("nginx:1.27"), "nginx:1.27");
    }
}
