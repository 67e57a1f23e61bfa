//! Tests of reading compose files. What is expected is what docker CLI 28.2.2 answers to
//! `docker stack config`; comparing with the CLI itself is for a test outside of this crate,
//! which reads its output (`$` doubled) and compares the two stacks.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::text::{TextError, Whose};

fn env() -> BTreeMap<String, String> {
    [("A_SET", "aval"), ("EMPTY", ""), ("B", "bee"), ("STACK_NAME", "st")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn try_read(texts: &[&str]) -> Result<ReadCompose, TextError> {
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(i, text)| ComposeText { name: format!("{i}.yml"), text: (*text).to_owned() })
        .collect();
    read(&files, &env(), "st", &|path| match path {
        "missing" => None,
        ".env" => Some(b"EF=1\nB=\n".to_vec()),
        _ => Some(path.as_bytes().to_vec()),
    })
}

/// The template of service `app`, whose body is given.
#[track_caller]
fn template(body: &str) -> BTreeMap<String, String> {
    let text =
        format!("services:\n  app:\n    image: nginx\n    {}\n", body.replace('\n', "\n    "));
    try_read(&[&text]).unwrap().stack.services.remove(0).template
}

#[track_caller]
fn check(body: &str, path: &str, expected: Option<&str>) {
    let template = template(body);
    assert_eq!(template.get(path).map(String::as_str), expected, "{body}: {template:?}");
}

#[track_caller]
fn check_merged(base: &str, over: &str, path: &str, expected: Option<&str>) {
    let base = format!("services: {{app: {{image: nginx, {base}}}}}");
    let over = format!("services: {{app: {{{over}}}}}");
    let service = try_read(&[&base, &over]).unwrap().stack.services.remove(0);
    let found = service.template.get(path).or(service.policy.get(path));
    assert_eq!(found.map(String::as_str), expected, "{base} + {over}: {service:?}");
}

#[track_caller]
fn check_refused(text: &str, said: &str) {
    let error = try_read(&[text]).unwrap_err().to_string();
    assert!(error.starts_with(said), "{text}: {error}");
}

#[track_caller]
fn check_warned(body: &str, said: &str) {
    let text = format!("services:\n  app:\n    image: nginx\n    {body}\n");
    let warnings = try_read(&[&text]).unwrap().warnings;
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|warning| warning.contains(said)), "{body}: {texts:?}");
}

