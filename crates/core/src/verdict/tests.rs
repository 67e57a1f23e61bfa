//! The truth table from rungs to verdict, level and exit code (VER-1 to VER-3, VER-8), and that
//! evidence taken away never makes a result better (VER-6).

use std::collections::BTreeMap;

use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::evidence::Act;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::integrity::{BackupChecks, RestoreMode, VerifyCommand};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::outcome::{Outcome, Status, Verdict};
use cc_ci_model::plan::{Doing, Plan, PlannedStage};
use cc_ci_model::stage::{Rung, Stage};
use cc_ci_testkit::{minimal_plan, numbered};
use proptest::prelude::*;

use super::{Judgement, verdict};
use crate::state::RunState;
use crate::state::tests::{Turn, good, planned, upgrading, walk, whole};

fn outcome(status: Status) -> Outcome {
    match status {
        Status::Passed => Outcome::Passed,
        Status::Failed => Outcome::failed("f"),
        Status::Errored => Outcome::errored("e"),
        Status::Unverified => Outcome::unverified("u"),
        Status::Blocked => Outcome::Blocked { by: "install".into() },
        Status::Skipped | Status::NotApplicable => {
            Outcome::Skipped { reason: "s".into(), intended: false }
        }
    }
}

const STAGES: [Stage; 5] =
    [Stage::Install, Stage::Upgrade, Stage::Backup, Stage::Restore, Stage::Functional];

/// A plan whose stages have already come to those outcomes.
fn decided(statuses: [Status; 5]) -> Plan {
    let mut plan = minimal_plan();
    let doing = |status| Doing::Not { outcome: outcome(status) };
    plan.stages = STAGES
        .into_iter()
        .zip(statuses)
        .map(|(stage, status)| PlannedStage { stage, doing: doing(status) })
        .collect();
    plan
}

/// The state of a run that did nothing, came to its end, and left nothing.
fn quiet(plan: &Plan, more: Vec<EventKind>) -> RunState {
    let mut kinds = vec![planned(plan)];
    kinds.extend(more);
    if !kinds.iter().any(|kind| matches!(kind, EventKind::InventoryTaken { .. })) {
        kinds.push(EventKind::InventoryTaken { left: Vec::new(), complete: true });
    }
    kinds.push(EventKind::Sealed { sha256: "0".repeat(64) });
    RunState::of(&numbered(kinds))
}

#[track_caller]
fn check(statuses: [Status; 5], expected: (Verdict, u8, Option<Rung>, ExitKind)) {
    let plan = decided(statuses);
    let told = verdict(&plan, &quiet(&plan, Vec::new()));
    let got = (told.verdict, told.level, told.level_cap_rung, told.exit());
    assert_eq!(got, expected, "{statuses:?}: {:?}", told.conditions);
}

/// Outcomes of install, upgrade, backup, restore and functional (passed, skipped, blocked,
/// unverified, errored, failed) → verdict, level, the rung that caps it, exit code.
const TABLE: [(&str, &str, u8, &str, u8); 17] = [
    ("ppppp", "pass", 4, "", 0),
    ("pppps", "pass", 3, "functional", 0),
    // Seed: custom-html-tiny has nothing to back up and is a green L2.
    ("ppssp", "pass", 2, "backup_restore", 0),
    ("psppp", "pass", 1, "upgrade", 0),
    ("pssss", "pass", 1, "upgrade", 0),
    // `pass` needs every essential rung passed or skipped, none of them install.
    ("sssss", "unverified", 0, "install", 3),
    ("spppp", "unverified", 0, "install", 3),
    ("fpppp", "fail", 0, "install", 1),
    ("fbbbb", "fail", 0, "install", 1),
    ("ebbbb", "error", 0, "install", 4),
    ("puppp", "unverified", 1, "upgrade", 3),
    ("pppbp", "unverified", 2, "backup_restore", 3),
    // Half of a rung: failed > errored > unverified > blocked > skipped > passed.
    ("pppfp", "fail", 2, "backup_restore", 1),
    ("ppfbp", "fail", 2, "backup_restore", 1),
    ("ppppf", "fail", 3, "functional", 1),
    // Of the whole run: fail > error > unverified.
    ("efuss", "fail", 0, "install", 1),
    ("euuss", "error", 0, "install", 4),
];

