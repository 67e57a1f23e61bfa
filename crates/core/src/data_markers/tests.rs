//! What is found by itself, what a pack says beside it, and what commands say.

use cc_ci_model::name::{ComposeName, StackName};
use cc_ci_testkit::{ServiceBuilder, service, stack};

use super::*;
use crate::pack::parse;

fn stack_name() -> StackName {
    "recipe_ccci_test".parse().unwrap()
}

#[track_caller]
fn check(service: ServiceBuilder, expected: Option<(&str, &[&str], bool)>) {
    let declared = stack([service]).declared(&stack_name());
    let all = found(&declared);
    let all: Vec<(&str, Vec<&str>, bool)> = all
        .iter()
        .map(|marker| {
            let volumes = marker.volumes.iter().map(ComposeName::as_str).collect();
            (marker.name.as_str(), volumes, marker.may_be_cache)
        })
        .collect();
    let expected: Vec<(&str, Vec<&str>, bool)> = expected
        .into_iter()
        .map(|(name, volumes, cache)| (name, volumes.to_vec(), cache))
        .collect();
    assert_eq!(all, expected);
}

#[test]
fn databases_with_a_volume_are_found_by_their_images() {
    let db = |image: &str| service("db").image(image);
    let postgres = Some(("postgres of service db", ["rows"].as_slice(), false));
    for image in
        ["postgres:16", "pgvector/pgvector:pg16", "postgis/postgis:16-3.4", "x/postgresql:16"]
    {
        check(db(image).volume("rows", "/var/lib/postgresql/data"), postgres);
    }
    let mysql = Some(("mysql of service db", ["rows"].as_slice(), false));
    for image in ["mariadb:11", "mysql:8@sha256:00", "percona:8"] {
        check(db(image).volume("rows", "/var/lib/mysql"), mysql);
    }
    let redis = Some(("redis of service db", ["rows"].as_slice(), true));
    for image in ["redis:7", "valkey/valkey:8", "eqalpha/keydb"] {
        check(db(image).volume("rows", "/data"), redis);
    }
    // A dump beside the rows is none of its data.
    check(
        db("postgres:16").volume("rows", "/var/lib/postgresql/data").volume("dumps", "/dumps"),
        postgres,
    );
}

/// What is no server, or has nothing to lose.
#[test]
fn tools_caches_without_a_volume_and_what_never_runs_are_not_found() {
    let at = "/var/lib/postgresql/data";
    check(service("db").image("redis:7"), None);
    check(service("db").image("postgres:16"), None);
    check(service("db").image("prometheuscommunity/postgres-exporter:1").volume("x", "/x"), None);
    check(service("db").image("redis/redisinsight:2").volume("x", "/x"), None);
    check(service("db").image("postgres:16").volume("rows", at).replicas(0), None);
    check(service("app").image("ghost:6").volume("rows", "/var/lib/ghost"), None);
    // By what it mounts, but only what is set up as a server.
    check(service("db").image("pgautoupgrade/pgautoupgrade:16").volume("rows", at), None);
    check(
        service("db")
            .image("pgautoupgrade/pgautoupgrade:16")
            .volume("rows", at)
            .env("POSTGRES_DB", "x"),
        Some(("postgres of service db", &["rows"], false)),
    );
}

/// What a plan gets from that `[[marker]]`, or why it is refused.
fn with_pack(marker: &str) -> Result<Vec<String>, String> {
    let declared = stack([
        service("app").routed(80).volume("files", "/files"),
        service("db").image("postgres:16").volume("rows", "/var/lib/postgresql/data"),
        service("cache").image("redis:7").volume("keys", "/data"),
    ]);
    let pack = parse("recipe.toml", &format!("recipe = \"a\"\n{marker}"));
    let pack = pack.map_err(|error| error.to_string())?;
    let http = "app".parse().unwrap();
    let all = planned(&declared.declared(&stack_name()), &pack.markers, Some(&http))?;
    let told = |marker: &DataMarker| format!("{}: {}", marker.name, marker.why);
    Ok(all.iter().map(told).collect())
}

