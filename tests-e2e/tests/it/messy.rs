//! Recipes as maintainers write them. Docker is the oracle: what `docker stack config` makes of the
//! files is what cc-ci has to have read in them.
#![expect(clippy::disallowed_methods, reason = "the docker CLI is asked as a user asks it")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use cc_ci_core::compose::{ComposeText, ReadCompose, read};
use cc_ci_core::text::TextError;
use cc_ci_e2e::{Lab, Ran, engine, is_enabled, is_oracle_enabled};
use cc_ci_model::compose::{DeclaredMount, DeclaredPort, DeclaredStack, HealthCheck, MountKind};
use cc_ci_model::outcome::Verdict;
use serde_json::Value;
use tempfile::TempDir;

/// Variables of the app: set, set to nothing, and with a `$`.
const ENV: [(&str, &str); 5] =
    [("STACK_NAME", "st"), ("A", "aval"), ("B", "bee"), ("EMPTY", ""), ("DOLLAR", "pa$word")];

/// Files that compose files name.
const EXTRA: [(&str, &str); 3] =
    [("app.env", "# c\nEF=1\nQUOTED=\"x y\"\nB\n"), ("conf/nginx.conf", "x\n"), ("token", "t\n")];

/// Compose files, each a text; several are merged.
struct Messy(&'static str, &'static [&'static str]);

const ACCEPTED: &[Messy] = &[
    Messy(
        "lists and mappings",
        &[
            "services:\n  app:\n    image: nginx\n    environment: [A, \"B=x=y\", C=]\n    labels: {a: 1, b: }\n    ports: [\"80:80\"]\n\
           \x20   deploy:\n      labels: [\"x.y=1\", \"z=\"]\n  b:\n    image: nginx\n    environment: {A: , B: \"x=y\", C: \"\"}\n    labels: [a=1, b]\n\
           \x20   deploy:\n      labels: {x.y: 1, z: \"\"}\n    networks: [n]\n  c:\n    image: nginx\n    networks: {n: {aliases: [q]}, default: }\n\
           networks:\n  n:\n",
        ],
    ),
    Messy(
        "anchors, merge keys and x- keys",
        &[
            "x-common: &common\n  restart: always\n  environment: &env\n    TZ: UTC\n    P: 1\nx-list: &list [a=1, b=2]\nservices:\n  app:\n    <<: *common\n    image: nginx\n\
           \x20   x-note: {any: thing}\n    deploy: {labels: *list}\n  db:\n    <<: [*common, {image: pg}]\n    environment:\n      <<: *env\n      P: 2\n",
        ],
    ),
    Messy(
        "variables",
        &[
            "services:\n  app:\n    image: nginx:${TAG:-1.27}\n    environment:\n      A: ${A:-no}\n      B: ${NOPE-no}\n      C: ${EMPTY-no}\n      D: ${EMPTY:-no}\n      E: $$A$${B}\n\
           \x20     F: \"${A}-${B}.$A\"\n      G: ${DOLLAR}\n      H: ${NOPE:-}\n      I: ${A:?x} ${EMPTY?x}\n    deploy:\n      replicas: ${R:-2}\n      labels:\n\
           \x20       - \"traefik.http.routers.${STACK_NAME}.rule=Host(`${A}`${NOPE:-})\"\n        - \"re=^/(.*)$$\"\n",
        ],
    ),
    Messy(
        "nested defaults stay text",
        &[
            "services:\n  app:\n    image: nginx\n    environment:\n      X: ${NOPE:-${B}}\n      Y: ${A:-${B}}\n      Z: ${NOPE:-${ALSO:-c}}\n",
        ],
    ),
    Messy(
        "numbers and quotes",
        &[
            "services:\n  app:\n    image: nginx\n    environment: {A: 080, B: 1e3, C: 0x10, D: \"08\", E: 1.50, F: 12:30, G: 1_000, H: yes, I: 0o17, J: ~}\n\
           \x20   labels: {v: 1.10, w: \"1.10\"}\n    user: \"1000:1000\"\n    stop_grace_period: 1m30s\n    ulimits: {nofile: 1024}\n",
        ],
    ),
    Messy(
        "octal modes",
        &[
            "services:\n  app:\n    image: nginx\n    configs:\n      - source: c\n        target: /a\n        mode: 0440\n      - source: c\n        target: /b\n        mode: 0o440\n      - source: c\n\
           \x20       target: /c\n        mode: 288\n    secrets:\n      - s\n      - {source: t, target: u, uid: \"33\", gid: \"33\", mode: 0400}\nconfigs:\n  c:\n    file: conf/nginx.conf\n\
           secrets:\n  s:\n    external: true\n    name: ${STACK_NAME}_s_v1\n  t:\n    file: ./conf/../token\n",
        ],
    ),
    Messy(
        "ports in every syntax",
        &[
            "services:\n  app:\n    image: nginx\n    ports:\n      - 80\n      - \"443:443\"\n      - \"8000-8002:9000-9002\"\n      - \"53:53/udp\"\n      - \"127.0.0.1:90:91\"\n\
           \x20     - {target: 22, published: 2222, mode: host}\n      - {target: 23, published: 2323, protocol: udp}\n      - {target: 24}\n      - \"${NOPE:-70}:71\"\n    expose: [\"1\", 2-4]\n",
        ],
    ),
    Messy(
        "mounts in every syntax",
        &[
            "services:\n  app:\n    image: nginx\n    volumes:\n      - data:/a\n      - data:/b:ro\n      - data:/c:nocopy\n      - /anonymous\n      - ./conf:/d:ro\n      - /etc/localtime:/e:ro,rslave\n\
           \x20     - {type: volume, source: named, target: /f, read_only: true, volume: {nocopy: true}}\n      - {type: tmpfs, target: /g, tmpfs: {size: 1000}}\n      - {type: bind, source: /h, target: /h}\n\
           volumes:\n  data:\n  named: {name: \"${STACK_NAME}_other\", labels: {a: b}}\n  outside: {external: true, name: theirs}\n  old: {external: {name: older}}\n",
        ],
    ),
    Messy(
        "health and deploy",
        &[
            "services:\n  a: {image: x, healthcheck: {test: curl x || exit 1, interval: 1m30s, timeout: 500ms, retries: 3, start_period: 1h}}\n  b: {image: x, healthcheck: {test: [CMD, a, \"b c\"]}}\n\
           \x20 c: {image: x, healthcheck: {test: [\"NONE\"]}}\n  d: {image: x, healthcheck: {disable: true}}\n  e: {image: x, deploy: {mode: global}}\n  f: {image: x, deploy: {mode: replicated-job, replicas: 0}}\n\
           \x20 g: {image: x, deploy: {endpoint_mode: dnsrr, restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 2m}, update_config: {order: start-first, failure_action: rollback, monitor: 10s, parallelism: 0}}}\n\
           \x20 h: {image: x, deploy: {resources: {limits: {cpus: \"0.50\", memory: 50M}}, placement: {constraints: [node.role == manager], preferences: [{spread: node.labels.z}]}}}\n",
        ],
    ),
    Messy(
        "two files",
        &[
            "version: \"3.8\"\nservices:\n  app:\n    image: nginx\n    environment: [A=1, B=2]\n    command: a b\n    ports: [\"80:80\"]\n    volumes: [\"data:/x\"]\n    deploy: {labels: [a=1], replicas: 2}\n\
           volumes:\n  data:\nnetworks:\n  default:\n    driver: overlay\n",
            "version: \"3.8\"\nservices:\n  app:\n    environment: {B: 3, C: 4}\n    command: [c]\n    ports: [\"81:81\"]\n    volumes: [\"more:/x\", \"more:/y\"]\n    deploy: {labels: {b: 2}}\n  db:\n    image: pg\n\
           volumes:\n  more:\n",
        ],
    ),
    Messy(
        "env_file",
        &[
            "services:\n  app:\n    image: nginx\n    env_file: [app.env, ./app.env]\n    environment:\n      EF: 2\n",
        ],
    ),
    Messy(
        "no version, empty keys",
        &[
            "services:\n  app:\n    image: nginx\n    deploy:\n    environment: {}\n    labels: []\n    ports: []\n    volumes: [\"v:/v\"]\nvolumes:\n  v:\n",
        ],
    ),
    Messy("version 3", &["version: \"3\"\nservices: {app: {image: nginx}}\n"]),
    Messy(
        "Windows line ends",
        &[
            "version: \"3.8\"\r\n# c\r\nservices:\r\n  app:\r\n    image: nginx\r\n    command: >-\r\n      sh -c\r\n      'echo \"a\"'\r\n    environment:\r\n      A: |\r\n        x\r\n        y\r\n",
        ],
    ),
    Messy(
        "a byte order mark, tabs behind values",
        &[
            "\u{feff}services:\n  app:\n    image: nginx\t# a tab and a comment\n    hostname: a\t\n\n#\tcomment\n",
        ],
    ),
    Messy(
        "not only ASCII",
        &[
            "services:\n  app:\n    image: nginx\n    environment: {GRÜẞE: \"☃ é\", E: \"\\u00e9\"}\n    deploy: {labels: [\"größe=日本\"]}\n",
        ],
    ),
    Messy(
        "a second document",
        &["services:\n  app:\n    image: nginx\n---\nservices:\n  b:\n    image: c\n"],
    ),
    Messy(
        "what Swarm ignores",
        &[
            "services:\n  app:\n    image: nginx\n    build: .\n    container_name: x\n    depends_on: [db]\n    links: [db]\n    privileged: true\n    restart: unless-stopped\n  db: {image: pg}\n",
        ],
    ),
    Messy(
        "block texts",
        &[
            "services:\n  app:\n    image: nginx\n    environment:\n      A: |-\n        a\n          b\n      B: >\n        c\n        d\n      C: 'it''s'\n      D: \"a\\tb\"\n    entrypoint: [\"sh\", \"-c\"]\n    command: 'a \"b c\" d'\n",
        ],
    ),
];

/// What docker refuses, and a piece of what it says. cc-ci refuses it with a place, or has a doubt
/// at one that names what docker names.
const REFUSED: &[(&str, &str, &str)] = &[
    ("an unknown key", "services:\n  app:\n    image: a\n    imagee: b\n", "imagee"),
    ("an unknown section", "name: x\nservices:\n  app:\n    image: a\n", "name"),
    ("an empty service", "services:\n  app:\n", "services.app must be a mapping"),
    ("no services", "services:\n", "services must be a mapping"),
    (
        "an empty environment",
        "services:\n  app:\n    image: a\n    environment:\n",
        "services.app.environment must be a mapping",
    ),
    (
        "an empty list of ports",
        "services:\n  app:\n    image: a\n    ports:\n",
        "services.app.ports must be a",
    ),
    (
        "a version that is a number",
        "version: 3.8\nservices:\n  app:\n    image: a\n",
        "version must be a string",
    ),
    ("another format", "version: \"2.4\"\nservices:\n  app:\n    image: a\n", "2.4"),
    ("a key twice", "services:\n  app:\n    image: a\n    image: b\n", "already defined"),
    ("a tab for an indent", "services:\n\tapp:\n    image: a\n", "line 2"),
    (
        "a substitution bash knows",
        "services:\n  app:\n    image: a\n    hostname: ${A:+x}\n",
        "invalid interpolation format",
    ),
    (
        "another",
        "services:\n  app:\n    image: a\n    hostname: ${A/x/y}\n",
        "invalid interpolation format",
    ),
    (
        "a truth value in the environment",
        "services:\n  app:\n    image: a\n    environment: {P: true}\n",
        "P must be a",
    ),
    (
        "a required variable",
        "services:\n  app:\n    image: ${NOPE:?why}\n",
        "required variable NOPE",
    ),
    (
        "an env_file that is not there",
        "services:\n  app:\n    image: a\n    env_file: none.env\n",
        "none.env",
    ),
    (
        "a bad duration",
        "services:\n  app:\n    image: a\n    stop_grace_period: 5\n",
        "stop_grace_period must be a string",
    ),
    (
        "a number in quotes",
        "services:\n  app:\n    image: a\n    deploy: {replicas: \"2\"}\n",
        "services.app.deploy.replicas must be a integer",
    ),
    (
        "a mode in quotes",
        "services:\n  app:\n    image: a\n    configs: [{source: c, mode: \"0440\"}]\nconfigs: {c: {external: true}}\n",
        "services.app.configs.0.mode must be a number",
    ),
    (
        "a truth value in quotes",
        "services:\n  app:\n    image: a\n    read_only: \"true\"\n",
        "services.app.read_only must be a boolean",
    ),
    ("an alias of nothing", "services:\n  app: *none\n", "unknown anchor"),
];

fn folder(texts: &[&str]) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("cc-ci-e2e-messy-").tempdir()?;
    std::fs::create_dir(folder.path().join("conf"))?;
    for (name, text) in EXTRA {
        std::fs::write(folder.path().join(name), text)?;
    }
    for (number, text) in texts.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.yml")), text)?;
    }
    Ok(folder)
}

