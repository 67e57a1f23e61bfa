//! Puts a mapping together: text keys only, none of them twice, merge keys (`<<`) last.

use super::tree::{Fault, Mapping, Member, Node, Spot, Value};

/// A key as it was read.
pub(super) struct Key {
    spot: Spot,
    name: String,
    is_merge: bool,
}

impl Key {
    /// A key from its node; docker takes only text.
    pub(super) fn new(node: Node, is_plain: bool) -> Result<Self, Fault> {
        let spot = node.spot;
        match node.value {
            Value::Text(name) => Ok(Self { spot, is_merge: is_plain && name == "<<", name }),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_) => {
                let message = format!("a key has to be a text, this one is {}", node.kind());
                Err(Fault::new(spot, message).with_hint("put it in quotes"))
            }
        }
    }
}

/// A mapping that is being read.
#[derive(Default)]
pub(super) struct Entries {
    own: Mapping,
    merged: Option<(Spot, Node)>,
}

impl Entries {
    /// Adds a member.
    pub(super) fn add(&mut self, key: &Key, node: Node) -> Result<(), Fault> {
        let first = if key.is_merge {
            self.merged.replace((key.spot, node)).map(|(spot, _)| spot)
        } else {
            let member = Member { key: key.spot, node };
            self.own.insert(key.name.clone(), member).map(|member| member.key)
        };
        match first {
            Some(first) => {
                let message = format!(
                    "the key `{}` is already in this mapping, in line {}",
                    key.name, first.line
                );
                Err(Fault::new(key.spot, message))
            }
            None => Ok(()),
        }
    }

    /// The mapping: its own members win over merged ones, earlier merged ones over later.
    pub(super) fn into_mapping(self) -> Result<Mapping, Fault> {
        let mut mapping = self.own;
        let Some((spot, merged)) = self.merged else {
            return Ok(mapping);
        };
        let sources = match merged.value {
            Value::List(items) => items,
            Value::Map(_) => vec![merged],
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                return Err(not_mergeable(spot));
            }
        };
        for source in sources {
            let Value::Map(members) = source.value else {
                return Err(not_mergeable(spot));
            };
            for (name, member) in members {
                mapping.entry(name).or_insert(member);
            }
        }
        Ok(mapping)
    }
}

fn not_mergeable(spot: Spot) -> Fault {
    Fault::new(spot, "`<<` takes a mapping or a list of mappings")
}