#[test]
fn rungs_make_verdict_level_cap_and_exit() {
    for (letters, verdict, level, cap, code) in TABLE {
        let mut statuses = letters.chars().map(|letter| match letter {
            'p' => Status::Passed,
            's' => Status::Skipped,
            'b' => Status::Blocked,
            'u' => Status::Unverified,
            'e' => Status::Errored,
            _ => Status::Failed,
        });
        let plan = decided([(); 5].map(|()| statuses.next().expect("five letters")));
        let told = super::verdict(&plan, &quiet(&plan, Vec::new()));
        let told_cap = told.level_cap_rung.map_or("", Rung::as_str);
        let got = (letters, told.verdict.as_str(), told.level, told_cap, told.exit().code());
        assert_eq!(got, (letters, verdict, level, cap, code), "{:?}", told.conditions);
    }
}

/// The order of VER-1, in numbers of this test's own.
fn badness(status: Status) -> u8 {
    match status {
        Status::Failed => 5,
        Status::Errored => 4,
        Status::Unverified => 3,
        Status::Blocked => 2,
        Status::Skipped | Status::NotApplicable => 1,
        Status::Passed => 0,
    }
}

/// Every combination there is, against a second way of saying the rules.
#[test]
fn every_combination_of_stage_outcomes() {
    use Status::{Blocked, Errored, Failed, Passed, Skipped, Unverified};
    let all = [Passed, Skipped, Blocked, Unverified, Errored, Failed];
    for number in 0..all.len().pow(5) {
        let statuses = [0, 1, 2, 3, 4].map(|place| all[number / all.len().pow(place) % all.len()]);
        let [install, upgrade, backup, restore, functional] = statuses;
        let pair = match badness(backup).max(badness(restore)) {
            // A skipped part counts only if none passed.
            1 if backup == Passed || restore == Passed => Passed,
            worst if badness(backup) == worst => backup,
            _ => restore,
        };
        let rungs = [install, upgrade, pair, functional];
        let level = rungs.iter().take_while(|status| **status == Passed).count();
        let any = |wanted: Status| rungs.contains(&wanted);
        let expected = if any(Failed) {
            (Verdict::Fail, ExitKind::Fail)
        } else if any(Errored) {
            (Verdict::Error, ExitKind::Error)
        } else if any(Unverified) || any(Blocked) || install == Skipped {
            (Verdict::Unverified, ExitKind::Unverified)
        } else {
            (Verdict::Pass, ExitKind::Pass)
        };
        let cap = Rung::ESSENTIAL.get(level).copied();
        let level = u8::try_from(level).unwrap();
        check(statuses, (expected.0, level, cap, expected.1));
    }
}

fn passing() -> Plan {
    decided([Status::Passed; 5])
}

fn left() -> Vec<Object> {
    let (id, name) = ("id".to_owned(), "x_default".to_owned());
    vec![Object { kind: ObjectKind::Network, id, name, stack: None, run: None }]
}

#[track_caller]
fn check_more(plan: &Plan, more: Vec<EventKind>, expected: (Verdict, ExitKind)) -> Judgement {
    let told = verdict(plan, &quiet(plan, more));
    assert_eq!((told.verdict, told.exit()), expected, "{:?}", told.conditions);
    told
}

#[test]
fn leftovers_make_a_pass_exit_8_and_nothing_else_better() {
    let taken = |left, complete| vec![EventKind::InventoryTaken { left, complete }];
    let incomplete = (Verdict::Pass, ExitKind::CleanupIncomplete);
    check_more(&passing(), taken(left(), true), incomplete);
    check_more(&passing(), taken(Vec::new(), false), incomplete);
    let told = check_more(&passing(), taken(left(), true), incomplete);
    assert!(told.conditions[0].message.contains("x_default"));
    let red =
        decided([Status::Failed, Status::Passed, Status::Passed, Status::Passed, Status::Passed]);
    check_more(&red, taken(left(), true), (Verdict::Fail, ExitKind::Fail));
    // `--keep` excuses the standing app, not what another one left (engine scenario `green`).
    let mut kept = passing();
    kept.keep = true;
    check_more(&kept, taken(left(), true), incomplete);
    check_more(&kept, taken(Vec::new(), false), incomplete);
}

#[test]
fn a_cancelled_run_is_cancelled_whatever_it_saw() {
    let signal = || vec![EventKind::CancelRequested { signals: 1 }];
    check_more(&passing(), signal(), (Verdict::Cancelled, ExitKind::Cancelled));
    let red = decided([Status::Failed; 5]);
    check_more(&red, signal(), (Verdict::Cancelled, ExitKind::Cancelled));
}

#[test]
fn a_pass_below_the_required_level_is_unverified() {
    let require = |statuses, level| {
        let mut plan = decided(statuses);
        plan.require_level = Some(level);
        plan
    };
    let two = [Status::Passed, Status::Passed, Status::Skipped, Status::Skipped, Status::Passed];
    check_more(&require(two, 2), Vec::new(), (Verdict::Pass, ExitKind::Pass));
    check_more(&require(two, 3), Vec::new(), (Verdict::Unverified, ExitKind::Unverified));
    check_more(&require([Status::Failed; 5], 3), Vec::new(), (Verdict::Fail, ExitKind::Fail));
}

