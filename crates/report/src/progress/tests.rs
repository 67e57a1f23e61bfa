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
    Event { seq: 1, at: at(ms), kind }
}

/// An install of app `fresh` that began at 0.
fn installing() -> RunState {
    let mut state = RunState::default();
    let app = Some("fresh".parse().unwrap());
    state.stages.push(StageRun {
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
fn the_live_line_says_how_long_it_has_been_waiting() {
    let mut state = installing();
    assert_eq!(live(&state, at(0)), None);
    begin(&mut state, 2_000, Act::Answer, 598_000);
    assert_eq!(
        live(&state, at(14_000)).unwrap(),
        "install    fresh     waiting until the app answers, 12 s of 9 min 58 s"
    );
    end(&mut state, 15_000, Outcome::Passed);
    assert_eq!(live(&state, at(16_000)), None);
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
    assert_eq!(noticed(&state), None);
    let finding = Finding::new("update_paused", "service app: left paused", None);
    state.stages[0].acts[0].warnings.push(finding);
    assert_eq!(noticed(&state).unwrap(), "install    fresh     warning: service app: left paused");
}

#[test]
fn a_run_begins_with_what_it_is_going_to_do() {
    let plan = cc_ci_testkit::minimal_plan();
    assert_eq!(
        planned(&plan),
        "run 20261124T053000-recipe-0a1b2c: recipe 1.1.0+1.1, head aaaaaaaa (HEAD), stages: install"
    );
}
