//! Runs of apps with databases: values are planted in them, lost and found (STG-9).

use cc_ci_model::exit::ExitKind;
use cc_ci_model::marker::{DataMarker, HttpStep, MarkerKind, PlannedData};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::plan::Plan;
use cc_ci_model::stage::{Rung, Stage};
use cc_ci_testkit::{PlanBuilder, Script, ServiceBuilder, World, service, stack};

use crate::harness::{Ended, run};

/// The volume of the rows as the app has it that is backed up.
const ROWS: &str = "recipe-3d4e5f_ccci_test_rows";

/// Where the simulated database keeps the value.
const ROW: &str = "rows/app.row";

fn db() -> ServiceBuilder {
    service("db").image("postgres:16").volume("rows", "/var/lib/postgresql/data").backed_up()
}

/// A dump is made beside the rows, and that alone is backed up.
fn dumping() -> ServiceBuilder {
    db().label("backupbot.backup.pre-hook", "/dump.sh")
        .label("backupbot.backup.volumes.rows.path", "dump.sql")
        .label("backupbot.restore.post-hook", "/load.sh")
}

fn plan(db: &ServiceBuilder) -> PlanBuilder {
    let app = || service("app").routed(80);
    PlanBuilder::new(stack([app().image("registry.test/app:1.1.0"), db.clone()]))
        .base(stack([app(), db.clone()]))
        .run(Stage::Backup)
        .run(Stage::Restore)
}

fn copies(world: &World, hook: &str, from: &str, to: &str) {
    let place = |path: &str| (ROWS.to_owned(), path.to_owned());
    world.swarm.script_command(hook, Script::Copy { from: place(from), to: place(to) });
}

/// How the rungs of upgrade and backup ended.
#[track_caller]
fn check(ended: &Ended, verdict: Verdict, exit: ExitKind, rungs: [Status; 2], words: &[&str]) {
    ended.expect(verdict, exit);
    let seen = [ended.status(Rung::Upgrade), ended.status(Rung::BackupRestore)];
    assert_eq!(seen, rungs, "{}", ended.said());
    for word in words {
        assert!(ended.said().contains(word), "{word:?} is not in: {}", ended.said());
    }
}

const GREEN: [Status; 2] = [Status::Passed, Status::Passed];

const WHAT: &str = "database `app` (postgres of service db)";

/// IN-2: without any pack, by the image's name.
#[tokio::test(start_paused = true)]
async fn a_row_survives_upgrade_backup_and_restore() {
    let ended = run(&plan(&db()), |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, GREEN, &[]);
    let ended = run(&plan(&dumping()), |world| {
        copies(world, "/dump.sh", ROW, "dump.sql");
        copies(world, "/load.sh", "dump.sql", ROW);
    })
    .await;
    check(&ended, Verdict::Pass, ExitKind::Pass, GREEN, &[]);
}

/// The dump is there, fresh and not empty, and nothing ever loads it.
#[tokio::test(start_paused = true)]
async fn a_dump_that_nothing_loads_is_data_lost() {
    let ended = run(&plan(&dumping()), |world| copies(world, "/dump.sh", ROW, "dump.sql")).await;
    let red = [Status::Passed, Status::Failed];
    let words = ["data lost: ", WHAT, "the restore does not put it back"];
    check(&ended, Verdict::Fail, ExitKind::Fail, red, &words);
}

/// The dump lies where no backup takes it from, and the hook that loads it finds the one of
/// before the loss: found in the lab, as a green.
#[tokio::test(start_paused = true)]
async fn a_dump_that_is_in_no_backup_is_none() {
    let left_out = service("db")
        .image("postgres:16")
        .volume("rows", "/var/lib/postgresql/data")
        .label("backupbot.backup.volumes.rows", "false")
        .label("backupbot.backup.pre-hook", "/dump.sh")
        .label("backupbot.restore.post-hook", "/load.sh");
    let app = || service("app").routed(80).volume("files", "/files").backed_up();
    let plan = PlanBuilder::new(stack([app().image("registry.test/app:1.1.0"), left_out.clone()]))
        .base(stack([app(), left_out]))
        .run(Stage::Backup)
        .run(Stage::Restore);
    let ended = run(&plan, |world| {
        copies(world, "/dump.sh", ROW, "dump.sql");
        copies(world, "/load.sh", "dump.sql", ROW);
    })
    .await;
    let red = [Status::Passed, Status::Failed];
    check(&ended, Verdict::Fail, ExitKind::Fail, red, &["data lost: ", WHAT, "volume rows"]);
}

