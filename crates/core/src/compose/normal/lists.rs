//! Lists and mappings of compose files in normal form, from their short and long syntaxes.

use super::scalars::{self, unreadable};
use super::{Normal, wrong};
use crate::compose::interpolate;
use crate::compose::shape;
use crate::compose::syntax::{self, Port};
use crate::compose::tree::{Fault, Mapping, Member, Node, Value};

/// A text or a list of texts.
pub(super) fn texts(node: &Node) -> Result<Node, Fault> {
    if let Some(text) = node.as_text() {
        return Ok(Node::texts(node.spot, [text.to_owned()]));
    }
    each(node, "a list of texts", |item| {
        let text = item.printed().ok_or_else(|| wrong(item, "a text"))?;
        Ok(Node::text(item.spot, text))
    })
}

/// A command.
pub(super) fn words(node: &Node) -> Result<Node, Fault> {
    let Some(text) = node.as_text() else {
        return texts(node);
    };
    match syntax::words(text) {
        Ok(words) => Ok(Node::texts(node.spot, words)),
        Err(why) => Err(Fault::new(node.spot, format!("the command cannot be split: {why}"))),
    }
}

/// The command of a health check; one text is for the shell.
pub(super) fn test(node: &Node) -> Result<Node, Fault> {
    match node.as_text() {
        Some(text) => Ok(Node::texts(node.spot, ["CMD-SHELL".to_owned(), text.to_owned()])),
        None => texts(node),
    }
}

/// `ulimits`: a number stands for both limits.
pub(super) fn limits(node: &Node) -> Result<Node, Fault> {
    members(node, "a mapping of limits", |limit| {
        let bound = |key: &str| match limit.as_map() {
            Some(_) => limit.get(&[key]).map_or(Ok(0), scalars::count),
            None => scalars::count(limit),
        };
        let record = [("soft", bound("soft")?.to_string()), ("hard", bound("hard")?.to_string())];
        Ok(Node::record(limit.spot, &record))
    })
}

/// A list that is compared as it is.
pub(super) fn records(node: &Node) -> Result<Node, Fault> {
    each(node, "a list", |item| Ok(Node::text(item.spot, scalars::json(item).to_string())))
}

