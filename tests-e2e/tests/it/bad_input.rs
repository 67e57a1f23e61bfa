//! Everything that can be wrong with what cc-ci is given: each has its exit code, is told with its
//! place and what to do, and leaves nothing. `--nocapture` prints the table.
#![expect(clippy::print_stdout, reason = "a table for whoever asks for it with --nocapture")]
#![expect(clippy::disallowed_methods, reason = "hosts are made as they are met: by their PATH")]

use std::os::unix::net::UnixListener;
use std::path::Path;

use anyhow::Result;
use cc_ci_e2e::{Case, FakeEngine, Lab, Says, git, is_enabled};

const CONFIGS: &str = "configs:\n  index:";
const IMAGE: &str = "    image: cc-ci-fixture.invalid/static-web:2.3.0\n";

/// A line at the top of service `app`.
fn with_line(case: Case, line: &str) -> Case {
    case.edit("compose.yml", IMAGE, &format!("{IMAGE}    {line}\n"))
}

/// Runs a table, prints it, and fails if a line of it is wrong.
fn check(lab: &Lab, title: &str, cases: Vec<Case>) -> Result<()> {
    let (mut table, mut wrong) = (vec![format!("{title:<52} expected   got")], Vec::new());
    for case in cases {
        let (line, complaint) = case.check(lab)?;
        table.push(line);
        wrong.extend(complaint);
    }
    println!("\n{}\n", table.join("\n"));
    assert!(wrong.is_empty(), "{}\n{}", table.join("\n"), wrong.join("\n\n"));
    Ok(())
}

/// `recipe.toml`: exit 6, with file, line, column and a caret.
fn packs() -> Vec<Case> {
    vec![
        Case::new("recipe.toml with an unknown key", 6)
            .pack("[timeouts]\ndeplyo = \"5m\"\n")
            .says("recipe.toml:3:1: unknown field `deplyo`")
            .says("\n 3 | deplyo = \"5m\"\n   | ^")
            .says("hint: did you mean `deploy`?"),
        Case::new("recipe.toml with an unknown table", 6)
            .pack("[tiemouts]\ndeploy = \"5m\"\n")
            .says("recipe.toml:2:2: unknown field `tiemouts`")
            .says("did you mean `timeouts`?"),
        Case::new("recipe.toml with a wrong type", 6)
            .pack("[health]\nport = \"eighty\"\n")
            .says("recipe.toml:3:8: invalid type: string \"eighty\"")
            .says("   |        ^"),
        Case::new("recipe.toml with a bad duration", 6)
            .pack("[timeouts]\ndeploy = \"soon\"\n")
            .says("recipe.toml:3:10: ")
            .says("\n 3 | deploy = \"soon\"\n   |          ^"),
        Case::new("recipe.toml that is no TOML", 6)
            .pack("[timeouts\n")
            .says("recipe.toml:2:10: ")
            .says("   |          ^"),
        Case::new("recipe.toml that is not there", 6)
            .arguments(&["--pack", "nowhere"])
            .says("nowhere/recipe.toml")
            .says("a pack is a folder with a recipe.toml in it"),
        Case::new("recipe.toml of the recipe itself", 6)
            .edit(".cc-ci/recipe.toml", "", "recipe = \"custom-html-tiny\"\nhealht = 1\n")
            .says(".cc-ci/recipe.toml:2:1: unknown field `healht`")
            .says("did you mean `health`?"),
        Case::new("recipe.toml of another recipe", 6)
            .edit(".cc-ci/recipe.toml", "", "recipe = \"ghost\"\n")
            .says("the pack is for recipe `ghost`"),
        Case::new("recipe.toml with a base that is no release", 6)
            .pack("[upgrade]\nbase = \"9.0.0+1\"\n")
            .arguments(&["--stages", "upgrade"])
            .says("the pack names 9.0.0+1 as the base")
            .says("git tag"),
    ]
}

