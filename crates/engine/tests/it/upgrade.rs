//! Runs that upgrade from a base.

use std::time::Duration;

use cc_ci_model::compose::FailureAction;
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::plan::{Adaptation, AdaptationKind};
use cc_ci_model::stage::{Rung, Stage};
use cc_ci_testkit::{
    Answer, Behaviour, Fault, Health, Life, PlanBuilder, ServiceBuilder, World, service, stack,
};

use crate::harness::{Ended, rich, run};

const HEAD: &str = "registry.test/app:1.1.0";

fn from_to(base: ServiceBuilder, head: ServiceBuilder) -> PlanBuilder {
    PlanBuilder::new(stack([head.image(HEAD)])).base(stack([base]))
}

fn plain() -> PlanBuilder {
    from_to(rich("app"), rich("app"))
}

#[track_caller]
fn check(ended: &Ended, verdict: Verdict, exit: ExitKind, upgrade: Status, words: &[&str]) {
    ended.expect(verdict, exit);
    assert_eq!(ended.status(Rung::Upgrade), upgrade, "{}", ended.said());
    for word in words {
        assert!(ended.said().contains(word), "{word:?} is not in: {}", ended.said());
    }
}

/// Fails only in the upgrade: the second and later tasks of the head's image. The first one is
/// the fresh install's.
fn head_fails_second_time(life: Life) -> Behaviour {
    Behaviour::lives([life])
}

#[tokio::test(start_paused = true)]
async fn a_good_upgrade_is_level_two() {
    let ended = run(&plain(), |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert_eq!(ended.results().level, 2);
    let words = ended.world.recorder.words();
    let begun: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("begin ")).collect();
    assert_eq!(begun, ["install fresh", "teardown fresh", "upgrade upgraded", "teardown upgraded"]);
}

/// Incident 238: the update was accepted and had not begun; the engine still showed the old task,
/// running, and an empty update state. The wait passed, and the task died under the backup.
#[tokio::test(start_paused = true)]
async fn incident_238_an_update_that_has_not_begun_is_waited_for() {
    let ended = run(&plain(), |world: &World| {
        let slow =
            Behaviour { update_begins_after: Duration::from_secs(30), ..Behaviour::steady() };
        world.swarm.behave(HEAD, slow);
    })
    .await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert!(ended.took > Duration::from_secs(40), "{:?}", ended.took);
}

/// Incident 241: one flicker within the monitor period leaves the update `paused` for ever on a
/// service that is healthy; every wait ran to its deadline.
#[tokio::test(start_paused = true)]
async fn incident_241_paused_for_ever_on_a_healthy_service_is_a_warning() {
    let ended = run(&plain(), |world: &World| {
        let flicker = Life::ending(Duration::from_secs(1), 1);
        // One life for the fresh install, then the flicker and what comes after it.
        world.swarm.behave(HEAD, Behaviour::lives([flicker, Life::steady()]));
    })
    .await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert!(ended.results().warnings.iter().any(|finding| finding.code == "update_paused"));
    assert!(ended.took < Duration::from_mins(2), "{:?}", ended.took);
}