impl Normal<'_> {
    /// Pairs as a mapping or as a list of `key=value`; without a value they are empty, or
    /// nothing if `keeps_nothing`.
    pub(super) fn pairs(&mut self, node: &Node, keeps_nothing: bool) -> Result<Node, Fault> {
        let without_value = || if keeps_nothing { Value::Null } else { Value::Text(String::new()) };
        if node.as_map().is_some() {
            return members(node, "a mapping", |value| match &value.value {
                Value::Null => Ok(Node::new(value.spot, without_value())),
                Value::Bool(truth) => {
                    let message =
                        format!("docker wants a text, and this is a truth value: `\"{truth}\"`");
                    self.doubts.push(Fault::new(value.spot, message).with_hint("put it in quotes"));
                    Ok(Node::text(value.spot, truth.to_string()))
                }
                Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::List(_)
                | Value::Map(_) => {
                    let text = value.printed().ok_or_else(|| wrong(value, "a text"))?;
                    Ok(Node::text(value.spot, text))
                }
            });
        }
        let Value::List(items) = &node.value else {
            return Err(wrong(node, "a mapping or a list of `key=value`"));
        };
        let mut pairs = Mapping::new();
        for item in items {
            let text = item.printed().ok_or_else(|| wrong(item, "`key=value`"))?;
            let (key, value) = match text.split_once('=') {
                Some((key, value)) => (key.to_owned(), Value::Text(value.to_owned())),
                None => (text, without_value()),
            };
            pairs.insert(key, Member { key: item.spot, node: Node::new(item.spot, value) });
        }
        Ok(Node::new(node.spot, Value::Map(pairs)))
    }

    /// Host names and addresses; an entry without address is dropped, as docker does.
    pub(super) fn hosts(&mut self, node: &Node) -> Result<Node, Fault> {
        if let Some(map) = node.as_map() {
            let hosts =
                map.iter().filter_map(|(name, member)| Some((name, member.node.printed()?)));
            return Ok(Node::texts(node.spot, hosts.map(|(name, address)| host(name, &address))));
        }
        let mut hosts = Vec::new();
        for item in texts(node)?.items() {
            let text = item.as_text().unwrap_or_default();
            match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((name, address)) => hosts.push(host(name, address)),
                None => self.doubts.push(Fault::new(
                    item.spot,
                    format!("docker drops `{text}`: expected `host:address`"),
                )),
            }
        }
        Ok(Node::texts(node.spot, hosts))
    }

    /// Published ports.
    pub(super) fn ports(&mut self, node: &Node) -> Result<Node, Fault> {
        let Value::List(items) = &node.value else {
            return Err(wrong(node, "a list of ports"));
        };
        let mut ports = Vec::new();
        for item in items {
            let Some(text) = item.printed() else {
                ports.push(self.port(item)?);
                continue;
            };
            let (found, has_address) =
                syntax::ports(&text).ok_or_else(|| unreadable(item, "a port such as `8080:80`"))?;
            if has_address {
                let message = "docker ignores the address: the port is open on all of them";
                self.doubts.push(Fault::new(item.spot, message));
            }
            ports.extend(found.iter().map(|port| port_record(item, port, "ingress")));
        }
        Ok(Node::new(node.spot, Value::List(ports)))
    }

    fn port(&mut self, node: &Node) -> Result<Node, Fault> {
        let port = self.fields(shape::PORT, node)?;
        let number = |key: &str| match port.text_at(&[key]) {
            Some(text) => text.parse().map_err(|_| wrong(node, "port numbers up to 65535")),
            None => Ok(0),
        };
        let target = number("target")?;
        if target == 0 {
            return Err(Fault::new(node.spot, "a port needs its `target`"));
        }
        let or = |key: &str, default: &str| {
            let text = port.text_at(&[key]).filter(|text| !text.is_empty());
            text.unwrap_or(default).to_ascii_lowercase()
        };
        let protocol = or("protocol", "tcp");
        let port = Port { target, published: number("published")?, protocol };
        Ok(port_record(node, &port, &or("mode", "ingress")))
    }

    /// Mounts.
    pub(super) fn mounts(&mut self, node: &Node) -> Result<Node, Fault> {
        each(node, "a list of mounts", |item| {
            let mount = match item.as_text() {
                Some(text) => self.short_mount(item, text)?,
                None => self.long_mount(item)?,
            };
            let source = mount.text_at(&["source"]).unwrap_or_default();
            if mount.text_at(&["type"]) == Some("bind") && source.starts_with('~') {
                interpolate::refuse_reserved("HOME", item.spot)?;
            }
            Ok(mount)
        })
    }

    fn short_mount(&mut self, node: &Node, text: &str) -> Result<Node, Fault> {
        let mount = syntax::mount(text)
            .map_err(|why| Fault::new(node.spot, format!("`{text}` is no mount: {why}")))?;
        if mount.source.is_empty() && mount.target.contains(':') {
            let message =
                format!("docker takes the letter for a drive: an anonymous volume at `{text}`");
            self.doubts.push(Fault::new(node.spot, message));
        }
        let kind = if mount.is_bind() { "bind" } else { "volume" };
        let mut record = vec![("type", kind.to_owned()), ("target", mount.target)];
        record.extend((!mount.source.is_empty()).then_some(("source", mount.source)));
        record.extend(mount.read_only.then(|| ("read_only", true.to_string())));
        record.extend(mount.nocopy.then(|| ("nocopy", true.to_string())));
        record
            .extend((!mount.propagation.is_empty()).then_some(("propagation", mount.propagation)));
        Ok(Node::record(node.spot, &record))
    }

    fn long_mount(&mut self, node: &Node) -> Result<Node, Fault> {
        let mount = self.fields(shape::MOUNT, node)?;
        let mut record = Vec::new();
        let keys: [(&str, &[&str]); 9] = [
            ("type", &["type"]),
            ("source", &["source"]),
            ("target", &["target"]),
            ("read_only", &["read_only"]),
            ("nocopy", &["volume", "nocopy"]),
            ("subpath", &["volume", "subpath"]),
            ("propagation", &["bind", "propagation"]),
            ("size", &["tmpfs", "size"]),
            ("consistency", &["consistency"]),
        ];
        for (key, path) in keys {
            record.extend(mount.text_at(path).map(|text| (key, text.to_owned())));
        }
        record
            .extend(mount.text_at(&["image", "subpath"]).map(|text| ("subpath", text.to_owned())));
        if mount.text_at(&["target"]).is_none_or(str::is_empty) {
            return Err(Fault::new(node.spot, "a mount needs its `target`"));
        }
        Ok(Node::record(node.spot, &record))
    }

    /// References to secrets or configs.
    pub(super) fn files(&mut self, node: &Node) -> Result<Node, Fault> {
        each(node, "a list", |item| {
            let file = match item.as_text() {
                Some(source) => Node::record(item.spot, &[("source", source.to_owned())]),
                None => self.fields(shape::FILE, item)?,
            };
            match file.text_at(&["source"]) {
                Some(_) => Ok(file),
                None => Err(Fault::new(item.spot, "it needs its `source`")),
            }
        })
    }

    /// Networks of a service, as a list of names or a mapping.
    pub(super) fn attachments(&mut self, node: &Node) -> Result<Node, Fault> {
        if node.as_map().is_some() {
            return members(node, "a mapping of networks", |network| match network.value {
                Value::Null => Ok(network.clone()),
                Value::Bool(_)
                | Value::Int(_)
                | Value::Float(_)
                | Value::Text(_)
                | Value::List(_)
                | Value::Map(_) => self.fields(shape::ATTACHMENT, network),
            });
        }
        let mut networks = Mapping::new();
        for item in each(node, "a mapping or a list of networks", |item| Ok(item.clone()))?.items()
        {
            let name = item.as_text().ok_or_else(|| wrong(item, "the name of a network"))?;
            let node = Node::new(item.spot, Value::Null);
            networks.insert(name.to_owned(), Member { key: item.spot, node });
        }
        Ok(Node::new(node.spot, Value::Map(networks)))
    }
}