/// The command line and what it names: exit 2.
fn usages(lab: &Lab) -> Result<Vec<Case>> {
    let empty = lab.path().join("empty");
    std::fs::create_dir(&empty)?;
    Ok(vec![
        Case::new("a ref that does not exist", 2)
            .arguments(&["--ref", "9.9.9+9.9.9"])
            .says("no tag, branch or commit `9.9.9+9.9.9`")
            .says("hint: `git tag` and `git branch -a`"),
        Case::new("a ref that git would have to work out", 2)
            .arguments(&["--ref", "main~1"])
            .says("no tag, branch or commit `main~1`")
            .says("hint:"),
        Case::new("a folder that is no repository", 2)
            .source(&empty)
            .says("no git repository")
            .says("hint:"),
        Case::new("a path that is not there", 2)
            .source(lab.path().join("gone"))
            .says("there is no recipe at")
            .says("hint:"),
        Case::new("a repository without a commit", 2)
            .touch(|repository| {
                git(repository, &["checkout", "--quiet", "--orphan", "none"])?;
                git(repository, &["rm", "--quiet", "-r", "--force", "."])
            })
            .says("hint:"),
        Case::new("a stage that does not exist", 2)
            .arguments(&["--stages", "instal"])
            .says("instal"),
        Case::new("a level that does not exist", 2)
            .arguments(&["--require-level", "5"])
            .says("5 is not in 1..=4"),
        Case::new("a base domain that is none", 6)
            .variable("CC_CI_BASE_DOMAIN", "not a domain")
            .says("not a domain")
            .says("hint: choose another base domain"),
    ])
}

/// Tags, none of which is an error: an upgrade that has nothing to start from says so.
fn tags() -> Vec<Case> {
    let upgrade = |name| Case::new(name, 0).arguments(&["--stages", "upgrade"]);
    vec![
        upgrade("no tags")
            .touch(|repository| tag(repository, &[]))
            .says("no earlier release: the recipe has no version tag"),
        upgrade("only malformed tags")
            .touch(|repository| tag(repository, &["v1", "latest"]))
            .says("none of its 2 tags is a version (`latest`, `v1`)"),
        // The native engine deploys a commit: a tag without a message is as good as one with.
        Case::new("only a lightweight tag", 0)
            .touch(|repository| tag(repository, &["1.0.0+2.1.0"])),
    ]
}

fn tag(repository: &Path, tags: &[&str]) -> Result<()> {
    git(repository, &["tag", "-d", "1.0.0+2.1.0", "1.1.0+2.2.0", "1.2.0+2.3.0"])?;
    tags.iter().try_for_each(|tag| git(repository, &["tag", tag, "HEAD~1"]))
}

/// Compose files: exit 1, it is the recipe's fault, with the place and docker's own words.
fn composes() -> Vec<Case> {
    vec![
        Case::new("compose with a syntax error", 1)
            .edit("compose.yml", "    deploy:\n", "    deploy: {\n")
            .says("compose.yml:"),
        Case::new("compose with a tab for an indent", 1)
            .edit("compose.yml", IMAGE, "\timage: x\n")
            .says("compose.yml:5:2: "),
        with_line(
            Case::new("compose with an unset required variable", 1),
            "hostname: ${X:?is needed}",
        )
        .says("compose.yml:6:15: required variable `X` is missing a value: is needed")
        .says("\n 6 |     hostname: ${X:?is needed}\n   |               ^")
        .says("give it a value in .env.sample"),
        with_line(Case::new("compose with an unknown key", 1), "restart_polcy: always")
            .says("Additional property restart_polcy is not allowed")
            .says("compose.yml:6:5"),
        with_line(Case::new("compose with a key at the wrong place", 1), "replicas: 2")
            .says("Additional property replicas is not allowed")
            .says("compose.yml:6:5"),
    ]
}

/// More of them: values, and files that are not there.
fn more_composes() -> Vec<Case> {
    vec![
        with_line(
            Case::new("compose with a wrong type", 1),
            "privileged: 3\n    stop_grace_period: 5",
        )
        .says("compose.yml:7:24: expected a duration such as `1m30s`, found a number"),
        with_line(
            Case::new("compose with depends_on as a mapping", 1),
            "depends_on: {x: {condition: a}}",
        )
        .says("services.app.depends_on must be a list"),
        with_line(Case::new("compose with an env_file that is not there", 1), "env_file: .env")
            .says("compose.yml:6:15: the env file `.env` does not exist"),
        // What it would come to elsewhere nobody knows: no fault of the recipe's.
        with_line(Case::new("compose with a variable of the host", 4), "hostname: ${HOME}")
            .says("compose.yml:6:15: `HOME` belongs to the host")
            .says("give the variable of the app another name"),
        with_line(
            Case::new("compose with a volume nobody declares", 1),
            "volumes: [\"data:/data\"]",
        )
        .says("compose.yml:6:15: undefined volume `data`")
        .says("declare it in the top-level `volumes:`"),
        Case::new("compose of another format", 1)
            .edit("compose.yml", "version: \"3.8\"", "version: \"2.4\"")
            .says("unsupported Compose file version: 2.4")
            .says("compose.yml:1:10"),
        Case::new("compose with a file that is not there", 1)
            .edit("compose.yml", "file: styles.css", "file: style.css")
            .says("the file `style.css` does not exist"),
        Case::new("a compose file that is not there", 1)
            .edit(".env.sample", "TYPE=", "COMPOSE_FILE=compose.yml:compose.x.yml\nTYPE=")
            .says("no file `compose.x.yml`, which its env names in COMPOSE_FILE"),
        Case::new("an .env.sample with an open quote", 1)
            .edit(".env.sample", "LETS_ENCRYPT_ENV=", "OPEN=\"a\nLETS_ENCRYPT_ENV=")
            .says(".env.sample:"),
    ]
}

