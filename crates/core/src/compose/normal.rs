//! One form for every way to write a thing: after this a node holds only texts, lists,
//! mappings and nothing, and short syntaxes have become long ones.
//!
//! What docker refuses for its form alone is tolerated where the meaning is plain, and said.

mod lists;
mod scalars;

use std::collections::{BTreeMap, BTreeSet};

use super::environment;
use super::shape::{self, Fields, Kind};
use super::tree::{Fault, Mapping, Member, Node, Spot, Value};

/// Contents of files a compose file names, by the path as written.
pub(super) type Extra<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// One compose file in normal form.
#[derive(Debug)]
pub(super) struct Canonical {
    /// The `version:` with its place.
    pub(super) format: Option<(String, Spot)>,
    pub(super) services: Mapping,
    pub(super) volumes: Mapping,
    pub(super) networks: Mapping,
    pub(super) secrets: Mapping,
    pub(super) configs: Mapping,
}

/// Brings trees into normal form.
pub(super) struct Normal<'a> {
    pub(super) env: &'a BTreeMap<String, String>,
    pub(super) extra: Extra<'a>,
    pub(super) doubts: Vec<Fault>,
    /// Texts of this file that were substituted.
    pub(super) changed: BTreeSet<Spot>,
}

impl Normal<'_> {
    /// A whole file.
    pub(super) fn file(&mut self, root: &Mapping) -> Result<Canonical, Fault> {
        for (key, member) in root {
            let is_known = matches!(
                key.as_str(),
                "version" | "services" | "volumes" | "networks" | "secrets" | "configs"
            );
            if !is_known && !key.starts_with("x-") {
                self.doubts.push(unknown(key, member.key));
            }
        }
        let mut services = self.section(root, "services", Kind::Fields(shape::SERVICE))?;
        for service in services.values_mut().filter_map(|member| member.node.as_map_mut()) {
            self.doubts.extend(environment::resolve(service, self.env, self.extra)?);
        }
        Ok(Canonical {
            services,
            volumes: self.section(root, "volumes", Kind::MaybeFields(shape::VOLUME))?,
            networks: self.section(root, "networks", Kind::MaybeFields(shape::NETWORK))?,
            secrets: self.section(root, "secrets", Kind::Fields(shape::FILE_OBJECT))?,
            configs: self.section(root, "configs", Kind::Fields(shape::FILE_OBJECT))?,
            format: match root.get("version") {
                Some(version) => Some((self.format(&version.node)?, version.node.spot)),
                None => None,
            },
        })
    }

    /// The `version:`; the docker CLI knows format 3 alone.
    fn format(&mut self, node: &Node) -> Result<String, Fault> {
        let format = self.text(node)?;
        if !(format.is_empty() || format == "3" || format.starts_with("3.")) {
            let message = format!("docker does not know the format `{format}` for stacks");
            self.doubts.push(Fault::new(node.spot, message).with_hint("write `version: \"3.8\"`"));
        }
        Ok(format)
    }

    fn section(&mut self, root: &Mapping, key: &str, kind: Kind) -> Result<Mapping, Fault> {
        let Some(section) = root.get(key) else {
            return Ok(Mapping::new());
        };
        let members = section.node.as_map().ok_or_else(|| wrong(&section.node, "a mapping"))?;
        let mut normal = Mapping::new();
        for (name, member) in members {
            let node = self.value(kind, &member.node)?;
            normal.insert(name.clone(), Member { key: member.key, node });
        }
        Ok(normal)
    }

    /// A mapping with known keys.
    pub(super) fn fields(&mut self, fields: Fields, node: &Node) -> Result<Node, Fault> {
        let members = node.as_map().ok_or_else(|| wrong(node, "a mapping"))?;
        let mut normal = Mapping::new();
        for (key, member) in members {
            let value = match shape::kind_of(fields, key) {
                Some(Kind::Ignored) => continue,
                Some(kind) => self.value(kind, &member.node)?,
                None if key.starts_with("x-") => continue,
                None => {
                    self.doubts.push(unknown(key, member.key));
                    self.value(Kind::Whole, &member.node)?
                }
            };
            normal.insert(key.clone(), Member { key: member.key, node: value });
        }
        Ok(Node::new(node.spot, Value::Map(normal)))
    }

    /// A value of some kind.
    pub(super) fn value(&mut self, kind: Kind, node: &Node) -> Result<Node, Fault> {
        let spot = node.spot;
        let text = |text: String| Node::text(spot, text);
        self.doubt_quotes(kind, node);
        match kind {
            Kind::Text => self.text(node).map(text),
            Kind::Flag => scalars::flag(node).map(|flag| text(flag.to_string())),
            Kind::Count => scalars::count(node).map(|count| text(count.to_string())),
            Kind::CountSet => match scalars::count(node)? {
                count @ 0.. => Ok(text(count.to_string())),
                _ => Err(wrong(node, "a number that is not negative")),
            },
            Kind::Ratio | Kind::Cpus => scalars::ratio(node).map(text),
            Kind::Duration | Kind::Period => scalars::duration(node).map(text),
            Kind::Size => scalars::size(node).map(text),
            Kind::Texts => lists::texts(node),
            Kind::Words => lists::words(node),
            Kind::Test => lists::test(node),
            Kind::Pairs => self.pairs(node, false),
            Kind::Environment => self.pairs(node, true),
            Kind::Hosts => self.hosts(node),
            Kind::Ports => self.ports(node),
            Kind::Mounts => self.mounts(node),
            Kind::Files => self.files(node),
            Kind::Attachments => self.attachments(node),
            Kind::Limits => lists::limits(node),
            Kind::Logging => self.fields(&[("driver", Kind::Text), ("options", Kind::Pairs)], node),
            Kind::External => self.external(node),
            Kind::Records => lists::records(node),
            Kind::Whole | Kind::Ignored => Ok(text(scalars::json(node).to_string())),
            Kind::MaybeFields(_) if node.value == Value::Null => {
                Ok(Node::new(spot, Value::Map(Mapping::new())))
            }
            Kind::Fields(fields) | Kind::MaybeFields(fields) => self.fields(fields, node),
        }
    }

    /// A number or truth value in quotes is tolerated here, and refused by docker.
    fn doubt_quotes(&mut self, kind: Kind, node: &Node) {
        let is_number = matches!(kind, Kind::Count | Kind::CountSet | Kind::Ratio);
        if !is_number && !matches!(kind, Kind::Flag) {
            return;
        }
        let wanted = if is_number { "number" } else { "truth value" };
        if node.as_text().is_some() && !self.changed.contains(&node.spot) {
            let message = format!("docker wants a {wanted} here, and this is a text");
            self.doubts.push(Fault::new(node.spot, message).with_hint("take the quotes away"));
        }
    }

    /// A text; a number or truth value is taken as one, which docker would refuse.
    fn text(&mut self, node: &Node) -> Result<String, Fault> {
        let text = node.printed().ok_or_else(|| wrong(node, "a text"))?;
        if node.as_text().is_none() {
            let message = format!("docker wants a text here, and this is {}", node.kind());
            self.doubts.push(Fault::new(node.spot, message).with_hint("put it in quotes"));
        }
        Ok(text)
    }

    fn external(&mut self, node: &Node) -> Result<Node, Fault> {
        let Some(members) = node.as_map() else {
            let flag = scalars::flag(node)?;
            return Ok(Node::record(node.spot, &[("external", flag.to_string())]));
        };
        let mut record = vec![("external", true.to_string())];
        if let Some(name) = members.get("name") {
            record.push(("name", self.text(&name.node)?));
        }
        Ok(Node::record(node.spot, &record))
    }
}

/// A node of the wrong kind.
pub(super) fn wrong(node: &Node, expected: &str) -> Fault {
    Fault::new(node.spot, format!("expected {expected}, found {}", node.kind()))
}

fn unknown(key: &str, spot: Spot) -> Fault {
    Fault::new(spot, format!("docker does not know the key `{key}` here"))
}
