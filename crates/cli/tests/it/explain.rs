//! `cc-ci explain` (RES-8).

use serde_json::Value;

use crate::recorded::{cc_ci, recorded, state, stdout, text};

#[test]
fn a_run_is_found_by_its_id_its_directory_and_its_log() {
    let (state, id) = state();
    let directory = recorded().canonicalize().unwrap().display().to_string();
    let by_id = stdout(&cc_ci(state.path(), &["explain", &id]), 0);
    assert!(by_id.contains("✓ L1 install  passed"), "{by_id}");
    for run in [directory.clone(), format!("{directory}/events.jsonl"), format!("runs/{id}")] {
        assert_eq!(stdout(&cc_ci(state.path(), &["explain", &run]), 0), by_id, "{run}");
        let judged = stdout(&cc_ci(state.path(), &["judge", &run]), 0);
        assert!(judged.starts_with("PASS  custom-html-tiny"), "{judged}");
    }
}

#[test]
fn a_trace_as_json_has_the_outcomes_of_the_results() {
    let (state, id) = state();
    let json = |command: &str| -> Value {
        let output = cc_ci(state.path(), &[command, &id, "--output", "json"]);
        serde_json::from_str(&stdout(&output, 0)).unwrap()
    };
    let (trace, results) = (json("explain"), json("judge"));
    assert_eq!((&trace["verdict"], &trace["level"]), (&results["verdict"], &results["level"]));
    let decisions = trace["decisions"].as_array().unwrap();
    let rungs: Vec<&Value> = decisions.iter().filter(|one| one["kind"] == "rung").collect();
    assert_eq!(rungs.len(), results["rungs"].as_object().unwrap().len());
    for rung in rungs {
        let name = rung["name"].as_str().unwrap();
        assert_eq!(rung["status"], results["rungs"][name]["status"], "{name}");
    }
}

#[test]
fn one_thing_is_told_with_what_its_lines_say() {
    let (state, id) = state();
    let converge = stdout(&cc_ci(state.path(), &["explain", &id, "converge"]), 0);
    assert!(converge.contains("✓ converge: "), "{converge}");
    assert!(converge.contains("last look: app 1 running"), "{converge}");
    assert!(!converge.contains("front_page"), "{converge}");
    // The line that is named is the line that is meant.
    let log = std::fs::read_to_string(recorded().join("events.jsonl")).unwrap();
    let converged = log.lines().position(|line| line.contains("\"evidence\":\"settled\"")).unwrap();
    let place = format!("line {}, ", converged + 1);
    assert!(converge.contains(&place), "no `{place}` in {converge}");
    let words = stdout(&cc_ci(state.path(), &["explain", &id, "closing", "look", "taken"]), 0);
    assert!(words.contains("closing look taken"), "{words}");
}

#[test]
fn what_is_not_there_is_a_usage_error_that_lists_what_is() {
    let (state, id) = state();
    let output = cc_ci(state.path(), &["explain", &id, "nonsense", "--output", "json"]);
    assert_eq!(stdout(&output, 2), "");
    let said = text(&output.stderr);
    assert!(said.contains("nothing of this run is called `nonsense`"), "{said}");
    assert!(said.contains("hint: there is: verdict, install, images, deploy"), "{said}");
    let output = cc_ci(state.path(), &["explain", "20990101T000000-x-000000"]);
    assert_eq!(stdout(&output, 2), "");
    assert!(text(&output.stderr).contains("hint: give the id of a run"), "{output:?}");
}
