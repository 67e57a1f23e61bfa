//! What labels come to, as a table.

use cc_ci_model::backup::BackupSpec;
use cc_ci_testkit::{ServiceBuilder, service, stack};

use super::backup_spec;

/// One volume, `content`, at `/html`.
fn app() -> ServiceBuilder {
    service("app").volume("content", "/html")
}

/// A spec, one line for each thing it says.
fn told(spec: &BackupSpec) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(spec.volumes.iter().map(|backed| match backed.paths.as_slice() {
        [] => format!("in: {}", backed.volume),
        paths => format!("in: {}/{{{}}}", backed.volume, paths.join(",")),
    }));
    all.extend(spec.excluded.iter().map(|out| format!("out: {}: {}", out.volume, out.reason)));
    let hooks = spec.hooks.iter();
    all.extend(
        hooks.map(|hook| format!("{}: {}: {}", hook.service, hook.when.label(), hook.command)),
    );
    all.extend(spec.problems.iter().map(|problem| format!("problem: {problem}")));
    all
}

#[track_caller]
fn check(services: impl IntoIterator<Item = ServiceBuilder>, expected: &[&str]) {
    let declared = stack(services).declared(&"app_test".parse().unwrap());
    assert_eq!(told(&backup_spec(&declared)), expected);
}

#[test]
fn without_the_label_nothing_counts() {
    check([app()], &[]);
    for off in ["false", "0", "no", "off", "", "nonsense"] {
        // `backupbot.backup=${ENABLE_BACKUPS:-true}` with `ENABLE_BACKUPS=false`, interpolated.
        check([app().label("backupbot.backup", off)], &[]);
    }
    // Hooks and volumes alone do not make a backup.
    let hooked = app().label("backupbot.backup.pre-hook", "dump");
    check([hooked.label("backupbot.backup.volumes.content", "true")], &[]);
}

#[test]
fn with_it_every_volume_is_in() {
    for on in ["true", "True", "TRUE", " true ", "1", "yes", "on"] {
        check([app().label("backupbot.backup", on)], &["in: content"]);
    }
    let two = app().volume("uploads", "/uploads").backed_up();
    check(
        [two, service("db").volume("data", "/data")],
        &["in: content", "in: data", "in: uploads"],
    );
    // A volume that two services mount is one volume.
    check([app().backed_up(), service("worker").volume("content", "/in")], &["in: content"]);
}

#[test]
fn a_volume_can_be_left_out_or_taken_in_part() {
    let label = |key: &str, value: &str| app().backed_up().label(&volume(key), value);
    check([label("content", "true")], &["in: content"]);
    check([label("content.path", "a")], &["in: content/{a}"]);
    check([label("content.path", "/a/b/, c.sql ,d")], &["in: content/{a/b,c.sql,d}"]);
    // An empty path is all of it, whatever stands beside it.
    check([label("content.path", "")], &["in: content"]);
    check([label("content.path", "a,/")], &["in: content"]);
    let beside =
        label("content", "true").volume("cache", "/cache").label(&volume("cache"), "false");
    check([beside], &["in: content", "out: cache: label `backupbot.backup.volumes.cache=false`"]);
    // To leave a volume out beats its paths.
    let both = label("content", "false").label(&volume("content.path"), "a").volume("b", "/b");
    check([both], &["in: b", "out: content: label `backupbot.backup.volumes.content=false`"]);
}

fn volume(rest: &str) -> String {
    format!("backupbot.backup.volumes.{rest}")
}

#[test]
fn labels_of_all_services_count_together() {
    let db = service("db").volume("data", "/data").label(&volume("data.path"), "dump.sql");
    let cache = service("cache").volume("cache", "/cache").label(&volume("cache"), "false");
    // On another service than the one that mounts the volume.
    let app = app().backed_up().label(&volume("data.path"), "schema.sql");
    check(
        [db, cache, app],
        &[
            "in: content",
            "in: data/{schema.sql,dump.sql}",
            "out: cache: label `backupbot.backup.volumes.cache=false`",
        ],
    );
}

#[test]
fn hooks_of_every_service_are_run_labelled_or_not() {
    let db = service("db")
        .label("backupbot.restore.post-hook", "load")
        .label("backupbot.restore.pre-hook", "  ")
        .label("backupbot.backup.post-hook", "rm dump");
    check(
        [app().backed_up().label("backupbot.backup.pre-hook", "a=b | c"), db],
        &[
            "in: content",
            "app: backupbot.backup.pre-hook: a=b | c",
            "db: backupbot.backup.post-hook: rm dump",
            "db: backupbot.restore.post-hook: load",
        ],
    );
}

