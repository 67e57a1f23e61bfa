//! Values in databases, through an upgrade, a backup and a restore.

use cc_ci_model::backup::{HookSeen, HookTime, RestoreSeen, SnapshotSeen};
use cc_ci_testkit::{PlanBuilder, ServiceBuilder, service, stack};

use super::super::scene::Scene;
use super::*;

fn db() -> ServiceBuilder {
    service("db").image("postgres:16").volume("rows", "/var/lib/postgresql/data")
}

fn cache() -> ServiceBuilder {
    service("cache").image("redis:7").volume("keys", "/data")
}

fn app() -> ServiceBuilder {
    service("app").routed(80)
}

/// What one look saw of a database, or of a server without any.
fn seen(marker: &str, nonce: &str, found: Option<&str>) -> DataSeen {
    let database = marker.starts_with("postgres").then(|| "shop".to_owned());
    DataSeen {
        marker: marker.into(),
        database,
        nonce: nonce.into(),
        found: found.map(str::to_owned),
        problem: None,
        forgets: false,
    }
}

fn broken(of: DataSeen, problem: &str) -> DataSeen {
    DataSeen { found: None, problem: Some(problem.into()), ..of }
}

const DB: &str = "postgres of service db";
const CACHE: &str = "redis of service cache";

fn told_of_data(scene: &Scene, name: &str) -> Vec<String> {
    let of_data = |line: &String| {
        line.contains(&format!(" {name}: "))
            || line.starts_with("warning data_")
            || line.starts_with("warning unsaved_data")
    };
    scene.told().into_iter().filter(of_data).collect()
}

fn upgrade(planted: Vec<DataSeen>, sought: Vec<DataSeen>) -> Vec<String> {
    let plan = PlanBuilder::new(stack([app(), db(), cache()]))
        .base(stack([app().image("app:0"), db(), cache()]))
        .build();
    let acts = [
        (Act::Plant, Evidence::Planted { markers: Vec::new(), data: planted }),
        (Act::Seek, Evidence::Sought { markers: Vec::new(), data: sought }),
    ];
    told_of_data(&Scene::of(plan).stage(Stage::Upgrade, acts), "data")
}

#[test]
fn a_row_is_there_after_the_upgrade_or_lost() {
    let planted = || vec![seen(DB, "a1", Some("a1")), seen(CACHE, "b1", Some("b1"))];
    let there = upgrade(planted(), planted());
    assert_eq!(
        there,
        [
            "passed data: still in 2 places: database `shop` (postgres of service db), redis of service cache"
        ]
    );
    for (now, expected) in [
        (
            seen(DB, "a1", None),
            "failed data: data lost: what was planted in database `shop` (postgres of service db) before the upgrade is gone",
        ),
        (
            seen(DB, "a1", Some("x")),
            "failed data: data changed: database `shop` (postgres of service db) does not hold what was planted in it before the upgrade",
        ),
        (
            broken(seen(DB, "a1", None), "FATAL"),
            "unverified data: database `shop` (postgres of service db) could not be read after the upgrade: FATAL",
        ),
    ] {
        let told = upgrade(planted(), vec![now, seen(CACHE, "b1", Some("b1"))]);
        assert_eq!(told, [expected]);
    }
    let unseen = upgrade(planted(), vec![seen(CACHE, "b1", Some("b1"))]);
    assert_eq!(
        unseen,
        [
            "unverified data: nobody looked for the value in database `shop` (postgres of service db)"
        ]
    );
    // Neither planted nor sought: nothing is proven by that.
    let nothing = upgrade(Vec::new(), Vec::new());
    assert_eq!(nothing.len(), 2, "{nothing:?}");
    assert!(nothing.iter().all(|line| line.starts_with("unverified data: nothing was planted in")));
}

