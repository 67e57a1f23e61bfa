//! Scalars of compose files in normal form.

use super::wrong;
use crate::compose::scalar;
use crate::compose::syntax;
use crate::compose::tree::{Fault, Node, Value};

/// A truth value; texts come from variables, where docker takes `yes` and the like.
pub(super) fn flag(node: &Node) -> Result<bool, Fault> {
    let flag = match &node.value {
        Value::Bool(flag) => Some(*flag),
        Value::Text(text) => match text.to_lowercase().as_str() {
            "y" | "yes" | "true" | "on" => Some(true),
            "n" | "no" | "false" | "off" => Some(false),
            _ => None,
        },
        Value::Null | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => None,
    };
    flag.ok_or_else(|| unreadable(node, "true or false"))
}

/// A whole number; texts come from variables and are decimal, fractions are cut off.
pub(super) fn count(node: &Node) -> Result<i64, Fault> {
    let count = match &node.value {
        Value::Int(number) => i64::try_from(*number).ok(),
        Value::Float(number) => whole(*number),
        Value::Text(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
    };
    count.ok_or_else(|| unreadable(node, "a whole number"))
}

#[expect(clippy::cast_possible_truncation, reason = "docker cuts the fraction off")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9e15).then_some(number as i64)
}

/// A number with a fraction, as Go prints it; anything else docker may know (`1/2`) stays.
pub(super) fn ratio(node: &Node) -> Result<String, Fault> {
    let printed = node.printed().ok_or_else(|| wrong(node, "a number"))?;
    let number = printed.parse::<f64>().ok().filter(|number| number.is_finite());
    Ok(number.map_or(printed, scalar::go_float))
}

/// A duration, as nanoseconds.
pub(super) fn duration(node: &Node) -> Result<String, Fault> {
    let nanoseconds = node.as_text().and_then(syntax::nanoseconds);
    nanoseconds
        .map(|nanoseconds| nanoseconds.to_string())
        .ok_or_else(|| unreadable(node, "a duration such as `1m30s`"))
}

/// A size, as bytes.
pub(super) fn size(node: &Node) -> Result<String, Fault> {
    let bytes = match &node.value {
        Value::Int(number) => i64::try_from(*number).ok(),
        Value::Text(text) => syntax::bytes(text),
        Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => None,
    };
    bytes.map(|bytes| bytes.to_string()).ok_or_else(|| unreadable(node, "a size such as `512m`"))
}

/// As [`wrong`], with the text when it is one.
pub(super) fn unreadable(node: &Node, expected: &str) -> Fault {
    match node.as_text() {
        Some(text) => Fault::new(node.spot, format!("expected {expected}, found `{text}`")),
        None => wrong(node, expected),
    }
}

/// Any node as JSON, numbers as docker prints them.
pub(super) fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => {
            let members = map.iter().map(|(key, member)| (key.clone(), json(&member.node)));
            serde_json::Value::Object(members.collect())
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
            node.printed().map_or(serde_json::Value::Null, serde_json::Value::String)
        }
    }
}
