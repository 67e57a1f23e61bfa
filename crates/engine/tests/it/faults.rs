//! Every call of a run fails once, loses its answer once, hangs once, panics once (style rule 45).

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use cc_ci_model::outcome::Verdict;
use cc_ci_model::results::Results;
use cc_ci_testkit::{Behaviour, Fault, PlanBuilder, World};

use crate::harness::{Ended, go, one_service, run};

/// One run for every call, in each of which that call meets the fault. Returns how many.
async fn every_call(builder: &PlanBuilder, fault: Fault) -> usize {
    every_call_in(builder, |_| {}, fault).await
}

/// The same in a world that was arranged.
async fn every_call_in(builder: &PlanBuilder, arrange: fn(&World), fault: Fault) -> usize {
    let healthy = run(builder, arrange).await;
    healthy.check();
    assert_eq!(healthy.results().verdict, Verdict::Pass);
    let mut wrong = String::new();
    for nth in 1.. {
        let world = World::of(builder);
        arrange(&world);
        world.faults.arm(nth, fault);
        let ended = go(world).await;
        if let Some(complaint) = complaint(&ended, healthy.results()) {
            let hit = ended.world.faults.fired().unwrap_or_default();
            writeln!(wrong, "{fault:?} {hit}: {complaint}").expect("a string takes everything");
        }
        if nth > ended.world.faults.calls().len() {
            assert!(wrong.is_empty(), "\n{wrong}");
            return nth - 1;
        }
    }
    unreachable!("a run makes a finite number of calls");
}

/// What is wrong about how a run took a fault.
fn complaint(ended: &Ended, healthy: &Results) -> Option<String> {
    let left = ended.world.swarm.left();
    let Ok(told) = &ended.outcome else {
        // Without a log there are no results: then nothing at all may be left.
        return (!left.is_empty()).then(|| format!("no log, and {} objects left", left.len()));
    };
    ended.check();
    // An app that does not answer a request is the recipe's fault: nothing else is.
    let hit = ended.world.faults.fired().unwrap_or_default();
    let may_fail = hit.ends_with("request a page");
    // STG-9: a volume that can not be marked is unverified.
    let may_be_unverified = hit.ends_with("a file of a volume");
    match told.verdict {
        Verdict::Pass if same(told, healthy) => None,
        Verdict::Pass if !told.cleanup.complete && told.rungs == healthy.rungs => None,
        Verdict::Pass => Some(format!("pass, but not as without the fault: {:?}", told.conditions)),
        Verdict::Error => None,
        Verdict::Fail if may_fail => None,
        Verdict::Unverified if may_be_unverified => None,
        Verdict::Unverified | Verdict::Fail | Verdict::Cancelled => {
            Some(format!("{}: {}", told.verdict, ended.said()))
        }
    }
}

/// The same answer, but for times, details and the hash of the log.
fn same(told: &Results, healthy: &Results) -> bool {
    told.level == healthy.level
        && told.rungs == healthy.rungs
        && told.deploys == healthy.deploys
        && told.images == healthy.images
        && told.cleanup == healthy.cleanup
        && told.obligations.len() == healthy.obligations.len()
        && told.obligations.iter().all(|due| due.met)
        && told.conditions == healthy.conditions
}

#[tokio::test(start_paused = true)]
async fn any_call_may_fail() {
    assert!(every_call(&one_service(), Fault::Fail).await > 50);
}

#[tokio::test(start_paused = true)]
async fn any_answer_may_be_lost() {
    assert!(every_call(&one_service(), Fault::LoseAnswer).await > 50);
}

#[tokio::test(start_paused = true)]
async fn any_call_may_hang() {
    assert!(every_call(&one_service(), Fault::Hang).await > 50);
}

#[tokio::test(start_paused = true)]
async fn any_call_may_hang_after_it_had_its_effect() {
    assert!(every_call(&one_service(), Fault::HangAfter).await > 50);
}

/// A bug of an adapter is an error of the run.
#[tokio::test(start_paused = true)]
async fn any_call_may_panic() {
    assert!(every_call(&one_service(), Fault::Panic).await > 50);
}

/// Base, upgrade, backup, restore and tests: everything a run can do.
#[tokio::test(start_paused = true)]
async fn any_call_of_a_whole_run_may_fail() {
    assert!(every_call_in(&crate::backup::everything(), careless, Fault::Fail).await > 200);
}

#[tokio::test(start_paused = true)]
async fn any_call_of_a_whole_run_may_hang() {
    assert!(every_call_in(&crate::backup::everything(), careless, Fault::Hang).await > 200);
}

#[tokio::test(start_paused = true)]
async fn any_answer_of_a_whole_run_may_be_lost() {
    assert!(every_call_in(&crate::backup::everything(), careless, Fault::LoseAnswer).await > 200);
}

#[tokio::test(start_paused = true)]
async fn any_call_of_a_whole_run_may_hang_after_it_had_its_effect() {
    assert!(every_call_in(&crate::backup::everything(), careless, Fault::HangAfter).await > 200);
}

#[tokio::test(start_paused = true)]
async fn any_call_of_a_whole_run_may_panic() {
    assert!(every_call_in(&crate::backup::everything(), careless, Fault::Panic).await > 200);
}

/// The same, restored after a disaster.
#[tokio::test(start_paused = true)]
async fn any_call_of_a_run_with_a_disaster_may_fail_hang_or_lose_its_answer() {
    let builder = crate::disaster::everything_after_a_disaster();
    for fault in [Fault::Fail, Fault::Hang, Fault::LoseAnswer] {
        assert!(every_call_in(&builder, careless, fault).await > 250, "{fault:?}");
    }
}

/// The app writes a file outside every mount as well.
fn careless(world: &World) {
    let writes = vec!["/opt/app.db".to_owned()];
    world.swarm.behave("app", Behaviour { writes, ..Behaviour::steady() });
}

/// Calls that a run through everything does not make: planning and the cleanup of a dead run have
/// loops of their own, and a file is removed only if a secret stands in it.
const ELSEWHERE: [&str; 3] = ["open a recipe", "end a process", "remove a file"];

/// What a run through everything makes is every call that there is, so that the loops above fail
/// each of them. A new port or method has to be added here, and a run has to use it.
#[tokio::test(start_paused = true)]
async fn a_whole_run_makes_every_call_there_is() {
    let ended = run(&crate::backup::everything(), careless).await;
    ended.check();
    assert_eq!(ended.results().verdict, Verdict::Pass, "{}", ended.said());
    let made: BTreeSet<String> = ended.world.faults.calls().into_iter().collect();
    let missing: Vec<&str> = cc_ci_testkit::faults::CALLS
        .into_iter()
        .filter(|call| !made.contains(*call) && !ELSEWHERE.contains(call))
        .collect();
    assert_eq!(missing, [""; 0], "no run makes these calls");
    let unknown: Vec<&String> =
        made.iter().filter(|call| !cc_ci_testkit::faults::CALLS.contains(&call.as_str())).collect();
    assert_eq!(unknown, [""; 0], "these calls are not in the list");
}

/// The disk is full from some event on: the run ends, and takes with it what it made.
#[tokio::test(start_paused = true)]
async fn a_full_disk_leaves_nothing_behind() {
    let events = run(&one_service(), |_| {}).await.world.store.events().len();
    for full in 0..events {
        let ended = run(&one_service(), |world: &World| world.store.full_after(full)).await;
        assert!(ended.outcome.is_err(), "full after {full} events");
        assert_eq!(ended.world.swarm.left(), [], "full after {full} events");
        assert!(ended.took < Duration::from_mins(1));
    }
}