/// VER-4.
#[test]
fn a_declared_skip_is_intended_and_caps_the_level_all_the_same() {
    let mut plan =
        decided([Status::Passed, Status::Passed, Status::Skipped, Status::Skipped, Status::Passed]);
    plan.expected_na.insert(Rung::BackupRestore, "it keeps no data".into());
    let told = check_more(&plan, Vec::new(), (Verdict::Pass, ExitKind::Pass));
    let expected = Outcome::Skipped { reason: "it keeps no data".into(), intended: true };
    assert_eq!(told.rungs[&Rung::BackupRestore], expected);
    assert_eq!(told.level, 2);
    // Declaring it does not make a failure go away.
    let mut plan =
        decided([Status::Failed, Status::Passed, Status::Passed, Status::Passed, Status::Passed]);
    plan.expected_na.insert(Rung::Install, "no".into());
    check_more(&plan, Vec::new(), (Verdict::Fail, ExitKind::Fail));
}

#[test]
fn a_damaged_log_is_an_error() {
    let plan = passing();
    let damaged = vec![EventKind::StageEnded];
    check_more(&plan, damaged, (Verdict::Error, ExitKind::Error));
}

/// VER-5: a stage that passed while something it had to show is missing.
#[test]
fn an_unmet_obligation_makes_a_passed_rung_unverified() {
    let green = walk(&minimal_plan(), good);
    let told = verdict(&green.plan, &green.state);
    assert_eq!(told.verdict, Verdict::Pass, "{:?}", told.conditions);
    assert!(told.obligations.iter().all(|due| due.met), "{:?}", told.obligations);
    for act in [Act::Converge, Act::Answer, Act::Inspect, Act::Observe] {
        let rest = without_act(&green.events, act);
        let told = judge(&rest);
        assert_eq!(told.rungs[&Rung::Install].status(), Status::Unverified, "without {act:?}");
        assert_eq!((told.verdict, told.level), (Verdict::Unverified, 0), "without {act:?}");
    }
}

/// The log without an act, numbered anew.
fn without_act(events: &[Event], act: Act) -> Vec<Event> {
    let mut inside = false;
    let rest = events.iter().map(|event| &event.kind).filter(|kind| {
        if let EventKind::ActBegan { act: begun, .. } = kind {
            inside = *begun == act;
        }
        let is_end = matches!(kind, EventKind::ActEnded { .. } | EventKind::ActErrored { .. });
        let is_out = inside;
        inside &= !is_end;
        !is_out
    });
    numbered(rest.cloned())
}

/// Events as they would have been written without those that are missing, each in its lane.
fn renumbered<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Event> {
    let (kinds, lanes): (Vec<_>, Vec<_>) =
        events.map(|event| (event.kind.clone(), event.lane)).unzip();
    let numbered = numbered(kinds).into_iter().zip(lanes);
    numbered.map(|(event, lane)| Event { lane, ..event }).collect()
}

/// As `cc-ci judge` does: from the log alone.
fn judge(events: &[Event]) -> Judgement {
    let state = RunState::of(events);
    let plan = state.plan.clone().unwrap_or_else(|| decided([Status::Errored; 5]));
    verdict(&plan, &state)
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        40 => Just(Turn::Good), 2 => Just(Turn::Bad), 1 => Just(Turn::Broken), 1 => Just(Turn::Signal)
    ]
}

/// A run that went somehow; most go well for a while.
#[derive(Debug, Clone)]
struct AnyRun {
    kind: u8,
    turns: Vec<Turn>,
}

impl AnyRun {
    fn log(&self) -> Vec<Event> {
        let plan = match self.kind {
            0 => minimal_plan(),
            1 => upgrading().build(),
            2 => whole().build(),
            3 => whole().with(|plan| plan.beside = true).build(),
            _ => demanding(),
        };
        walk(&plan, |nth, _| self.turns.get(nth).copied().unwrap_or(Turn::Good)).events
    }
}

fn any_run() -> impl Strategy<Value = AnyRun> {
    (0_u8..5, prop::collection::vec(any_turn(), 60))
        .prop_map(|(kind, turns)| AnyRun { kind, turns })
}