/// The body of a service, a path of its template, and what is there.
const SYNTAXES: &[(&str, &str, Option<&str>)] = &[
    ("labels: [a, b=, c=d=e]", "labels.c", Some("d=e")),
    ("labels: {a: , b: 1, c: 1.50}", "labels.c", Some("1.5")),
    ("environment: [A_SET, B=, \"D=a=b\"]", "environment.A_SET", Some("aval")),
    ("environment: {A_SET: , B: \"\"}", "environment.B", Some("bee")),
    ("environment: [NOPE]", "environment.NOPE (without value)", Some("")),
    ("env_file: .env", "environment.EF", Some("1")),
    ("env_file: [.env]\nenvironment: {EF: 2}", "environment.EF", Some("2")),
    ("extra_hosts: {a: 1.2.3.4, b: \"[::1]\"}", "extra_hosts", Some("[\"a:1.2.3.4\",\"b:::1\"]")),
    ("extra_hosts: [\"a=1\", \"b:2\", c]", "extra_hosts", Some("[\"a:1\",\"b:2\"]")),
    ("dns: 1.1.1.1", "dns", Some("[\"1.1.1.1\"]")),
    ("command: \"echo 'a b' $$X ${B}\"", "command", Some("[\"echo\",\"a b\",\"$X\",\"bee\"]")),
    ("command: [a, 1]", "command", Some("[\"a\",\"1\"]")),
    ("command: \"\"", "command", None),
    ("sysctls: [a=1, b]", "sysctls.b", Some("")),
    ("ulimits: {nofile: 5, nproc: {soft: 1, hard: -1}}", "ulimits.nofile.hard", Some("5")),
    (
        "cap_add: [sys_time, CAP_X]\ncap_drop: [ALL]",
        "cap_add",
        Some("[\"CAP_SYS_TIME\",\"CAP_X\"]"),
    ),
    (
        "networks: {default: {aliases: [q]}}",
        "networks.st_default.aliases",
        Some("[\"q\",\"st_app\"]"),
    ),
    ("healthcheck: {test: curl x, interval: 1m30s}", "healthcheck.interval", Some("90s")),
    (
        "deploy: {resources: {limits: {memory: 1.5g, cpus: \"0.50\"}}}",
        "deploy.resources.limits.cpus",
        Some("0.5"),
    ),
    (
        "deploy: {resources: {limits: {memory: 1.5g}}}",
        "deploy.resources.limits.memory",
        Some("1610612736"),
    ),
    (
        "deploy: {placement: {preferences: [{spread: node.labels.x}]}}",
        "deploy.placement.preferences",
        Some(r#"["{\"spread\":\"node.labels.x\"}"]"#),
    ),
    ("logging: {driver: x, options: {a: 1}}", "logging.options.a", Some("1")),
];

#[test]
fn lists_and_mappings_say_the_same() {
    for (body, path, expected) in SYNTAXES {
        check(body, path, *expected);
    }
}

#[test]
fn what_docker_ignores_is_no_difference() {
    let plain = template("hostname: x");
    for ignored in [
        "build: .",
        "container_name: x",
        "depends_on: [y]",
        "tmpfs: /x",
        "privileged: true",
        "deploy: {labels: {a: b}, replicas: 3, update_config: {order: start-first}, mode: replicated}",
        "x-y: {z: 1}",
        "expose: [80]",
        "read_only: false",
        "links: [a]",
        "deploy: ",
        "networks: [default]",
        "environment: {}",
        "working_dir: \"\"",
    ] {
        assert_eq!(template(&format!("hostname: x\n{ignored}")), plain, "{ignored}");
    }
    check("restart: always", "restart", Some("always"));
    check("restart: always\ndeploy: {restart_policy: {condition: any}}", "restart", None);
}

#[test]
fn values_get_their_type_after_substitution() {
    check("privileged: \"${X:-yes}\"\ntty: \"${X:-on}\"", "tty", Some("true"));
    check("stop_grace_period: ${X:-1.5h}", "stop_grace_period", Some("5400s"));
    check(
        "ports: [{target: \"${P:-80}\", published: \"${Q:-81}\"}]",
        "ports.80/tcp",
        Some("81 ingress"),
    );
    check_refused(
        "services: {app: {image: a, deploy: {replicas: \"${R:-two}\"}}}",
        "0.yml:1:47: expected a whole number, found `two`",
    );
}

#[test]
fn ports_are_what_docker_publishes() {
    check("ports: [\"127.0.0.1:80:81/UDP\"]", "ports.81/udp", Some("80 ingress"));
    check(
        "ports: [\"8000-8001:80\", {target: 80, mode: host}]",
        "ports.80/tcp",
        Some("0 host, 8000 ingress, 8001 ingress"),
    );
    check("ports: [22:22]", "ports.22/tcp", Some("22 ingress"));
    check("ports: [\"${NOPE}:80\"]", "ports.80/tcp", Some("0 ingress"));
    check_warned("ports: [\"127.0.0.1:80:81\"]", "docker ignores the address");
    check_refused(
        "services: {app: {image: a, ports: [\"80:90/foo\"]}}",
        "0.yml:1:36: expected a port",
    );
    check_refused(
        "services: {app: {image: a, ports: [{target: 70000}]}}",
        "0.yml:1:36: expected port numbers",
    );
    check_refused(
        "services: {app: {image: a, ports: [{published: 80}]}}",
        "0.yml:1:36: a port needs",
    );
}

/// Two bodies of a service, a path, and what is there when the second is laid over the first.
const MERGES: &[(&str, &str, &str, Option<&str>)] = &[
    ("environment: {A: x, B: y, C: z}", "environment: [A=, B=2, D=4]", "environment.A", Some("x")),
    ("environment: {A: x, B: y}", "environment: [A=, B=2, D=4]", "environment.B", Some("2")),
    ("environment: {Q: \"\"}", "environment: [Q]", "environment.Q (without value)", Some("")),
    ("labels: {x: 1}", "labels: [x=]", "labels.x", Some("")),
    ("command: a b", "command: []", "command", Some("[\"a\",\"b\"]")),
    ("command: a b", "command: c", "command", Some("[\"c\"]")),
    ("dns: [a]", "dns: b", "dns", Some("[\"a\",\"b\"]")),
    (
        "healthcheck: {test: [CMD, a]}",
        "healthcheck: {test: b}",
        "healthcheck.test",
        Some("[\"CMD\",\"a\",\"CMD-SHELL\",\"b\"]"),
    ),
    (
        "healthcheck: {interval: 5s, retries: 3}",
        "healthcheck: {interval: 0s, retries: 0}",
        "healthcheck.interval",
        Some("5s"),
    ),
    (
        "healthcheck: {interval: 5s, retries: 3}",
        "healthcheck: {interval: 0s, retries: 0}",
        "healthcheck.retries",
        Some("0"),
    ),
    ("read_only: true", "read_only: false", "read_only", Some("true")),
    ("user: \"1\"", "user: \"0\"", "user", Some("0")),
    ("user: \"1\"", "user: \"\"", "user", Some("1")),
    (
        "volumes: [\"/x:/b:ro\"]",
        "volumes: [{type: bind, source: /y, target: /b}]",
        "volumes./b.read_only",
        None,
    ),
    (
        "ulimits: {nofile: {soft: 1, hard: 2}}",
        "ulimits: {nofile: 5}",
        "ulimits.nofile.soft",
        Some("5"),
    ),
    ("logging: {driver: x}", "logging: {options: {a: b}}", "logging.options.a", None),
    (
        "logging: {driver: x, options: {c: d}}",
        "logging: {options: {a: b}}",
        "logging.options.a",
        Some("b"),
    ),
    ("logging: {driver: x, options: {c: d}}", "logging: {driver: y}", "logging.options.c", None),
    (
        "networks: {default: {aliases: [a]}}",
        "networks: {default: {aliases: [b]}}",
        "networks.st_default.aliases",
        Some("[\"b\",\"st_app\"]"),
    ),
    (
        "networks: {default: {aliases: [a]}}",
        "networks: [default]",
        "networks.st_default.aliases",
        Some("[\"a\",\"st_app\"]"),
    ),
    ("deploy: {replicas: 2}", "deploy: {replicas: 0, labels: [a=b]}", "deploy.replicas", Some("0")),
];

#[test]
fn files_merge_as_docker_merges_them() {
    for (base, over, path, expected) in MERGES {
        check_merged(base, over, path, *expected);
    }
}

/// Measured in the lab: naming a service in a second file is enough to lose a port.
#[test]
fn ports_with_one_published_number_do_not_survive_a_second_file() {
    let ports = "ports: [\"53:53/udp\", \"53:53/tcp\", \"80\", \"90\"]";
    check_merged(ports, "hostname: x", "ports.53/udp", None);
    check_merged(ports, "hostname: x", "ports.53/tcp", Some("53 ingress"));
    check_merged(ports, "hostname: x", "ports.80/tcp", None);
    check_merged(ports, "hostname: x", "ports.90/tcp", Some("0 ingress"));
    check_merged("hostname: x", ports, "ports.80/tcp", Some("0 ingress"));
    check_merged("ports: [\"8080:80\"]", "ports: [\"8080:81\"]", "ports.80/tcp", None);
}

#[test]
fn merges_nobody_meant_are_said() {
    let base = "services: {app: {image: a, ports: [\"53:53/udp\", \"53:53/tcp\"], healthcheck: {test: x}}}";
    let over = "services: {app: {ports: [\"8080:80\"], healthcheck: {test: z}}}";
    let warnings = try_read(&[base, over]).unwrap().warnings;
    let lines: Vec<_> =
        warnings.iter().map(|w| w.to_string().lines().next().map(str::to_owned)).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(warnings[0].to_string().starts_with("0.yml:1:36: docker drops this from `ports`"));
    assert!(warnings[1].to_string().starts_with("1.yml:1:58: docker joins this"));
    let over = "services: {app: {volumes: [\"/x:/y\"]}}";
    assert_eq!(
        try_read(&["services: {app: {image: a, volumes: [\"/z:/y\"]}}", over]).unwrap().warnings,
        []
    );
}

#[test]
fn top_level_objects_are_replaced_whole() {
    let base = "services: {app: {image: a, networks: [n], secrets: [s]}}\n\
                networks: {n: {external: true, name: foo}}\nsecrets: {s: {external: true, name: bar}}";
    let over = "networks: {n: {labels: {a: b}}}\nsecrets: {s: {external: true}}";
    let stack = try_read(&[base, over]).unwrap().stack;
    assert_eq!((stack.networks[0].object.as_str(), stack.networks[0].external), ("st_n", false));
    assert_eq!(stack.secrets[0].object, "s");
}

#[test]
fn versions_have_to_be_the_same() {
    let with = |version: &str| format!("{version}services: {{app: {{image: a}}}}");
    for (first, second, is_fine) in [
        ("version: '3.8'\n", "version: '3.8'\n", true),
        ("", "version: '3.13'\n", true),
        ("version: '3'\n", "", true),
        ("version: '3.8'\n", "", false),
    ] {
        let read = try_read(&[&with(first), &with(second)]);
        assert_eq!(read.is_ok(), is_fine, "{first}{second}");
    }
    let stack = try_read(&[&with("version: 3.8\n")]).unwrap().stack;
    assert_eq!(stack.format.as_deref(), Some("3.8"));
}

#[test]
fn anchors_and_merge_keys_are_resolved() {
    let text = "x-a: &a {image: nginx, environment: &e {A: 1, C: 2}}\n\
                services:\n  app:\n    <<: *a\n    environment:\n      <<: [*e, {C: 9, D: 4}]\n      C: 3\n  b: *a\n";
    let stack = try_read(&[text]).unwrap().stack;
    let env = |i: usize, key: &str| {
        stack.services[i].template.get(&format!("environment.{key}")).cloned()
    };
    assert_eq!(
        [env(0, "A"), env(0, "C"), env(0, "D"), env(1, "C")].map(Option::unwrap_or_default),
        ["1", "3", "4", "2"]
    );
}

const REFUSALS: &[(&str, &str)] = &[
    (
        "services:\n  app:\n    image: a\n    image: b\n",
        "0.yml:4:5: the key `image` is already in this mapping, in line 3",
    ),
    ("services:\n  app:\n    image: ${X\n", "0.yml:3:12: invalid interpolation format: `${X`"),
    (
        "services:\n  app:\n    image: ${X?no X}\n",
        "0.yml:3:12: required variable `X` is missing a value: no X",
    ),
    ("services:\n  app:\n    hostname: a\n", "0.yml:2:3: the service `app` has no image"),
    ("services:\n  app:\n    image: [a]\n", "0.yml:3:12: expected a text, found a list"),
    ("services:\n  app: x\n", "0.yml:2:8: expected a mapping, found a text"),
    ("services:\n", "0.yml:1:"),
    ("", "0.yml:1:1: the top level is nothing"),
    ("- a", "0.yml:1:1: the top level is a list"),
    ("services:\n\tapp: x\n", "0.yml:2:"),
    ("x: &a [*a]\nservices: {}", "0.yml:1:8: the anchor contains itself"),
    ("services: {app: {<<: [1], image: a}}", "0.yml:1:18: `<<` takes a mapping"),
    ("services: {1: {image: a}}", "0.yml:1:12: a key has to be a text, this one is a number"),
    ("services: {a/b: {image: a}}", "0.yml:1:12: `a/b` is not a valid compose name"),
    ("services: {app: {image: a, secrets: [s]}}", "0.yml:1:38: undefined secret `s`"),
    ("services: {app: {image: a, networks: [n]}}", "0.yml:1:39: undefined network `n`"),
    ("services: {app: {image: a, volumes: [\"vol:/x\"]}}", "0.yml:1:38: undefined volume `vol`"),
    (
        "services: {app: {image: a, env_file: missing}}",
        "0.yml:1:38: the env file `missing` does not exist",
    ),
    (
        "services: {}\nconfigs: {c: {file: missing}}",
        "0.yml:2:21: the file `missing` does not exist",
    ),
    (
        "services: {}\nconfigs: {c: {name: x}}",
        "0.yml:2:14: neither `external` nor made from a `file`",
    ),
    ("services: {app: {image: a, stop_grace_period: 5}}", "0.yml:1:47: expected a duration"),
    ("services: {app: {image: a, command: \"a 'b\"}}", "0.yml:1:37: the command cannot be split"),
    ("services: {app: {image: a, volumes: [\"vol:/x:\"]}}", "0.yml:1:38: `vol:/x:` is no mount"),
    ("services: {app: {image: a, deploy: {mode: Global}}}", "0.yml:1:43: unknown mode: `Global`"),
    (
        "services: {app: {image: a, deploy: {update_config: {order: x}}}}",
        "0.yml:1:60: `x` is not one of",
    ),
    ("x: ${\nservices: {}", "0.yml:1:4: invalid interpolation format"),
];

#[test]
fn refusals_have_a_place() {
    for (text, said) in REFUSALS {
        check_refused(text, said);
    }
}

#[test]
fn a_required_variable_can_be_given_a_value() {
    let error = try_read(&["services: {app: {image: \"${X:?why}\"}}"]).unwrap_err();
    assert!(error.hint.is_some_and(|hint| hint.contains(".env.sample")));
    let error = try_read(&["services: {app: {image: \"${X:?why} $\"}}"]).unwrap_err();
    assert_eq!(error.hint, None, "{error}");
}

#[test]
fn formats_docker_does_not_know_are_doubted() {
    for (version, is_doubted) in
        [("3", false), ("3.8", false), ("3.13", false), ("2.4", true), ("1", true)]
    {
        let text = format!("version: \"{version}\"\nservices: {{app: {{image: a}}}}");
        assert_eq!(!try_read(&[&text]).unwrap().warnings.is_empty(), is_doubted, "{version}");
    }
}

#[test]
fn variables_of_the_host_are_refused() {
    for text in [
        "services: {app: {image: \"${PATH}\"}}",
        "services: {app: {image: a, labels: {x: \"${DOCKER_HOST:-none}\"}}}",
        "services: {app: {image: a, environment: [HOME]}}",
        "services: {app: {image: a, environment: {LD_PRELOAD: \"\"}}}",
        "services: {app: {image: a, volumes: [\"~/x:/y\"]}}",
    ] {
        let error = try_read(&[text]).unwrap_err();
        assert!(error.message.contains("belongs to the host"), "{text}: {error}");
        assert!(error.hint.is_some());
        assert_eq!(error.whose, Whose::CcCi, "{text}");
    }
    let broken = try_read(&["services: {app: {image: [a]}}"]).unwrap_err();
    assert_eq!(broken.whose, Whose::Author);
    check("environment: [HOME=/root, \"PATH=/bin\"]", "environment.HOME", Some("/root"));
}

#[test]
fn uses_of_variables_are_told() {
    let text = "services: {app: {image: \"a:${TAG:-1}\"}}\n\
                secrets: {s: {external: true, name: \"${STACK_NAME}_s_$V\"}}";
    let read = try_read(&[text]).unwrap();
    let uses: Vec<_> =
        read.variables.iter().map(|u| format!("{} {} {}", u.name, u.path, u.place)).collect();
    assert_eq!(
        uses,
        [
            "STACK_NAME secrets.s.name 0.yml:2:37",
            "V secrets.s.name 0.yml:2:37",
            "TAG services.app.image 0.yml:1:25",
        ]
    );
    assert_eq!(read.warnings.len(), 1);
    assert!(read.warnings[0].to_string().starts_with("0.yml:2:37: `V` is not set"));
}

/// What a variable gives is a text, and becomes a number.
#[test]
fn quotes_around_a_variable_are_no_surprise() {
    let text = "services: {app: {image: a, tty: \"${T:-true}\", deploy: {replicas: \"${R:-2}\"}}}";
    assert_eq!(try_read(&[text]).unwrap().warnings, []);
}

#[test]
fn surprises_are_said() {
    for (body, said) in [
        ("labels: {a: \"${NOPE:-${B:-c}}\"}", "does not evaluate defaults in defaults"),
        ("labels: {a: true}", "docker wants a text"),
        ("user: 1000", "docker wants a text here"),
        ("deploy: {replicas: \"2\"}", "docker wants a number here"),
        ("tty: \"true\"", "docker wants a truth value here"),
        ("labels: {a: yes}", "older docker CLIs read `yes` as a truth value"),
        ("unknown: 1", "docker does not know the key `unknown` here"),
        ("environment: [NOPE]", "`NOPE` has no value here"),
        ("environment: [B=]", "docker fills the empty `B`"),
        ("extra_hosts: [c]", "docker drops `c`"),
        ("volumes: [\"a:/b\"]", "docker takes the letter for a drive"),
    ] {
        check_warned(body, said);
    }
    let quiet = "services: {app: {image: \"a:${B}\", deploy: {labels: {a: \"${NOPE:-}\"}}, x-y: 1}}\nx-z: 1";
    assert_eq!(try_read(&[quiet]).unwrap().warnings, []);
}

#[test]
fn line_breaks_and_encodings_do_not_matter() {
    let text = "\u{feff}services:\n  app:\n    image: a\n    environment:\n      A: |\n        x\n        y";
    let crlf = text.replace('\n', "\r\n");
    for text in [text, &crlf] {
        let stack = try_read(&[text]).unwrap().stack;
        assert_eq!(stack.services[0].template["environment.A"], "x\ny", "{text:?}");
    }
    let error = ComposeText::from_bytes("a.yml", b"services:\n  a\xff").unwrap_err();
    assert_eq!(error.to_string(), "a.yml:2:4: the file is not UTF-8\n 2 |   a\n   |    ^");
    assert!(ComposeText::from_bytes("a.yml", "ä".as_bytes()).is_ok());
    assert!(try_read(&[]).is_err());
}

#[test]
fn bombs_are_bounded() {
    let mut bomb = "x0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..20 {
        let item = format!("*a{}", i - 1);
        bomb.extend([&format!("x{i}: &a{i} ["), [item.as_str(); 9].join(", ").as_str(), "]\n"]);
    }
    check_refused(&bomb, "0.yml:6:");
    for deep in ["[".repeat(5_000), "- ".repeat(5_000), "{a: ".repeat(5_000), "? ".repeat(5_000)] {
        try_read(&[&deep]).unwrap_err();
    }
    let mut chain = "x0: &a0 [x]\n".to_owned();
    for i in 1..2_000 {
        chain.push_str(
            &["x", &i.to_string(), ": &a", &i.to_string(), " [*a", &(i - 1).to_string(), "]\n"]
                .concat(),
        );
    }
    check_refused(&chain, "0.yml:");
    check_refused(&" ".repeat(2 << 20), "0.yml:1:1: the file is larger");
}