/// Incident F2-12 (collabora): the new version was still in its start period, and an impatient
/// monitor called it failed.
#[tokio::test(start_paused = true)]
async fn incident_f2_12_a_new_version_in_its_start_period_is_waited_for() {
    let head = rich("app").start_period(240_000);
    let ended = run(&from_to(rich("app"), head), |world: &World| {
        let slow = Life::with_health(Health::From(Duration::from_secs(200)));
        world.swarm.behave(HEAD, Behaviour::lives([slow]));
    })
    .await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert!(ended.took > Duration::from_secs(400), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn a_rolled_back_upgrade_failed() {
    let head = rich("app").on_failure(FailureAction::Rollback);
    let ended = run(&from_to(rich("app"), head), |world: &World| {
        let sick = head_fails_second_time(Life::with_health(Health::Never));
        world.swarm.behave(HEAD, sick);
    })
    .await;
    check(
        &ended,
        Verdict::Fail,
        ExitKind::Fail,
        Status::Failed,
        &["rolling it back", "never became healthy"],
    );
}

/// A start-first update whose new task never gets up is paused; the old one runs on for ever.
#[tokio::test(start_paused = true)]
async fn a_start_first_upgrade_that_fails_leaves_the_old_task_wanted() {
    let head = rich("app").start_first();
    let ended = run(&from_to(rich("app"), head), |world: &World| {
        world.swarm.behave(HEAD, Behaviour::lives([Life::ending(Duration::from_secs(1), 1)]));
    })
    .await;
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &["service app"]);
    assert_eq!(ended.status(Rung::Install), Status::Failed);
}

#[tokio::test(start_paused = true)]
async fn start_first_and_stop_first_upgrades_settle() {
    for head in [
        rich("app").start_first(),
        rich("app"),
        rich("app").replicas(3),
        rich("app").replicas(3).start_first(),
    ] {
        let base = rich("app").replicas(2);
        let ended = run(&from_to(base, head), |_| {}).await;
        check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    }
}

/// STG-3: the base does not deploy; that is not the head's fault, and the head's own rung stands.
#[tokio::test(start_paused = true)]
async fn a_broken_base_makes_the_upgrade_unverified() {
    let ended = run(&plain(), |world: &World| {
        world.swarm.behave("registry.test/app:1.0.0", Behaviour::crash_loop());
    })
    .await;
    check(
        &ended,
        Verdict::Unverified,
        ExitKind::Unverified,
        Status::Unverified,
        &["the base is broken"],
    );
    assert_eq!(ended.status(Rung::Install), Status::Passed);
    assert_eq!(ended.results().level, 1);
}

/// Incident discourse: the base's image did not even exist.
#[tokio::test(start_paused = true)]
async fn a_missing_image_of_the_base_makes_the_upgrade_unverified() {
    let ended = run(&plain(), |world: &World| {
        let message = "manifest unknown".to_owned();
        world.swarm.image("registry.test/app:1.0.0", ImageFound::NotFound { message });
    })
    .await;
    check(
        &ended,
        Verdict::Unverified,
        ExitKind::Unverified,
        Status::Unverified,
        &["manifest unknown"],
    );
}

/// A volume renamed in the head still exists; only the mount tells that the data is out of reach.
#[tokio::test(start_paused = true)]
async fn a_renamed_volume_is_data_lost() {
    let head = service("app").routed(80).volume("store", "/data");
    let ended =
        run(&from_to(service("app").routed(80).volume("data", "/data"), head), |_| {}).await;
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &["data lost", "volume data"]);
}