/// What only the engine refuses, when some of the stack is there already.
fn refused_half_way() -> Vec<Case> {
    let config =
        |name: &str| format!("configs:\n  odd:\n    name: {name}\n    file: styles.css\n  index:");
    let uses = "    configs:\n      - odd\n      - source: index";
    let config_named = |title, name: &str| {
        Case::new(title, 1).edit("compose.yml", CONFIGS, &config(name)).edit(
            "compose.yml",
            "    configs:\n      - source: index",
            uses,
        )
    };
    vec![
        config_named("a config with a name docker refuses", "${STACK_NAME}_a/b")
            .says("invalid name"),
        Case::new("a service with a name docker refuses", 1)
            .edit(
                "compose.yml",
                "services:\n",
                "services:\n  a.b:\n    image: cc-ci-fixture.invalid/static-web:2.3.0\n",
            )
            .says("name must be valid as a DNS name component"),
        Case::new("an external config that is not there", 1)
            .edit("compose.yml", CONFIGS, "configs:\n  odd:\n    external: true\n  index:")
            .edit("compose.yml", "    configs:\n      - source: index", uses)
            .says("config not found: odd"),
        Case::new("an external secret that is not there", 1)
            .edit(
                "compose.yml",
                CONFIGS,
                "secrets:\n  token:\n    external: true\nconfigs:\n  index:",
            )
            .edit("compose.yml", "    configs:\n", "    secrets:\n      - token\n    configs:\n")
            .says("add `SECRET_<NAME>_VERSION=v1` to .env.sample"),
        // The run's own stands for it: `direct` ingress needs no proxy.
        Case::new("an external network that is not there", 0).edit(
            "compose.yml",
            "networks:\n  proxy:\n    external: true\n",
            "networks:\n  proxy:\n    external: true\n    name: nowhere\n",
        ),
    ]
}

#[test]
fn bad_input_is_told_with_its_place_and_what_to_do() -> Result<()> {
    if !is_enabled("bad_input_is_told_with_its_place_and_what_to_do") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut cases = packs();
    cases.extend(usages(&lab)?);
    cases.extend(composes());
    cases.extend(more_composes());
    check(&lab, "what is given", cases)
}

#[test]
fn what_docker_refuses_half_way_leaves_nothing() -> Result<()> {
    if !is_enabled("what_docker_refuses_half_way_leaves_nothing") {
        return Ok(());
    }
    let mut cases = refused_half_way();
    cases.extend(tags());
    check(&Lab::new()?, "what is refused by the engine", cases)
}

/// The same case with a name of a kind that is that long in full. The stack's name, which is part
/// of each, is 25 long in every lab.
fn named(case: Case, kind: &str, length: usize) -> Case {
    let rest = "n".repeat(length - 26);
    let uses = |list: &str| format!("    {list}:\n      - odd\n    configs:\n");
    let declares = |list: &str, more: &str| format!("{list}:\n  odd:\n{more}{CONFIGS}");
    let compose = "compose.yml";
    match kind {
        "service" => {
            let service = format!("services:\n  {rest}:\n{IMAGE}    deploy: {{replicas: 0}}\n");
            case.edit(compose, "services:\n", &service)
        }
        "network" => case
            .edit(compose, "    networks:\n", &format!("    networks:\n      - {rest}\n"))
            .edit(compose, "\nnetworks:\n", &format!("\nnetworks:\n  {rest}:\n")),
        "config" => {
            let odd = format!("    name: ${{STACK_NAME}}_{rest}\n    file: styles.css\n");
            case.edit(compose, CONFIGS, &format!("configs:\n  odd:\n{odd}  index:"))
        }
        "secret" => {
            let version = "_${SECRET_ODD_VERSION}";
            let name = format!("${{STACK_NAME}}_{}{version}", &rest[3..]);
            let odd = format!("    external: true\n    name: {name}\n");
            case.edit(compose, CONFIGS, &declares("secrets", &odd))
                .edit(compose, "    configs:\n", &uses("secrets"))
                .edit(".env.sample", "TYPE=", "SECRET_ODD_VERSION=v1\nTYPE=")
        }
        _ => case
            .edit(
                compose,
                CONFIGS,
                &declares("volumes", &format!("    name: ${{STACK_NAME}}_{rest}\n")),
            )
            .edit(compose, "    configs:\n", "    volumes:\n      - odd:/data\n    configs:\n"),
    }
}