/// Another file is dumped than the rows.
#[tokio::test(start_paused = true)]
async fn a_dump_of_something_else_is_data_lost() {
    let ended = run(&plan(&dumping()), |world| {
        world.swarm.script_command(
            "/dump.sh",
            Script::Write {
                to: (ROWS.to_owned(), "dump.sql".to_owned()),
                content: "-- nothing".to_owned(),
            },
        );
        copies(world, "/load.sh", "dump.sql", ROW);
    })
    .await;
    let red = [Status::Passed, Status::Failed];
    check(&ended, Verdict::Fail, ExitKind::Fail, red, &["data lost: ", WHAT]);
}

/// A server that lets nobody in leaves the proof missing: nothing is lost, and nothing is shown.
#[tokio::test(start_paused = true)]
async fn a_database_that_can_not_be_entered_is_unverified() {
    let ended = run(&plan(&db()), |world| {
        let refused = "psql: error: FATAL: password authentication failed";
        world.swarm.script_command("cc-ci list", Script::End(2, refused.to_owned()));
    })
    .await;
    let missing = [Status::Unverified, Status::Unverified];
    let words = ["postgres of service db could not be marked: psql: error: FATAL"];
    check(&ended, Verdict::Unverified, ExitKind::Unverified, missing, &words);
}

/// STG-5: reads after a restore are tried again, a server may still be reading its files.
#[tokio::test(start_paused = true)]
async fn a_database_that_refuses_for_a_while_is_asked_again() {
    let ended = run(&plan(&db()), |world| {
        let starting = "FATAL: the database system is starting up";
        world.swarm.script_first("cc-ci check", 4, Script::End(1, starting.to_owned()));
    })
    .await;
    check(&ended, Verdict::Pass, ExitKind::Pass, GREEN, &[]);
}

/// Whatever a command says is kept without the run's secrets.
#[tokio::test(start_paused = true)]
async fn what_a_database_says_is_scrubbed() {
    let secret = db().secret("password");
    let ended = run(&plan(&secret), |world| {
        let said = Script::End(1, "FATAL: no entry with {secret}".to_owned());
        world.swarm.script_command("cc-ci list", said);
    })
    .await;
    assert!(ended.said().contains("FATAL: no entry with"), "{}", ended.said());
    let log = String::from_utf8_lossy(&ended.world.store.log()).into_owned();
    let values = ended.world.swarm.secret_values();
    assert!(!values.is_empty() && values.iter().all(|value| !log.contains(value)));
}

/// A marker that a pack declares, by requests.
fn by_requests(plan: &mut Plan) {
    let step = |path: &str| {
        let path = path.to_owned();
        Box::new(HttpStep { method: None, path, body: None, content_type: None })
    };
    let marker = DataMarker {
        name: "http of service app".to_owned(),
        service: "app".parse().expect("a name"),
        kind: MarkerKind::Http {
            plant: step("/plant?{marker}"),
            check: step("/check"),
            disturb: step("/lose"),
        },
        why: "recipe.toml".to_owned(),
        volumes: Vec::new(),
        may_be_cache: false,
    };
    plan.data = PlannedData { base: Vec::new(), head: vec![marker] };
}

/// An answer that does not tell the value proves nothing.
#[tokio::test(start_paused = true)]
async fn an_app_that_does_not_tell_the_value_is_unverified() {
    let files = service("db").volume("rows", "/rows").backed_up();
    let ended = run(&plan(&files).with(by_requests), |_| {}).await;
    ended.check();
    assert_eq!(ended.status(Rung::BackupRestore), Status::Unverified, "{}", ended.said());
    let why = "http of service app could not be marked: what was read back is not what was written";
    assert!(ended.said().contains(why), "{}", ended.said());
}
