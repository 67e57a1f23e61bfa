//! `cargo xtask schema`: JSON Schemas (draft 2020-12) of what cc-ci reads and writes, generated
//! from its types into `docs/reference/`, and compared there by `--check`.
//!
//! The types and what their comments say are the only source: nothing is described here. What is
//! in the pages beside the schemas is written by hand, and `tests/it/reference.rs` sees to it
//! that no key and no variant is left out of them.
//!
//! Tests: at the end of this file and `tests/it/schema.rs`.

use std::fs;

use anyhow::{Context, Result};
use cc_ci_model::event::Event;
use cc_ci_model::pack::Pack;
use cc_ci_model::plan::Plan;
use cc_ci_model::results::Results;
use cc_ci_model::stage::Rung;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::workspace;

/// Where the schemas are committed.
const FOLDER: &str = "docs/reference";

/// How much of a difference is shown.
const SHOWN: usize = 8;

/// A format and its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The schema's file in `docs/reference/`.
    pub file: &'static str,
    /// The schema.
    pub schema: Value,
}

impl Document {
    /// The file's text.
    ///
    /// # Errors
    /// Never, as long as JSON can be printed.
    pub fn text(&self) -> Result<String> {
        Ok(format!("{:#}\n", self.schema))
    }
}

/// What a format is for: files that people write may leave keys out, and must not have others;
/// files that cc-ci writes have every key, and readers ignore those they do not know.
#[derive(Clone, Copy)]
enum Contract {
    Read,
    Written,
}

/// Every published format.
pub fn documents() -> Vec<Document> {
    vec![
        document::<Results>("results.schema.json", Contract::Written),
        document::<Event>("event.schema.json", Contract::Written),
        document::<Pack>("recipe.toml.schema.json", Contract::Read),
        document::<Plan>("plan.schema.json", Contract::Written),
    ]
}

fn document<T: JsonSchema>(file: &'static str, contract: Contract) -> Document {
    let settings = SchemaSettings::draft2020_12().with_transform(PlainDescriptions);
    let settings = match contract {
        Contract::Read => settings.for_deserialize(),
        Contract::Written => settings.for_serialize(),
    };
    let mut schema: Value = settings.into_generator().into_root_schema_for::<T>().into();
    name_rungs(&mut schema);
    Document { file, schema: sorted(schema) }
}

/// Keys of a map are words of a type too, which a generated schema does not say.
fn name_rungs(schema: &mut Value) {
    let rungs: Vec<&str> = Rung::ALL.into_iter().map(Rung::as_str).collect();
    for key in ["expected_na", "rungs"] {
        for place in ["/properties", "/$defs/Plan/properties"] {
            if let Some(Value::Object(map)) = schema.pointer_mut(&format!("{place}/{key}")) {
                map.insert("propertyNames".to_owned(), json!({ "enum": rungs }));
            }
        }
    }
}

/// Writes the schemas, or with `check` compares them with the committed ones. `Ok(false)` when
/// one differs.
///
/// # Errors
/// When a file can be neither read nor written.
pub fn run(check: bool) -> Result<bool> {
    let mut same = true;
    for document in documents() {
        let path = workspace::root().join(FOLDER).join(document.file);
        let (place, text) = (format!("{FOLDER}/{}", document.file), document.text()?);
        if check {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            let difference = difference(&committed, &text);
            if let Some(lines) = &difference {
                println!("{place} is not what the types say (`cargo xtask schema` writes it):");
                println!("{lines}");
            }
            same &= difference.is_none();
        } else {
            fs::create_dir_all(workspace::root().join(FOLDER))?;
            fs::write(&path, text).with_context(|| format!("cannot write `{place}`"))?;
            println!("{place}");
        }
    }
    if check && same {
        println!("schema: {} files are what the types say", documents().len());
    }
    Ok(same)
}

/// What stands between the first and the last line that differ: the first lines of each side.
fn difference(committed: &str, generated: &str) -> Option<String> {
    if committed == generated {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (committed.lines().collect(), generated.lines().collect());
    let first = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[first..], &new[first..]);
    let last = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let shown = |sign: char, lines: &[&str]| -> Vec<String> {
        let differing = lines.iter().take(lines.len() - last).take(SHOWN);
        differing.map(|line| format!("  {sign} {line}")).collect()
    };
    let mut lines = vec![format!("  line {}:", first + 1)];
    lines.extend(shown('-', old));
    lines.extend(shown('+', new));
    Some(lines.join("\n"))
}

/// Members in the order of their names, whatever map `serde_json` was built with: the workspace
/// decides that, and with it the text would change.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> =
                members.into_iter().map(|(name, member)| (name, sorted(member))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Comments link to code: a reader of a schema has none.
#[derive(Clone)]
struct PlainDescriptions;

impl Transform for PlainDescriptions {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace("[`", "`").replace("`]", "`");
        }
        transform_subschemas(self, schema);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let shown = |old: &str, new: &str| difference(old, new).unwrap_or_default();
        assert_eq!(shown("a\nb\n", "a\nb\n"), "");
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), "  line 2:\n  - b\n  + x");
        assert_eq!(shown("a\n", "a\nb\n"), "  line 2:\n  + b");
        assert_eq!(shown("a\na\n", "a\n"), "  line 2:\n  - a");
        assert_eq!(shown("", "a\n"), "  line 1:\n  + a");
        assert_eq!(shown("", &"x\n".repeat(100)).lines().count(), 1 + SHOWN);
    }

    #[test]
    fn members_are_in_the_order_of_their_names() {
        let value = json!({ "b": [{ "d": 1, "c": 2 }], "a": null });
        assert_eq!(sorted(value).to_string(), r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }

    #[test]
    fn links_to_code_are_words_in_a_schema() {
        for document in documents() {
            let text = document.text().unwrap();
            assert!(!text.contains("[`") && !text.contains("`]"), "{}", document.file);
        }
    }
}
