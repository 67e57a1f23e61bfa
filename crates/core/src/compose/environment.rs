//! The environment of a service: `env_file`, `environment`, and the app's env behind both.
//!
//! Docker takes a key without a value, or with an empty one, from the environment it runs in.
//! That is the app's env here, never the host's.

use std::collections::BTreeMap;

use super::interpolate::refuse_reserved;
use super::normal::Extra;
use super::tree::{Fault, Mapping, Member, Node, Spot, Value};

/// Replaces `env_file` and `environment` of a service by the `environment` they amount to.
pub(super) fn resolve(
    service: &mut Mapping,
    env: &BTreeMap<String, String>,
    extra: Extra<'_>,
) -> Result<Vec<Fault>, Fault> {
    let mut resolved = Resolved { env, variables: Mapping::new(), doubts: Vec::new() };
    let files = service.remove("env_file");
    for file in files.iter().flat_map(|files| files.node.items()) {
        let path = file.as_text().unwrap_or_default();
        let content = extra(path).ok_or_else(|| {
            Fault::new(file.spot, format!("the env file `{path}` does not exist"))
        })?;
        for (name, value) in env_file(&content, env).map_err(|why| {
            Fault::new(file.spot, format!("the env file `{path}` is invalid: {why}"))
        })? {
            resolved.set(&name, Some(value), file.spot)?;
        }
    }
    let own = service.remove("environment");
    let spot = own.as_ref().or(files.as_ref()).map(|member| member.key);
    for (name, member) in own.iter().flat_map(|own| own.node.members(&[])) {
        let value = member.node.as_text().map(str::to_owned);
        resolved.set(name, value, member.node.spot)?;
    }
    if let Some(spot) = spot.filter(|_| !resolved.variables.is_empty()) {
        let node = Node::new(spot, Value::Map(resolved.variables));
        service.insert("environment".to_owned(), Member { key: spot, node });
    }
    Ok(resolved.doubts)
}

struct Resolved<'e> {
    env: &'e BTreeMap<String, String>,
    variables: Mapping,
    doubts: Vec<Fault>,
}

impl Resolved<'_> {
    fn set(&mut self, name: &str, value: Option<String>, spot: Spot) -> Result<(), Fault> {
        let value = match value {
            Some(value) if !value.is_empty() => Value::Text(value),
            empty => {
                refuse_reserved(name, spot)?;
                self.value_of_app(name, empty, spot)
            }
        };
        self.variables.insert(name.to_owned(), Member { key: spot, node: Node::new(spot, value) });
        Ok(())
    }

    fn value_of_app(&mut self, name: &str, empty: Option<String>, spot: Spot) -> Value {
        match (self.env.get(name), empty) {
            (Some(value), Some(_)) if !value.is_empty() => {
                let message = format!("docker fills the empty `{name}` with the app's own value");
                self.doubts.push(Fault::new(spot, message));
                Value::Text(value.clone())
            }
            (Some(value), _) => Value::Text(value.clone()),
            (None, Some(empty)) => Value::Text(empty),
            (None, None) => {
                let message = format!("`{name}` has no value here and none in the app's env");
                self.doubts.push(Fault::new(spot, message));
                Value::Null
            }
        }
    }
}

/// An `env_file`, as docker reads it: no quotes, no expansion, names without a value from the
/// app's env or not at all.
fn env_file(
    content: &[u8],
    env: &BTreeMap<String, String>,
) -> Result<Vec<(String, String)>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut variables = Vec::new();
    for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, env.get(line).cloned()),
        };
        if name.is_empty() {
            return Err(format!("no variable name in `{line}`"));
        }
        if name.contains([' ', '\t']) {
            return Err(format!("`{name}` has a space in it"));
        }
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_without_quotes_or_expansion() {
        let env = [("B".to_owned(), "bee".to_owned())].into();
        let text = "\u{feff}A=\"x\" \n# c\n  C=$A\r\nB\nNOPE\nD=\n";
        let read = env_file(text.as_bytes(), &env).unwrap();
        let read: Vec<_> = read.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(read, ["A=\"x\" ", "C=$A", "B=bee", "D="]);
        assert!(env_file(b"A B=c", &env).is_err());
        assert!(env_file(b"=c", &env).is_err());
        assert!(env_file(b"\xff", &env).is_err());
    }
}