#[test]
fn a_pack_declares_markers_beside_those_found() {
    let found_db = "postgres of service db: found by its image postgres:16";
    let found_cache = "redis of service cache: found by its image redis:7";
    assert_eq!(with_pack("").unwrap(), [found_cache, found_db]);
    assert_eq!(
        with_pack("[[marker]]\nkind = \"postgres\"\ndatabase = \"one\"\n").unwrap(),
        ["postgres of service db: recipe.toml", found_cache]
    );
    assert_eq!(
        with_pack("[[marker]]\nkind = \"sqlite\"\nservice = \"app\"\npath = \"/files/a.db\"\n")
            .unwrap(),
        ["sqlite of service app: recipe.toml", found_cache, found_db]
    );
    let http = "[[marker]]\nkind = \"http\"\nplant = { method = \"PUT\", path = \"/x\", body = \"{marker}\" }\n\
                check = { path = \"/x\" }\ndisturb = { method = \"DELETE\", path = \"/x\" }\n";
    assert_eq!(
        with_pack(http).unwrap(),
        ["http of service app: recipe.toml", found_cache, found_db]
    );
}

/// Each with its place, and what is wrong.
#[test]
fn a_marker_that_can_not_be_is_refused() {
    for (marker, says) in [
        ("kind = \"mongo\"", "mongo"),
        ("kind = \"postgres\"\npath = \"/x\"", "`path` is no key of a marker of kind `postgres`"),
        ("kind = \"postgres\"\ndatabase = \"a'b\"", "`database = \"a'b\"`"),
        ("kind = \"sqlite\"\nservice = \"app\"", "needs `path`"),
        ("kind = \"sqlite\"\npath = \"/x\"", "needs `service`"),
        ("kind = \"exec\"\nservice = \"app\"\nplant = \"x\"\ncheck = \"x\"", "needs `disturb`"),
        ("kind = \"http\"\nplant = \"x\"", "is a request"),
        ("kind = \"http\"\nplant = { pth = \"/x\" }", "pth"),
        ("kind = \"redis\"\nsrvice = \"cache\"", "srvice"),
        ("kind = \"mysql\"", "no service is known as mysql by its image"),
        ("kind = \"postgres\"\nservice = \"dp\"", "there is no service `dp`"),
    ] {
        let error = with_pack(&format!("[[marker]]\n{marker}\n")).unwrap_err();
        assert!(error.contains(says), "{marker}: {error}");
    }
}

/// No password is in what is run: the log holds it.
#[test]
fn commands_carry_verb_database_value_and_no_password() {
    let login = Login { password_file: Some("/run/secrets/db".into()), ..Login::default() };
    let kind = MarkerKind::Postgres(login);
    let command = command(&kind, Verb::Plant, Some("app"), "0a1b").unwrap();
    assert_eq!(command[..2], ["sh", "-c"]);
    assert_eq!(command[3..], ["cc-ci", "plant", "app", "0a1b", "", "/run/secrets/db"]);
}

#[test]
fn values_are_read_among_what_else_is_said() {
    let kind = MarkerKind::Redis(Login::default());
    let read = |said: &str| read(&kind, said, "0a1b");
    assert_eq!(read("warning: old\nccci-value:0a1b\n"), Some(Some("0a1b".into())));
    assert_eq!(read("ccci-none\n"), Some(None));
    assert_eq!(read("psql: error: is starting up"), None);
    assert_eq!(databases("x\nccci-database:app\r\nccci-database:other"), ["app", "other"]);
}

#[test]
fn what_a_packs_own_check_says_holds_the_value_or_not() {
    let kind = MarkerKind::Exec { plant: "p".into(), check: "c".into(), disturb: "d".into() };
    assert_eq!(read(&kind, "value is 0a1b.\n", "0a1b"), Some(Some("0a1b".into())));
    assert_eq!(read(&kind, "another\n", "0a1b"), Some(Some("another".into())));
    assert_eq!(read(&kind, "\n", "0a1b"), Some(None));
}
