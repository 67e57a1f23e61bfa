//! What is said of the loss, of a restore, and of what is back afterwards.

use cc_ci_model::backup::{
    HookSeen, HookTime, KeptMarker, MarkerFile, MarkerInSnapshot, RestoreSeen, SnapshotSeen,
};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::stage::Stage;
use cc_ci_testkit::{PlanBuilder, service, stack};

use crate::assess::scene::{Scene, changed, gone, planted, unreadable};

/// Markers `m` and `n` of volume `data`, as they were planted.
fn markers() -> [KeptMarker; 2] {
    [planted("data", "m", true), planted("data", "n", true)]
}

/// A backup whose snapshot has those of `markers`.
fn backed_up(markers: &[KeptMarker], in_snapshot: &[bool]) -> Scene {
    let app = service("app").routed(80).volume("data", "/data").backed_up();
    let plan = PlanBuilder::new(stack([app])).run(Stage::Backup).run(Stage::Restore).build();
    let looked = markers.iter().zip(in_snapshot).map(|(marker, found)| MarkerInSnapshot {
        volume: marker.volume.clone(),
        nonce: marker.nonce.clone(),
        found: *found,
    });
    let (snapshot, paths) = ("0123456789".to_owned(), Vec::new());
    let marked =
        Evidence::Marked { before: Vec::new(), markers: markers.to_vec(), data: Vec::new() };
    let (markers_in, expected) = (looked.collect(), Vec::new());
    let data = Vec::new();
    let seen = SnapshotSeen { snapshot, paths, markers: markers_in, expected, data };
    Scene::of(plan)
        .stage(Stage::Backup, [(Act::Mark, marked), (Act::ReadSnapshot, Evidence::Snapshot(seen))])
}

#[track_caller]
fn disturbed(in_snapshot: &[bool], now: Vec<KeptMarker>, expected: &str) {
    let evidence = Evidence::Disturbed { markers: now, data: Vec::new(), hooks: Vec::new() };
    let scene =
        backed_up(&markers(), in_snapshot).stage(Stage::Restore, [(Act::Disturb, evidence)]);
    assert_eq!(scene.told(), [expected]);
}

#[test]
fn the_loss_has_to_be_real() {
    let [m, n] = markers();
    let lost = |marker| changed(marker, |file: &mut MarkerFile| file.content = "lost".into());
    disturbed(&[true, true], vec![lost(&m), lost(&n)], "passed loss: 2 markers gone");
    disturbed(&[true, true], vec![lost(&m), gone(&n)], "passed loss: 2 markers gone");
    // What is not in the snapshot need not be lost.
    disturbed(&[true, false], vec![lost(&m), n.clone()], "passed loss: 1 marker gone");
    let survives = "errored loss: the loss could not be made real in volume data: a restore would prove nothing";
    for still in [m.clone(), unreadable(&m)] {
        disturbed(&[true, true], vec![still, lost(&n)], survives);
    }
    disturbed(&[true, true], vec![lost(&n)], survives);
    disturbed(&[true, true], Vec::new(), survives);
    let unknown =
        "unverified loss: nothing is known to be in the snapshot, so nothing can be lost and found";
    disturbed(&[false, false], vec![lost(&m), lost(&n)], unknown);
}

#[track_caller]
fn restored(hooks: Vec<HookSeen>, problem: Option<&str>, expected: &[&str]) {
    let (snapshot, problem) = ("0123456789".to_owned(), problem.map(str::to_owned));
    let evidence =
        Evidence::Restored(RestoreSeen { hooks, snapshot, markers: Vec::new(), problem });
    let scene =
        backed_up(&markers(), &[true, true]).stage(Stage::Restore, [(Act::Restore, evidence)]);
    assert_eq!(scene.told(), expected);
}

#[test]
fn a_restore_is_good_when_everything_was_put_back_and_no_hook_failed() {
    let done = "passed restore: snapshot 01234567 is put back";
    restored(Vec::new(), None, &[done]);
    restored(Vec::new(), Some("no space left"), &["errored restore: no space left"]);
    let hook = |code| HookSeen {
        service: "db".into(),
        when: HookTime::RestorePost,
        code,
        by_sh: false,
        said: "no such table".into(),
    };
    let failed = "failed hook: `backupbot.restore.post-hook` of service db ended with exit code 1 \
        (the bot would have gone on and called the restore a success): no such table";
    restored(vec![hook(Some(0))], None, &[done]);
    restored(vec![hook(Some(0)), hook(Some(1))], None, &[failed, done]);
    restored(vec![hook(Some(1))], Some("broken"), &[failed, "errored restore: broken"]);
}

#[test]
fn every_running_service_is_restarted() {
    let told = |services: &[&str]| {
        let services = services.iter().map(|name| (*name).to_owned()).collect();
        let acts = [(Act::Restart, Evidence::Restarted { services })];
        backed_up(&markers(), &[true, true]).stage(Stage::Restore, acts).told()
    };
    assert_eq!(told(&["app", "db"]), ["passed restart: 2 services restarted"]);
    assert_eq!(told(&[]), ["unverified restart: no service was restarted after the restore"]);
}

#[track_caller]
fn recalled(then: &[KeptMarker], in_snapshot: &[bool], now: Vec<KeptMarker>, expected: &[&str]) {
    let evidence = Evidence::Recalled { markers: now, data: Vec::new() };
    let scene = backed_up(then, in_snapshot).stage(Stage::Restore, [(Act::Recall, evidence)]);
    assert_eq!(scene.told(), expected);
}

