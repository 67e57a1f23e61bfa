//! Tests of the generated overlay.
//!
//! That docker merges it as meant is for a test with the real CLI, outside of this crate.

use proptest::prelude::*;

use super::*;
use crate::compose::{ComposeText, ReadCompose, read};

const RECIPE: &str = r#"
version: "3.8"
services:
  app:
    image: nginx
    environment: [SET=1, EMPTY, DOMAIN]
    networks: [proxy, internal]
    ports: ["53:53/udp", "54:54/tcp"]
  db: {image: postgres, ports: ["53:53/udp", "53:53/tcp"]}
  other: {image: redis}
networks: {proxy: {external: true}, internal: {}}
"#;

fn text(name: &str, text: &str) -> ComposeText {
    ComposeText { name: name.to_owned(), text: text.to_owned() }
}

#[track_caller]
fn compose(texts: &[&str]) -> ReadCompose {
    let files: Vec<_> = texts.iter().map(|t| text("compose.yml", t)).collect();
    let env = [("DOMAIN".to_owned(), "x.test".to_owned())].into();
    read(&files, &env, "st", &|_| None).unwrap()
}

fn stamp() -> Stamp {
    Stamp {
        stack: "st".to_owned(),
        recipe: "ghost".to_owned(),
        version: Some("1.0.0+5.0".to_owned()),
        chaos: Some("0a1b2c3d".to_owned()),
        env: [
            ("SET", "no"),
            ("PATH", "/evil"),
            ("HOME", "/evil"),
            ("LD_PRELOAD", "x"),
            ("DOCKER_HOST", "x"),
            ("DOMAIN", "x.test"),
            ("PRICE", "5$ \"net\"\n\u{7f}é😀\u{2028}"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
    }
}

#[test]
fn it_says_only_what_it_must() {
    let changes = OverlayChanges {
        networks: [("proxy".to_owned(), "run-net".to_owned())].into(),
        dnsrr: ["other".to_owned()].into(),
        extra_labels: [("cc-ci.run".to_owned(), "r1".to_owned())].into(),
        ..OverlayChanges::default()
    };
    let overlay = overlay(&compose(&[RECIPE]).stack, &stamp(), &changes).unwrap();
    assert_eq!((overlay.before, overlay.lost_ports), (None, Vec::new()));
    assert_eq!(
        overlay.text,
        r#"version: "3.8"
services:
  "app":
    deploy:
      labels:
        "cc-ci.run": "r1"
        "coop-cloud.st.chaos": "true"
        "coop-cloud.st.chaos-version": "0a1b2c3d"
        "coop-cloud.st.recipe": "ghost"
        "coop-cloud.st.version": "1.0.0+5.0"
    environment:
      "PRICE": "5$$ \"net\"\u000a\u007f\u00e9\U0001f600\u2028"
  "other":
    deploy:
      endpoint_mode: dnsrr
networks:
  "proxy":
    external: true
    name: "run-net"
"#
    );
}

#[test]
fn merged_with_the_recipe_it_changes_nothing_else() {
    let changes = OverlayChanges {
        networks: [("proxy".to_owned(), "run-net".to_owned())].into(),
        ..OverlayChanges::default()
    };
    let before = compose(&[RECIPE]).stack;
    let overlay = overlay(&before, &stamp(), &changes).unwrap();
    let after = compose(&[RECIPE, &overlay.text]).stack;
    let (mut expected, app) = (before.services[0].template.clone(), &after.services[0]);
    expected.insert("environment.PRICE".to_owned(), stamp().env["PRICE"].clone());
    let aliases = expected.remove("networks.proxy.aliases").unwrap();
    expected.insert("networks.run-net.aliases".to_owned(), aliases);
    assert_eq!(app.template, expected);
    assert_eq!(after.services[1], before.services[1]);
    assert_eq!(app.labels["coop-cloud.st.version"], "1.0.0+5.0");
}

/// One number for tcp and udp, in a service we have something to say about.
const TWINS: &str = r#"
version: "3.8"
services:
  app:
    image: nginx
    environment: [SET=1]
    ports: ["53:53/udp", "53:53/tcp", "80"]
    deploy: {replicas: 0, labels: [own=1]}
  db: {image: postgres}
networks: {proxy: {external: true}}
"#;

fn twins_changes() -> OverlayChanges {
    OverlayChanges {
        networks: [("proxy".to_owned(), "run-net".to_owned())].into(),
        dnsrr: ["db".to_owned()].into(),
        ..OverlayChanges::default()
    }
}

#[test]
fn a_service_with_ports_of_one_number_is_spoken_of_first() {
    let before = compose(&[TWINS]).stack;
    let overlay = overlay(&before, &stamp(), &twins_changes()).unwrap();
    let first = overlay.before.unwrap();
    assert!(first.contains("\"app\":") && first.contains("PRICE") && !first.contains("db"));
    assert!(!first.contains("networks") && first.starts_with("version: \"3.8\"\n"));
    assert!(!overlay.text.contains("app") && overlay.text.contains("\"db\":"));
    assert!(overlay.text.contains("run-net"));
    assert_eq!(overlay.lost_ports, []);

    let after = compose(&[&first, TWINS, &overlay.text]).stack;
    let app = after.service("app").unwrap();
    assert_eq!(app.ports, before.services[0].ports);
    assert_eq!(app.mode, before.services[0].mode);
    assert_eq!(
        (app.labels["own"].as_str(), app.labels["coop-cloud.st.chaos"].as_str()),
        ("1", "true")
    );
    assert_eq!(app.template["environment.SET"], "1", "the recipe's own");
    assert_eq!(app.template["environment.PRICE"], stamp().env["PRICE"]);
    assert!(after.service("db").unwrap().dnsrr);
}

/// Where the recipe's word would win over ours, docker drops the port, and that is told.
#[test]
fn ports_that_get_lost_are_told() {
    let own = "deploy: {labels: [\"coop-cloud.st.version=0.9.0+5.0\"]}";
    for (text, changes) in [
        (TWINS.replace("deploy: {replicas: 0, labels: [own=1]}", own), twins_changes()),
        (
            TWINS
                .replace("labels: [own=1]", "endpoint_mode: vip")
                .replace("\"53:53/udp\", \"53:53/tcp\", \"80\"", HOST_TWINS),
            OverlayChanges { dnsrr: ["app".to_owned()].into(), ..OverlayChanges::default() },
        ),
    ] {
        let overlay = overlay(&compose(&[&text]).stack, &stamp(), &changes).unwrap();
        let lost: Vec<_> = overlay
            .lost_ports
            .iter()
            .map(|(s, p)| format!("{s} {}/{}", p.target, p.protocol))
            .collect();
        assert_eq!((lost, overlay.before), (vec!["app 53/udp".to_owned()], None), "{text}");
    }
}

const HOST_TWINS: &str = "{target: 53, published: 53, protocol: udp, mode: host}, {target: 53, published: 53, mode: host}";

#[test]
fn ports_move_to_the_host() {
    let text = r#"
version: "3.8"
services:
  app:
    image: nginx
    ports: ["8080:80", "8053:53/udp", "81", {target: 82, published: 8082, mode: host}]
    deploy:
      update_config: {order: start-first, monitor: 3s}
      rollback_config: {order: start-first}
  db: {image: postgres, ports: ["5432:5432"]}
"#;
    let before = compose(&[text]).stack;
    let names = ["app".to_owned(), "db".to_owned()];
    let changes = OverlayChanges {
        host_ports: names.clone().into(),
        dnsrr: names.into(),
        ..OverlayChanges::default()
    };
    let overlay = overlay(&before, &stamp(), &changes).unwrap();
    assert_eq!((overlay.before, overlay.lost_ports), (None, Vec::new()));
    let after = compose(&[text, &overlay.text]).stack;
    for (old, new) in before.services.iter().zip(&after.services) {
        let shown = |ports: &[DeclaredPort]| {
            let mut all: Vec<_> =
                ports.iter().map(|it| (it.published, it.target, it.protocol.clone())).collect();
            all.sort();
            all
        };
        assert_eq!(shown(&new.ports), shown(&old.ports));
        assert!(new.ports.iter().all(|port| port.host_mode) && new.dnsrr, "{new:?}");
    }
    let app = &after.services[0];
    assert!(!app.update.start_first && app.update.monitor_ms == 3000);
    assert_eq!(app.policy["deploy.rollback_config.order"], "stop-first");
    assert_eq!(overlay.text.matches("stop-first").count(), 2, "only where it is said otherwise");
}

#[test]
fn a_release_is_no_chaos() {
    let stamp = Stamp { chaos: None, version: None, ..stamp() };
    let overlay = overlay(&compose(&[RECIPE]).stack, &stamp, &OverlayChanges::default()).unwrap();
    assert!(overlay.text.contains("\"coop-cloud.st.chaos\": \"false\""));
    assert!(!overlay.text.contains("version\": \"") && !overlay.text.contains("networks:"));
}

#[test]
fn the_format_is_that_of_the_recipe() {
    let stack = compose(&["services: {app: {image: nginx}}"]).stack;
    let without = overlay(&stack, &stamp(), &OverlayChanges::default()).unwrap();
    assert!(without.text.starts_with("services:\n"));
}

#[test]
fn what_the_recipe_does_not_have_is_refused() {
    let stack = compose(&["services: {web: {image: nginx}}"]).stack;
    let refused = overlay(&stack, &stamp(), &OverlayChanges::default());
    assert_eq!(refused, Err(OverlayError::NoApp));
    let stack = compose(&[RECIPE]).stack;
    let changes = OverlayChanges { dnsrr: ["nope".to_owned()].into(), ..OverlayChanges::default() };
    assert_eq!(
        overlay(&stack, &stamp(), &changes).unwrap_err().to_string(),
        "the recipe has no service `nope`"
    );
    let networks = [("internal".to_owned(), "x".to_owned())].into();
    let changes = OverlayChanges { networks, ..OverlayChanges::default() };
    assert_eq!(
        overlay(&stack, &stamp(), &changes),
        Err(OverlayError::NotExternal("internal".to_owned()))
    );
}

proptest! {
    #[test]
    fn any_value_arrives_as_it_is(key in "[A-Z][A-Z0-9_]{0,8}", value in any::<String>()) {
        let stack = compose(&["services: {app: {image: nginx}}"]).stack;
        let stamp = Stamp { env: [(key.clone(), value.clone())].into(), ..stamp() };
        let overlay = overlay(&stack, &stamp, &OverlayChanges::default()).unwrap();
        let files = [text("a", "services: {app: {image: nginx}}"), text("b", &overlay.text)];
        let merged = read(&files, &BTreeMap::new(), "st", &|_| None).unwrap().stack;
        let got = merged.services[0].template.get(&format!("environment.{key}"));
        prop_assert_eq!(got, (!is_reserved(&key)).then_some(&value));
    }
}