const EMPTY: &str = "a backup of it is empty";

#[test]
fn a_backup_of_nothing_is_a_problem() {
    let nothing =
        format!("problem: the stack is labelled for backup, but it has no volume: {EMPTY}");
    check([service("app").backed_up()], &[&nothing]);
    let all_out =
        format!("problem: the stack is labelled for backup, but every volume is left out: {EMPTY}");
    check(
        [app().backed_up().label(&volume("content"), "false")],
        &["out: content: label `backupbot.backup.volumes.content=false`", &all_out],
    );
}

#[test]
fn a_label_that_means_nothing_is_a_problem() {
    for key in ["uploads", "uploads.path", "CONTENT", "app_test_content"] {
        let problem = format!(
            "problem: label `{}` names volume {}, which the recipe does not have",
            volume(key),
            key.trim_end_matches(".path")
        );
        check([app().backed_up().label(&volume(key), "x")], &["in: content", &problem]);
    }
    check(
        [app().backed_up().label(&volume("content.path"), "a,../b,c/../d")],
        &[
            "in: content/{a}",
            "problem: label `backupbot.backup.volumes.content.path=a,../b,c/../d`: ../b leads out of volume content",
            "problem: label `backupbot.backup.volumes.content.path=a,../b,c/../d`: c/../d leads out of volume content",
        ],
    );
}

/// The label of the bot's first version, with a path in the container.
#[test]
fn an_old_path_is_mapped_to_its_mount() {
    let old = |path: &str| app().backed_up().label("backupbot.backup.path", path);
    for whole in ["/html", "/html/", " /html "] {
        check([old(whole)], &["in: content"]);
    }
    check([old("/html/a/b/")], &["in: content/{a/b}"]);
    check([old("/html/a,/html/b")], &["in: content/{a,b}"]);
    // The innermost mount holds it.
    let nested = old("/html/user/x").volume("user", "/html/user");
    let left_out = "out: content: no path of a `backupbot.backup.path` label is in it";
    check([nested], &["in: user/{x}", left_out]);
    // A name that only begins like it is another place.
    let elsewhere = |path: &str| {
        format!(
            "problem: label `backupbot.backup.path={path}` of service app: {path} is in none of its volumes, so it is not backed up"
        )
    };
    for path in ["/html2", "/etc"] {
        check([old(path)], &["in: content", &elsewhere(path)]);
    }
    // Another service's mount does not help: the path is in the labelled service's container.
    let other = service("db").volume("data", "/data");
    check([old("/data"), other], &["in: content", "in: data", &elsewhere("/data")]);
}

#[test]
fn beside_an_old_path_other_volumes_are_out_unless_named() {
    let old =
        || app().backed_up().label("backupbot.backup.path", "/html").volume("cache", "/cache");
    let left_out = "out: cache: no path of a `backupbot.backup.path` label is in it";
    check([old()], &["in: content", left_out]);
    check([old().label(&volume("cache"), "true")], &["in: cache", "in: content"]);
    check([old().label(&volume("cache.path"), "a")], &["in: cache/{a}", "in: content"]);
    let by_two = service("db").volume("cache", "/c").label("backupbot.backup.path", "/c/a");
    check([old(), by_two], &["in: cache/{a}", "in: content"]);
}

/// The container's path holds everything that is mounted below it.
#[test]
fn an_old_path_above_a_mount_is_the_whole_volume() {
    let old = |path: &str| app().backed_up().label("backupbot.backup.path", path);
    for path in ["/", "/usr", "/usr/share/", "/usr/share/nginx"] {
        let service = service("app")
            .volume("content", "/usr/share/nginx/html")
            .backed_up()
            .label("backupbot.backup.path", path);
        check([service], &["in: content"]);
    }
    let two = || old("/srv").volume("one", "/srv/one").volume("two", "/srv/two/deep");
    let left_out = "out: content: no path of a `backupbot.backup.path` label is in it";
    check([two()], &["in: one", "in: two", left_out]);
    // A name that only begins alike is no folder.
    let problem = "problem: label `backupbot.backup.path=/htm` of service app: /htm is in none of its volumes, so it is not backed up";
    check([old("/htm")], &["in: content", problem]);
}
