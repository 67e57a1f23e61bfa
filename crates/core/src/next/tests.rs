//! Whole walks: what is done, in which order, whatever is seen on the way.

use std::time::Duration;

use cc_ci_model::event::{EventKind, Lane};
use cc_ci_model::evidence::Act;
use cc_ci_model::integrity::{RestoreMode, VerifyCommand};
use cc_ci_model::outcome::{Outcome, Status, Verdict};
use cc_ci_model::plan::{Doing, Plan, Revision};
use cc_ci_model::stage::{Rung, Stage};
use cc_ci_testkit::{PlanBuilder, minimal_plan, service, stack};
use proptest::prelude::*;

use crate::state::tests::{Turn, Walk, good, upgrading, walk};
use crate::verdict::verdict;

const INSTALL: [&str; 8] = [
    "begin install fresh",
    "images head",
    "deploy head",
    "converge",
    "answer",
    "front_page",
    "observe",
    "end",
];

fn upgrade() -> Vec<&'static str> {
    vec![
        "begin upgrade upgraded",
        "images base",
        "images head",
        "deploy base",
        "converge",
        "answer",
        "plant",
        "deploy head",
        "converge",
        "answer",
        "availability",
        "front_page",
        "markers",
        "observe",
        "end",
    ]
}

fn teardown(app: &str) -> Vec<String> {
    vec![format!("begin teardown {app}"), "dismantle".into(), "end".into()]
}

const CLOSE: [&str; 3] = ["inventory", "seal", "done"];

/// A list of steps from pieces.
fn steps(pieces: &[&[&str]]) -> Vec<String> {
    pieces.iter().flat_map(|piece| piece.iter().map(|step| (*step).to_owned())).collect()
}