/// A cache with a volume, and told to keep nothing: it can not lose anything.
#[test]
fn a_server_that_keeps_nothing_has_nothing_to_lose() {
    let forgets = DataSeen { forgets: true, ..seen(CACHE, "b1", None) };
    let planted = vec![seen(DB, "a1", Some("a1")), forgets];
    let told = upgrade(planted.clone(), vec![seen(DB, "a1", Some("a1"))]);
    assert_eq!(told, ["passed data: still in database `shop` (postgres of service db)"]);
    let plan = PlanBuilder::new(stack([app(), db(), cache()]))
        .base(stack([app().image("app:0"), db(), cache()]))
        .build();
    let acts = [(Act::Plant, Evidence::Planted { markers: Vec::new(), data: planted })];
    let told = told_of_data(&Scene::of(plan).stage(Stage::Upgrade, acts), "plant");
    let warned = told.iter().filter(|line| line.starts_with("warning data_not_marked: redis of"));
    assert_eq!(warned.count(), 1, "{told:?}");
    assert!(told.iter().all(|line| !line.contains("could not be marked")), "{told:?}");
}

/// A dump hook and the volume of the rows with only the dump backed up.
fn dumping() -> ServiceBuilder {
    db().backed_up()
        .label("backupbot.backup.pre-hook", "/dump.sh")
        .label("backupbot.backup.volumes.rows.path", "dump.sql")
}

struct Backup {
    head: Vec<ServiceBuilder>,
    marked: Vec<DataSeen>,
    found: Vec<(&'static str, bool)>,
}

impl Backup {
    fn of(head: impl IntoIterator<Item = ServiceBuilder>) -> Self {
        Self {
            head: [app()].into_iter().chain(head).collect(),
            marked: vec![seen(DB, "a2", Some("a2"))],
            found: vec![("a2", true)],
        }
    }

    fn scene(&self) -> Scene {
        let plan = PlanBuilder::new(stack(self.head.clone()))
            .base(stack(self.head.clone()))
            .run(Stage::Backup)
            .run(Stage::Restore)
            .build();
        let planted = vec![seen(DB, "a1", Some("a1"))];
        let planted = Evidence::Planted { markers: Vec::new(), data: planted };
        let looked = |(nonce, found): &(&'static str, bool)| {
            let known = seen(DB, nonce, None);
            DataInSnapshot {
                marker: known.marker,
                database: known.database,
                nonce: known.nonce,
                found: *found,
            }
        };
        let snapshot = SnapshotSeen {
            snapshot: "0123456789".into(),
            paths: Vec::new(),
            markers: Vec::new(),
            data: self.found.iter().map(looked).collect(),
            expected: Vec::new(),
        };
        let marked = self.marked.clone();
        let marked = Evidence::Marked { before: Vec::new(), markers: Vec::new(), data: marked };
        Scene::of(plan).stage(Stage::Upgrade, [(Act::Plant, planted)]).stage(
            Stage::Backup,
            [(Act::Mark, marked), (Act::ReadSnapshot, Evidence::Snapshot(snapshot))],
        )
    }

