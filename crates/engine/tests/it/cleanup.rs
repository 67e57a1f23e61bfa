//! Removing what is slow, in use, or anonymous (TEAR-1).

use std::time::Duration;

use cc_ci_model::compose::ServiceMode;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::{Behaviour, Exit, Life, PlanBuilder, World, service, stack};

use crate::harness::{one_service, run};

/// A process that does not end within the budget holds its volume and its network.
#[tokio::test(start_paused = true)]
async fn what_does_not_go_in_time_is_listed() {
    let on_term = Exit { after: Duration::from_hours(2), code: 0 };
    let stubborn = Behaviour {
        stop_grace: Duration::from_hours(1),
        ..Behaviour::lives([Life { on_term, ..Life::steady() }])
    };
    let ended = run(&one_service(), |world: &World| world.swarm.behave("app", stubborn)).await;
    ended.expect(Verdict::Pass, ExitKind::CleanupIncomplete);
    let left = &ended.results().cleanup.left;
    for kind in [ObjectKind::Container, ObjectKind::Volume, ObjectKind::Network] {
        assert!(left.iter().any(|object| object.kind == kind), "{kind:?}: {left:?}");
    }
}

/// A container that outlives its task is removed: the engine would keep that of a job for ever.
#[tokio::test(start_paused = true)]
async fn containers_that_nobody_else_removes_are_removed() {
    let lingering = Behaviour { lingers: Duration::from_hours(1), ..Behaviour::steady() };
    let ended = run(&one_service(), |world: &World| world.swarm.behave("app", lingering)).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let job = service("job").unchecked().mode(ServiceMode::ReplicatedJob { completions: 1 });
    let builder = PlanBuilder::new(stack([service("app").routed(80), job.volume("data", "/data")]));
    let shot = Behaviour::one_shot(Duration::from_secs(1));
    let ended = run(&builder, |world: &World| world.swarm.behave("job", shot)).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
}

#[tokio::test(start_paused = true)]
async fn anonymous_volumes_go_with_their_container() {
    let anonymous = Behaviour { anonymous: vec!["/var/cache/app".into()], ..Behaviour::steady() };
    let ended = run(&one_service(), |world: &World| world.swarm.behave("app", anonymous)).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
}

/// TEAR-1: the containers' recorded anonymous volumes are removed too, where the engine leaves
/// them behind.
#[tokio::test(start_paused = true)]
async fn anonymous_volumes_that_outlive_their_container_are_removed() {
    let anonymous = Behaviour {
        anonymous: vec!["/var/cache/app".into()],
        anonymous_stay: true,
        ..Behaviour::steady()
    };
    let ended = run(&one_service(), |world: &World| world.swarm.behave("app", anonymous)).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert_eq!(ended.world.swarm.left(), []);
}

/// Found in the lab: a volume with a fixed name mounted a stranger's data, and wrote over it.
#[tokio::test(start_paused = true)]
async fn a_fixed_volume_name_never_mounts_a_strangers_data() {
    let app = service("app").routed(80).volume("data", "/data");
    let builder = PlanBuilder::new(stack([app]).fixed_volume("data", "shared_data"));
    let ended = run(&builder, |world: &World| {
        world.swarm.foreign(ObjectKind::Volume, "shared_data");
    })
    .await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert!(ended.said().contains("shared_data"), "{}", ended.said());
    assert!(!ended.world.faults.calls().contains(&"deploy a stack".to_owned()));
    assert_eq!(ended.world.swarm.foreign_left(), ["shared_data"]);
}

/// Nobody else's: it is made, used and removed like any other.
#[tokio::test(start_paused = true)]
async fn a_fixed_volume_name_that_is_free_is_ours_for_the_run() {
    let app = service("app").routed(80).volume("data", "/data");
    let builder = PlanBuilder::new(stack([app]).fixed_volume("data", "shared_data"));
    run(&builder, |_| {}).await.expect(Verdict::Pass, ExitKind::Pass);
}

/// A stranger's network under the fixed name of a volume of ours is not ours.
#[tokio::test(start_paused = true)]
async fn a_strangers_object_of_another_kind_under_a_fixed_name_of_ours_stays() {
    let app = service("app").routed(80).volume("data", "/data");
    let builder = PlanBuilder::new(stack([app]).fixed_volume("data", "shared_data"));
    let ended = run(&builder, |world: &World| {
        world.swarm.foreign(ObjectKind::Network, "shared_data");
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert_eq!(ended.world.swarm.foreign_left(), ["shared_data"]);
}