fn each(
    node: &Node,
    expected: &str,
    normal: impl FnMut(&Node) -> Result<Node, Fault>,
) -> Result<Node, Fault> {
    let Value::List(items) = &node.value else {
        return Err(wrong(node, expected));
    };
    let items = items.iter().map(normal).collect::<Result<_, _>>()?;
    Ok(Node::new(node.spot, Value::List(items)))
}

fn members(
    node: &Node,
    expected: &str,
    mut normal: impl FnMut(&Node) -> Result<Node, Fault>,
) -> Result<Node, Fault> {
    let map = node.as_map().ok_or_else(|| wrong(node, expected))?;
    let mut members = Mapping::new();
    for (key, member) in map {
        let value = normal(&member.node)?;
        members.insert(key.clone(), Member { key: member.key, node: value });
    }
    Ok(Node::new(node.spot, Value::Map(members)))
}

/// `name:address`; the brackets of an IPv6 address are taken off when nothing else is there.
fn host(name: &str, address: &str) -> String {
    let line = format!("{name}:{address}");
    let (name, address) = line.split_once(':').unwrap_or((name, address));
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    format!("{name}:{}", bare.filter(|bare| !bare.is_empty()).unwrap_or(address))
}

fn port_record(node: &Node, port: &Port, mode: &str) -> Node {
    let record = [
        ("mode", mode.to_owned()),
        ("protocol", port.protocol.clone()),
        ("published", port.published.to_string()),
        ("target", port.target.to_string()),
    ];
    Node::record(node.spot, &record)
}