    fn restored(&self, now: DataSeen) -> Vec<String> {
        let restored = RestoreSeen {
            hooks: Vec::new(),
            snapshot: "0123456789".into(),
            markers: Vec::new(),
            problem: None,
        };
        let lost = vec![seen(DB, "a2", Some("lost"))];
        let scene = self.scene().stage(
            Stage::Restore,
            [
                (
                    Act::Disturb,
                    Evidence::Disturbed { markers: Vec::new(), data: lost, hooks: Vec::new() },
                ),
                (Act::Restore, Evidence::Restored(restored)),
                (Act::Recall, Evidence::Recalled { markers: Vec::new(), data: vec![now] }),
            ],
        );
        told_of_data(&scene, "data_back")
    }
}

#[test]
fn a_fresh_row_in_the_snapshot_is_the_best_proof_and_an_older_one_alone_is_stale() {
    let mut backup = Backup::of([dumping()]);
    let told = |backup: &Backup| told_of_data(&backup.scene(), "data");
    assert_eq!(
        told(&backup),
        [
            "passed data: what was planted in database `shop` (postgres of service db) is in the snapshot's bytes"
        ]
    );
    backup.found = vec![("a2", false), ("a1", true)];
    let stale = told(&backup);
    assert!(
        stale[0].starts_with("failed data: ") && stale[0].ends_with("the dump is stale"),
        "{stale:?}"
    );
    backup.found = vec![("a2", false), ("a1", false)];
    let hidden = told(&backup);
    assert!(hidden[0].contains("the restore has to bring it back"), "{hidden:?}");
    // The data's own files hold whatever a database has not yet swept away.
    let mut raw = Backup::of([db().backed_up()]);
    raw.found = vec![("a2", false), ("a1", true)];
    assert!(told(&raw)[0].starts_with("passed data: "), "{:?}", told(&raw));
}

#[test]
fn a_database_that_labels_leave_out_is_not_backed_up() {
    let left_out =
        db().backed_up().label("backupbot.backup.volumes.rows", "false").volume("other", "/other");
    let mut backup = Backup::of([left_out]);
    backup.found = vec![("a2", false)];
    // Something else of that service is backed up: the restore tells.
    let told = told_of_data(&backup.scene(), "data");
    assert!(told[0].starts_with("passed data: "), "{told:?}");

    let only_app = [
        service("files").volume("files", "/files").backed_up(),
        db().label("backupbot.backup.volumes.rows", "false"),
    ];
    backup.head = [app()].into_iter().chain(only_app).collect();
    let told = told_of_data(&backup.scene(), "data");
    assert!(
        told[0].starts_with(
            "failed data: database `shop` (postgres of service db) is not backed up: volume rows: "
        ),
        "{told:?}"
    );
}

#[test]
fn only_the_value_of_the_backup_is_back() {
    let backup = Backup::of([dumping()]);
    let what = "database `shop` (postgres of service db)";
    assert_eq!(
        backup.restored(seen(DB, "a2", Some("a2"))),
        [format!("passed data_back: back in {what}")]
    );
    for (now, says) in [
        (seen(DB, "a2", Some("lost")), "the restore does not put it back"),
        (seen(DB, "a2", Some("a1")), "puts an older state back: the backup holds stale data"),
        (seen(DB, "a2", None), "is not there after the restore"),
        (
            broken(seen(DB, "a2", None), "FATAL"),
            "can not be read after the restore, as it could before: FATAL",
        ),
    ] {
        let told = backup.restored(now);
        assert!(told[0].starts_with("failed data_back: ") && told[0].contains(says), "{told:?}");
        assert!(told[0].contains(what), "{told:?}");
    }
}

/// The negative control: a value that is still there proves nothing by being there later.
#[test]
fn a_loss_that_is_not_real_is_no_control() {
    let lost = |now: DataSeen| {
        let evidence =
            Evidence::Disturbed { markers: Vec::new(), data: vec![now], hooks: Vec::new() };
        let scene =
            Backup::of([dumping()]).scene().stage(Stage::Restore, [(Act::Disturb, evidence)]);
        told_of_data(&scene, "loss")
    };
    assert!(lost(seen(DB, "a2", Some("lost")))[0].starts_with("passed loss: gone from"));
    assert!(lost(seen(DB, "a2", None))[0].starts_with("passed loss: gone from"));
    assert!(lost(seen(DB, "a2", Some("a2")))[0].starts_with("errored loss: "));
    let again = |code| {
        let hook = HookSeen {
            service: "db".into(),
            when: HookTime::BackupPre,
            code: Some(code),
            by_sh: true,
            said: "dump.sql exists".into(),
        };
        let data = vec![seen(DB, "a2", Some("lost"))];
        let evidence = Evidence::Disturbed { markers: Vec::new(), data, hooks: vec![hook] };
        Scene::told(
            &Backup::of([dumping()]).scene().stage(Stage::Restore, [(Act::Disturb, evidence)]),
        )
    };
    assert!(again(0).iter().all(|line| line.starts_with("passed ")), "{:?}", again(0));
    assert!(
        again(1)
            .iter()
            .any(|line| line.starts_with("failed hook: ") && line.contains("a second backup"))
    );
    assert!(lost(broken(seen(DB, "a2", None), "x"))[0].starts_with("errored loss: "));
}

/// A cache that recipes leave out of their backups may lose what it holds.
#[test]
fn a_cache_that_is_left_out_is_told_and_not_missed() {
    let head = [db().backed_up(), cache().label("backupbot.backup.volumes.keys", "false")];
    let mut backup = Backup::of(head);
    backup.marked.push(seen(CACHE, "b2", Some("b2")));
    let told = told_of_data(&backup.scene(), "data");
    assert!(
        told.iter()
            .any(|line| line.starts_with("warning data_not_backed_up: redis of service cache")),
        "{told:?}"
    );
    let back = backup.restored(seen(DB, "a2", Some("a2")));
    assert!(back[0].starts_with("passed data_back: "), "{back:?}");
}
