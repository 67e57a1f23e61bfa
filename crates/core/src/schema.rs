//! JSON Schemas (draft 2020-12) of what cc-ci reads and writes, generated from its types.
//!
//! The types and what their comments say are the only source: nothing is described here.
//! `cc-ci schema` prints them, and `cargo xtask schema` keeps them in `docs/reference/`.
//!
//! Tests: at the end of this file; that what the real binary wrote follows them, in
//! `xtask/tests/it/schema.rs`.

use cc_ci_model::doctor::DoctorReport;
use cc_ci_model::event::Event;
use cc_ci_model::explain::Trace;
use cc_ci_model::pack::Pack;
use cc_ci_model::plan::Plan;
use cc_ci_model::results::Results;
use cc_ci_model::stage::Rung;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// A format and its schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The format's name, e.g. `results` or `recipe.toml`.
    pub name: &'static str,
    /// What has that format.
    pub what: &'static str,
    /// The schema.
    pub schema: Value,
}

impl Document {
    /// The schema's file in `docs/reference/`.
    pub fn file(&self) -> String {
        format!("{}.schema.json", self.name)
    }

    /// The schema as text, indented, with a line break at the end.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.schema)
    }
}

/// The names of all published formats, in the order of [`documents`].
pub const NAMES: [&str; 6] = ["results", "event", "plan", "explain", "recipe.toml", "doctor"];

/// What a format is for: files that people write may leave keys out, and must not have others;
/// files that cc-ci writes have every key, and readers ignore those they do not know.
#[derive(Clone, Copy)]
enum Contract {
    Read,
    Written,
}

/// Every published format.
pub fn documents() -> Vec<Document> {
    use Contract::{Read, Written};
    vec![
        document::<Results>("results", "results.json of a run", Written),
        document::<Event>("event", "one line of a run's events.jsonl", Written),
        document::<Plan>("plan", "what `cc-ci plan --output json` prints", Written),
        document::<Trace>("explain", "what `cc-ci explain --output json` prints", Written),
        document::<Pack>("recipe.toml", "what a pack says about one recipe", Read),
        document::<DoctorReport>("doctor", "what `cc-ci doctor --output json` prints", Written),
    ]
}

fn document<T: JsonSchema>(name: &'static str, what: &'static str, contract: Contract) -> Document {
    let settings = SchemaSettings::draft2020_12().with_transform(PlainDescriptions);
    let settings = match contract {
        Contract::Read => settings.for_deserialize(),
        Contract::Written => settings.for_serialize(),
    };
    let mut schema: Value = settings.into_generator().into_root_schema_for::<T>().into();
    name_rungs(&mut schema);
    Document { name, what, schema: sorted(schema) }
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
    fn every_name_is_that_of_a_document() {
        let names: Vec<_> = documents().iter().map(|document| document.name).collect();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn members_are_in_the_order_of_their_names() {
        let value = json!({ "b": [{ "d": 1, "c": 2 }], "a": null });
        assert_eq!(sorted(value).to_string(), r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }

    #[test]
    fn links_to_code_are_words_in_a_schema() {
        for document in documents() {
            let text = document.text();
            assert!(!text.contains("[`") && !text.contains("`]"), "{}", document.name);
        }
    }
}