/// The same with what a pack can ask for besides, restored after a disaster.
fn demanding() -> Plan {
    let mut plan = whole().build();
    let command = vec!["true".to_owned()];
    let verify = VerifyCommand { service: "app".parse().unwrap(), command };
    let expect = vec!["data/dump".parse().unwrap()];
    plan.backup_checks = BackupChecks { verify: Some(verify), expect };
    plan.restore_mode = RestoreMode::Disaster;
    plan
}

/// Each act in turn goes wrong, in a run through everything; a backup goes wrong as often as it is
/// tried, or once.
fn red_runs(plan: &Plan) -> Vec<Vec<Event>> {
    let acts = walk(plan, good).state.stages.iter().map(|run| run.acts.len()).sum();
    let once = |wrong: usize| {
        walk(plan, |nth, _| if nth == wrong { Turn::Bad } else { Turn::Good }).events
    };
    let each =
        |wrong: Act| walk(plan, |_, act| if act == wrong { Turn::Bad } else { Turn::Good }).events;
    let attempted = [Act::Backup, Act::ReadSnapshot].into_iter().map(each);
    (0..acts).map(once).chain(attempted).collect()
}

/// What is told after something was taken away is no better than before.
fn no_better(before: &Judgement, after: &Judgement) -> Result<(), TestCaseError> {
    prop_assert!(after.level <= before.level, "level {} became {}", before.level, after.level);
    prop_assert!(
        before.verdict == Verdict::Pass || after.verdict != Verdict::Pass,
        "{} became pass",
        before.verdict
    );
    for rung in Rung::ESSENTIAL {
        let (was, is) = (&before.rungs[&rung], &after.rungs[&rung]);
        prop_assert!(was.is_passed() || !is.is_passed(), "{rung}: {was:?} became passed");
    }
    if after.exit() == ExitKind::Pass {
        prop_assert_eq!(before.exit(), ExitKind::Pass);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    /// VER-6: any one event, with and without the gap it leaves.
    #[test]
    fn one_event_less_is_never_better(run in any_run()) {
        let events = run.log();
        let whole = judge(&events);
        for place in 0..events.len() {
            let mut rest = events.clone();
            rest.remove(place);
            no_better(&whole, &judge(&rest))?;
            let renumbered = numbered(rest.into_iter().map(|event| event.kind));
            no_better(&whole, &judge(&renumbered))?;
        }
    }

    /// VER-6: a log cut after any event has no seal, and judges as error.
    #[test]
    fn a_cut_log_is_an_error(run in any_run()) {
        let events = run.log();
        for cut in 1..events.len() {
            let told = judge(&events[..cut]);
            prop_assert_eq!((told.verdict, told.exit()), (Verdict::Error, ExitKind::Error), "cut after {}", cut);
        }
    }
}

/// VER-6, for every act of a run that can go wrong: no single event, and no whole act, makes the
/// result better by being taken away.
#[test]
fn no_red_run_gets_better_by_leaving_something_out() {
    let plans = [whole().build(), demanding()];
    for plan in &plans {
        let green = judge(&walk(plan, good).events);
        assert_eq!((green.verdict, green.level), (Verdict::Pass, 4), "{:?}", green.conditions);
    }
    for events in plans.iter().flat_map(red_runs) {
        let told = judge(&events);
        for place in 1..events.len() {
            let rest = |width: usize| {
                let rest = events[..place].iter().chain(events.iter().skip(place + width));
                renumbered(rest)
            };
            for width in 1..=2 {
                no_better(&told, &judge(&rest(width))).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any selection of what happened inside the stages, and of whole stages. (The beginning and
    /// the end of a stage alone would give what is left of it to another one: that is not
    /// leaving something out.)
    #[test]
    fn less_is_never_better(
        run in any_run(),
        keep in prop::collection::vec(prop::bool::weighted(0.95), 200),
        keep_stages in prop::collection::vec(prop::bool::weighted(0.9), 12),
    ) {
        let events = run.log();
        let whole = judge(&events);
        let mut stages = 0;
        let mut stage_in = BTreeMap::new();
        let kept = events.iter().enumerate().filter(|(place, event)| {
            let kind = &event.kind;
            if matches!(kind, EventKind::StageBegan { .. }) {
                stages += 1;
                stage_in.insert(event.lane, stages);
            }
            let is_edge = matches!(kind, EventKind::StageBegan { .. } | EventKind::StageEnded);
            let stage = stage_in.get(&event.lane).copied().unwrap_or(0);
            let in_kept_stage = keep_stages.get(stage) != Some(&false);
            *place == 0 || in_kept_stage && (is_edge || keep.get(*place) != Some(&false))
        });
        let rest = renumbered(kept.map(|(_, event)| event));
        no_better(&whole, &judge(&rest))?;
        cc_ci_testkit::check_trace(&rest);
    }
}
