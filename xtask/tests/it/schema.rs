//! The schemas are schemas, what the real binary wrote follows them, and what does not is refused.

use std::fs;

use boon::{Compiler, Schemas};
use cc_ci_core::state::RunState;
use cc_ci_core::verdict::verdict;
use cc_ci_model::doctor::{DOCTOR_SCHEMA_VERSION, DoctorReport, Finding, FindingId, Level};
use cc_ci_model::event::{Event, Tool};
use cc_ci_model::results::Results;
use cc_ci_model::time::Timestamp;
use serde_json::{Value, json};
use xtask::{schema, workspace};

/// What a validator says of a value.
fn validate(file: &str, value: &Value) -> Result<(), String> {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    let document =
        schema::documents().into_iter().find(|document| document.file() == file).unwrap();
    compiler.add_resource(file, document.schema).unwrap();
    let index = compiler.compile(file, &mut schemas).unwrap();
    schemas.validate(value, index).map_err(|error| error.to_string())
}

#[track_caller]
fn valid(file: &str, value: &Value) {
    let said = validate(file, value);
    assert!(said.is_ok(), "{file}: {}\n{value}", said.unwrap_err());
}

#[track_caller]
fn refused(file: &str, value: &Value) {
    assert!(validate(file, value).is_err(), "{file}: {value}");
}

fn recorded(name: &str) -> String {
    fs::read_to_string(workspace::root().join("fixtures/recorded").join(name)).unwrap()
}

fn results() -> Value {
    serde_json::from_str(&recorded("results.json")).unwrap()
}

