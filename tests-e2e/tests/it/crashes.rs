//! Runs that are stopped or killed (TEAR-2, TEAR-3).

use anyhow::Result;
use cc_ci_e2e::{Lab, LiveRun, Log, Ran, Strangers, engine, is_enabled, is_long_enabled};
use cc_ci_model::outcome::Verdict;
use rustix::process::Signal;

/// Kills a run, without letting it do anything more.
fn kill(run: LiveRun) -> Result<Ran> {
    run.signal(Signal::KILL)?;
    run.finish()
}

/// `cc-ci cleanup` removes what is left of it.
#[track_caller]
fn clean_up(lab: &Lab, ran: &Ran, by: &str) -> Result<()> {
    lab.cc_ci(&["cleanup", by])?.exited(0);
    ran.left_nothing();
    let written = std::fs::read_to_string(ran.directory.join("cleanup.json"))?;
    let cleaned: serde_json::Value = serde_json::from_str(&written)?;
    assert_eq!((&cleaned["complete"], &cleaned["left"]), (&true.into(), &serde_json::json!([])));
    Ok(())
}

fn is_waiting(log: &Log) -> bool {
    log.has_begun("converge", None)
}

#[test]
fn a_killed_run_is_judged_an_error_and_cleaned_up() -> Result<()> {
    if !is_enabled("a_killed_run_is_judged_an_error_and_cleaned_up") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut run = lab.start_anywhere(&lab.recipe("custom-html")?, &["--stages", "install"])?;
    let log = run.wait_until("waiting for convergence", is_waiting);
    let id = log.run_id();
    let mut strangers = Strangers::new();
    strangers.volume(&format!("{}_keep", log.stacks()[0]), None);

    lab.cc_ci(&["cleanup", &id])?.exited(5).said("alive");
    lab.cc_ci(&["cleanup", "20000101T000000-none-000000"])?.exited(2);
    let ran = kill(run)?;
    assert_eq!((ran.exit, ran.stdout.as_str()), (None, ""), "nothing is said after a SIGKILL");
    let left = engine::leftovers(&id, &log.stacks());
    assert!(left.iter().any(|object| object.starts_with("service ")), "{left:?}");
    assert!(left.iter().any(|object| object.starts_with("secret ")), "{left:?}");

    let events = ran.directory.join("events.jsonl").display().to_string();
    let judged = lab.cc_ci(&["judge", &events, "--output", "json"])?;
    let results = judged.exited(4).results()?;
    assert_eq!((results.verdict, results.is_final, results.level), (Verdict::Error, false, 0));

    clean_up(&lab, &ran, &id)?;
    clean_up(&lab, &ran, &ran.directory.display().to_string())?;
    strangers.are_untouched();
    Ok(())
}

#[test]
fn a_signal_stops_the_run_and_it_cleans_up() -> Result<()> {
    if !is_enabled("a_signal_stops_the_run_and_it_cleans_up") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut run = lab.start(&lab.recipe("custom-html")?, "run", &["--stages", "install"])?;
    run.wait_until("waiting for convergence", is_waiting);
    run.signal(Signal::TERM)?;
    let ran = run.finish()?;
    ran.exited(7).left_nothing();
    let results = ran.results()?;
    assert_eq!((results.verdict, results.level), (Verdict::Cancelled, 0));
    assert_eq!(results, ran.results_file()?);
    Ok(())
}

/// A clone that never comes to its end: the run has a directory, and no plan yet.
#[test]
fn a_signal_before_there_is_a_plan_leaves_no_directory() -> Result<()> {
    if !is_enabled("a_signal_before_there_is_a_plan_leaves_no_directory") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let silent = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/recipe.git", silent.local_addr()?);
    let run = lab.start(std::path::Path::new(&url), "run", &["--stages", "install"])?;
    // Git is there, and gets no answer.
    let _git = silent.accept()?;
    assert!(run.directory().join("work").is_dir());
    run.signal(Signal::TERM)?;
    let ran = run.finish()?;
    ran.exited(7).said("before it had a plan");
    assert!(!ran.directory.exists(), "{}", ran.directory.display());
    Ok(())
}

/// What a run is doing, and how its log tells.
type Moment = (&'static str, fn(&Log) -> bool);

/// In the middle of `docker stack deploy`: an orphan of it would create objects after the cleanup.
fn is_submitting(log: &Log) -> bool {
    let processes = log.events("process_started").len() - log.events("process_ended").len();
    log.events("intended").len() >= 2 && processes > 0
}

/// JAN-3 in small: wherever a run is killed, one cleanup leaves nothing.
#[test]
fn a_run_killed_at_any_act_is_cleaned_up() -> Result<()> {
    if !is_long_enabled("a_run_killed_at_any_act_is_cleaned_up") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mutated = lab.mutation("data-moved-to-anonymous-volume")?;
    let pack = mutated.pack.map(|pack| pack.display().to_string()).unwrap_or_default();
    let more = ["--stages", "upgrade", "--pack", &pack];
    let moments: [Moment; 6] = [
        ("the base's deploy", |log| log.has_begun("deploy", Some("base"))),
        ("docker stack deploy", is_submitting),
        ("planting", |log| log.has_begun("plant", None)),
        ("the head's deploy", |log| log.has_begun("deploy", Some("head"))),
        ("the closing look", |log| log.has_begun("observe", None)),
        ("the teardown", |log| log.has_begun("dismantle", None)),
    ];
    for (number, (moment, is_there)) in moments.into_iter().enumerate() {
        let mut run = lab.start(&mutated.repository, &format!("run-{number}"), &more)?;
        run.wait_until(moment, is_there);
        let ran = kill(run)?;
        clean_up(&lab, &ran, &ran.directory.display().to_string())?;
    }
    Ok(())
}
