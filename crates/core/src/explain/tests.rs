//! Traces of a few walks. That a trace agrees with the results is tested on every scenario too
//! (`cc_ci_testkit::check_trace`).

use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::explain::{Decision, DecisionKind, Trace};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::stage::Stage;
use cc_ci_testkit::{check_trace, minimal_plan, numbered};

use super::{names, narrowed};
use crate::state::tests::{Turn, Walk, good, upgrading, walk, whole};

fn all(decisions: &[Decision]) -> Vec<&Decision> {
    decisions.iter().flat_map(|one| [vec![one], all(&one.parts)].concat()).collect()
}

#[track_caller]
fn find<'a>(trace: &'a Trace, kind: DecisionKind, name: &str) -> &'a Decision {
    let found = all(&trace.decisions).into_iter().find(|one| one.kind == kind && one.name == name);
    found.unwrap_or_else(|| panic!("no {kind:?} {name}"))
}

fn lines(decision: &Decision) -> Vec<u64> {
    decision.evidence.iter().map(|line| line.line).collect()
}

/// The number of the last line that is of that kind.
#[track_caller]
fn line_of(events: &[Event], is_wanted: impl Fn(&EventKind) -> bool) -> u64 {
    events.iter().rposition(|event| is_wanted(&event.kind)).unwrap() as u64 + 1
}

fn settled(kind: &EventKind) -> bool {
    matches!(kind, EventKind::ActEnded { evidence } if matches!(**evidence, Evidence::Settled(_)))
}

/// The walk in which the last act of that name goes like that.
fn last(plan: &cc_ci_model::plan::Plan, wanted: Act, turn: Turn) -> Walk {
    let mut seen = Vec::new();
    walk(plan, |nth, act| {
        seen.extend((act == wanted).then_some(nth));
        Turn::Good
    });
    let last = seen.last().copied();
    walk(plan, |nth, _| if Some(nth) == last { turn } else { Turn::Good })
}

#[test]
fn a_green_run_stands_on_the_lines_that_show_it() {
    let walked = walk(&minimal_plan(), good);
    let trace = check_trace(&walked.events);
    assert_eq!((trace.verdict, trace.level, trace.is_final), (Verdict::Pass, 1, true));
    let verdict = &trace.decisions[0];
    assert_eq!(verdict.because, "nothing speaks against it");
    assert_eq!(lines(verdict), [walked.events.len() as u64]);
    let install = find(&trace, DecisionKind::Rung, "install");
    assert_eq!(
        install.because,
        "stage install passed, and 7 things that had to be shown were shown"
    );
    let converge = find(&trace, DecisionKind::Check, "converge");
    assert_eq!(lines(converge), [line_of(&walked.events, settled)]);
    assert!(converge.evidence[0].says.starts_with("last look: app 1 running"), "{converge:?}");
    let due = find(&trace, DecisionKind::Obligation, "stack settled on the head");
    assert_eq!((lines(due), due.status), (lines(converge), Some(Status::Passed)));
    // What the plan decided stands in its line.
    let upgrade = find(&trace, DecisionKind::Stage, "upgrade");
    assert_eq!((lines(upgrade), upgrade.status), (vec![1], Some(Status::Skipped)));
    assert_eq!(lines(find(&trace, DecisionKind::Choice, "base")), [1]);
}

#[test]
fn a_red_run_leads_from_the_verdict_to_one_line() {
    let walked = last(&upgrading().build(), Act::Converge, Turn::Bad);
    let trace = check_trace(&walked.events);
    assert_eq!(trace.verdict, Verdict::Fail);
    let line = [line_of(&walked.events, settled)];
    let condition = &trace.decisions[0].parts[0];
    assert_eq!((condition.name.as_str(), lines(condition)), ("upgrade", line.to_vec()));
    let rung = find(&trace, DecisionKind::Rung, "upgrade");
    assert_eq!((rung.because.as_str(), lines(rung)), ("stage upgrade failed", line.to_vec()));
    let stage = find(&trace, DecisionKind::Stage, "upgrade");
    assert_eq!((stage.because.as_str(), lines(stage)), ("check converge failed", line.to_vec()));
    // What did not happen stands where the stage ended without it.
    let due = find(&trace, DecisionKind::Obligation, "app answers on its domain");
    assert!(due.status.is_some());
    let rung_parts = &find(&trace, DecisionKind::Rung, "upgrade").parts;
    let missing = rung_parts.iter().find(|part| part.name == "app answers on its domain").unwrap();
    assert_eq!(missing.because, "it did not happen");
    assert!(missing.evidence[0].says == "the stage ends", "{missing:?}");
}

