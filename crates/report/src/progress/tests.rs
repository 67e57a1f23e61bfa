//! A run's log as lines, and the live line beside it.

use super::*;
use cc_ci_core::assess::Check;
use cc_ci_core::state::ActRun;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::plan::{Finding, Revision};
use cc_ci_model::stage::Stage;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_795_498_200_000 + ms)
}

fn event(ms: i64, kind: EventKind) -> Event {
    Event { seq: 1, at: at(ms), lane: Lane::Main, kind }
}

/// An install of app `fresh` that began at 0.
fn installing() -> RunState {
    let mut state = RunState::default();
    let app = Some("fresh".parse().unwrap());
    state.stages.push(StageRun {
        lane: Lane::Main,
        stage: Stage::Install,
        app,
        began_at: at(0),
        ended_at: None,
        acts: Vec::new(),
    });
    state
}

fn begin(state: &mut RunState, ms: i64, act: Act, limit_ms: i64) -> Option<String> {
    let deadline = at(ms + limit_ms);
    state.stages.last_mut().unwrap().acts.push(ActRun {
        act,
        deadline,
        began_at: at(ms),
        ended_at: None,
        evidence: None,
        checks: Vec::new(),
        warnings: Vec::new(),
    });
    line(&event(ms, EventKind::ActBegan { act, deadline }), state)
}

fn end(state: &mut RunState, ms: i64, outcome: Outcome) {
    let act = state.stages.last_mut().unwrap().acts.last_mut().unwrap();
    act.ended_at = Some(at(ms));
    act.checks.push(Check::with(act.act.as_str(), outcome));
}

fn end_stage(state: &mut RunState, ms: i64) -> Option<String> {
    state.stages.last_mut().unwrap().ended_at = Some(at(ms));
    line(&event(ms, EventKind::StageEnded), state)
}

#[test]
fn acts_are_announced_with_their_deadline() {
    let mut state = installing();
    let deploy = begin(&mut state, 0, Act::Deploy { revision: Revision::Head }, 600_000);
    assert_eq!(
        deploy.unwrap(),
        "install    fresh     submitting the head to the Swarm (deadline 10 min)"
    );
    end(&mut state, 2_000, Outcome::Passed);
    let converge = begin(&mut state, 2_000, Act::Converge, 598_000);
    assert_eq!(
        converge.unwrap(),
        "install    fresh     waiting until the stack has converged (deadline 9 min 58 s)"
    );
}

#[test]
fn the_live_line_says_what_it_waits_for_and_how_long() {
    let mut state = installing();
    assert_eq!(now(&state, Lane::Main), None);
    begin(&mut state, 2_000, Act::Converge, 598_000);
    let settling = now(&state, Lane::Main).unwrap();
    assert_eq!(settling.text(at(2_999), ""), "  install fresh: settling, 0 s of 9 min 58 s");
    assert_eq!(
        settling.text(
            at(14_900),
            "service app: 0 of 1 tasks run;\u{1b}[2J task 3rv6fx3a9b2ev5yu7fqvuvjds\nin slot 1"
        ),
        "  install fresh: settling, 12 s of 9 min 58 s: service app: 0 of 1 tasks run; task in slot 1"
    );
    end(&mut state, 15_000, Outcome::Passed);
    assert_eq!(now(&state, Lane::Main), None);
}

#[test]
fn every_act_leaves_room_for_what_is_missing() {
    let (base, head) = (Revision::Base, Revision::Head);
    for act in [
        Act::EnsureImages { revision: base },
        Act::Deploy { revision: head },
        Act::Converge,
        Act::Answer,
        Act::Inspect,
        Act::Plant,
        Act::Seek,
        Act::Mark,
        Act::Backup,
        Act::ReadSnapshot,
        Act::Verify,
        Act::Undeploy,
        Act::Disturb,
        Act::Restore,
        Act::Restart,
        Act::Recall,
        Act::Test,
        Act::Observe,
        Act::Dismantle,
    ] {
        let mut state = installing();
        begin(&mut state, 0, act, 598_000);
        let text = now(&state, Lane::Main).unwrap().text(at(61_000), "");
        assert!(text.len() <= 63, "{text}");
    }
}

#[test]
fn on_a_terminal_an_ended_stage_is_one_row() {
    let mut state = installing();
    begin(&mut state, 0, Act::Converge, 1_000);
    let began = EventKind::ActBegan { act: Act::Converge, deadline: at(1_000) };
    let screen = Screen { columns: 60, color: false };
    assert_eq!(lasting(&event(0, began), &state, screen), None);
    end(&mut state, 1_000, Outcome::failed("time ran out; last seen: service app: 0 of 1"));
    end_stage(&mut state, 62_000);
    let ended = event(62_000, EventKind::StageEnded);
    let row = "✗ install    fresh     failed after 1 min 2 s: time ran ou…";
    assert_eq!(lasting(&ended, &state, screen).unwrap(), row);
    let coloured = lasting(&ended, &state, Screen { color: true, ..screen }).unwrap();
    assert_eq!(coloured, format!("\u{1b}[31m✗\u{1b}[0m{}", row.trim_start_matches('✗')));
    assert_eq!(words::harmless(&coloured), row);
}