/// What the random texts are made of.
const PIECES: &[&str] = &[
    "services:",
    "\n",
    "\n  ",
    "\n    ",
    "app:",
    " image: a",
    "- ",
    "ports: ",
    "volumes: ",
    "x:/y",
    "8080:80",
    "[",
    "]",
    "{",
    "}",
    ", ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "'",
    "\"",
    "${",
    "}",
    "$",
    "?",
    ":-",
    "environment: ",
    "command: ",
    "deploy: ",
    "replicas: ",
    "healthcheck: ",
    "test: ",
    "networks: ",
    "secrets: ",
    "configs: ",
    "external: ",
    "name: ",
    "file: ",
    "0777",
    "1e3",
    "~",
    "yes",
    "1m30s",
    "ä",
    "| ",
    ">-",
    "\t",
    "# ",
    "---",
    "!!int ",
    "logging: ",
    "ulimits: ",
    "env_file: ",
    "extra_hosts: ",
    "labels: ",
    "version: ",
    "3.8",
    "2020-01-01",
];

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(PIECES)
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        drop(try_read(&[&text]));
    }

    #[test]
    fn no_yaml_makes_it_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        drop(try_read(&[&pieces.concat()]));
    }

    #[test]
    fn no_service_makes_it_panic(
        key in "command|entrypoint|ports|volumes|secrets|configs|networks|environment|env_file|labels|healthcheck|deploy|logging|ulimits|extra_hosts|expose|stop_grace_period|dns|cap_add|sysctls|init|restart",
        value in "[-a-z0-9:/=.,~$'\" ]{0,12}",
        shape in 0..5,
    ) {
        let value = serde_json::Value::String(value);
        let node = match shape {
            0 => value.to_string(),
            1 => format!("[{value}]"),
            2 => format!("{{test: {value}, mode: {value}, options: {value}}}"),
            3 => format!("[{{source: {value}, target: {value}, published: {value}, type: {value}}}]"),
            _ => format!("{{x: {value}}}"),
        };
        let text = format!("services: {{app: {{image: a, {key}: {node}}}}}");
        drop(try_read(&[&text, &text]));
    }
}
