//! A trace and the results of the same run have to say the same (RES-8).

use cc_ci_core::explain::explain;
use cc_ci_core::results::results;
use cc_ci_core::state::RunState;
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::explain::{Decision, DecisionKind, Trace};
use cc_ci_model::outcome::Status;
use cc_ci_model::results::Results;
use cc_ci_model::stage::Rung;

/// Explains a log and compares every outcome with the results of the same log.
///
/// # Panics
/// When they differ, or when a decision stands on a line that can not show it.
#[track_caller]
pub fn check_trace(events: &[Event]) -> Trace {
    let state = RunState::of(events);
    let plan = state.plan.clone().expect("a log begins with a plan");
    let (results, trace) = (results(&plan, &state), explain(&plan, &state, events));
    assert_eq!((trace.verdict, trace.level), (results.verdict, results.level));
    assert_eq!(trace.is_final, results.is_final);
    let rungs: Vec<_> =
        of_kind(&trace, DecisionKind::Rung).map(|one| (one.name.clone(), one.status)).collect();
    let expected = Rung::ALL.map(|rung| (rung.to_string(), Some(results.rungs[&rung].status)));
    assert_eq!(rungs, expected);
    assert_eq!(stages_of(&trace), stages_in(&results));
    let due = |rung: &Decision| {
        let own = rung.parts.iter().filter(|part| part.kind == DecisionKind::Obligation);
        own.map(|part| (part.name.clone(), part.status == Some(Status::Passed))).collect::<Vec<_>>()
    };
    let due: Vec<_> = of_kind(&trace, DecisionKind::Rung).flat_map(due).collect();
    let expected = results.obligations.iter().map(|due| (due.name.clone(), due.met));
    assert_eq!(due, expected.collect::<Vec<_>>());
    let conditions: Vec<_> =
        trace.decisions[0].parts.iter().map(|one| one.because.clone()).collect();
    let expected = results.conditions.iter();
    let expected = expected.map(|one| format!("{} (exit code {})", one.message, one.code));
    assert_eq!(conditions, expected.collect::<Vec<_>>());
    for decision in &trace.decisions {
        check_lines(decision, events);
    }
    trace
}

fn of_kind(trace: &Trace, kind: DecisionKind) -> impl Iterator<Item = &Decision> {
    trace.decisions.iter().filter(move |decision| decision.kind == kind)
}

/// A stage in words: name, app, status, and its checks.
type Told = (String, String, Status, Vec<(String, Status)>);

fn stages_of(trace: &Trace) -> Vec<Told> {
    let all = trace.decisions.iter().chain(trace.decisions.iter().flat_map(|one| &one.parts));
    let told = |stage: &Decision| {
        let app = stage.app.as_ref().map(ToString::to_string).unwrap_or_default();
        let status = stage.status.expect("a stage has a status");
        let checks = stage.parts.iter().filter(|one| one.kind == DecisionKind::Check);
        let checks = checks.map(|one| (one.name.clone(), one.status.expect("so has a check")));
        (stage.name.clone(), app, status, checks.collect())
    };
    let mut all: Vec<Told> = all.filter(|one| one.kind == DecisionKind::Stage).map(told).collect();
    all.sort();
    all
}

fn stages_in(results: &Results) -> Vec<Told> {
    let told = results.stages.iter().map(|stage| {
        let app = stage.app.as_ref().map(ToString::to_string).unwrap_or_default();
        let checks = stage.checks.iter().map(|one| (one.name.clone(), one.status));
        (stage.name.clone(), app, stage.status, checks.collect())
    });
    let mut all: Vec<Told> = told.collect();
    all.sort();
    all
}

/// A check stands on the end of its act; everything that was attempted stands on something.
#[track_caller]
fn check_lines(decision: &Decision, events: &[Event]) {
    for line in &decision.evidence {
        let event = usize::try_from(line.line).ok().and_then(|line| events.get(line - 1));
        let event = event.unwrap_or_else(|| panic!("there is no line {}: {decision:?}", line.line));
        assert_eq!(line.at, event.at);
        assert!(!line.says.is_empty());
        let is_end =
            matches!(event.kind, EventKind::ActEnded { .. } | EventKind::ActErrored { .. });
        assert!(decision.kind != DecisionKind::Check || is_end, "{decision:?}");
    }
    assert!(!decision.because.is_empty() || decision.kind == DecisionKind::Check, "{decision:?}");
    let is_attempted =
        matches!(decision.status, Some(Status::Passed | Status::Failed | Status::Errored));
    assert!(!is_attempted || !decision.evidence.is_empty(), "stands on nothing: {decision:?}");
    for part in &decision.parts {
        check_lines(part, events);
    }
}