#[test]
fn a_rung_without_its_proof_names_the_missing_one() {
    // A log without the closing look: nothing failed, and nothing is proven.
    let walked = walk(&minimal_plan(), good);
    let is_look = |kind: &EventKind| {
        matches!(kind, EventKind::ActBegan { act: Act::Observe, .. })
            || matches!(kind, EventKind::ActEnded { evidence } if matches!(**evidence, Evidence::Observed(_)))
    };
    let kinds = walked.events.iter().map(|event| event.kind.clone());
    let trace = check_trace(&numbered(kinds.filter(|kind| !is_look(kind))));
    let rung = find(&trace, DecisionKind::Rung, "install");
    assert_eq!(rung.status, Some(Status::Unverified));
    assert_eq!(
        rung.because,
        "its stages passed, but not everything was shown: closing look taken: it did not happen"
    );
    assert_eq!(rung.evidence[0].says, "the stage ends");
    // The condition is about the rung: its stage passed.
    assert_eq!(lines(&trace.decisions[0].parts[0]), lines(rung));
}

#[test]
fn stages_that_did_not_run_say_what_stood_in_the_way() {
    let stopped = last(&whole().build(), Act::Seek, Turn::Signal);
    let trace = check_trace(&stopped.events);
    let backup = find(&trace, DecisionKind::Stage, "backup");
    assert_eq!(backup.because, "the run was cancelled");
    assert_eq!(backup.evidence[0].says, "1 signal asked the run to stop");
    let never =
        walk(&whole().build(), |_, act| if act == Act::Converge { Turn::Bad } else { Turn::Good });
    let trace = check_trace(&never.events);
    let functional = find(&trace, DecisionKind::Stage, "functional");
    assert_eq!(functional.status, Some(Status::Blocked));
    assert_eq!(functional.because, "stage reinstall stands in the way");
    let reinstall = find(&trace, DecisionKind::Stage, Stage::Reinstall.as_str());
    assert_eq!(lines(functional), lines(reinstall));
}

#[test]
fn a_trace_can_be_narrowed_to_every_name_in_it() {
    let trace = check_trace(&walk(&whole().build(), good).events);
    let known = names(&trace);
    for name in [
        "verdict",
        "install",
        "backup_restore",
        "teardown",
        "converge",
        "base",
        "app answers on its domain",
    ] {
        assert!(known.contains(&name.to_owned()), "{known:?}");
    }
    for name in &known {
        assert!(narrowed(&trace, name).is_some(), "{name}");
    }
    assert_eq!(narrowed(&trace, "nothing"), None);
    let upgrade = narrowed(&trace, "L2").unwrap();
    assert_eq!(upgrade.decisions, [find(&trace, DecisionKind::Rung, "upgrade").clone()]);
    assert_eq!(narrowed(&trace, "Upgrade"), Some(upgrade));
    assert_eq!(narrowed(&trace, "backup-restore"), narrowed(&trace, "backup restore"));
    // A check is shown below its stage and rung, and nothing else with it.
    let converge = narrowed(&trace, "converge").unwrap();
    let shown = all(&converge.decisions);
    assert!(shown.iter().all(|one| { one.kind != DecisionKind::Check || one.name == "converge" }));
    assert!(shown.iter().any(|one| one.kind == DecisionKind::Rung && one.name == "install"));
}

/// STG-4, VER-7: what an attempt saw that was made again is told, and that the stage passed later.
#[test]
fn an_attempt_that_was_made_again_is_in_the_trace() {
    let mut is_first = true;
    let walked = walk(&whole().build(), |_, act| {
        let is_bad = act == Act::ReadSnapshot && std::mem::take(&mut is_first);
        if is_bad { Turn::Bad } else { Turn::Good }
    });
    let trace = check_trace(&walked.events);
    assert_eq!((trace.verdict, trace.level), (Verdict::Pass, 4));
    assert!(trace.decisions[0].because.contains("only when it was tried again"));
    let backup = find(&trace, DecisionKind::Stage, "backup");
    assert!(backup.because.ends_with("passed at attempt 2: flaky"), "{}", backup.because);
    let attempt = find(&trace, DecisionKind::Attempt, "attempt 1");
    assert_eq!(attempt.status, Some(Status::Failed));
    assert!(attempt.because.ends_with("; the whole backup was taken again"), "{attempt:?}");
    assert!(attempt.parts.iter().any(|one| one.status == Some(Status::Failed)));
    let one = narrowed(&trace, "attempt 1").unwrap();
    assert!(all(&one.decisions).iter().any(|one| one.name == "nonce"));
}
