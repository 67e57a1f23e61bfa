//! What goes to standard output, and that nothing else does (VER-8).

use serde_json::Value;

use crate::recorded::{cc_ci, state, stdout, text};

#[test]
fn json_is_one_document_and_nothing_else() {
    let (state, id) = state();
    for command in ["judge", "explain"] {
        let output = cc_ci(state.path(), &[command, &id, "--output", "json"]);
        let printed = stdout(&output, 0);
        let document: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(document["schema_version"], 1, "{command}");
        assert!(printed.ends_with("}\n"), "{command}");
        assert_eq!(text(&output.stderr), "", "{command}");
    }
}

#[test]
fn text_for_people_is_no_json_and_without_colour_where_nobody_looks() {
    let (state, id) = state();
    for (command, output) in
        [("judge", "auto"), ("judge", "human"), ("explain", "auto"), ("explain", "human")]
    {
        let printed = stdout(&cc_ci(state.path(), &[command, &id, "--output", output]), 0);
        assert!(printed.starts_with("PASS  custom-html-tiny"), "{printed}");
        assert!(!printed.contains('\u{1b}'), "{printed}");
    }
}

#[test]
fn every_command_takes_the_same_outputs() {
    let (state, _) = state();
    for command in ["run", "plan", "judge", "explain", "cleanup"] {
        let help = stdout(&cc_ci(state.path(), &[command, "--help"]), 0);
        assert!(help.contains("--output <OUTPUT>"), "{command}: {help}");
        let refused = cc_ci(state.path(), &[command, "x", "--output", "yaml"]);
        assert_eq!(stdout(&refused, 2), "", "{command}");
    }
}

/// Refusals go to standard error, whatever standard output was to hold.
#[test]
fn a_command_that_can_not_do_its_job_prints_no_document() {
    let (state, _) = state();
    for command in ["judge", "explain", "cleanup"] {
        let output = cc_ci(state.path(), &[command, "nowhere", "--output", "json"]);
        assert_eq!(stdout(&output, 2), "", "{command}");
        assert!(text(&output.stderr).starts_with("error: "), "{command}");
    }
}
