//! Removing what is slow, in use, or anonymous (TEAR-1).

use std::time::Duration;

use cc_ci_model::exit::ExitKind;
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::{Behaviour, World};

use crate::harness::{one_service, run};

/// A container that does not go within the budget holds its volume and its network.
#[tokio::test(start_paused = true)]
async fn what_does_not_go_in_time_is_listed() {
    let lingering = Behaviour { lingers: Duration::from_secs(3600), ..Behaviour::steady() };
    let ended = run(&one_service(), |world: &World| world.swarm.behave("app", lingering)).await;
    ended.expect(Verdict::Pass, ExitKind::CleanupIncomplete);
    let left = &ended.results().cleanup.left;
    for kind in [ObjectKind::Container, ObjectKind::Volume] {
        assert!(left.iter().any(|object| object.kind == kind), "{kind:?}: {left:?}");
    }
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

/// ISO-4: a stranger's network that has the name of a volume of ours is not ours.
#[tokio::test(start_paused = true)]
async fn a_name_of_ours_on_a_strangers_object_of_another_kind_is_no_claim() {
    let ended = run(&one_service(), |world: &World| {
        world.swarm.foreign(ObjectKind::Network, "recipe-0a1b2c_ccci_test_data");
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert_eq!(ended.world.swarm.foreign_left(), ["recipe-0a1b2c_ccci_test_data"]);
}