#[test]
fn stages_that_nobody_asked_for_are_announced() {
    let mut state = installing();
    state.plan = Some(cc_ci_testkit::minimal_plan());
    let began = |stage| event(0, EventKind::StageBegan { stage, app: None });
    assert_eq!(line(&began(Stage::Install), &state), None);
    state.stages[0].stage = Stage::Teardown;
    assert_eq!(line(&began(Stage::Teardown), &state), None);
    state.stages[0].stage = Stage::Reinstall;
    let expected = "reinstall  fresh     added to the run: the upgrade left no head standing, and later stages need one";
    assert_eq!(line(&began(Stage::Reinstall), &state).unwrap(), expected);
    let screen = Screen { columns: 80, color: true };
    assert_eq!(lasting(&began(Stage::Reinstall), &state, screen).unwrap(), expected);
    assert_eq!(needed(&[]), None);
    assert_eq!(
        needed(&[Stage::Install]).unwrap(),
        "stage install runs too: what was asked for needs it"
    );
    assert_eq!(
        needed(&[Stage::Install, Stage::Backup]).unwrap(),
        "stages install, backup run too: what was asked for needs them"
    );
}

#[test]
fn a_stage_ends_with_its_outcome_and_reason() {
    let mut state = installing();
    begin(&mut state, 0, Act::Converge, 1_000);
    end(&mut state, 1_000, Outcome::failed("time ran out;\u{1b}[31m last seen: 0 of 1"));
    assert_eq!(
        end_stage(&mut state, 62_000).unwrap(),
        "install    fresh     failed after 1 min 2 s: time ran out; last seen: 0 of 1"
    );
    let mut state = installing();
    begin(&mut state, 0, Act::Observe, 1_000);
    end(&mut state, 1_000, Outcome::Passed);
    assert_eq!(end_stage(&mut state, 41_200).unwrap(), "install    fresh     passed after 41.2 s");
}

#[test]
fn what_nobody_waits_for_is_not_told() {
    let state = installing();
    let began = EventKind::StageBegan { stage: Stage::Install, app: None };
    let clean = EventKind::InventoryTaken { left: Vec::new(), complete: true };
    for kind in [began, clean, EventKind::Sealed { sha256: String::new() }] {
        assert_eq!(line(&event(0, kind), &state), None);
    }
}

#[test]
fn stops_leftovers_and_notes_are_told() {
    let state = installing();
    let told = |kind, state: &RunState| line(&event(0, kind), state).unwrap();
    assert!(
        told(EventKind::CancelRequested { signals: 1 }, &state)
            .starts_with("stopping: what the run created")
    );
    assert_eq!(told(EventKind::CancelRequested { signals: 2 }, &state), "stopping: asked 2 times");
    let volume = Object {
        kind: ObjectKind::Volume,
        id: "x".into(),
        name: "x_data".into(),
        stack: None,
        run: None,
    };
    let left = EventKind::InventoryTaken { left: vec![volume], complete: true };
    assert_eq!(told(left, &state), "still there: volume x_data");
    let unknown = EventKind::InventoryTaken { left: Vec::new(), complete: false };
    assert_eq!(told(unknown, &state), "what is left could not be asked");
    let finding = Finding::new("update_paused", "service app: left paused", None);
    assert_eq!(
        told(EventKind::Noted { finding: finding.clone() }, &state),
        "note: service app: left paused"
    );
}

#[test]
fn warnings_of_an_act_are_told_when_it_ends() {
    let mut state = installing();
    begin(&mut state, 0, Act::Converge, 1_000);
    end(&mut state, 1_000, Outcome::Passed);
    assert_eq!(noticed(&state, Lane::Main), None);
    let finding = Finding::new("update_paused", "service app: left paused", None);
    state.stages[0].acts[0].warnings.push(finding);
    assert_eq!(
        noticed(&state, Lane::Main).unwrap(),
        "install    fresh     warning: service app: left paused"
    );
}

#[test]
fn a_run_begins_with_what_it_is_going_to_do() {
    let plan = cc_ci_testkit::minimal_plan();
    assert_eq!(
        planned(&plan),
        "run 20261124T053000-recipe-0a1b2c: recipe 1.1.0+1.1, head aaaaaaaa (HEAD), stages: install"
    );
}

/// VER-7: the line a stage ends with says how often it was tried.
#[test]
fn a_stage_that_passed_at_another_attempt_says_so() {
    let twice = |first: Outcome| {
        let mut state = installing();
        state.stages[0].stage = Stage::Backup;
        for (nth, outcome) in [first, Outcome::Passed].into_iter().enumerate() {
            let ms = i64::try_from(nth).unwrap() * 1_000;
            begin(&mut state, ms, Act::Converge, 9_000);
            end(&mut state, ms, Outcome::Passed);
            begin(&mut state, ms, Act::Backup, 9_000);
            end(&mut state, ms, outcome);
        }
        end_stage(&mut state, 3_000).unwrap()
    };
    let line = twice(Outcome::failed("cut off"));
    assert_eq!(line, "backup     fresh     passed after 3 s (2 attempts: flaky)");
    let line = twice(Outcome::errored("the engine was away"));
    assert_eq!(line, "backup     fresh     passed after 3 s (2 attempts)");
}