/// What docker makes of the files, or why it refuses them.
fn docker(folder: &Path, files: usize) -> Result<Result<String, String>> {
    let mut command = Command::new("docker");
    command.args(["stack", "config"]).current_dir(folder).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder).envs(ENV);
    for number in 0..files {
        command.args(["--compose-file", &format!("{number}.yml")]);
    }
    let output = command.output()?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    Ok(if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) })
}

/// What cc-ci makes of texts, whose files are in a folder.
fn ours(folder: &Path, texts: &[&str], env: &[(&str, &str)]) -> Result<ReadCompose, TextError> {
    let files: Vec<ComposeText> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| ComposeText {
            name: format!("{number}.yml"),
            text: (*text).to_owned(),
        })
        .collect();
    let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    read(&files, &env, "st", &|path| std::fs::read(folder.join(path)).ok())
}

#[test]
fn what_docker_accepts_is_read_as_docker_reads_it() -> Result<()> {
    if !is_oracle_enabled("what_docker_accepts_is_read_as_docker_reads_it") {
        return Ok(());
    }
    let mut wrong = Vec::new();
    for Messy(name, texts) in ACCEPTED {
        let folder = folder(texts)?;
        let rendered = docker(folder.path(), texts.len())?
            .map_err(|refused| anyhow::anyhow!("{name}: docker refuses it: {refused}"))?;
        let read = match ours(folder.path(), texts, &ENV) {
            Ok(read) => read.stack,
            Err(refused) => {
                wrong.push(format!("{name}: cc-ci refuses it: {refused}"));
                continue;
            }
        };
        // Facts, by another reader of YAML.
        let value: Value = serde_saphyr::from_str(&rendered).context("docker's own YAML")?;
        if facts_of(&read, folder.path()) != facts_in(&value) {
            wrong.push(format!(
                "{name}: {:#?}\ndocker: {:#?}",
                facts_of(&read, folder.path()),
                facts_in(&value)
            ));
        }
        // Everything else, by the same reader.
        let again = ours(folder.path(), &[&rendered.replace('$', "$$")], &[])?.stack;
        wrong.extend(differences(name, &read, &again, folder.path()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

/// Task templates and policies that are not the same.
fn differences(
    name: &str,
    read: &DeclaredStack,
    again: &DeclaredStack,
    folder: &Path,
) -> Vec<String> {
    let prefix = format!("{}/", folder.display());
    let plain = |map: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        map.iter()
            .map(|(key, value)| (key.clone(), value.replace(&prefix, "").replace("./", "")))
            .collect()
    };
    let pairs = read.services.iter().zip(&again.services);
    pairs
        .filter(|(ours, theirs)| {
            plain(&ours.template) != plain(&theirs.template) || ours.policy != theirs.policy
        })
        .map(|(ours, theirs)| {
            format!(
                "{name}: {:#?}\ndocker: {:#?}",
                (&ours.template, &ours.policy),
                (&theirs.template, &theirs.policy)
            )
        })
        .collect()
}

type Facts = BTreeSet<String>;

/// One line for each fact.
fn facts_of(stack: &DeclaredStack, folder: &Path) -> Facts {
    let mut facts = Facts::new();
    for service in &stack.services {
        let mut fact = |what: &str, text: String| {
            facts.insert(format!("{} {what} {text}", service.name));
        };
        fact("image", service.image.clone());
        service.ports.iter().for_each(|port| fact("port", port_text(port)));
        service.mounts.iter().for_each(|mount| fact("mount", mount_text(mount, folder)));
        service.secrets.iter().for_each(|secret| fact("secret", secret.to_string()));
        service.configs.iter().for_each(|config| fact("config", config.to_string()));
        service.networks.iter().for_each(|network| fact("network", network.to_string()));
        service.labels.iter().for_each(|(key, value)| fact("label", format!("{key}={value}")));
        service.env_keys.iter().for_each(|key| fact("variable", key.clone()));
        match &service.health {
            HealthCheck::Command { test, .. } => fact("health", test.clone()),
            HealthCheck::Disabled => fact("health", "disabled".to_owned()),
            HealthCheck::Undeclared => {}
        }
    }
    let own = |name: &str, object: &str| format!("st_{name}") == object;
    let mut object = |kind: &str, name: &str, full: &str, external: bool| {
        let full = if own(name, full) { "" } else { full };
        facts.insert(format!("{kind} {name} {full} {external}"));
    };
    for (kind, objects) in
        [("volumes", &stack.volumes), ("secrets", &stack.secrets), ("configs", &stack.configs)]
    {
        for found in objects {
            object(kind, found.name.as_str(), &found.object, found.external);
        }
    }
    let networks = stack.networks.iter().filter(|network| network.name.as_str() != "default");
    networks
        .for_each(|found| object("networks", found.name.as_str(), &found.object, found.external));
    facts
}

fn port_text(port: &DeclaredPort) -> String {
    let mode = if port.host_mode { "host" } else { "ingress" };
    format!("{}:{}/{} {mode}", port.published.unwrap_or(0), port.target, port.protocol)
}

fn mount_text(mount: &DeclaredMount, folder: &Path) -> String {
    let source = mount.source.clone().unwrap_or_default();
    let source = if source.starts_with('.') {
        folder.join(&source[2..]).display().to_string()
    } else {
        source
    };
    let kind = match mount.kind {
        MountKind::Volume => "volume",
        MountKind::Bind => "bind",
        MountKind::Tmpfs => "tmpfs",
        MountKind::Other => "other",
    };
    format!("{kind} {source} {} {}", mount.target, mount.read_only)
}

/// The same lines from docker's own output.
fn facts_in(value: &Value) -> Facts {
    let mut facts = Facts::new();
    for (name, service) in members(&value["services"]) {
        let lines = [plain_lines(service), list_lines(service), health_line(service)].concat();
        facts.extend(lines.into_iter().map(|line| format!("{name} {line}")));
    }
    for kind in ["volumes", "secrets", "configs", "networks"] {
        let objects = members(&value[kind]);
        for (name, object) in
            objects.filter(|(name, _)| (kind, name.as_str()) != ("networks", "default"))
        {
            let external = object["external"].as_bool().unwrap_or(false);
            facts.insert(format!("{kind} {name} {} {external}", text(&object["name"])));
        }
    }
    facts
}

fn plain_lines(service: &Value) -> Vec<String> {
    let mut lines = vec![format!("image {}", text(&service["image"]))];
    let labels = members(&service["deploy"]["labels"]);
    lines.extend(labels.map(|(key, value)| format!("label {key}={}", text(value))));
    lines.extend(members(&service["environment"]).map(|(key, _)| format!("variable {key}")));
    let networks: Vec<_> = members(&service["networks"]).map(|(name, _)| name.as_str()).collect();
    let networks = if networks.is_empty() { vec!["default"] } else { networks };
    lines.extend(networks.into_iter().map(|network| format!("network {network}")));
    lines
}

fn list_lines(service: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for port in items(&service["ports"]) {
        let or = |key: &str, default: &str| port[key].as_str().unwrap_or(default).to_owned();
        let (protocol, mode) = (or("protocol", "tcp"), or("mode", "ingress"));
        let published = port["published"].as_u64().unwrap_or(0);
        lines.push(format!("port {published}:{}/{protocol} {mode}", port["target"]));
    }
    for mount in items(&service["volumes"]) {
        let read_only = mount["read_only"].as_bool().unwrap_or(false);
        let [kind, source, target] = ["type", "source", "target"].map(|key| text(&mount[key]));
        lines.push(format!("mount {kind} {source} {target} {read_only}"));
    }
    for (list, what) in [("secrets", "secret"), ("configs", "config")] {
        lines.extend(items(&service[list]).map(|item| format!("{what} {}", text(&item["source"]))));
    }
    lines
}

fn health_line(service: &Value) -> Vec<String> {
    let check = &service["healthcheck"];
    let test: Vec<String> = items(&check["test"]).map(text).collect();
    if check["disable"] == true || test.first().is_some_and(|word| word == "NONE") {
        return vec!["health disabled".to_owned()];
    }
    test.split_first().map(|(_, words)| format!("health {}", words.join(" "))).into_iter().collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(
        || if value.is_null() { String::new() } else { value.to_string() },
        str::to_owned,
    )
}

#[test]
fn what_docker_refuses_is_told_with_its_place() -> Result<()> {
    if !is_oracle_enabled("what_docker_refuses_is_told_with_its_place") {
        return Ok(());
    }
    let mut wrong = Vec::new();
    for (name, compose, says) in REFUSED {
        let folder = folder(&[compose])?;
        match docker(folder.path(), 1)? {
            Ok(_) => wrong.push(format!("{name}: docker takes it")),
            Err(said) if !said.contains(says) => wrong.push(format!("{name}: docker says: {said}")),
            Err(_) => {}
        }
        match ours(folder.path(), &[compose], &ENV) {
            Err(error) if error.place.is_some() => {}
            Err(error) => wrong.push(format!("{name}: no place: {error}")),
            Ok(read) if read.warnings.iter().any(|doubt| doubt.place.is_some()) => {}
            Ok(_) => wrong.push(format!("{name}: cc-ci has no doubt")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What docker takes in a way nobody can mean is said.
#[test]
fn nested_defaults_are_warned_about() -> Result<()> {
    let folder = folder(&[])?;
    let compose = "services:\n  app:\n    image: nginx\n    hostname: ${NOPE:-${B}}\n";
    let read = ours(folder.path(), &[compose], &ENV)?;
    let said: Vec<String> = read.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("0.yml:4:15: docker does not evaluate defaults in defaults"),
        "{said:?}"
    );
    Ok(())
}

/// Windows line ends, a byte order mark, anchors, both forms of everything, two compose files: a
/// whole run is green, docker got the recipe's own bytes, and the services are what was written.
#[test]
fn a_messy_recipe_is_as_green_as_a_tidy_one() -> Result<()> {
    if !is_enabled("a_messy_recipe_is_as_green_as_a_tidy_one") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("messy")?;
    let ran = lab.run(&recipe, "run", &["--stages", "upgrade", "--keep"])?;
    let results = ran.exited(0).results()?;
    assert_eq!((results.verdict, results.level), (Verdict::Pass, 2), "{:?}", results.conditions);
    let unmet: Vec<_> = results.obligations.iter().filter(|due| !due.met).collect();
    assert!(unmet.is_empty(), "{unmet:?}");
    let warnings: Vec<&str> = results.warnings.iter().map(|found| found.message.as_str()).collect();
    assert!(warnings.iter().any(|told| told.contains("defaults in defaults")), "{warnings:?}");

    services_are_what_was_written(&kept_stack(&ran)?)?;
    for file in ["compose.yml", "compose.data.yml"] {
        let commit = ran.directory.join("work/trees").join(results.head.commit.as_str());
        assert_eq!(std::fs::read(recipe.join(file))?, std::fs::read(commit.join(file))?, "{file}");
    }
    lab.cc_ci(&["cleanup", &ran.directory.display().to_string()])?.exited(0);
    assert_eq!(engine::leftovers(&ran.log().run_id(), &ran.log().stacks()), [""; 0]);
    Ok(())
}

/// What the engine made of variables, labels, modes and mounts.
fn services_are_what_was_written(stack: &str) -> Result<()> {
    let spec = |service: &str| -> Result<Value> {
        let inspected = engine::inspect("service", &format!("{stack}_{service}"));
        Ok(serde_json::from_str::<Value>(&inspected)?[0]["Spec"].clone())
    };
    let (app, worker) = (spec("app")?, spec("worker")?);
    let variables: Vec<&str> =
        items(&app["TaskTemplate"]["ContainerSpec"]["Env"]).filter_map(Value::as_str).collect();
    for wanted in [
        "GREETING=Grüße aus dem ",
        "PRICE=5$",
        "NESTED=${DOMAIN}",
        "MOTTO=ein Rezept, viele Schreibweisen",
        "DATA=/data",
        "PORT=80",
    ] {
        assert!(variables.iter().any(|found| found.starts_with(wanted)), "{wanted}: {variables:?}");
    }
    assert_eq!(app["Labels"]["note"], "with data");
    let config = &app["TaskTemplate"]["ContainerSpec"]["Configs"][0]["File"];
    assert_eq!(config["Mode"], 0o444);
    let mounts = [&app, &worker]
        .map(|spec| text(&spec["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["Source"]));
    assert_eq!(mounts, [format!("{stack}_data"), format!("{stack}_data")]);
    Ok(())
}

/// The stack that was left standing.
fn kept_stack(ran: &Ran) -> Result<String> {
    let stacks = ran.log().stacks();
    let stands = |stack: &&String| engine::object_exists("service", &format!("{stack}_app"));
    stacks.iter().find(stands).cloned().context("no app is standing")
}
