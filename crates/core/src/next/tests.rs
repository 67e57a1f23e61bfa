//! Whole walks: what is done, in which order, whatever is seen on the way.

use cc_ci_model::event::{EventKind, Lane};
use cc_ci_model::evidence::Act;
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

/// Nothing was created: nothing is looked at and nothing removed.
#[test]
fn a_missing_image_ends_the_stage_before_anything_is_made() {
    let missing =
        walk(&minimal_plan(), once(Act::EnsureImages { revision: Revision::Head }, Turn::Bad));
    check(&missing, &[&["begin install fresh", "images head", "end"], &CLOSE]);
}

#[test]
fn a_refused_deploy_is_looked_at_once_and_removed() {
    let fresh = teardown("fresh");
    let refused = ["begin install fresh", "images head", "deploy head", "observe", "end"];
    for turn in [Turn::Bad, Turn::Broken] {
        check(&walk(&minimal_plan(), once(HEAD, turn)), &[&refused, &strs(&fresh), &CLOSE]);
    }
}

/// After any act that went wrong: one closing look, then the end of the stage.
#[test]
fn whatever_goes_wrong_is_looked_at_once() {
    let fresh = teardown("fresh");
    for (place, act) in [(4, Act::Converge), (5, Act::Answer), (6, Act::Inspect)] {
        let walked = walk(&minimal_plan(), once(act, Turn::Bad));
        check(&walked, &[&INSTALL[..place], &["observe", "end"], &strs(&fresh), &CLOSE]);
    }
    let walked = walk(&minimal_plan(), once(Act::Observe, Turn::Broken));
    check(&walked, &[&INSTALL, &strs(&fresh), &CLOSE]);
}

/// STG-2: a failed install does not block the upgrade.
#[test]
fn a_failed_install_does_not_block_the_upgrade() {
    let (fresh, upgraded) = (teardown("fresh"), teardown("upgraded"));
    let walked = walk(&upgrading().build(), once(Act::Converge, Turn::Bad));
    let install =
        ["begin install fresh", "images head", "deploy head", "converge", "observe", "end"];
    check(&walked, &[&install, &strs(&fresh), &upgrade(), &strs(&upgraded), &CLOSE]);
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
    check(&broken, &[&INSTALL[..5], &["observe", "end"], &CLOSE]);
    // There is nothing of an app that was never submitted.
    let missing = walk(&kept, once(Act::EnsureImages { revision: Revision::Head }, Turn::Bad));
    check(&missing, &[&INSTALL[..2], &["end"], &CLOSE]);
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
    let broken = ["observe", "end"];
    check(&walked, &[&INSTALL, &strs(&fresh), &upgrade()[..5], &broken, &strs(&upgraded), &CLOSE]);
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
        let begun = of_lane.filter_map(|event| match &event.kind {
            EventKind::StageBegan { stage, .. } => Some(stage.to_string()),
            _ => None,
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
