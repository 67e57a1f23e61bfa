//! Engines that cannot deploy, and an engine that goes away in the middle: on private engines, so
//! that nobody else notices.
#![expect(clippy::print_stdout, reason = "a table for whoever asks for it with --nocapture")]

use std::thread;

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, Log, PrivateEngine, Ran, engine, is_private_engine_enabled};
use cc_ci_model::outcome::Verdict;

const STATIC_WEB: &str = "cc-ci-fixture.invalid/static-web:2.3.0";
const NGINX: &str = "cc-ci-fixture.invalid/nginx:1.28.0";

/// Short limits: nothing that waits for an engine that is gone ends before them.
const PACK: &str = "[timeouts]\ndeploy = \"30s\"\nbackup = \"30s\"\n";

/// The run is refused before it has a directory, and says what to do.
#[track_caller]
fn refused(lab: &Lab, environment: &[(&str, &str)], says: [&str; 2]) -> Result<()> {
    let recipe = lab.recipe("custom-html-tiny")?;
    let ran = lab.run_among(environment, &recipe, "refused", &["--stages", "install"])?;
    ran.exited(4).said(says[0]).said("hint: ").said(says[1]);
    assert!(!ran.directory.exists(), "a run directory");
    // What was found out about the host is kept; nothing of a run is.
    let kept = std::fs::read_dir(lab.state())?.map(|entry| Ok(entry?.file_name()));
    let kept: Vec<_> = kept.collect::<Result<_>>()?;
    assert_eq!(kept, ["host.json"]);
    Ok(())
}

/// A Swarm of two nodes: a worker cannot deploy, and where every node is drained nothing would
/// ever run. As long as one node takes tasks, all is well.
#[test]
fn an_engine_that_cannot_deploy_is_said_before_anything_is_created() -> Result<()> {
    if !is_private_engine_enabled("an_engine_that_cannot_deploy_is_said_before_anything_is_created")
    {
        return Ok(());
    }
    let lab = Lab::with_engine()?;
    refused(&lab, &[], ["is in no Swarm", "docker swarm init"])?;

    let manager = lab.engine();
    let worker = PrivateEngine::start(&lab.path().join("worker"))?;
    manager.connect("10.213.7.1", &worker, "10.213.7.2")?;
    manager.init_swarm("10.213.7.1");
    let token = manager.docker(&["swarm", "join-token", "--quiet", "worker"]);
    let join = ["swarm", "join", "--advertise-addr", "10.213.7.2", "--token", &token];
    worker.docker(&[&join[..], &["10.213.7.1:2377"]].concat());
    let worker_host = [("DOCKER_HOST", worker.host())];
    let worker_host = worker_host.each_ref().map(|(key, host)| (*key, host.as_str()));
    refused(&lab, &worker_host, ["is a worker", "a manager node"])?;

    let nodes = manager.docker(&["node", "ls", "--quiet"]);
    for node in nodes.lines() {
        manager.docker(&["node", "update", "--availability", "drain", node]);
    }
    refused(
        &lab,
        &[],
        ["no node of the Swarm takes tasks", "docker node update --availability active"],
    )?;
    assert_eq!(manager.docker(&["service", "ls", "--quiet"]), "");

    manager.load(&[STATIC_WEB])?;
    let own = manager.docker(&["info", "--format", "{{.Swarm.NodeID}}"]);
    manager.docker(&["node", "update", "--availability", "active", &own]);
    let recipe = lab.recipe("custom-html-tiny")?;
    lab.run(&recipe, "run", &["--stages", "install"])?.exited(0);
    Ok(())
}

/// When the engine is taken away, and how the log tells.
struct Moment {
    name: &'static str,
    recipe: &'static str,
    image: &'static str,
    /// A label more, and what it says.
    label: &'static str,
    stages: &'static str,
    is_there: fn(&Log) -> bool,
    exit: i32,
}

