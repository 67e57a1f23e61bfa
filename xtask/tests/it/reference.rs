//! The reference is complete: no key, event, piece of evidence or exit code is left out of the
//! pages that people wrote, and none is in them that is gone.

use std::collections::BTreeSet;
use std::fs;

use cc_ci_model::diagnosis::CauseClass;
use cc_ci_model::doctor::FindingId;
use cc_ci_model::exit::ExitKind;
use serde_json::Value;
use xtask::{schema, workspace};

fn page(path: &str) -> String {
    fs::read_to_string(workspace::root().join(path)).unwrap()
}

fn schema_of(file: &str) -> Value {
    schema::documents().into_iter().find(|document| document.file() == file).unwrap().schema
}

/// The first words in backticks of the rows of every table below a heading.
fn rows(page: &str, heading: &str) -> Vec<String> {
    let below = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| {
        panic!("there is no heading `{heading}`");
    });
    let section = below.1.split("\n## ").next().unwrap_or_default();
    let first = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    section.lines().filter_map(first).collect()
}

/// The same words, each once.
#[track_caller]
fn same(what: &str, written: &[String], known: impl IntoIterator<Item = String>) {
    let (known, named): (BTreeSet<String>, BTreeSet<String>) =
        (known.into_iter().collect(), written.iter().cloned().collect());
    let missing: Vec<_> = known.difference(&named).collect();
    let gone: Vec<_> = named.difference(&known).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{what}: missing {missing:?}, gone {gone:?}");
    assert_eq!(written.len(), named.len(), "{what}: something is listed twice");
}

/// Every key of a schema with the tables it is in: `app.env`.
fn keys(schema: &Value, root: &Value, prefix: &str, all: &mut Vec<String>) {
    let at = |reference: &str| root.pointer(reference.trim_start_matches('#')).unwrap();
    let schema = schema.get("$ref").map_or(schema, |reference| at(reference.as_str().unwrap()));
    match schema.get("properties").and_then(Value::as_object) {
        None => all.push(prefix.to_owned()),
        Some(members) => {
            for (name, member) in members {
                let path =
                    if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                keys(member, root, &path, all);
            }
        }
    }
}

fn keys_of_recipe_toml() -> Vec<String> {
    let schema = schema_of("recipe.toml.schema.json");
    let mut all = Vec::new();
    keys(&schema, &schema, "", &mut all);
    all
}

/// Keys of a TOML file in the same form; a table of the user's own keys counts as one.
fn keys_of_table(table: &toml::Table, known: &[String], prefix: &str, all: &mut BTreeSet<String>) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value.as_table().filter(|_| !known.contains(&path)) {
            Some(inner) => keys_of_table(inner, known, &path, all),
            None => {
                all.insert(path);
            }
        }
    }
}

/// The TOML examples of a page, each as it stands.
fn examples(page: &str) -> Vec<String> {
    let fenced = page.split("```toml\n").skip(1);
    fenced.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// The constants by which a tagged enum's variants are told.
fn tags(variants: &Value, tag: &str) -> Vec<String> {
    let all = variants["oneOf"].as_array().unwrap();
    all.iter()
        .map(|variant| variant["properties"][tag]["const"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_key_of_recipe_toml_is_described() {
    let page = page("docs/reference/recipe-toml.md");
    same("docs/reference/recipe-toml.md", &rows(&page, "Keys"), keys_of_recipe_toml());
}

#[test]
fn the_example_has_every_key_and_is_a_pack() {
    let page = page("docs/reference/recipe-toml.md");
    let example = &examples(&page)[0];
    cc_ci_core::pack::parse("recipe-toml.md", example).unwrap();
    let (known, mut used) = (keys_of_recipe_toml(), BTreeSet::new());
    keys_of_table(&example.parse().unwrap(), &known, "", &mut used);
    same("the example", &used.into_iter().collect::<Vec<_>>(), known);
}

#[test]
fn examples_of_recipe_toml_can_be_used_as_they_are() {
    for path in ["README.md", "docs/reference/recipe-toml.md"] {
        let examples = examples(&page(path));
        assert!(!examples.is_empty(), "{path} has no example");
        for example in examples {
            let parsed = cc_ci_core::pack::parse(path, &example);
            assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_event_and_evidence_is_described() {
    let (page, schema) = (page("docs/reference/events.md"), schema_of("event.schema.json"));
    let defined = |name: &str| &schema["$defs"][name];
    same("events", &rows(&page, "Events"), tags(&schema, "event"));
    same("acts", &rows(&page, "Acts"), tags(defined("Act"), "act"));
    same("evidence", &rows(&page, "Evidence"), tags(defined("Evidence"), "evidence"));
    same("intents", &rows(&page, "Intents"), tags(defined("Intent"), "kind"));
}

#[test]
fn every_finding_of_doctor_is_described_with_its_level() {
    let page = page("docs/reference/doctor.md");
    let word = |value: Value| value.as_str().unwrap().to_owned();
    let name = |id: &FindingId| word(serde_json::to_value(id).unwrap());
    let rows = rows(&page, "Findings");
    same("docs/reference/doctor.md", &rows, FindingId::ALL.iter().map(name));
    for id in FindingId::ALL {
        let level = word(serde_json::to_value(id.level()).unwrap());
        let row = format!("\n| `{}` | {level} | ", name(id));
        assert!(page.contains(&row), "docs/reference/doctor.md: `{}` is not {level}", name(id));
        let line = page.lines().find(|line| line.starts_with(row.trim_start())).unwrap();
        let says_nothing_to_do = line.ends_with("| |");
        assert!(level == "ok" || !says_nothing_to_do, "no next step: {line}");
    }
}

#[test]
fn every_exit_code_is_described() {
    let (reference, readme) = (page("docs/reference/exit-codes.md"), page("README.md"));
    let kinds = ExitKind::PRECEDENCE;
    let name = |kind: &ExitKind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
    let codes = kinds.iter().map(|kind| format!("{} {}", kind.code(), name(kind)));
    let rows = rows(&reference, "Codes");
    same("docs/reference/exit-codes.md", &rows, codes);
    for kind in kinds {
        let row = format!("\n| {} | ", kind.code());
        assert!(readme.contains(&row), "README.md has no exit code {}", kind.code());
    }
    let winners: Vec<String> = kinds.iter().map(|kind| kind.code().to_string()).collect();
    assert!(reference.contains(&winners.join(", ")), "the order in which codes win is not said");
}

#[test]
fn every_class_of_cause_is_described() {
    let written = rows(&page("docs/reference/diagnosis.md"), "Classes");
    same("classes", &written, CauseClass::ALL.map(|class| class.to_string()));
}
