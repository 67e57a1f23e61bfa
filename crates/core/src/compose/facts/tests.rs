//! Tests of the facts about one realistic recipe.

use std::collections::BTreeMap;

use cc_ci_model::compose::{
    DeclaredStack, FailureAction, HealthCheck, MountKind, RestartCondition, ServiceMode, StorageBy,
};

use crate::compose::{ComposeText, read};

const RECIPE: &str = r#"
version: "3.8"

services:
  app:
    image: ghost:5.75.1
    networks: [proxy, internal]
    environment:
      - url=https://${DOMAIN}
      - MAIL_FROM
    expose: ["2368", "9000-9001/udp"]
    volumes:
      - "ghost-data:/var/lib/ghost/content"
      - {type: tmpfs, target: /tmp}
      - ./local:/local:ro
    configs:
      - source: entrypoint
        target: /entrypoint.sh
        mode: 0555
    secrets: [db_password]
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:2368"]
      retries: 10
      start_period: 1m
    deploy:
      replicas: ${REPLICAS:-0}
      restart_policy: {condition: on-failure}
      update_config: {failure_action: rollback, order: start-first, monitor: 30s}
      labels:
        - traefik.enable=true
        - traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`${EXTRA_DOMAINS})
        - traefik.http.services.${STACK_NAME}.loadbalancer.server.port=2368
        - coop-cloud.${STACK_NAME}.version=1.2.0+5.75.1
  db:
    image: mysql:8
    volumes: ["mysql:/var/lib/mysql"]
    networks: [internal]
    healthcheck: {disable: true}
    deploy: {endpoint_mode: dnsrr, mode: global}
    ports: [{target: 3306, published: 3306, mode: host}]
  cron:
    image: ghost:5.75.1
    restart: on-failure:3
    deploy: {mode: replicated-job}

networks:
  proxy: {external: true}
  internal: {internal: true}

volumes:
  ghost-data:
  mysql: {name: shared_mysql, driver: local, driver_opts: {type: nfs}}

configs:
  entrypoint:
    name: ${STACK_NAME}_entrypoint_${ENTRYPOINT_VERSION}
    file: entrypoint.sh.tmpl
    template_driver: golang

secrets:
  db_password:
    external: true
    name: ${STACK_NAME}_db_password_${SECRET_DB_PASSWORD_VERSION}
"#;

fn stack(text: &str, entrypoint: &[u8]) -> DeclaredStack {
    let env: BTreeMap<String, String> = [
        ("STACK_NAME", "st"),
        ("DOMAIN", "x.test"),
        ("EXTRA_DOMAINS", ""),
        ("ENTRYPOINT_VERSION", "v1"),
        ("SECRET_DB_PASSWORD_VERSION", "v2"),
        ("MAIL_FROM", "me"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    let files = [ComposeText { name: "compose.yml".to_owned(), text: text.to_owned() }];
    let read = read(&files, &env, "st", &|_| Some(entrypoint.to_vec())).unwrap();
    assert_eq!(read.warnings, []);
    read.stack
}

#[test]
fn services_are_what_they_declare() {
    let stack = stack(RECIPE, b"#!/bin/sh");
    let app = stack.service("app").unwrap();
    assert_eq!(app.image, "ghost:5.75.1");
    assert_eq!(app.mode, ServiceMode::Replicated { replicas: 0 });
    assert_eq!(
        app.health,
        HealthCheck::Command {
            test: "curl -f http://localhost:2368".to_owned(),
            cannot_fail: false,
            retries: Some(10),
            start_period_ms: Some(60_000),
        }
    );
    assert_eq!(app.exposed, [2368, 9000, 9001]);
    assert_eq!(app.env_keys, ["MAIL_FROM", "url"]);
    assert_eq!((app.router_port(), app.is_routed()), (Some(2368), true));
    assert_eq!(app.restart, RestartCondition::OnFailure);
    assert!(app.update.start_first && !app.dnsrr);
    assert_eq!(
        (app.update.failure_action, app.update.monitor_ms, app.update.parallelism),
        (FailureAction::Rollback, 30_000, 1)
    );
    let names: Vec<_> = app
        .networks
        .iter()
        .chain(&app.secrets)
        .chain(&app.configs)
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, ["internal", "proxy", "db_password", "entrypoint"]);
    let mounts: Vec<_> =
        app.mounts.iter().map(|m| (m.kind, m.source.as_deref(), m.read_only)).collect();
    assert_eq!(
        mounts,
        [
            (MountKind::Volume, Some("ghost-data"), false),
            (MountKind::Tmpfs, None, false),
            (MountKind::Bind, Some("./local"), true),
        ]
    );
}

#[test]
fn defaults_are_those_of_swarm() {
    let stack = stack(RECIPE, b"");
    let (db, cron) = (stack.service("db").unwrap(), stack.service("cron").unwrap());
    assert_eq!(
        (db.mode, cron.mode),
        (ServiceMode::Global, ServiceMode::ReplicatedJob { completions: 1 })
    );
    assert_eq!((&db.health, &cron.health), (&HealthCheck::Disabled, &HealthCheck::Undeclared));
    assert_eq!((db.restart, cron.restart), (RestartCondition::Any, RestartCondition::OnFailure));
    assert_eq!(
        (db.update.failure_action, db.update.monitor_ms, db.update.start_first),
        (FailureAction::Pause, 5_000, false)
    );
    assert!(db.dnsrr && db.ports[0].host_mode && db.ports[0].published == Some(3306));
    assert_eq!(cron.networks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["default"]);
}

#[test]
fn objects_have_their_names_in_docker() {
    let stack = stack(RECIPE, b"");
    let objects = stack.volumes.iter().chain(&stack.secrets).chain(&stack.configs);
    let lines: Vec<_> =
        objects.map(|o| format!("{} {} {} {:?}", o.name, o.object, o.external, o.file)).collect();
    assert_eq!(
        lines,
        [
            "ghost-data st_ghost-data false None",
            "mysql shared_mysql false None",
            "db_password st_db_password_v2 true None",
            "entrypoint st_entrypoint_v1 false Some(\"entrypoint.sh.tmpl\")",
        ]
    );
    let networks: Vec<_> = stack
        .networks
        .iter()
        .map(|n| format!("{} {} {} {}", n.name, n.object, n.external, n.internal))
        .collect();
    assert_eq!(
        networks,
        [
            "internal st_internal false true",
            "proxy proxy true false",
            "default st_default false false"
        ]
    );
}

/// Where the data of a volume with those lines is.
#[track_caller]
fn check_elsewhere(lines: &str, expected: Option<&str>) {
    let text = format!(
        "services: {{app: {{image: a, volumes: ['data:/data']}}}}\nvolumes:\n  data:\n{lines}"
    );
    let volume = stack(&text, b"").volumes[0].clone();
    let said = volume.elsewhere.map(|elsewhere| match elsewhere.by {
        StorageBy::Device { device } => format!("device {device} {}", elsewhere.place),
        StorageBy::Driver { driver } => format!("driver {driver} {}", elsewhere.place),
    });
    assert_eq!(said.as_deref(), expected, "{lines}");
}

#[test]
fn a_volume_may_be_kept_elsewhere() {
    let options = |options: &str| format!("    driver: local\n    driver_opts: {{{options}}}\n");
    for harmless in [
        "type: tmpfs, device: tmpfs, o: 'size=64m,uid=1000'",
        "type: ramfs, device: none",
        "size: 1g",
        "device: '${UNSET:-}', type: none, o: bind",
    ] {
        check_elsewhere(&options(harmless), None);
    }
    check_elsewhere("    {}\n", None);
    check_elsewhere("    driver: ''\n", None);
    for (given, device) in [
        ("type: none, o: bind, device: /srv/data", "/srv/data"),
        ("type: tmpfs, o: 'ro, rbind', device: /srv/data", "/srv/data"),
        ("o: bind, device: '${DOMAIN}/x'", "x.test/x"),
        ("type: nfs, o: 'addr=10.0.0.1,rw', device: ':/export'", ":/export"),
        ("type: cifs, device: //nas/share", "//nas/share"),
        ("type: ext4, device: /dev/sdb1", "/dev/sdb1"),
        ("type: overlay, device: overlay, o: 'lowerdir=/a,upperdir=/b,workdir=/c'", "overlay"),
    ] {
        let column = options(given).lines().nth(1).and_then(|line| line.find("device: ")).unwrap();
        let expected = format!("device {device} compose.yml:5:{}", column + 9);
        check_elsewhere(&options(given), Some(&expected));
    }
    check_elsewhere("    driver: rclone\n", Some("driver rclone compose.yml:4:13"));
    let both = "    driver: vieux/sshfs\n    driver_opts: {device: /srv}\n";
    check_elsewhere(both, Some("driver vieux/sshfs compose.yml:4:13"));
}

/// Two stacks, and the paths at which their apps differ.
fn differences(from: &str, to: &str, entrypoints: [&[u8]; 2]) -> Vec<String> {
    let before = stack(RECIPE, entrypoints[0]).service("app").unwrap().clone();
    let after = stack(&RECIPE.replace(from, to), entrypoints[1]).service("app").unwrap().clone();
    let paths = before.template.keys().chain(after.template.keys());
    let mut different: Vec<_> = paths
        .filter(|path| before.template.get(*path) != after.template.get(*path))
        .cloned()
        .collect();
    different.sort();
    different.dedup();
    different
}

#[test]
fn only_what_replaces_tasks_is_in_the_template() {
    let same: [&[u8]; 2] = [b"a", b"a"];
    assert!(differences("version=1.2.0+5.75.1", "version=1.3.0+5.75.1", same).is_empty());
    assert!(differences("REPLICAS:-0", "REPLICAS:-2", same).is_empty());
    assert!(differences("monitor: 30s", "monitor: 31s", same).is_empty());
    assert_eq!(
        differences("image: ghost:5.75.1\n    networks", "image: ghost:5.76.0\n    networks", same),
        ["image"]
    );
    assert_eq!(
        differences("start_period: 1m", "start_period: 61s", same),
        ["healthcheck.start_period"]
    );
    assert_eq!(differences("start_period: 1m", "start_period: 60s", same), Vec::<String>::new());
    assert_eq!(differences("mode: 0555", "mode: 0550", same), ["configs./entrypoint.sh.mode"]);
    assert_eq!(differences("", "", [b"a", b"b"]), ["configs./entrypoint.sh.content"]);
    assert_eq!(
        differences("proxy: {external: true}", "proxy: {external: true, name: p2}", same),
        ["networks.p2.aliases", "networks.proxy.aliases"]
    );
    assert_eq!(
        differences("  ghost-data:\n", "  ghost-data: {name: st_other}\n", same),
        ["volumes./var/lib/ghost/content.source"]
    );
}