const MOMENTS: [Moment; 4] = [
    Moment {
        name: "a deploy",
        recipe: "custom-html-tiny",
        image: STATIC_WEB,
        label: "a=b",
        stages: "install",
        is_there: |log| log.has_begun("deploy", Some("head")),
        exit: 4,
    },
    Moment {
        name: "a wait",
        recipe: "custom-html-tiny",
        image: STATIC_WEB,
        label: "a=b",
        stages: "install",
        is_there: |log| log.has_begun("converge", None),
        exit: 4,
    },
    Moment {
        name: "a backup",
        recipe: "custom-html",
        image: NGINX,
        label: "backupbot.backup.pre-hook=sleep 60",
        stages: "backup",
        is_there: |log| log.has_begun("backup", None),
        exit: 4,
    },
    // Everything had been shown by then: what is wrong is that something may be left (VER-8).
    Moment {
        name: "the teardown",
        recipe: "custom-html-tiny",
        image: STATIC_WEB,
        label: "a=b",
        stages: "install",
        is_there: |log| log.has_begun("dismantle", None),
        exit: 8,
    },
];

#[test]
fn an_engine_that_goes_away_is_an_error_and_what_is_left_can_be_removed_later() -> Result<()> {
    const NAME: &str = "an_engine_that_goes_away_is_an_error_and_what_is_left_can_be_removed_later";
    if !is_private_engine_enabled(NAME) {
        return Ok(());
    }
    // A run tries for five minutes to remove what it made: the four of them at once.
    thread::scope(|scope| {
        let runs: Vec<_> = MOMENTS.iter().map(|moment| scope.spawn(|| goes_away(moment))).collect();
        runs.into_iter().try_for_each(|run| run.join().expect("no panic in a moment"))
    })
}

fn goes_away(moment: &Moment) -> Result<()> {
    let lab = Lab::with_engine()?;
    lab.engine().init_swarm("127.0.0.1");
    lab.engine().load(&[moment.image])?;
    let pack = lab.pack(&format!("recipe = \"{}\"\n{PACK}", moment.recipe))?;
    let more = ["--stages", moment.stages, "--pack", &pack];
    let labels = format!("      labels:\n        - \"{}\"\n", moment.label);
    let change =
        Change { tree: "head", file: "compose.yml", replace: "      labels:\n", with: &labels };
    let recipe = lab.recipe_with(moment.recipe, "recipes", &[change])?;
    let mut run = lab.start(&recipe, "run", &more)?;
    let log = run.wait_until(moment.name, moment.is_there);
    lab.engine().stop()?;
    let ran = run.finish()?;
    println!("{}: exit {:?} (expected {})", moment.name, ran.exit, moment.exit);
    check_told(moment, &ran)?;

    let directory = ran.directory.display().to_string();
    lab.cc_ci(&["cleanup", &directory])?.exited(4).said("no Docker engine answers");
    lab.engine().start_again()?;
    lab.cc_ci(&["cleanup", &directory])?.exited(0);
    let left = engine::leftovers_by(
        &|arguments| lab.engine().docker(arguments),
        &log.run_id(),
        &log.stacks(),
    );
    assert_eq!(left, [""; 0], "{}", moment.name);
    assert_eq!(lab.engine().docker(&["ps", "--all", "--quiet"]), "", "{}", moment.name);
    Ok(())
}

/// Nobody is blamed, and it is said that something may be left, and how to remove it.
fn check_told(moment: &Moment, ran: &Ran) -> Result<()> {
    ran.exited(moment.exit);
    let results = ran.results()?;
    let verdict = if moment.exit == 4 { Verdict::Error } else { Verdict::Pass };
    assert_eq!(results.verdict, verdict, "{}: {:?}", moment.name, results.conditions);
    assert!(!results.cleanup.complete, "{}: {:?}", moment.name, results.cleanup);
    let report = std::fs::read_to_string(ran.directory.join("report.md"))?;
    assert!(report.contains("cc-ci cleanup"), "{}: {report}", moment.name);
    Ok(())
}