/// The head mounts the volume somewhere else: the data is still there.
#[tokio::test(start_paused = true)]
async fn a_volume_mounted_elsewhere_keeps_its_marker() {
    let head = service("app").routed(80).volume("data", "/srv/data");
    let ended =
        run(&from_to(service("app").routed(80).volume("data", "/data"), head), |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
}

/// STG-2: a failed install does not block the upgrade.
#[tokio::test(start_paused = true)]
async fn a_failed_install_does_not_block_the_upgrade() {
    let ended = run(&plain(), |world: &World| {
        // The head works when it finds the base's data: its third and later tasks.
        let refuses = Life { obstacle: None, ..Life::ending(Duration::from_millis(100), 1) };
        let mut lives = vec![refuses; 11];
        lives.push(Life::steady());
        world.swarm.behave(HEAD, Behaviour::lives(lives));
    })
    .await;
    ended.check();
    assert_eq!(ended.status(Rung::Install), Status::Failed);
    assert!(
        ended.results().stages.iter().any(|stage| stage.name == "upgrade" && stage.attempts == 1)
    );
    assert_eq!(ended.results().level, 0);
}

/// After a broken upgrade the later stages run on a fresh head, so that one run shows every red.
#[tokio::test(start_paused = true)]
async fn later_stages_run_on_a_fresh_head_after_a_broken_upgrade() {
    let builder = plain().run(Stage::Functional);
    let ended = run(&builder, |world: &World| {
        world.swarm.behave("registry.test/app:1.0.0", Behaviour::crash_loop());
    })
    .await;
    ended.check();
    let words = ended.world.recorder.words();
    let begun: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("begin ")).collect();
    assert_eq!(
        begun,
        [
            "install fresh",
            "teardown fresh",
            "upgrade upgraded",
            "teardown upgraded",
            "reinstall again",
            "functional again",
            "teardown again",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_the_head_dropped_is_a_warning_and_removed_at_the_end() {
    let base = stack([rich("app"), service("worker")]);
    let builder = PlanBuilder::new(stack([rich("app").image(HEAD)])).base(base);
    let ended = run(&builder, |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert!(ended.results().warnings.iter().any(|finding| finding.code == "orphaned_service"));
}

/// The engine hangs while the head settles, and is back for the closing look: tasks that our own
/// deploy replaced are no crash loop, and nobody's fault is not the recipe's.
#[tokio::test(start_paused = true)]
async fn tasks_that_the_upgrade_replaced_are_no_crash_loop() {
    let short = |plan: &mut cc_ci_model::plan::Plan| plan.budgets.upgrade_ms = 20_000;
    let two = || rich("app").replicas(2);
    let builder = from_to(two(), two()).with(short);
    let healthy = run(&builder, |_| {}).await;
    healthy.expect(Verdict::Pass, ExitKind::Pass);
    let state = cc_ci_core::state::RunState::of(&healthy.world.store.events());
    let upgrade = state.runs_of(Stage::Upgrade).next().unwrap();
    let head = upgrade.acts.iter().rfind(|act| act.act == cc_ci_model::evidence::Act::Converge);
    let begins = head.unwrap().began_at.since(cc_ci_testkit::clock::dawn());
    // Beyond the deadline of the wait, and its last look.
    let (after, lasts) = (begins + Duration::from_millis(10), Duration::from_secs(26));
    let ended = run(&builder, |world: &World| {
        world.swarm.outage(cc_ci_testkit::Outage { after, lasts, hangs: true });
    })
    .await;
    check(&ended, Verdict::Error, ExitKind::Error, Status::Errored, &["the engine did not answer"]);
}

/// ENG-5: while one stage runs, the next one's images are pulled.
#[tokio::test(start_paused = true)]
async fn the_images_of_the_upgrade_are_pulled_while_the_head_is_installed() {
    let ended = run(&plain(), |_| {}).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let calls = ended.world.faults.calls();
    let torn_down = calls.iter().position(|call| call.starts_with("remove")).unwrap();
    let pulls = |calls: &[String]| calls.iter().filter(|call| *call == "ensure an image").count();
    // The head's own, and the base's that differs.
    assert_eq!(pulls(&calls[..torn_down]), 2, "{calls:?}");
    // The upgrade asks for itself all the same.
    assert_eq!(pulls(&calls[torn_down..]), 2, "{calls:?}");
}

/// A pull ahead of its time that fails or hangs says nothing.
#[tokio::test(start_paused = true)]
async fn a_pull_ahead_that_comes_to_nothing_changes_nothing() {
    let calls = run(&plain(), |_| {}).await.world.faults.calls();
    let pulls = calls.iter().enumerate().filter(|(_, call)| *call == "ensure an image");
    let ahead = pulls.map(|(place, _)| place + 1).nth(1).unwrap();
    for fault in [Fault::Fail, Fault::Hang] {
        let ended = run(&plain(), |world: &World| world.faults.arm(ahead, fault)).await;
        ended.expect(Verdict::Pass, ExitKind::Pass);
        let fired = ended.world.faults.fired().unwrap();
        assert!(fired.ends_with("ensure an image"), "{fired}");
    }
}

/// The head takes seven seconds until it answers, and the old task is stopped first.
fn slow_head(world: &World) {
    let slow = Life { starts_after: Duration::from_secs(7), ..Life::steady() };
    world.swarm.behave(HEAD, Behaviour::lives([slow]));
}

/// STG-3: how long users had no answer is told, with the update policy that is the cause.
#[tokio::test(start_paused = true)]
async fn the_meter_tells_how_long_an_upgrade_takes_the_app_away() {
    let stopping = run(&plain(), slow_head).await;
    let seen = stopping.results().availability.clone().unwrap();
    assert!((6500..=7800).contains(&seen.down_ms), "{seen:?}");
    assert_eq!((seen.down_ms, seen.unknown), (seen.longest_gap_ms, 0), "{seen:?}");
    assert!(seen.told.contains("in one go") && seen.told.contains("stop-first"), "{seen:?}");
    check(&stopping, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);

    let starting = run(&from_to(rich("app"), rich("app").start_first()), slow_head).await;
    let seen = starting.results().availability.clone().unwrap();
    assert_eq!((seen.failed, seen.down_ms), (0, 0), "{seen:?}");
    assert!(seen.samples > 28, "{seen:?}");
}

/// STG-3: `upgrade.downtime_budget` makes a check of it, and hides nothing that comes after.
#[tokio::test(start_paused = true)]
async fn a_downtime_budget_is_kept_or_the_upgrade_fails() {
    let generous = plain().with(|plan| plan.downtime_budget_ms = Some(9000));
    let kept = run(&generous, slow_head).await;
    check(&kept, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    let said = ["was down for", "`upgrade.downtime_budget` allows 5.0 s"];
    let strict = plain().with(|plan| plan.downtime_budget_ms = Some(5000));
    let broken = run(&strict, slow_head).await;
    check(&broken, Verdict::Fail, ExitKind::Fail, Status::Failed, &said);
    let checks = broken.results().stages.iter().flat_map(|stage| &stage.checks);
    assert!(checks.clone().any(|check| check.name == "markers"), "the data was looked for");
}

/// A port that cc-ci moved to the host can belong to one task only: that the old one stops first
/// is not what the recipe says.
#[tokio::test(start_paused = true)]
async fn downtime_that_an_adaptation_makes_is_not_the_recipes() {
    let moved = from_to(rich("app"), rich("app").start_first()).with(|plan| {
        plan.downtime_budget_ms = Some(1000);
        let (kind, subject) = (AdaptationKind::HostPorts, "app".to_owned());
        plan.adaptations.push(Adaptation { kind, subject, why: "no mesh".into() });
    });
    // What the overlay does, the fake is told: without it it would start first.
    let ended = run(&moved, |world: &World| {
        let slow = Life { listens_after: Duration::from_secs(7), ..Life::steady() };
        world.swarm.behave(HEAD, Behaviour::lives([slow]));
    })
    .await;
    let said = ["cc-ci published its port on the host"];
    check(&ended, Verdict::Unverified, ExitKind::Unverified, Status::Unverified, &said);
}

/// Requests that never come back hold nothing up, and an engine that does not answer the meter
/// is no downtime.
#[tokio::test(start_paused = true)]
async fn the_meter_holds_no_upgrade_up() {
    let hung = Behaviour { answers: vec![Answer::Silence], ..Behaviour::steady() };
    let ended = run(&plain(), |world: &World| world.swarm.behave(HEAD, hung)).await;
    assert_eq!(ended.status(Rung::Upgrade), Status::Failed, "{}", ended.said());
    assert!(ended.took < Duration::from_hours(1), "{:?}", ended.took);
}

fn beside() -> PlanBuilder {
    plain().with(|plan| plan.beside = true)
}

/// STG-2: both lanes go on at once, and what they prove is what they prove one after the other.
#[tokio::test(start_paused = true)]
async fn a_fresh_head_beside_the_upgrade_proves_the_same_in_less_time() {
    let (one, two) = (run(&plain(), |_| {}).await, run(&beside(), |_| {}).await);
    check(&two, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert_eq!(two.results().rungs, one.results().rungs);
    assert_eq!(two.results().deploys, one.results().deploys);
    assert!(two.took < one.took, "{:?} and {:?}", two.took, one.took);
    assert_eq!(two.world.swarm.left(), []);
}

/// A fresh head that does not start is a red install, and the upgrade is judged all the same.
#[tokio::test(start_paused = true)]
async fn a_fresh_head_that_does_not_start_beside_is_a_red_install() {
    let ended = run(&beside(), |world: &World| {
        // The first task of the head's image is the fresh one's: the base comes up at the same time.
        let dies = Life::ending(Duration::from_secs(1), 1);
        let lives = std::iter::repeat_n(dies, 12).chain([Life::steady()]).collect::<Vec<_>>();
        world.swarm.behave(HEAD, Behaviour::lives(lives));
    })
    .await;
    assert_eq!(ended.status(Rung::Install), Status::Failed, "{}", ended.said());
    ended.expect(Verdict::Fail, ExitKind::Fail);
    assert_eq!(ended.world.swarm.left(), []);
}

/// TEAR-3: a signal ends both lanes, whenever it comes.
#[tokio::test(start_paused = true)]
async fn a_signal_leaves_nothing_of_two_lanes() {
    let length = u64::try_from(run(&beside(), |_| {}).await.took.as_millis()).unwrap();
    for at in (0..length).step_by(700) {
        let at = Duration::from_millis(at);
        let ended = run(&beside(), |world: &World| world.signals.raise_after(at)).await;
        ended.check();
        assert_eq!(ended.world.swarm.left(), [], "signal at {at:?}");
        assert_eq!(ended.exit(), ExitKind::Cancelled, "signal at {at:?}");
    }
}
