//! What a snapshot shows, as a table: what is in it, and what is not.

use cc_ci_model::backup::{KeptMarker, MarkerInSnapshot, PathWeight, SnapshotPath, SnapshotSeen};
use cc_ci_model::evidence::{Act, Evidence, MarkerSeen};
use cc_ci_model::marker::PlannedData;
use cc_ci_model::plan::Plan;
use cc_ci_model::stage::Stage;
use cc_ci_testkit::{PlanBuilder, ServiceBuilder, service, stack};

use crate::assess::scene::{Scene, planted};

fn app() -> ServiceBuilder {
    service("app").routed(80).volume("data", "/data").backed_up()
}

/// With a second volume, which is left out.
fn with_cache() -> ServiceBuilder {
    app().volume("cache", "/cache").label("backupbot.backup.volumes.cache", "false")
}

const PRE_HOOK: &str = "backupbot.backup.pre-hook";

/// A backup on its way to what is in the snapshot.
struct Backup {
    plan: Plan,
    markers: Vec<KeptMarker>,
    /// Backed-up paths: volume, path, files and bytes in the snapshot.
    paths: Vec<(&'static str, &'static str, u64, u64)>,
    /// Volumes that the upgrade marked, and whether that nonce is in the snapshot.
    upgraded: Vec<(&'static str, bool)>,
}

fn backup(services: impl IntoIterator<Item = ServiceBuilder>) -> Backup {
    let base = stack([service("app").routed(80).volume("data", "/data")]);
    let builder = PlanBuilder::new(stack(services)).base(base);
    let mut plan = builder.run(Stage::Backup).run(Stage::Restore).build();
    // As if no database were known: what is said of files alone.
    plan.data = PlannedData::default();
    Backup { plan, markers: Vec::new(), paths: vec![("data", "", 9, 999)], upgraded: Vec::new() }
}

impl Backup {
    fn marked(mut self, volume: &str, path: &str, backed_up: bool) -> Self {
        self.markers.push(planted(volume, path, backed_up));
        self
    }

    fn path(mut self, seen: (&'static str, &'static str, u64, u64)) -> Self {
        self.paths.retain(|(volume, path, ..)| (*volume, *path) != ("data", ""));
        self.paths.push(seen);
        self
    }

    fn upgraded(mut self, volume: &'static str, in_snapshot: bool) -> Self {
        self.upgraded.push((volume, in_snapshot));
        self
    }

    /// The nonces of these markers, by number, are in the snapshot.
    #[track_caller]
    fn holds(&self, numbers: &[usize], expected: &[&str]) {
        let found = self.markers.iter().enumerate().map(|(number, marker)| MarkerInSnapshot {
            volume: marker.volume.clone(),
            nonce: marker.nonce.clone(),
            found: numbers.contains(&number),
        });
        let older = self.upgraded.iter().map(|(volume, in_snapshot)| MarkerInSnapshot {
            volume: (*volume).to_owned(),
            nonce: format!("nonce of the upgrade in {volume}"),
            found: *in_snapshot,
        });
        let paths = self.paths.iter().map(|(volume, path, files, bytes)| SnapshotPath {
            volume: (*volume).to_owned(),
            path: (*path).to_owned(),
            files: *files,
            bytes: *bytes,
        });
        let seen = SnapshotSeen {
            snapshot: "0123456789".into(),
            paths: paths.collect(),
            markers: found.chain(older).collect(),
            data: Vec::new(),
            expected: Vec::new(),
        };
        assert_eq!(self.scene(seen).told(), expected);
    }

