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
    ports: ["53:53/udp", "53:53/tcp"]
  db: {image: postgres, ports: ["53:53/udp", "53:53/tcp"]}
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
        dnsrr: ["db".to_owned()].into(),
        extra_labels: [("cc-ci.run".to_owned(), "r1".to_owned())].into(),
    };
    let overlay = overlay(&compose(&[RECIPE]).stack, &stamp(), &changes).unwrap();
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
  "db":
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
    // What docker does to ports, and the overlay says it will.
    expected.remove("ports.53/udp");
    assert_eq!(app.template, expected);
    assert_eq!(after.services[1], before.services[1]);
    assert_eq!(app.labels["coop-cloud.st.version"], "1.0.0+5.0");
}

#[test]
fn ports_that_get_lost_are_told() {
    let overlay = overlay(&compose(&[RECIPE]).stack, &stamp(), &OverlayChanges::default()).unwrap();
    let lost: Vec<_> = overlay
        .lost_ports
        .iter()
        .map(|(s, p)| format!("{s} {}/{}", p.target, p.protocol))
        .collect();
    assert_eq!(lost, ["app 53/udp"]);
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