fn strs(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

/// The n-th act of a kind ends like that, all others are good.
fn once(wanted: Act, turn: Turn) -> impl FnMut(usize, Act) -> Turn {
    let mut is_due = true;
    move |_, act| {
        if act == wanted && std::mem::take(&mut is_due) { turn } else { Turn::Good }
    }
}

#[track_caller]
fn check(walk: &Walk, expected: &[&[&str]]) {
    assert_eq!(walk.steps, steps(expected));
}

const HEAD: Act = Act::Deploy { revision: Revision::Head };

#[test]
fn a_green_install() {
    let fresh = teardown("fresh");
    check(&walk(&minimal_plan(), good), &[&INSTALL, &strs(&fresh), &CLOSE]);
}

#[test]
fn a_green_upgrade_installs_the_head_first_and_removes_it() {
    let (fresh, upgraded) = (teardown("fresh"), teardown("upgraded"));
    check(
        &walk(&upgrading().build(), good),
        &[&INSTALL, &strs(&fresh), &upgrade(), &strs(&upgraded), &CLOSE],
    );
}

/// Nothing was created: of the stack nothing is looked at, and nothing is removed.
#[test]
fn a_missing_image_ends_the_stage_before_anything_is_made() {
    let missing =
        walk(&minimal_plan(), once(Act::EnsureImages { revision: Revision::Head }, Turn::Bad));
    check(&missing, &[&["begin install fresh", "images head", "examine", "end"], &CLOSE]);
}

/// What follows on an act that did not go well.
const AFTERMATH: [&str; 3] = ["examine", "observe", "end"];

#[test]
fn a_refused_deploy_is_looked_at_once_and_removed() {
    let fresh = teardown("fresh");
    let refused =
        ["begin install fresh", "images head", "deploy head", "examine", "observe", "end"];
    for turn in [Turn::Bad, Turn::Broken] {
        check(&walk(&minimal_plan(), once(HEAD, turn)), &[&refused, &strs(&fresh), &CLOSE]);
    }
}

/// After any act that went wrong: what tells why, one closing look, then the end of the stage.
#[test]
fn whatever_goes_wrong_is_looked_at_once() {
    let fresh = teardown("fresh");
    for (place, act) in [(4, Act::Converge), (5, Act::Answer), (6, Act::Inspect)] {
        let walked = walk(&minimal_plan(), once(act, Turn::Bad));
        check(&walked, &[&INSTALL[..place], &AFTERMATH, &strs(&fresh), &CLOSE]);
    }
    let walked = walk(&minimal_plan(), once(Act::Observe, Turn::Broken));
    check(&walked, &[&INSTALL[..7], &["examine", "end"], &strs(&fresh), &CLOSE]);
}

/// STG-2: a failed install does not block the upgrade.
#[test]
fn a_failed_install_does_not_block_the_upgrade() {
    let (fresh, upgraded) = (teardown("fresh"), teardown("upgraded"));
    let walked = walk(&upgrading().build(), once(Act::Converge, Turn::Bad));
    check(
        &walked,
        &[&INSTALL[..4], &AFTERMATH, &strs(&fresh), &upgrade(), &strs(&upgraded), &CLOSE],
    );
}

/// An app that can not be removed is tried once, and swept again at the end.
#[test]
fn a_removal_that_fails_stops_nothing() {
    let (fresh, upgraded) = (teardown("fresh"), teardown("upgraded"));
    for turn in [Turn::Bad, Turn::Broken] {
        let walked = walk(&upgrading().build(), once(Act::Dismantle, turn));
        check(&walked, &[&INSTALL, &strs(&fresh), &upgrade(), &strs(&upgraded), &CLOSE]);
    }
}

#[test]
fn a_cancelled_run_only_removes() {
    let fresh = teardown("fresh");
    // Before anything was made.
    let walked = walk(&minimal_plan(), |nth, _| if nth == 0 { Turn::Signal } else { Turn::Good });
    check(&walked, &[&["begin install fresh", "images head", "end"], &CLOSE]);
    // Half-way.
    for place in 1..6 {
        let walked =
            walk(
                &upgrading().build(),
                |nth, _| if nth == place { Turn::Signal } else { Turn::Good },
            );
        check(&walked, &[&INSTALL[..place + 2], &["end"], &strs(&fresh), &CLOSE]);
    }
}

#[test]
fn the_last_app_is_kept_a_broken_one_too() {
    let keep = |plan: &mut Plan| plan.keep = true;
    let kept = PlanBuilder::new(stack([service("app").routed(80)])).with(keep).build();
    check(&walk(&kept, good), &[&INSTALL, &CLOSE]);
    let fresh = teardown("fresh");
    let broken = walk(&kept, once(Act::Answer, Turn::Bad));
    check(&broken, &[&INSTALL[..5], &AFTERMATH, &CLOSE]);
    // There is nothing of an app that was never submitted.
    let missing = walk(&kept, once(Act::EnsureImages { revision: Revision::Head }, Turn::Bad));
    check(&missing, &[&INSTALL[..2], &["examine", "end"], &CLOSE]);
    // Of two apps only the last one is kept.
    let both = upgrading().with(keep).build();
    check(&walk(&both, good), &[&INSTALL, &strs(&fresh), &upgrade(), &CLOSE]);
    // Not when somebody stopped the run.
    let stopped = walk(&kept, |_, act| if act == Act::Inspect { Turn::Signal } else { Turn::Good });
    check(&stopped, &[&INSTALL[..6], &["end"], &strs(&fresh), &CLOSE]);
}

/// A stage the plan does not run is not begun.
#[test]
fn a_plan_whose_install_has_failed_already_does_nothing() {
    let failed = Outcome::failed("compose.yml is invalid");
    let plan = PlanBuilder::new(stack([service("app")])).not(Stage::Install, failed).build();
    assert!(matches!(plan.doing(Stage::Install), Some(Doing::Not { .. })));
    check(&walk(&plan, good), &[&CLOSE]);
}

#[test]
fn a_broken_base_is_not_upgraded() {
    let (fresh, upgraded) = (teardown("fresh"), teardown("upgraded"));
    let mut settles = 0;
    let walked = walk(&upgrading().build(), |_, act| {
        settles += usize::from(act == Act::Converge);
        if act == Act::Converge && settles == 2 { Turn::Bad } else { Turn::Good }
    });
    check(
        &walked,
        &[&INSTALL, &strs(&fresh), &upgrade()[..5], &AFTERMATH, &strs(&upgraded), &CLOSE],
    );
}

/// After an upgrade that left no head standing, later stages get a fresh one; after one that did,
/// they run on it.
#[test]
fn later_stages_run_where_the_head_stands() {
    let plan = upgrading().run(Stage::Functional).build();
    let begun = |walk: &Walk| -> Vec<String> {
        walk.steps
            .iter()
            .filter_map(|step| step.strip_prefix("begin "))
            .map(str::to_owned)
            .collect()
    };
    let fine = walk(&plan, good);
    let on_upgraded = [
        "install fresh",
        "teardown fresh",
        "upgrade upgraded",
        "functional upgraded",
        "teardown upgraded",
    ];
    assert_eq!(begun(&fine), on_upgraded);
    let broken = walk(&plan, once(Act::Deploy { revision: Revision::Base }, Turn::Bad));
    let on_fresh = [
        "install fresh",
        "teardown fresh",
        "upgrade upgraded",
        "teardown upgraded",
        "reinstall again",
        "functional again",
        "teardown again",
    ];
    assert_eq!(begun(&broken), on_fresh);
}

/// When no head stands at all, later stages are not begun.
#[test]
fn later_stages_need_a_head() {
    let plan = PlanBuilder::new(stack([service("app").routed(80)])).run(Stage::Functional).build();
    let walked = walk(&plan, once(Act::Converge, Turn::Bad));
    assert!(
        !walked.steps.iter().any(|step| step.starts_with("begin functional")),
        "{:?}",
        walked.steps
    );
    let stands = walk(&plan, good);
    assert!(stands.steps.iter().any(|step| step == "begin functional fresh"), "{:?}", stands.steps);
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        10 => Just(Turn::Good), 2 => Just(Turn::Bad), 1 => Just(Turn::Broken), 1 => Just(Turn::Signal)
    ]
}

