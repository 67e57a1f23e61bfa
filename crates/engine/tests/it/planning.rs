//! Planning: each of its calls fails, loses its answer, or panics once. It has no effect that could
//! be left behind, and never gives another plan than it would have given.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use cc_ci_core::planning::{Refusal, Request};
use cc_ci_core::ports::RecipeSource;
use cc_ci_engine::planning::Planner;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::plan::{BaseChoice, Plan};
use cc_ci_testkit::{
    FakeRecipes, Fault, Faults, History, PlanBuilder, VirtualClock, service, stack,
};
use futures_util::FutureExt;

fn source() -> RecipeSource {
    RecipeSource::Path("/home/somebody/recipe".into())
}

/// Two releases, the later of which deploys what the head deploys, and the head.
fn history() -> History {
    let app = |image: &str| stack([service("app").routed(80).image(image)]);
    let (old, new) = (app("registry.test/app:1.0.0"), app("registry.test/app:1.1.0"));
    let released = |stack: &cc_ci_testkit::StackBuilder, version: &str| {
        let mut tree = stack.tree();
        let label = format!(
            "    deploy:\n      labels:\n        coop-cloud.${{STACK_NAME}}.version: \"{version}\""
        );
        let text = String::from_utf8(tree["compose.yml"].clone()).expect("it is text");
        let text = text.replacen("    deploy:\n      labels:", &label, 1);
        tree.insert("compose.yml".to_owned(), text.into_bytes());
        tree
    };
    History::new("head")
        .files("first", None, released(&old, "1.0.0+1.0"))
        .files("second", Some("first"), released(&new, "1.1.0+1.1"))
        .files("head", Some("second"), released(&new, "1.2.0+1.1"))
        .tag("1.0.0+1.0", "first", true)
        .tag("1.1.0+1.1", "second", true)
}

fn request() -> Request {
    let plan = PlanBuilder::new(stack([service("app")])).build();
    Request {
        restore: None,
        run_id: plan.run_id,
        source: "recipe".to_owned(),
        stages: cc_ci_core::planning::StageChoice::default(),
        pack: None,
        keep: false,
        require_level: None,
        base_domain: "ci.test".to_owned(),
        hexes: vec!["0a1b2c".to_owned(), "1b2c3d".to_owned(), "2c3d4e".to_owned()],
        engine: plan.engine,
        host: plan.host,
        tests: None,
        overlay_texts: std::collections::BTreeMap::new(),
    }
}

/// Plans once, with that fault; what came of it (`None` for a panic), and the calls made.
async fn plan_with(fault: Option<(usize, Fault)>) -> (Option<Result<Plan, Refusal>>, Arc<Faults>) {
    let faults = Arc::new(Faults::none());
    let recipes = FakeRecipes::new(faults.clone());
    recipes.repository(&source(), &history());
    if let Some((nth, fault)) = fault {
        faults.arm(nth, fault);
    }
    let clock = Arc::new(VirtualClock::new());
    let planner = Planner { clock, recipes: Arc::new(recipes) };
    let (request, source) = (request(), source());
    let planning = AssertUnwindSafe(planner.plan(&request, &source, None)).catch_unwind();
    (planning.await.ok(), faults)
}

#[tokio::test(start_paused = true)]
async fn a_release_that_would_prove_nothing_is_passed_over() {
    let (planned, faults) = plan_with(None).await;
    let plan = planned.expect("no panic").expect("it can be planned");
    let BaseChoice::Release(base) = &plan.base else { panic!("{:?}", plan.base) };
    assert_eq!(base.commit, History::id("first"), "{base:?}");
    assert_eq!(
        faults.calls(),
        ["open a recipe", "read a commit", "read a commit", "read a commit"]
    );
}

/// A call that fails is an error of the run, and no recipe that is broken or has no release.
#[tokio::test(start_paused = true)]
async fn any_call_of_planning_may_fail() {
    let calls = plan_with(None).await.1.calls().len();
    for fault in [Fault::Fail, Fault::LoseAnswer] {
        for nth in 1..=calls {
            let (planned, faults) = plan_with(Some((nth, fault))).await;
            let hit = faults.fired().expect("the call was made");
            let refused = planned.expect("no panic").expect_err("the call failed");
            assert_eq!(refused.kind, ExitKind::Error, "{fault:?} {hit}: {refused}");
            assert!(refused.message.contains("injected failure"), "{fault:?} {hit}: {refused}");
        }
    }
}

/// Once more than there are calls: the loop above has hit each of them.
#[tokio::test(start_paused = true)]
async fn no_call_of_planning_is_left_out() {
    let calls = plan_with(None).await.1.calls().len();
    let (planned, faults) = plan_with(Some((calls + 1, Fault::Fail))).await;
    assert_eq!(faults.fired(), None);
    assert_eq!(planned, plan_with(None).await.0);
}