fn events() -> Vec<Value> {
    recorded("events.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn changed(mut value: Value, path: &str, to: Value) -> Value {
    *value.pointer_mut(path).unwrap() = to;
    value
}

fn without(mut value: Value, key: &str) -> Value {
    value.as_object_mut().unwrap().remove(key).unwrap();
    value
}

#[test]
fn what_was_recorded_follows_the_schemas() {
    valid("results.schema.json", &results());
    let events = events();
    assert!(events.len() > 10);
    for event in &events {
        valid("event.schema.json", event);
    }
    valid("plan.schema.json", &events[0]["plan"]);
}

/// A format changes only with its version: what an earlier cc-ci wrote is read as it was meant.
#[test]
fn what_was_recorded_is_read_and_judged_as_it_was() {
    let before: Results = serde_json::from_value(results()).unwrap();
    let events: Vec<Event> =
        events().into_iter().map(|event| serde_json::from_value(event).unwrap()).collect();
    let state = RunState::of(&events);
    let now = verdict(state.plan.as_ref().unwrap(), &state);
    assert_eq!((now.verdict, now.level), (before.verdict, before.level));
    for (rung, outcome) in &now.rungs {
        assert_eq!(outcome.status(), before.rungs[rung].status, "{rung}");
    }
}

/// RES-8: a recorded run is explained as it was judged, line by line of what was recorded.
#[test]
fn what_was_recorded_is_explained_as_it_was_judged() {
    let before: Results = serde_json::from_value(results()).unwrap();
    let events: Vec<Event> =
        events().into_iter().map(|event| serde_json::from_value(event).unwrap()).collect();
    let trace = cc_ci_testkit::check_trace(&events);
    assert_eq!((trace.verdict, trace.level), (before.verdict, before.level));
    valid("explain.schema.json", &serde_json::to_value(&trace).unwrap());
    refused("explain.schema.json", &without(serde_json::to_value(&trace).unwrap(), "decisions"));
}

#[test]
fn results_without_a_key_or_with_another_word_are_refused() {
    for key in ["schema_version", "final", "verdict", "rungs", "level_cap_rung", "events_sha256"] {
        refused("results.schema.json", &without(results(), key));
    }
    refused("results.schema.json", &changed(results(), "/verdict", json!("passed")));
    refused("results.schema.json", &changed(results(), "/level", json!("1")));
    refused("results.schema.json", &changed(results(), "/rungs/install/status", json!("pass")));
    refused("results.schema.json", &changed(results(), "/stages/0/started_at", json!("today")));
    refused("results.schema.json", &changed(results(), "/rungs", json!({ "L1": null })));
    // What a later cc-ci adds does not disturb a reader.
    let mut more = results();
    more["later"] = json!(1);
    valid("results.schema.json", &more);
}

#[test]
fn an_event_nobody_knows_is_refused() {
    let events = events();
    refused("event.schema.json", &changed(events[1].clone(), "/event", json!("began")));
    refused("event.schema.json", &without(events[1].clone(), "seq"));
    refused("event.schema.json", &without(events[1].clone(), "stage"));
    let ended = events.iter().find(|event| event["event"] == "act_ended").unwrap();
    refused("event.schema.json", &changed(ended.clone(), "/evidence/evidence", json!("seen")));
    refused("event.schema.json", &changed(events[0].clone(), "/plan/ingress", json!("none")));
}

/// What cc-ci reads, the schema allows, and the other way round.
#[test]
fn the_schema_of_recipe_toml_says_what_the_parser_says() {
    for (text, good) in [
        ("recipe = 'a'", true),
        ("recipe = 'a'\n[timeouts]\ndeploy = '15m'", true),
        ("recipe = 'a'\n[run]\nfresh_head = false\nrequire_level = 3", true),
        ("recipe = 'a'\n[expected_na]\nbackup_restore = 'no data'", true),
        ("recipe = 'a'\n[expected_na]\nbackup = 'no data'", false),
        ("recipe = 'a'\n[upgrade]\nbase = '1.0.0+2'\nenv = { A = 'b' }", true),
        ("recipe = 'a'\n[upgrade]\nbase = '1.0.0'", false),
        ("recipe = 'a'\n[health]\nstatus = 200", false),
        ("recipe = 'a'\n[timeouts]\ndeploy = 15", false),
        ("recipe = 'a'\n[timeouts]\ndeplyo = '15m'", false),
        ("recipe = 'a'\n[app]\nenv = { A = 1 }", false),
        ("recipe = 'a'\n[[marker]]\nkind = 'sqlite'\nservice = 'app'\npath = '/x'", true),
        ("recipe = 'a'\n[[marker]]\nkind = 'mongo'", false),
        ("recipe = 'a'\n[[marker]]\nkind = 'redis'\nsrvice = 'x'", false),
        ("[app]", false),
    ] {
        let value = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
        assert_eq!(validate("recipe.toml.schema.json", &value).is_ok(), good, "schema: {text}");
        assert_eq!(cc_ci_core::pack::parse("recipe.toml", text).is_ok(), good, "parser: {text}");
    }
}

#[test]
fn what_doctor_prints_follows_its_schema() {
    let finding = Finding::new(FindingId::CliMissing, "not found", "PATH").next("install it");
    let report = DoctorReport {
        schema_version: DOCTOR_SCHEMA_VERSION,
        tool: Tool { version: "0.1.0".into(), commit: None },
        at: Timestamp::from_millis(0),
        docker_host: "unix:///var/run/docker.sock".into(),
        state_folder: "/var/lib/cc-ci".into(),
        level: Level::Problem,
        exit_code: 4,
        findings: vec![finding],
    };
    let report = serde_json::to_value(report).unwrap();
    valid("doctor.schema.json", &report);
    refused("doctor.schema.json", &changed(report.clone(), "/level", json!("bad")));
    refused("doctor.schema.json", &changed(report.clone(), "/findings/0/id", json!("unheard_of")));
    refused("doctor.schema.json", &without(report, "exit_code"));
}

#[test]
fn the_committed_packs_follow_the_schema() {
    for pack in fs::read_dir(workspace::root().join("packs")).unwrap() {
        let file = pack.unwrap().path().join("recipe.toml");
        let table: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
        valid("recipe.toml.schema.json", &serde_json::to_value(table).unwrap());
    }
}
