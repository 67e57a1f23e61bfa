//! What is said of markers before a backup, of hooks, and of a backup that was taken.

use cc_ci_model::backup::{BackupSeen, HookSeen, HookTime, KeptMarker, PathWeight};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::plan::Plan;
use cc_ci_model::stage::Stage;
use cc_ci_testkit::{PlanBuilder, ServiceBuilder, service, stack};

use crate::assess::scene::{Scene, changed, gone, planted, unreadable};

fn app() -> ServiceBuilder {
    service("app").routed(80).volume("data", "/data").volume("cache", "/cache").backed_up()
}

fn plan(app: ServiceBuilder) -> Plan {
    PlanBuilder::new(stack([app])).run(Stage::Backup).run(Stage::Restore).build()
}

#[track_caller]
fn marked(plan: Plan, markers: &[KeptMarker], expected: &[&str]) {
    let before = vec![PathWeight {
        volume: "data".into(),
        path: String::new(),
        files: Some(1),
        newest: None,
    }];
    let evidence = Evidence::Marked { before, markers: markers.to_vec(), data: Vec::new() };
    let told = Scene::of(plan).stage(Stage::Backup, [(Act::Mark, evidence)]).told();
    assert_eq!(told, expected);
}

#[test]
fn every_volume_has_to_be_marked() {
    let (data, cache) = (planted("data", "m", true), planted("cache", "m", false));
    let both = [data.clone(), cache.clone()];
    marked(plan(app()), &both, &["passed mark: 2 markers planted, 1 backed-up paths looked at"]);
    let only = std::slice::from_ref(&data);
    marked(plan(app()), only, &["unverified mark: volume cache was not marked"]);
    let other = "what was read back is not what was written";
    let cases = [
        (changed(&cache, |file| file.content = "x".into()), other),
        (gone(&cache), other),
        (unreadable(&cache), "input/output error"),
    ];
    for (marker, why) in cases {
        let expected = format!("unverified mark: volume cache could not be marked: {why}");
        marked(plan(app()), &[data.clone(), marker], &[&expected]);
    }
    // One of two markers of a volume is not enough.
    let second = gone(&planted("cache", ".m", false));
    let expected = format!("unverified mark: volume cache could not be marked: {other}");
    marked(plan(app()), &[data, cache, second], &[&expected]);
}

/// ISO-3: it is somebody else's, and nothing is written to it.
#[test]
fn an_external_volume_is_not_marked() {
    let mut plan = plan(app());
    for volume in &mut plan.head.declared.volumes {
        volume.external = volume.name.as_str() == "cache";
    }
    let markers = [planted("data", "m", true)];
    marked(plan, &markers, &["passed mark: 1 markers planted, 1 backed-up paths looked at"]);
}

#[test]
fn labels_that_mean_nothing_fail() {
    let plan = plan(app().label("backupbot.backup.volumes.uploads", "true"));
    let expected = "failed labels: label `backupbot.backup.volumes.uploads` names volume uploads, which the recipe does not have";
    marked(plan, &[planted("data", "m", true), planted("cache", "m", true)], &[expected]);
}

fn hook(code: Option<i64>, said: &str) -> HookSeen {
    let service = "app".to_owned();
    HookSeen { service, when: HookTime::BackupPre, code, by_sh: false, said: said.to_owned() }
}

fn good() -> BackupSeen {
    let snapshot = Some("0123456789abcdef".into());
    BackupSeen { hooks: Vec::new(), missing: Vec::new(), snapshot, problem: None }
}

#[track_caller]
fn backed_up(seen: BackupSeen, expected: &[&str]) {
    let evidence = Evidence::BackedUp(seen);
    let told = Scene::of(plan(app())).stage(Stage::Backup, [(Act::Backup, evidence)]).told();
    assert_eq!(told, expected);
}

const TAKEN: &str = "passed backup: snapshot 01234567";

#[test]
fn a_backup_is_good_when_there_is_a_snapshot_of_everything() {
    backed_up(good(), &[TAKEN]);
    let none = || BackupSeen { snapshot: None, ..good() };
    backed_up(none(), &["errored backup: no snapshot was taken"]);
    let full = BackupSeen { problem: Some("no space left".into()), ..none() };
    backed_up(full, &["errored backup: no space left"]);
    // What is not there is the recipe's fault, whether a snapshot was taken of the rest or not.
    let is_missing =
        "failed backup: a backed-up path is not there: data/dump: a backup of it is empty";
    let missing = vec!["data/dump".to_owned()];
    backed_up(BackupSeen { missing: missing.clone(), ..none() }, &[is_missing]);
    backed_up(BackupSeen { missing, ..good() }, &[is_missing, TAKEN]);
}

#[test]
fn a_hook_that_fails_is_a_failed_check_although_there_is_a_snapshot() {
    let with = |hook: HookSeen| BackupSeen { hooks: vec![hook], ..good() };
    backed_up(with(hook(Some(0), "all is well")), &[TAKEN]);
    let place = "`backupbot.backup.pre-hook` of service app";
    let otherwise = "the bot would have gone on and called the backup a success";
    for (said, told) in [
        ("", "it said nothing"),
        ("\n  \n", "it said nothing"),
        ("pg_dump: error\n", "pg_dump: error"),
        ("one\ntwo\n\n three \n", "two; three"),
    ] {
        let failed = format!("failed hook: {place} ended with exit code 3 ({otherwise}): {told}");
        backed_up(with(hook(Some(3), said)), &[&failed, TAKEN]);
    }
    let stuck = format!("failed hook: {place} did not end in time, or could not be run: waiting");
    backed_up(with(hook(None, "waiting")), &[&stuck, TAKEN]);
}

#[test]
fn a_hook_without_bash_is_told() {
    let by_sh = |code| HookSeen { by_sh: true, ..hook(code, "") };
    let place = "`backupbot.backup.pre-hook` of service app";
    let warning = format!(
        "warning hook_without_bash: {place} was run by `sh`: the image has no `bash`, so a failure inside a pipe goes unseen"
    );
    backed_up(BackupSeen { hooks: vec![by_sh(Some(0))], ..good() }, &[TAKEN, &warning]);
    let failed = format!(
        "failed hook: {place} ended with exit code 1 (the bot would have gone on and called the backup a success): it said nothing"
    );
    backed_up(BackupSeen { hooks: vec![by_sh(Some(1))], ..good() }, &[&failed, TAKEN, &warning]);
}
