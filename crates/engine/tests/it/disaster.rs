//! Restores after a disaster (STG-5): the app and its volumes are gone, and it comes back from the
//! snapshot alone.

use cc_ci_model::evidence::Evidence;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::integrity::{RestoreMode, UndeploySeen};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::plan::Plan;
use cc_ci_model::stage::Rung;
use cc_ci_testkit::{Flaw, PlanBuilder, Script, World};

use crate::backup::{VOLUME, app, backing_up, check, everything, full};
use crate::harness::{Ended, run};

fn disaster(plan: &mut Plan) {
    plan.restore_mode = RestoreMode::Disaster;
}

/// Everything a run can do, with all a pack can ask of a backup, restored after a disaster.
pub(crate) fn everything_after_a_disaster() -> PlanBuilder {
    everything().with(disaster).with(crate::attempts::verified)
}

fn undeployed(ended: &Ended) -> UndeploySeen {
    let state = cc_ci_core::state::RunState::of(&ended.world.store.events());
    let acts = state.stages.into_iter().flat_map(|run| run.acts);
    let mut seen = acts.filter_map(|act| match act.evidence {
        Some(Evidence::Undeployed(seen)) => Some(seen),
        _ => None,
    });
    seen.next_back().expect("an app that was undeployed")
}

#[tokio::test(start_paused = true)]
async fn a_recipe_that_comes_back_after_a_disaster_is_level_four() {
    for builder in [full().with(disaster), everything_after_a_disaster()] {
        let ended = run(&builder, |_| {}).await;
        check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
        let results = ended.results();
        assert_eq!((results.level, results.restore_mode), (4, RestoreMode::Disaster));
        let upgraded = results.deploys.iter().find(|count| count.app.as_str() == "upgraded");
        let upgraded = upgraded.unwrap();
        assert_eq!((upgraded.planned, upgraded.actual), (3, 3));
        assert!(results.obligations.iter().all(|due| due.met), "{:?}", results.obligations);
        assert!(results.proves.iter().any(|line| line.contains("its volumes deleted")));
    }
}

/// The secrets are the same ones: nothing was made anew, and nothing of them was removed.
#[tokio::test(start_paused = true)]
async fn secrets_outlive_the_disaster_and_volumes_do_not() {
    let ended = run(&everything_after_a_disaster(), |_| {}).await;
    let seen = undeployed(&ended);
    assert_eq!(seen.kept.len(), 1, "{seen:?}");
    assert_eq!(seen.volumes.len(), 2, "{seen:?}");
    assert_eq!(seen.left, []);
    let made = ended.world.faults.calls();
    let secrets = made.iter().filter(|call| call.contains("create a secret")).count();
    assert_eq!(secrets, 2, "one for each app: {made:?}");
}

/// Without a base the fresh head is the app that is lost, and its install was counted before.
#[tokio::test(start_paused = true)]
async fn a_fresh_head_is_lost_and_deployed_anew() {
    let ended = run(&backing_up(app()).with(disaster), |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert_eq!(ended.status(Rung::Install), Status::Passed);
    // A restore that is never come to leaves the counts as they were planned.
    let ended = run(&backing_up(app()).with(disaster), |world: &World| {
        world.snapshots.flawed(Flaw::Stale(VOLUME.into()));
    })
    .await;
    assert_eq!(ended.status(Rung::Install), Status::Passed, "{}", ended.said());
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_puts_nothing_back_fails_after_a_disaster_too() {
    let ended = run(&full().with(disaster), |world: &World| {
        world.snapshots.flawed(Flaw::RestoresNothing);
    })
    .await;
    let words = ["data lost", "after a disaster: the app was deployed anew with empty volumes"];
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &words);
    assert_eq!(ended.status(Rung::Upgrade), Status::Passed);
}

/// What only a volume has that is in no backup: in place nobody misses it.
#[tokio::test(start_paused = true)]
async fn what_is_in_no_backup_is_missed_after_a_disaster() {
    let keys = "recipe-0a1b2c_ccci_test_keys";
    let recipe = || {
        app()
            .volume("keys", "/keys")
            .label("backupbot.backup.volumes.keys", "false")
            .label("backupbot.restore.post-hook", "/unlock.sh")
    };
    // The hook needs what is in that volume since the app was installed.
    let arrange = |world: &World| {
        let needed = format!("cc-ci-marker-{}-keys", world.plan.run_id.hex());
        let (from, to) = ((keys.into(), needed), (VOLUME.into(), "open".into()));
        world.swarm.script_command("/unlock.sh", Script::Copy { from, to });
    };
    let in_place = run(&backing_up(recipe()), arrange).await;
    check(&in_place, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    let ended = run(&backing_up(recipe()).with(disaster), arrange).await;
    let words = [
        "`backupbot.restore.post-hook` of service app ended with exit code 1",
        "volume keys is in no backup",
    ];
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &words);
}

/// The negative control is a look: markers that outlive the volumes make it no loss.
#[tokio::test(start_paused = true)]
async fn markers_that_are_still_there_are_no_loss() {
    let ended = run(&backing_up(app()).with(disaster), |world: &World| {
        world.swarm.files_outlive(VOLUME);
    })
    .await;
    assert_eq!(ended.status(Rung::BackupRestore), Status::Errored, "{}", ended.said());
    assert!(ended.said().contains("the loss could not be made real"), "{}", ended.said());
}

/// A volume that will not go is no loss either, and says nothing about the recipe.
#[tokio::test(start_paused = true)]
async fn an_app_that_can_not_be_taken_away_is_an_error() {
    let ended = run(&backing_up(app()).with(disaster), |world: &World| {
        world.swarm.hold_volume(VOLUME);
    })
    .await;
    assert_eq!(ended.status(Rung::BackupRestore), Status::Errored, "{}", ended.said());
    assert!(ended.said().contains("could not be taken away"), "{}", ended.said());
}
