//! YAML to a tree, with the answers Go's yaml.v3 gives: anchors and merge keys resolved,
//! duplicate keys refused, and bounds on size, depth and what aliases may expand to.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag, options,
};

use super::mapping::{Entries, Key};
use super::scalar;
use super::tree::{Fault, Node, Spot, Value};
use crate::text::to_u32;

/// The largest file that is read.
const MAX_BYTES: usize = 1 << 20;
/// The deepest nesting, aliases included; Docker's own schema needs less than ten.
const MAX_DEPTH: usize = 100;
/// The most nodes of a file, aliases expanded.
const MAX_NODES: usize = 100_000;

/// A parsed file: its tree, and what other versions of docker may read differently.
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) doubts: Vec<Fault>,
}

/// Parses the first document of `text`, which is file number `file`.
pub(super) fn parse(text: &str, file: usize) -> Result<Parsed, Fault> {
    let start = Spot { file, line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        return Err(Fault::new(start, format!("the file is larger than {MAX_BYTES} bytes")));
    }
    let mut composer = Composer {
        parser: Parser::new_from_str_with_options(text, yaml_options()),
        file,
        anchors: HashMap::new(),
        nodes: 0,
        doubts: Vec::new(),
    };
    let node = composer.document()?.unwrap_or(Node::new(start, Value::Null));
    if node.as_map().is_none() {
        return Err(Fault::new(
            node.spot,
            format!("the top level is {}, not a mapping", node.kind()),
        ));
    }
    Ok(Parsed { node, doubts: composer.doubts })
}

fn yaml_options() -> Options {
    options! {
        emit_comments: false,
        // As libyaml does: no line feed that the text does not have.
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

struct Composer<'t> {
    parser: Parser<'t, StrInput<'t>>,
    file: usize,
    /// Anchored nodes with the number of nodes in them.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    doubts: Vec<Fault>,
}

impl<'t> Composer<'t> {
    /// The first document, if there is one.
    fn document(&mut self) -> Result<Option<Node>, Fault> {
        loop {
            match self.event()? {
                None | Some((Event::DocumentEnd | Event::StreamEnd, _)) => return Ok(None),
                Some((Event::StreamStart | Event::DocumentStart(..), _)) => {}
                Some((event, span)) => return self.node(event, span, 0).map(Some),
            }
        }
    }

    fn event(&mut self) -> Result<Option<(Event<'t>, Span)>, Fault> {
        self.parser.next_event().transpose().map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &ScanError) -> Fault {
        let marker = error.marker();
        let spot = Spot {
            file: self.file,
            line: to_u32(marker.line().max(1)),
            column: to_u32(marker.col().saturating_add(1)),
        };
        Fault::new(spot, format!("invalid YAML: {}", error.info()))
    }

    fn spot(&self, span: Span) -> Spot {
        Spot {
            file: self.file,
            line: to_u32(span.start.line().max(1)),
            column: to_u32(span.start.col().saturating_add(1)),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "its variants depend on features of others")]
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Fault> {
        let spot = self.spot(span);
        let nodes_before = self.nodes;
        self.count(1, spot)?;
        if depth > MAX_DEPTH {
            return Err(Fault::new(spot, "too deeply nested"));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, tag.as_ref(), spot)?, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.map(depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, spot, depth),
            _ => return Err(Fault::new(spot, "invalid YAML: a value was expected")),
        };
        let node = Node::new(spot, value);
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - nodes_before));
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, spot: Spot) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Fault::new(spot, "the aliases of the file expand to too much"));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Cow<'_, Tag>>,
        spot: Spot,
    ) -> Result<Value, Fault> {
        if let Some(tag) = tag {
            return tagged(text, tag, spot);
        }
        if style != ScalarStyle::Plain {
            return Ok(Value::Text(text.to_owned()));
        }
        if scalar::was_boolean(text) {
            self.doubts.push(
                Fault::new(spot, format!("older docker CLIs read `{text}` as a truth value"))
                    .with_hint("put it in quotes"),
            );
        }
        Ok(scalar::plain(text))
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.event()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, span, depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut entries = Entries::default();
        while let Some((event, span)) = self.event()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, _, None));
            let key = Key::new(self.node(event, span, depth + 1)?, is_plain)?;
            let Some((event, span)) = self.event()? else {
                break;
            };
            let node = self.node(event, span, depth + 1)?;
            entries.add(&key, node)?;
        }
        Ok(Value::Map(entries.into_mapping()?))
    }

    fn alias(&mut self, anchor: usize, spot: Spot, depth: usize) -> Result<Node, Fault> {
        let Some((node, nodes)) = self.anchors.get(&anchor).cloned() else {
            return Err(Fault::new(spot, "the anchor contains itself"));
        };
        self.count(nodes, spot)?;
        if depth + height(&node) > MAX_DEPTH {
            return Err(Fault::new(spot, "too deeply nested"));
        }
        Ok(node)
    }
}

fn height(node: &Node) -> usize {
    let children = match &node.value {
        Value::List(items) => items.iter().map(height).max(),
        Value::Map(map) => map.values().map(|member| height(&member.node)).max(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => None,
    };
    children.map_or(0, |height| height + 1)
}

/// A scalar with an explicit tag of YAML's own (`!!str`), or one nobody knows, which is text.
fn tagged(text: &str, tag: &Tag, spot: Spot) -> Result<Value, Fault> {
    let plain = scalar::plain(text);
    let value = match (tag.core_suffix(), plain) {
        (Some("str"), _) => Value::Text(text.to_owned()),
        (Some("float"), Value::Int(number)) => scalar::plain(&format!("{number}.0")),
        (Some("int"), value @ Value::Int(_))
        | (Some("float"), value @ Value::Float(_))
        | (Some("bool"), value @ Value::Bool(_))
        | (Some("null"), value @ Value::Null) => value,
        (Some(wanted), _) => {
            return Err(Fault::new(spot, format!("`{text}` is not a `!!{wanted}`")));
        }
        (None, _) if tag.handle().starts_with("tag:yaml.org") => {
            let message = format!("the tag `!!{}` is not supported", tag.suffix());
            return Err(Fault::new(spot, message));
        }
        (None, _) => Value::Text(text.to_owned()),
    };
    Ok(value)
}