/// The longest names docker takes, all at once, and one more of each: refused before anything is
/// created, for docker would refuse half-way.
#[test]
fn names_are_as_long_as_docker_takes_them() -> Result<()> {
    if !is_enabled("names_are_as_long_as_docker_takes_them") {
        return Ok(());
    }
    let limits = [
        ("secret", "a secret name of 65 characters", 64),
        ("volume", "a volume name of 256 characters", 255),
        ("network", "a network name of 64 characters", 63),
        ("config", "a config name of 65 characters", 64),
        ("service", "a service name of 64 characters", 63),
    ];
    let longest = limits
        .iter()
        .fold(Case::new("every name as long as docker takes it", 0), |case, (kind, _, limit)| {
            named(case, kind, *limit)
        });
    let mut cases = vec![longest];
    cases.extend(limits.iter().map(|(kind, title, limit)| {
        let told = format!("{kind} name `");
        let told_length = format!("has {} characters, {limit} are allowed", limit + 1);
        named(Case::new(title, 6), kind, limit + 1).says(told).says(told_length)
    }));
    cases.push(
        Case::new("a stack name of more than 45 characters", 6)
            .variable("CC_CI_BASE_DOMAIN", "a-domain-that-is-too-long.example.test")
            .says("hint: choose another base domain"),
    );
    check(&Lab::new()?, "names", cases)
}

/// The host: exit 4, before there is a run directory.
#[test]
fn a_host_that_cannot_run_anything_is_told() -> Result<()> {
    if !is_enabled("a_host_that_cannot_run_anything_is_told") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let only = |program: &str| -> Result<String> {
        let folder = lab.path().join(format!("only-{program}"));
        std::fs::create_dir(&folder)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join(program));
        if let Some(found) = found.into_iter().find(|file| file.is_file()) {
            std::os::unix::fs::symlink(found, folder.join(program))?;
        }
        Ok(folder.display().to_string())
    };
    let dead = lab.path().join("dead.sock");
    drop(UnixListener::bind(&dead)?);
    let host = |name, host: &str| Case::new(name, 4).variable("DOCKER_HOST", host);
    let mut cases = vec![
        Case::new("no docker CLI", 4)
            .variable("PATH", only("git")?)
            .says("`docker`")
            .says("hint: install the docker CLI"),
        Case::new("no git", 4).variable("PATH", only("docker")?).says("install git"),
        host("a socket nobody listens on", &format!("unix://{}", dead.display()))
            .says("no Docker engine answers")
            .says("hint: start it, or set DOCKER_HOST"),
        host("a socket that is not there", "unix:///nonexistent/docker.sock")
            .says("no Docker engine answers"),
        host("an address of another kind", "ssh://elsewhere").says("expected unix://… or tcp://…"),
    ];
    cases.extend(swarms(&lab)?);
    check(&lab, "the host", cases)
}

/// Engines that cannot deploy.
fn swarms(lab: &Lab) -> Result<Vec<Case>> {
    let engines = [
        ("no Swarm", Says::node("inactive", false), "is in no Swarm"),
        ("a locked Swarm", Says::node("locked", false), "docker swarm unlock"),
        ("a worker", Says::node("active", false), "run cc-ci on a manager node"),
        ("only a drained node", Says::only_node("drain", "ready"), "--availability active NODE"),
        (
            "only a node that is down",
            Says::only_node("active", "down"),
            "no node of the Swarm takes tasks",
        ),
    ];
    let mut cases = Vec::new();
    for (number, (name, says, told)) in engines.into_iter().enumerate() {
        let engine = FakeEngine::start(lab.path(), &format!("{number}.sock"), says)?;
        cases.push(Case::new(name, 4).variable("DOCKER_HOST", engine.host()).says(told));
    }
    Ok(cases)
}
