//! Which commands are told when. That they work is seen on a real Swarm.

use cc_ci_model::intent::Object;

use super::*;
use crate::samples;

fn around() -> Around {
    Around {
        program: "./cc-ci".into(),
        run: "20261124T053000-x-0a1b2c".into(),
        directory: "/var/lib/cc-ci/runs/it's mine".into(),
        logs: ["logs/fresh.app.log", "logs/fresh.app-db.log", "logs/upgraded.app.log"]
            .map(str::to_owned)
            .into(),
        again: Some(vec!["recipes/x".into(), "--ref".into(), "a b".into()]),
    }
}

#[track_caller]
fn check(results: &Results, around: &Around, expected: &[&str]) {
    let looks = looks(results, around);
    let commands: Vec<&str> = looks.iter().map(|look| look.command.as_str()).collect();
    assert_eq!(commands, expected);
    for look in looks {
        assert!(!look.why.contains('\n') && !look.command.contains('\n'), "{look:?}");
    }
}

#[test]
fn a_red_run_tells_where_to_look_and_how_to_keep_the_app() {
    check(
        &samples::red(),
        &around(),
        &[
            "./cc-ci explain 20261124T053000-x-0a1b2c install",
            r"less '/var/lib/cc-ci/runs/it'\''s mine/logs/fresh.app.log'",
            "./cc-ci run recipes/x --ref 'a b' --stages install --keep",
        ],
    );
}

#[test]
fn a_kept_app_is_looked_into_at_once() {
    let mut results = samples::red();
    let object = |kind, name: &str| Object {
        kind,
        id: "1".into(),
        name: format!("x-0a1b2c_ccci_test_{name}"),
        stack: Some("x-0a1b2c_ccci_test".into()),
        run: None,
    };
    results.cleanup.left = vec![
        object(ObjectKind::Service, "app"),
        object(ObjectKind::Service, "db"),
        object(ObjectKind::Volume, "app"),
    ];
    let around = Around { again: None, logs: Vec::new(), ..around() };
    check(
        &results,
        &around,
        &[
            "./cc-ci explain 20261124T053000-x-0a1b2c install",
            "docker service ps --no-trunc x-0a1b2c_ccci_test_app",
            "docker service logs --timestamps --tail 100 x-0a1b2c_ccci_test_app",
            "docker exec -it \"$(docker ps --quiet --filter label=com.docker.swarm.service.name=x-0a1b2c_ccci_test_app | head -n 1)\" sh",
        ],
    );
    // What could not be removed is on its way out: nothing to look into.
    results.cleanup.complete = false;
    check(&results, &around, &["./cc-ci explain 20261124T053000-x-0a1b2c install"]);
}

#[test]
fn without_a_name_in_the_reason_all_services_of_the_app_are_told() {
    let mut results = samples::red();
    results.stages[0].reason = Some("the front page is empty".into());
    let told = looks(&results, &around());
    let whys: Vec<&str> = told.iter().map(|look| look.why.as_str()).collect();
    assert_eq!(
        whys,
        [
            "why the verdict is fail, line by line of the log",
            "what service app wrote",
            "what service app-db wrote",
            "the same again; the app stays, and the commands to look into it are told",
        ]
    );
}

#[test]
fn a_run_that_passed_or_was_stopped_has_nothing_to_look_at() {
    check(&samples::green(), &around(), &[]);
    check(&samples::cancelled(), &around(), &[]);
}

#[test]
fn words_survive_a_shell() {
    for (word, expected) in [
        ("a/b-c_d.e:1,2+3@4=5%6", Some("a/b-c_d.e:1,2+3@4=5%6")),
        ("", Some("''")),
        ("a b", Some("'a b'")),
        ("it's", Some(r"'it'\''s'")),
        ("$(rm x)`y`;&|<>*?~#!\"\\", Some("'$(rm x)`y`;&|<>*?~#!\"\\'")),
        ("ä", Some("'ä'")),
        ("a\nb", None),
        ("a\u{1b}[31m", None),
        ("a\u{202e}b", None),
    ] {
        assert_eq!(quoted(word).as_deref(), expected, "{word:?}");
    }
}

#[test]
fn a_service_is_named_as_a_whole_word() {
    assert!(names("service app: it never became healthy", "app"));
    assert!(names("so says service app", "app"));
    assert!(!names("service app-db: gone", "app"));
    assert!(!names("service app_db: gone", "app"));
}
