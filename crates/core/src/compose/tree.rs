//! A tree of values whose nodes know where they are written.

use std::collections::BTreeMap;

use super::scalar;
use crate::text::Whose;

/// A place: which of the files, line and column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: usize,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What is the matter with a text, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) spot: Spot,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) whose: Whose,
}

impl Fault {
    pub(super) fn new(spot: Spot, message: impl Into<String>) -> Self {
        Self { spot, message: message.into(), hint: None, whose: Whose::Author }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn of(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) spot: Spot,
    pub(super) value: Value,
}

/// A value; keys are always text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Mapping),
}

/// The members of a mapping by key.
pub(super) type Mapping = BTreeMap<String, Member>;

/// A member of a mapping: where its key is, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) key: Spot,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn new(spot: Spot, value: Value) -> Self {
        Self { spot, value }
    }

    pub(super) fn text(spot: Spot, text: impl Into<String>) -> Self {
        Self::new(spot, Value::Text(text.into()))
    }

    /// A list of texts at one place.
    pub(super) fn texts(spot: Spot, texts: impl IntoIterator<Item = String>) -> Self {
        Self::new(spot, Value::List(texts.into_iter().map(|text| Self::text(spot, text)).collect()))
    }

    /// A mapping of texts at one place.
    pub(super) fn record(spot: Spot, members: &[(&str, String)]) -> Self {
        let members = members.iter().map(|(key, text)| {
            let node = Self::text(spot, text.clone());
            ((*key).to_owned(), Member { key: spot, node })
        });
        Self::new(spot, Value::Map(members.collect()))
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a truth value",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub(super) fn as_map(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Map(map) => Some(map),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_) => None,
        }
    }

    pub(super) fn as_map_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_) => None,
        }
    }

    /// The items of a list; of anything else none.
    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Map(_) => &[],
        }
    }

    /// The text of a text; of anything else none.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// A scalar the way Go prints it; `None` for lists, mappings and nothing.
    pub(super) fn printed(&self) -> Option<String> {
        match &self.value {
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(scalar::go_float(*number)),
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The value at a path of keys.
    pub(super) fn get(&self, path: &[&str]) -> Option<&Node> {
        let mut node = self;
        for key in path {
            node = &node.as_map()?.get(*key)?.node;
        }
        Some(node)
    }

    /// The text at a path of keys.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_text()
    }

    /// The members of the mapping at a path of keys; empty when there is none.
    pub(super) fn members<'a>(
        &'a self,
        path: &[&str],
    ) -> impl Iterator<Item = (&'a String, &'a Member)> + use<'a> {
        self.get(path).and_then(Node::as_map).into_iter().flatten()
    }
}