    fn scene(&self, seen: SnapshotSeen) -> Scene {
        let before = self.paths.iter().map(|(volume, path, ..)| PathWeight {
            volume: (*volume).to_owned(),
            path: (*path).to_owned(),
            files: None,
            newest: None,
        });
        let marked = Evidence::Marked {
            before: before.collect(),
            markers: self.markers.clone(),
            data: Vec::new(),
        };
        let planted = Evidence::Planted {
            markers: self.upgraded.iter().map(upgrade_marker).collect(),
            data: Vec::new(),
        };
        Scene::of(self.plan.clone()).stage(Stage::Upgrade, [(Act::Plant, planted)]).stage(
            Stage::Backup,
            [(Act::Mark, marked), (Act::ReadSnapshot, Evidence::Snapshot(seen))],
        )
    }
}

fn upgrade_marker((volume, _): &(&'static str, bool)) -> MarkerSeen {
    let nonce = format!("nonce of the upgrade in {volume}");
    MarkerSeen {
        volume: (*volume).to_owned(),
        found: Some(nonce.clone()),
        nonce,
        service: Some("app".into()),
        path: None,
        problem: None,
    }
}

const NOTHING: &str = "unverified nonce: none of what was planted is in the snapshot: nothing was shown to be backed up";

#[test]
fn what_was_written_right_before_has_to_be_in_it() {
    let whole = || backup([app()]).marked("data", "m", true).marked("data", ".m", true);
    whole().holds(&[0, 1], &["passed nonce: 2 of 2 nonces are in the snapshot's bytes"]);
    let stale = |path| {
        format!(
            "failed nonce: what was written to {path} of volume data right before the backup is not in the snapshot: it is stale or incomplete"
        )
    };
    whole().holds(&[0], &[&stale(".m")]);
    whole().holds(&[], &[&stale("m"), &stale(".m")]);
    backup([app()]).holds(&[], &[NOTHING]);
}

#[test]
fn a_volume_that_is_left_out_is_a_warning_beside_one_that_is_not() {
    let told = "warning volume_not_backed_up: volume cache is not backed up: label `backupbot.backup.volumes.cache=false`";
    let both = || backup([with_cache()]).marked("data", "m", true).marked("cache", "m", false);
    both().holds(&[0], &["passed nonce: 1 of 2 nonces are in the snapshot's bytes", told]);
    // Twice the same is said once.
    both()
        .marked("cache", ".m", false)
        .holds(&[0], &["passed nonce: 1 of 3 nonces are in the snapshot's bytes", told]);
    // Alone it shows nothing.
    backup([with_cache()]).marked("cache", "m", false).holds(&[], &[NOTHING, told]);
}

#[test]
fn what_is_beside_labelled_paths_is_a_warning() {
    let part = app().label("backupbot.backup.volumes.data.path", "files");
    let part = || backup([part.clone()]).path(("data", "files", 9, 99)).marked("data", "m", false);
    part().marked("data", "files/m", true).holds(
        &[1],
        &[
            "passed nonce: 1 of 2 nonces are in the snapshot's bytes",
            "warning volume_not_backed_up: volume data is backed up only in part: what was written to m is not in the snapshot",
        ],
    );
    // A path that is a file, or that a hook makes: no marker could be put into it.
    part().holds(
        &[],
        &[
            NOTHING,
            "warning volume_not_backed_up: volume data is not backed up: only other paths of it are labelled",
        ],
    );
}

/// A live volume `live`, which is left out, and one with copies or dumps of it.
fn pair() -> ServiceBuilder {
    app()
        .volume("live", "/live")
        .label("backupbot.backup.volumes.live", "false")
        .label(PRE_HOOK, "cp -a /live /data/")
}

const UNPROVEN: &str = "unverified nonce: nothing shows that the pre-hook of service app carries volume live into the backup: what was \
     written to it right before is not in the snapshot. It copies stale data, or data in a form in which a file can not be found again";

#[test]
fn a_hook_has_to_be_seen_to_carry_something() {
    let pair = |service| backup([service]).marked("data", "m", true).marked("live", "m", false);
    pair(self::pair()).holds(&[0, 1], &["passed nonce: 2 of 2 nonces are in the snapshot's bytes"]);
    pair(self::pair()).holds(&[0], &[UNPROVEN]);
    // It was proven to be stale: what was there at the upgrade is in the snapshot.
    let stale = "failed nonce: what volume live held at the upgrade is in the snapshot, and what was written to it right before the \
         backup is not: the backup copies stale data";
    pair(self::pair()).upgraded("live", true).holds(&[0], &[stale]);
    pair(self::pair()).upgraded("live", false).holds(&[0], &[UNPROVEN]);
    pair(self::pair())
        .upgraded("live", true)
        .holds(&[0, 1], &["passed nonce: 2 of 2 nonces are in the snapshot's bytes"]);
    // Hooks at another time carry nothing into a backup.
    let post = app()
        .volume("live", "/live")
        .label("backupbot.backup.volumes.live", "false")
        .label("backupbot.backup.post-hook", "rm dump");
    let left_out = "warning volume_not_backed_up: volume live is not backed up: label `backupbot.backup.volumes.live=false`";
    pair(post).holds(&[0], &["passed nonce: 1 of 2 nonces are in the snapshot's bytes", left_out]);
}

/// `php occ maintenance:mode --on` on the service that mounts a cache, which is left out: the hook
/// need not carry anything.
#[test]
fn beside_a_hook_for_something_else_a_cache_is_a_warning() {
    let seen = |service: ServiceBuilder, volume: &str| {
        backup([service]).marked("data", "m", true).marked(volume, "m", false)
    };
    let passed = "passed nonce: 1 of 2 nonces are in the snapshot's bytes";
    let told = "warning volume_not_backed_up: volume cache is not backed up: label `backupbot.backup.volumes.cache=false`";
    let maintenance = with_cache().label(PRE_HOOK, "php occ maintenance:mode --on");
    seen(maintenance, "cache").holds(&[0], &[passed, told]);
    // By the path it is mounted at.
    let mounted = app()
        .volume("app_c", "/var/cache/app")
        .label("backupbot.backup.volumes.app_c", "false")
        .label(PRE_HOOK, "maintenance on");
    let told = "warning volume_not_backed_up: volume app_c is not backed up: label `backupbot.backup.volumes.app_c=false`";
    seen(mounted, "app_c").holds(&[0], &[passed, told]);
    // A hook that names it may be there for it.
    let unproven = "unverified nonce: nothing shows that the pre-hook of service app carries volume cache into the backup: what was \
         written to it right before is not in the snapshot. It copies stale data, or data in a form in which a file can not be found again";
    let named = with_cache().label(PRE_HOOK, "cp -a /cache /data/");
    seen(named, "cache").holds(&[0], &[unproven]);
    // It was seen to carry stale data: no name makes that good.
    let stale = "failed nonce: what volume cache held at the upgrade is in the snapshot, and what was written to it right before the \
         backup is not: the backup copies stale data";
    let maintenance = with_cache().label(PRE_HOOK, "php occ maintenance:mode --on");
    seen(maintenance, "cache").upgraded("cache", true).holds(&[0], &[stale]);
}

/// `cp /live/* /data/` leaves out what begins with a dot.
#[test]
fn a_hook_that_carries_only_a_part_is_a_warning() {
    backup([pair()])
        .marked("data", "m", true)
        .marked("live", "m", false)
        .marked("live", ".m", false)
        .upgraded("live", true)
        .holds(
            &[0, 1],
            &[
                "passed nonce: 2 of 3 nonces are in the snapshot's bytes",
                "warning volume_not_backed_up: volume live is backed up only in part: what was written to .m is not in the snapshot",
            ],
        );
}

/// Only the folder that the hook makes is labelled; its volume's root is nobody's concern.
#[test]
fn beside_what_a_hook_was_seen_to_carry_the_rest_is_a_warning() {
    let copies = pair().label("backupbot.backup.volumes.data.path", "live");
    backup([copies])
        .path(("data", "live", 9, 99))
        .marked("data", "m", false)
        .marked("live", "m", false)
        .holds(
            &[1],
            &[
                "passed nonce: 1 of 2 nonces are in the snapshot's bytes",
                "warning volume_not_backed_up: volume data is not backed up: only other paths of it are labelled",
            ],
        );
}

/// `rsync --delete /live/ /data/` takes away what was in the volume with the copies.
#[test]
fn what_a_hook_replaces_on_its_way_is_a_warning() {
    let both = || backup([pair()]).marked("data", "m", true).marked("live", "m", false);
    both().holds(
        &[1],
        &[
            "passed nonce: 1 of 2 nonces are in the snapshot's bytes",
            "warning replaced_by_hook: m of volume data is not in the snapshot: the pre-hook of service app takes away what it does not write",
        ],
    );
    let stale = "failed nonce: what was written to m of volume data right before the backup is not in the snapshot: it is stale or incomplete";
    both().holds(&[], &[stale, UNPROVEN]);
}

/// STG-9: a file proves nothing about a database, wherever it is found again.
#[test]
fn a_database_needs_a_marker_of_its_own() {
    let db = service("db").image("postgres:16").volume("rows", "/var/lib/postgresql/data");
    let told = "unverified nonce: volume rows holds a database: a file in it proves nothing about its data, and no database marker is declared";
    let both = || {
        backup([app(), db.clone()])
            .path(("rows", "", 9, 99))
            .path(("data", "files", 9, 99))
            .marked("data", "m", true)
            .marked("rows", "m", true)
    };
    both().holds(&[0, 1], &[told]);
    both().marked("rows", ".m", true).holds(&[0], &[told]);
}

#[test]
fn a_path_is_empty_when_only_ours_is_in_it() {
    let nothing = |path| {
        format!(
            "unverified paths: nothing was in any backed-up path before cc-ci put its marker there: {path}"
        )
    };
    let data = |files| backup([app()]).path(("data", "", files, 99)).marked("data", "m", true);
    data(1).holds(&[0], &[&nothing("data")]);
    data(2).holds(&[0], &["passed nonce: 1 of 1 nonces are in the snapshot's bytes"]);
    data(2).marked("data", ".m", true).holds(&[0, 1], &[&nothing("data")]);
    // One of several is a warning: on a fresh app some are empty.
    let two = app().label("backupbot.backup.volumes.data.path", "a,b");
    backup([two])
        .path(("data", "a", 5, 99))
        .path(("data", "b", 1, 32))
        .marked("data", "a/m", true)
        .marked("data", "b/m", true)
        .holds(
            &[0, 1],
            &[
                "passed nonce: 2 of 2 nonces are in the snapshot's bytes",
                "warning backed_up_path_empty: nothing was in backed-up path data/b before cc-ci put its marker there",
            ],
        );
}

/// Incident (ghost): the database's container was replaced while it dumped, and the dump in the
/// backup that "succeeded" was empty.
#[test]
fn incident_empty_dump_a_path_without_a_byte_fails() {
    let dump =
        app().volume("dumps", "/dumps").label("backupbot.backup.volumes.dumps.path", "dump.sql");
    let dump = |files, bytes| {
        backup([dump.clone()])
            .path(("dumps", "dump.sql", files, bytes))
            .path(("data", "files", 9, 99))
            .marked("data", "m", true)
            .marked("dumps", "m", false)
    };
    let empty = "failed paths: backed-up path dumps/dump.sql is empty in the snapshot";
    let beside = "warning volume_not_backed_up: volume dumps is not backed up: only other paths of it are labelled";
    dump(1, 0).holds(&[0], &[empty, beside]);
    dump(0, 0).holds(&[0], &[empty, beside]);
    dump(1, 9).holds(&[0], &["passed nonce: 1 of 2 nonces are in the snapshot's bytes", beside]);
}

#[test]
fn every_backed_up_path_has_to_be_looked_for() {
    let two = app().label("backupbot.backup.volumes.data.path", "a,b");
    backup([two])
        .path(("data", "a", 5, 99))
        .marked("data", "a/m", true)
        .holds(&[0], &["errored paths: 1 of 2 backed-up paths were looked for in the snapshot"]);
}
