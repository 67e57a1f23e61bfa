//! Runs that go well.

use std::time::Duration;

use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::stage::Rung;
use cc_ci_testkit::{Behaviour, EventStream, Health, Life, PlanBuilder, World, service, stack};

use crate::harness::{Ended, one_service, run};

#[tokio::test(start_paused = true)]
async fn one_service_installs_and_nothing_is_left() {
    let ended = run(&one_service(), |_| {}).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert_eq!(ended.results().level, 1);
    assert_eq!(ended.results().level_cap_rung, Some(Rung::Upgrade));
    assert_eq!(ended.status(Rung::Install), Status::Passed);
    assert!(ended.results().is_final);
    let words = ended.world.recorder.words();
    let expected = [
        "planned",
        "begin install fresh",
        "images good",
        "intend stack",
        "intend network",
        "intend secret",
        "deploy good",
        "converge good",
        "answer good",
        "front_page good",
        "observe good",
        "end",
        "begin teardown fresh",
        "dismantle good",
        "end",
        "inventory 0 true",
        "seal",
    ];
    assert_eq!(words, expected);
    // A few seconds to start, the stability window, the gate, and the container that lingers.
    assert!(ended.took < Duration::from_secs(20), "{:?}", ended.took);
}

/// Between two events people hear what is missing; the log does not hold it.
#[tokio::test(start_paused = true)]
async fn what_is_waited_for_is_told_and_not_logged() {
    let ended = run(&one_service(), |_| {}).await;
    let waits = ended.world.recorder.waits();
    let position = |part: &str| {
        let found = waits.iter().position(|wait| wait.contains(part));
        found.unwrap_or_else(|| panic!("no `{part}` in {waits:#?}"))
    };
    let order = [
        position("image registry.test/app:1.0.0"),
        position("service app: 0 of 1 tasks run"),
        position("everything runs; it has held for"),
        position("service app: 1 of 2 good answers in a row"),
    ];
    assert!(order.is_sorted(), "{waits:#?}");
    let log = String::from_utf8(ended.world.store.log()).unwrap();
    assert!(!log.contains("good answers in a row, 1 asked for"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn the_seal_covers_every_byte_before_it() {
    let ended = run(&one_service(), |_| {}).await;
    let log = String::from_utf8(ended.world.store.log()).unwrap();
    let (before, seal) = log.trim_end().rsplit_once('\n').unwrap();
    let store = cc_ci_testkit::MemoryStore::sha256(format!("{before}\n").as_bytes());
    assert!(seal.contains(&store), "{seal}");
    assert_eq!(ended.results().events_sha256, Some(store));
}

/// RES-8: what is red is what somebody wants to look at.
#[tokio::test(start_paused = true)]
async fn a_red_app_is_kept_too() {
    let builder = one_service().with(|plan| plan.keep = true);
    let ended = run(&builder, |world: &World| {
        world.swarm.behave("app", Behaviour::never_healthy(143));
    })
    .await;
    ended.expect(Verdict::Fail, ExitKind::Fail);
    let cleanup = &ended.results().cleanup;
    assert!(cleanup.complete && !cleanup.left.is_empty(), "{cleanup:?}");
    assert_eq!(ended.world.swarm.left().len(), cleanup.left.len());
}

#[tokio::test(start_paused = true)]
async fn a_kept_app_stays_and_is_no_incomplete_cleanup() {
    let builder = one_service().with(|plan| plan.keep = true);
    let ended = run(&builder, |_| {}).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert!(ended.results().cleanup.complete);
    assert!(!ended.world.swarm.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn foreign_objects_with_names_like_ours_stay() {
    let ended = run(&one_service(), |world: &World| {
        world
            .swarm
            .foreign(cc_ci_model::intent::ObjectKind::Volume, "recipe-0a1b2c_ccci_test_data2");
        world.swarm.foreign(cc_ci_model::intent::ObjectKind::Network, "recipe-0a1b2c_ccci_test");
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert_eq!(ended.world.swarm.foreign_left().len(), 2);
}

/// Every shape a service can have beside the ordinary one.
#[tokio::test(start_paused = true)]
async fn services_of_every_shape_settle() {
    let builder = PlanBuilder::new(stack([
        service("app").routed(80),
        service("agent").mode(ServiceMode::Global),
        service("idle").replicas(0),
        service("three").replicas(3),
        service("job").unchecked().mode(ServiceMode::ReplicatedJob { completions: 2 }),
        service("sweep").unchecked().mode(ServiceMode::GlobalJob),
        service("bucket").unchecked().restart(RestartCondition::OnFailure),
    ]));
    let ended = run(&builder, |world: &World| {
        let shot = Behaviour::one_shot(Duration::from_secs(2));
        for name in ["job", "sweep", "bucket"] {
            world.swarm.behave(name, shot.clone());
        }
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert!(ended.results().does_not_prove.iter().any(|line| line.contains("service bucket")));
    assert!(!ended.results().does_not_prove.iter().any(|line| line.contains("service job ended")));
}

/// The engine counts the tasks of a global service that it has made: on a busy one, none yet.
#[tokio::test(start_paused = true)]
async fn a_global_service_without_a_task_is_waited_for() {
    let builder = PlanBuilder::new(stack([
        service("app").routed(80),
        service("agent").mode(ServiceMode::Global),
    ]));
    let ended = run(&builder, |world: &World| {
        let late = Behaviour { appears_after: Duration::from_secs(100), ..Behaviour::steady() };
        world.swarm.behave("agent", late);
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert!(ended.took > Duration::from_secs(100), "{:?}", ended.took);
}

/// Incident F2-12: a service that needs its start period is not given up.
#[tokio::test(start_paused = true)]
async fn a_long_start_period_is_waited_for() {
    let builder = PlanBuilder::new(stack([service("app").routed(80).start_period(120_000)]));
    let late = Life::with_health(Health::From(Duration::from_secs(100)));
    let ended =
        run(&builder, |world: &World| world.swarm.behave("app", Behaviour::lives([late]))).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert!(ended.took > Duration::from_secs(100));
}

/// Apps that exit until their database is up.
#[tokio::test(start_paused = true)]
async fn a_few_crashes_at_the_beginning_are_no_crash_loop() {
    let builder = PlanBuilder::new(stack([service("app").routed(80), service("db")]));
    let crash = Life::ending(Duration::from_millis(500), 1);
    let lives = [crash.clone(), crash.clone(), crash, Life::steady()];
    let ended =
        run(&builder, |world: &World| world.swarm.behave("app", Behaviour::lives(lives))).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
}

#[tokio::test(start_paused = true)]
async fn convergence_is_seen_soon_after_the_fact() {
    let ended = run(&one_service(), |_| {}).await;
    assert_eq!(settled_late(&ended), Duration::ZERO);
}

/// How much later than the end of the stability window the wait ended (CONV-5), at most.
fn settled_late(ended: &Ended) -> Duration {
    use cc_ci_model::evidence::Evidence;
    let state = cc_ci_core::state::RunState::of(&ended.world.store.events());
    let acts = state.stages.iter().flat_map(|run| &run.acts);
    let settled = acts.filter_map(|act| match &act.evidence {
        Some(Evidence::Settled(seen)) => Some(seen.looked_at.since(seen.held_since)),
        _ => None,
    });
    let window = Duration::from_secs(5);
    settled
        .map(|held| held.saturating_sub(window + Duration::from_millis(300)))
        .max()
        .expect("it settled")
}

/// Events are only wakes: without them, doubled or partly lost, the same is said, a little later.
#[tokio::test(start_paused = true)]
async fn lost_and_doubled_events_change_nothing_but_time() {
    for stream in [
        EventStream::Deaf,
        EventStream::Doubled,
        EventStream::LosesEvery(2),
        EventStream::LosesEvery(3),
    ] {
        let ended = run(&one_service(), |world: &World| world.swarm.events(stream)).await;
        ended.expect(Verdict::Pass, ExitKind::Pass);
        assert!(ended.took < Duration::from_secs(40), "{stream:?}: {:?}", ended.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_event_stream_is_no_reason_to_fail() {
    for second in 0..8 {
        let at = Duration::from_secs(second);
        let ended = run(&one_service(), |world: &World| world.swarm.break_events_after(at)).await;
        ended.expect(Verdict::Pass, ExitKind::Pass);
    }
}

/// The engine keeps five ended tasks a slot; a slow pull is not part of the install's budget.
#[tokio::test(start_paused = true)]
async fn incident_pull_time_is_not_mistaken_for_convergence() {
    let ended =
        run(&one_service(), |world: &World| world.swarm.pull_takes(Duration::from_secs(800))).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
}