#[test]
fn everything_has_to_be_back_bit_for_bit() {
    let [m, n] = markers();
    let with = |now, expected: &[&str]| {
        recalled(&markers(), &[true, true], vec![now, n.clone()], expected);
    };
    with(m.clone(), &["passed data_back: 2 markers back, with owner, mode and attributes"]);
    let older = "failed data_back: data lost: m of volume data does not hold after the restore what it held at the backup: \
        the restore does not put it back, or puts an older state back";
    with(changed(&m, |file| file.content = "older".into()), &[older]);
    let is_gone = "failed data_back: data lost: what was in m of volume data at the backup is not there after the restore";
    with(gone(&m), &[is_gone]);
    recalled(&markers(), &[true, true], vec![n.clone()], &[is_gone]);
    // A file that could not be read is not a file that is gone.
    let unseen = "errored data_back: m of volume data could not be looked at after the restore: input/output error";
    with(unreadable(&m), &[unseen]);
}

/// What somebody did to a marker's file.
type Change = fn(&mut MarkerFile);

#[test]
fn back_but_not_as_it_was() {
    let [m, n] = markers();
    let cases: [(Change, &str); 5] = [
        (|file| file.uid = 0, "owner 0:33 was 33:33"),
        (|file| file.gid = 0, "owner 33:0 was 33:33"),
        (|file| file.mode = 0, "mode 0 was 640"),
        (|file| file.xattrs = Some(Vec::new()), "extended attributes differ"),
        (|file| (file.uid, file.mode) = (1, 0o4755), "owner 1:33 was 33:33, mode 4755 was 640"),
    ];
    for (change, how) in cases {
        let expected = format!(
            "failed data_back: m of volume data is back, but not as it was: {how}: the app may not be able to read it"
        );
        let now = vec![changed(&m, change), n.clone()];
        recalled(&markers(), &[true, true], now, &[&expected]);
    }
}

/// An entrypoint that gives all files to its user, with a mode of its own, at each start: what the
/// restore brought back is what counts then. It does not excuse a restore that lost something.
#[test]
fn what_the_app_does_at_its_start_is_no_loss() {
    let [m, n] = markers();
    let by_app =
        changed(&m, |file| (file.uid, file.mode, file.xattrs) = (101, 0o644, Some(vec![])));
    let told = |restored: Vec<KeptMarker>, now: &KeptMarker| {
        let seen = RestoreSeen {
            hooks: Vec::new(),
            snapshot: "0123456789".into(),
            markers: restored,
            problem: None,
        };
        let now = vec![now.clone(), n.clone()];
        let acts = [
            (Act::Restore, Evidence::Restored(seen)),
            (Act::Recall, Evidence::Recalled { markers: now, data: Vec::new() }),
        ];
        backed_up(&markers(), &[true, true]).stage(Stage::Restore, acts).told()
    };
    let good = ["passed data_back: 2 markers back, with owner, mode and attributes"];
    assert_eq!(told(markers().to_vec(), &by_app), good);
    let lost = "failed data_back: m of volume data is back, but not as it was: owner 101:33 was 33:33, mode 644 was 640, \
        extended attributes differ: the app may not be able to read it";
    let by_restore = changed(&m, |file| file.mode = 0o600);
    assert_eq!(told(vec![by_restore.clone(), n.clone()], &by_app), [lost]);
    assert_eq!(told(Vec::new(), &by_app), [lost]);
    assert_eq!(told(vec![gone(&m), n.clone()], &by_app), [lost]);
    // Put right by the app's start.
    assert_eq!(told(vec![by_restore, n.clone()], &m), good);
    // Content is another matter: an app that loses it at its start has lost it.
    let empty = changed(&m, |file| file.content.clear());
    assert!(told(markers().to_vec(), &empty)[0].starts_with("failed data_back: data lost"));
}

/// `tar` and most programs a hook uses do not keep extended attributes; owner and mode they do.
#[test]
fn attributes_that_a_hook_lost_are_a_warning() {
    let [m, n] = [planted("data", "m", false), planted("data", "n", true)];
    let bare = changed(&m, |file| file.xattrs = Some(Vec::new()));
    let warning = "warning xattrs_lost_by_hook: extended attributes of m of volume data are not back: a hook carries it, by a \
        program that does not keep them (such as `tar` without `--xattrs`)";
    recalled(
        &[m.clone(), n.clone()],
        &[true, true],
        vec![bare.clone(), n.clone()],
        &["passed data_back: 2 markers back, with owner and mode", warning],
    );
    let rooted = changed(&bare, |file| file.uid = 0);
    let owner = "failed data_back: m of volume data is back, but not as it was: owner 0:33 was 33:33: the app may not be able to read it";
    recalled(&[m, n.clone()], &[true, true], vec![rooted, n], &[owner, warning]);
}

#[test]
fn attributes_that_can_not_be_read_are_not_compared() {
    let bare = markers().map(|marker| changed(&marker, |file| file.xattrs = None));
    recalled(
        &bare,
        &[true, true],
        bare.to_vec(),
        &[
            "passed data_back: 2 markers back, with owner and mode",
            "warning xattrs_not_compared: extended attributes of volume data can not be read here and were not compared",
        ],
    );
}

/// What nobody saw in the snapshot is not asked for, and shows nothing.
#[test]
fn only_what_was_in_the_snapshot_has_to_be_back() {
    let [m, n] = markers();
    recalled(
        &markers(),
        &[true, false],
        vec![m.clone(), gone(&n)],
        &["passed data_back: 1 marker back, with owner, mode and attributes"],
    );
    let nothing = "unverified data_back: nothing was shown to be in the snapshot";
    recalled(&markers(), &[false, false], vec![m.clone(), n.clone()], &[nothing]);
    recalled(&[], &[], vec![m.clone(), n.clone()], &[nothing]);
    let unknown = "unverified data_back: nobody knows what volume data was like at the backup";
    recalled(&[gone(&m), n.clone()], &[true, true], vec![m, n], &[unknown]);
}