/// A plan, in words short enough for a failure to be read.
#[derive(Debug, Clone)]
struct AnyPlan {
    with_base: bool,
    later: Vec<Stage>,
    keep: bool,
}

impl AnyPlan {
    fn plan(&self) -> Plan {
        let builder = if self.with_base {
            upgrading()
        } else {
            PlanBuilder::new(stack([service("app").routed(80)]))
        };
        let builder = self.later.iter().copied().fold(builder, PlanBuilder::run);
        let mut plan = builder.build();
        plan.keep = self.keep;
        plan
    }
}

fn any_plan() -> impl Strategy<Value = AnyPlan> {
    let later =
        prop::sample::subsequence(vec![Stage::Backup, Stage::Restore, Stage::Functional], 0..=3);
    (any::<bool>(), later, any::<bool>()).prop_map(|(with_base, later, keep)| AnyPlan {
        with_base,
        later,
        keep,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is seen, every walk ends (`walk` counts), and leaves the run in order.
    #[test]
    fn every_walk_ends_in_order(plan in any_plan(), turns in prop::collection::vec(any_turn(), 60)) {
        let plan = plan.plan();
        let walked = walk(&plan, |nth, _| turns.get(nth).copied().unwrap_or(Turn::Good));
        let state = &walked.state;
        prop_assert_eq!(&state.damage, &None);
        cc_ci_testkit::check_trace(&walked.events);
        prop_assert!(walked.steps.ends_with(&steps(&[&CLOSE])));
        let begins = walked.steps.iter().filter(|step| step.starts_with("begin ")).count();
        let ends = walked.steps.iter().filter(|step| *step == "end").count();
        prop_assert_eq!(begins, ends);
        let mut kept = Vec::new();
        for app in plan.apps.iter().filter(|app| state.was_touched(&app.id)) {
            if state.run_of(Stage::Teardown, Some(&app.id)).is_none() {
                kept.push(&app.id);
            }
        }
        prop_assert!(kept.len() <= usize::from(plan.keep && !state.is_cancelled()), "{kept:?}");
        if state.is_cancelled() {
            let after = walked.events.iter().map(|event| &event.kind).skip_while(|kind| {
                !matches!(kind, EventKind::CancelRequested { .. })
            });
            let begun = after.filter(|kind| {
                matches!(kind, EventKind::StageBegan { stage, .. } if *stage != Stage::Teardown)
            });
            prop_assert_eq!(begun.count(), 0);
        }
    }

    /// One deadline (CONV-7): what follows a deploy never gets more time than the deploy left.
    #[test]
    fn converge_and_answer_share_the_deploys_deadline(plan in any_plan()) {
        let walked = walk(&plan.plan(), good);
        for run in &walked.state.stages {
            let mut since = None;
            for act in &run.acts {
                if matches!(act.act, Act::Deploy { .. }) {
                    since = Some(act.deadline);
                } else if matches!(act.act, Act::Converge | Act::Answer) {
                    prop_assert!(since.is_none_or(|due| act.deadline <= due));
                }
            }
        }
    }
}

/// STG-2: the fresh head has a lane of its own, and the end waits for both.
#[test]
fn a_fresh_head_beside_goes_on_while_the_base_is_upgraded() {
    let plan = upgrading().with(|plan| plan.beside = true).build();
    let walked = walk(&plan, good);
    let of = |lane| {
        let of_lane = walked.events.iter().filter(move |event| event.lane == lane);
        let begun = of_lane.filter_map(|event| {
            let EventKind::StageBegan { stage, .. } = &event.kind else { return None };
            Some(stage.to_string())
        });
        begun.collect::<Vec<_>>()
    };
    assert_eq!(of(Lane::Beside), ["install", "teardown"]);
    assert_eq!(of(Lane::Main), ["upgrade", "teardown"]);
    assert_eq!(walked.steps[..2], ["begin upgrade upgraded", "begin install fresh"]);
    assert_eq!(walked.steps[walked.steps.len() - 3..], CLOSE);
    assert_eq!(walked.state.damage, None);
    let told = verdict(&plan, &walked.state);
    assert_eq!((told.verdict, told.level), (Verdict::Pass, 2), "{:?}", told.conditions);
}

/// What goes wrong beside is what would have gone wrong before it, and stops nothing.
#[test]
fn a_fresh_head_that_fails_beside_fails_as_it_would_alone() {
    for beside in [false, true] {
        let plan = if beside { upgrading().with(|plan| plan.beside = true) } else { upgrading() };
        let plan = plan.build();
        let mut is_first = true;
        let walked = walk(&plan, |_, act| {
            let is_due = act == Act::Inspect && std::mem::take(&mut is_first);
            if is_due { Turn::Bad } else { Turn::Good }
        });
        let told = verdict(&plan, &walked.state);
        let rungs = [Rung::Install, Rung::Upgrade].map(|rung| told.rungs[&rung].status());
        assert_eq!(rungs, [Status::Failed, Status::Passed], "beside: {beside}");
        assert_eq!((told.verdict, told.level), (Verdict::Fail, 0), "beside: {beside}");
    }
}

/// A signal ends both lanes; what each created is removed in it.
#[test]
fn a_signal_ends_both_lanes() {
    let plan = upgrading().with(|plan| plan.beside = true).build();
    for at in 0..20 {
        let walked = walk(&plan, |nth, _| if nth == at { Turn::Signal } else { Turn::Good });
        let touched = plan.apps.iter().filter(|app| walked.state.was_touched(&app.id));
        for app in touched {
            let removed = walked.state.run_of(Stage::Teardown, Some(&app.id));
            assert!(removed.is_some_and(|run| run.ended_at.is_some()), "{} at {at}", app.id);
        }
        // What breaks a removal off is not a signal.
        let is_cancelled = walked.state.is_cancelled();
        let is_told = verdict(&plan, &walked.state).verdict == Verdict::Cancelled;
        assert_eq!(is_cancelled, is_told, "at {at}");
    }
}

/// One attempt at a backup, and a stage that goes well.
const ATTEMPT: [&str; 5] = ["converge", "answer", "mark", "backup", "snapshot"];

/// What follows what did not go well.
const RED: [&str; 2] = ["examine", "observe"];

fn is_aftermath(act: Act) -> bool {
    matches!(act, Act::Examine | Act::Observe)
}

fn backing_up() -> PlanBuilder {
    let app = service("app").routed(80).volume("data", "/data").backed_up();
    PlanBuilder::new(stack([app])).run(Stage::Backup)
}

/// What a backup does when its acts end like that, one turn for each.
#[track_caller]
fn backup(plan: &Plan, turns: &[Turn], expected: &[&[&str]]) -> Walk {
    let install = INSTALL.len() - 2;
    let walked = walk(plan, |nth, _| {
        nth.checked_sub(install).and_then(|nth| turns.get(nth)).copied().unwrap_or(Turn::Good)
    });
    let begins = walked.steps.iter().position(|step| step == "begin backup fresh").unwrap();
    let stage: Vec<String> =
        walked.steps[begins + 1..].iter().take_while(|step| *step != "end").cloned().collect();
    assert_eq!(stage, steps(expected));
    walked
}

/// STG-4: a backup that does not stand its verification is taken again as a whole, the wait for the
/// stack to settle and fresh markers included; three times and no more.
#[test]
fn a_backup_that_does_not_stand_verification_is_taken_again() {
    use Turn::{Bad, Broken, Good};
    let plan = backing_up().build();
    let attempt = ATTEMPT.as_slice();
    backup(&plan, &[], &[attempt, &["observe"]]);
    for wrong in [Bad, Broken] {
        let once = [Good, Good, Good, Good, wrong];
        backup(&plan, &once, &[attempt, attempt, &["observe"]]);
        let twice = [once, once].concat();
        backup(&plan, &twice, &[attempt, attempt, attempt, &["observe"]]);
        let thrice = [once, once, once].concat();
        let walked = backup(&plan, &thrice, &[attempt, attempt, attempt, &RED]);
        let run = walked.state.runs_of(Stage::Backup).next().unwrap();
        assert!(!run.outcome().is_passed(), "{:?}", run.outcome());
        // A hook that failed ends its attempt at once.
        let hook = [Good, Good, Good, wrong];
        backup(&plan, &hook, &[&attempt[..4], attempt, &["observe"]]);
    }
    // Nothing of it is a verification.
    for nth in [0, 2] {
        let mut turns = vec![Good; nth];
        turns.push(Broken);
        backup(&plan, &turns, &[&attempt[..=nth], &RED]);
    }
    let stopped = [Good, Good, Good, Good, Turn::Signal];
    backup(&plan, &stopped, &[attempt]);
}

/// What the pack asks for is part of an attempt.
#[test]
fn the_packs_command_is_a_verification() {
    use Turn::{Bad, Good};
    let plan = backing_up().with(with_verify).build();
    let attempt = [ATTEMPT.as_slice(), &["verify"]].concat();
    backup(&plan, &[], &[&attempt, &["observe"]]);
    backup(&plan, &[Good, Good, Good, Good, Good, Bad], &[&attempt, &attempt, &["observe"]]);
}

fn with_verify(plan: &mut Plan) {
    let service = "app".parse().unwrap();
    let command = vec!["test".to_owned(), "-s".to_owned(), "/data/dump".to_owned()];
    plan.backup_checks.verify = Some(VerifyCommand { service, command });
}

/// CONV-7: every attempt is inside the stage's budget, and one that has no room is not begun.
#[test]
fn attempts_share_the_budget_of_the_stage() {
    use Turn::{Bad, Good};
    let turns = [[Good, Good, Good, Good, Bad]; 3].concat();
    let plan = backing_up().build();
    let attempt = ATTEMPT.as_slice();
    let walked = backup(&plan, &turns, &[attempt, attempt, attempt, &RED]);
    let run = walked.state.runs_of(Stage::Backup).next().unwrap();
    let marked = run.acts.iter().find(|act| act.act == Act::Mark).unwrap().began_at;
    let end = marked.plus(Duration::from_millis(plan.budgets.backup_ms));
    for act in run.acts.iter().skip(2).filter(|act| !is_aftermath(act.act)) {
        assert!(act.deadline <= end, "{act:?}");
    }
    // Later waits leave half of what is left.
    let settling = &run.acts[5];
    assert_eq!(settling.act, Act::Converge);
    assert!(settling.deadline.since(marked) < Duration::from_secs(160), "{settling:?}");
    assert_eq!(run.acts[6].deadline, settling.deadline);
    // An attempt takes a second or so in a walk.
    let mut short = plan.clone();
    short.budgets.backup_ms = 1_200;
    backup(&short, &turns, &[attempt, &RED]);
}

/// What is only unproven stays so, and a bug of ours is not hidden by another try.
#[test]
fn not_everything_is_worth_another_attempt() {
    let database = service("db").image("mongo:7").volume("data", "/data/db");
    let with_database = stack([service("app").routed(80), database.backed_up()]);
    let plan = PlanBuilder::new(with_database).run(Stage::Backup).build();
    let walked = backup(&plan, &[], &[&ATTEMPT, &RED]);
    let run = walked.state.runs_of(Stage::Backup).next().unwrap();
    assert_eq!(run.outcome().status(), Status::Unverified, "{:?}", run.outcome());
}

/// STG-5: after a disaster the head is deployed anew before anything is restored.
#[test]
fn a_disaster_takes_the_app_away_before_the_restore() {
    let disaster = |plan: &mut Plan| plan.restore_mode = RestoreMode::Disaster;
    let plan = backing_up().run(Stage::Restore).run(Stage::Functional).with(disaster).build();
    let stage = |walked: &Walk| -> Vec<String> {
        let begins = walked.steps.iter().position(|step| step == "begin restore fresh").unwrap();
        walked.steps[begins + 1..].iter().take_while(|step| *step != "end").cloned().collect()
    };
    let all = [
        "undeploy",
        "deploy head",
        "converge",
        "answer",
        "loss",
        "restore",
        "restart",
        "converge",
        "answer",
        "front_page",
        "data_back",
        "observe",
    ];
    let good_one = walk(&plan, good);
    assert_eq!(stage(&good_one), all);
    assert!(good_one.steps.iter().any(|step| step == "begin functional fresh"));
    let run = good_one.state.runs_of(Stage::Restore).next().unwrap();
    let end = run.began_at.plus(Duration::from_millis(plan.budgets.restore_ms));
    let is_look = |act: Act| matches!(act, Act::Inspect | Act::Observe);
    assert!(run.acts.iter().all(|act| is_look(act.act) || act.deadline == end));
    // Whatever goes wrong, nothing is tested on an app that does not stand.
    for (nth, act) in all.iter().take(9).enumerate().filter(|(nth, _)| !matches!(nth, 4 | 5)) {
        let before = good_one.state.stages.iter().take_while(|run| run.stage != Stage::Restore);
        let before: usize = before.map(|run| run.acts.len()).sum();
        let walked = walk(&plan, |at, _| if at == before + nth { Turn::Bad } else { Turn::Good });
        assert_eq!(stage(&walked).len(), nth + 3, "{act}");
        let tested = walked.steps.iter().any(|step| step == "begin functional fresh");
        assert!(!tested, "{act}");
    }
}
