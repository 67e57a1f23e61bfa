//! `cc-ci doctor` on a real engine, and what a plan and a run make of it (PLAN-1).

use anyhow::Result;
use cc_ci_e2e::{Lab, is_enabled};
use cc_ci_model::doctor::{DoctorReport, Finding, FindingId, Level};
use cc_ci_model::host::Tried;
use cc_ci_model::plan::Plan;
use rustix::process::Signal;

fn doctor(lab: &Lab) -> Result<DoctorReport> {
    let ran = lab.cc_ci(&["doctor", "--output", "json"])?;
    Ok(serde_json::from_str(&ran.exited(0).stdout)?)
}

/// Findings about leftovers of this lab's own runs: others may leave theirs meanwhile.
fn leftovers<'a>(report: &'a DoctorReport, run: &str) -> Vec<&'a Finding> {
    let is_about = |finding: &&Finding| format!("{} {}", finding.what, finding.place).contains(run);
    report.findings.iter().filter(is_about).collect()
}

#[test]
fn a_host_on_which_these_tests_run_can_run_cc_ci() -> Result<()> {
    if !is_enabled("a_host_on_which_these_tests_run_can_run_cc_ci") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let report = doctor(&lab)?;
    let problems: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.level == Level::Problem).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let ids: Vec<FindingId> = report.findings.iter().map(|finding| finding.id).collect();
    for id in [
        FindingId::Cli,
        FindingId::Engine,
        FindingId::Swarm,
        FindingId::TaskAddresses,
        FindingId::Volumes,
        FindingId::StateFolder,
        FindingId::Tools,
    ] {
        assert!(ids.contains(&id), "no {id:?} in {ids:?}");
    }
    Ok(())
}

fn plan(lab: &Lab, recipe: &std::path::Path) -> Result<Plan> {
    let recipe = recipe.display().to_string();
    let ran = lab.cc_ci(&["plan", &recipe, "--stages", "install", "--output", "json"])?;
    Ok(serde_json::from_str(&ran.exited(0).stdout)?)
}

/// A plan tries nothing. What doctor tried is in the next plan, and a run's plan has it without.
#[test]
fn a_plan_says_what_doctor_tried() -> Result<()> {
    if !is_enabled("a_plan_says_what_doctor_tried") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html-tiny")?;
    assert_eq!(plan(&lab, &recipe)?.host.task_addresses, Tried::Unknown);
    assert!(!lab.state().exists(), "a plan remembers nothing");
    doctor(&lab)?;
    assert_eq!(plan(&lab, &recipe)?.host.task_addresses, Tried::Works);
    std::fs::remove_file(lab.state().join("host.json"))?;
    let ran = lab.run(&recipe, "run", &["--stages", "install"])?;
    let log = ran.log();
    let planned = log.plan().map(|plan| &plan["host"]["task_addresses"]);
    assert_eq!(planned, Some(&"works".into()), "{}", ran.stderr);
    assert_eq!(plan(&lab, &recipe)?.host.task_addresses, Tried::Works, "the run remembered");
    ran.left_nothing();
    Ok(())
}

/// A killed run is named with the command that removes it, and is not any more once that ran.
#[test]
fn a_killed_run_is_found_and_gone_after_its_next_step() -> Result<()> {
    if !is_enabled("a_killed_run_is_found_and_gone_after_its_next_step") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut run = lab.start_anywhere(&lab.recipe("custom-html")?, &["--stages", "install"])?;
    let log = run.wait_until("waiting for convergence", |log| log.has_begun("converge", None));
    let id = log.run_id();
    assert_eq!(leftovers(&doctor(&lab)?, &id).len(), 0, "a living run is nobody's leftover");
    run.signal(Signal::KILL)?;
    run.finish()?;
    let report = doctor(&lab)?;
    let found = leftovers(&report, &id);
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [FindingId::RunDied]);
    assert!(found[0].what.contains("on the engine: service "), "{found:?}");
    let next = found[0].next.clone().unwrap_or_default();
    let command: Vec<&str> = next.split(' ').skip(1).collect();
    assert_eq!(command, ["cleanup", &id], "{next}");
    lab.cc_ci(&command)?.exited(0);
    assert_eq!(leftovers(&doctor(&lab)?, &id).len(), 0);
    Ok(())
}

/// Every recipe would look as if it did not answer: nothing is created, and no recipe is blamed.
#[test]
fn from_another_network_no_run_begins() -> Result<()> {
    if !is_enabled("from_another_network_no_run_begins") {
        return Ok(());
    }
    let lab = Lab::new()?;
    doctor(&lab)?;
    let ran = lab.cc_ci_in_another_network(&["doctor", "--output", "json"])?;
    let report: DoctorReport = serde_json::from_str(&ran.exited(4).stdout)?;
    let found = report.findings.iter().find(|finding| finding.level == Level::Problem);
    assert_eq!(found.map(|finding| finding.id), Some(FindingId::TaskAddressesSilent));
    let recipe = lab.recipe("custom-html-tiny")?.display().to_string();
    let ran = lab.cc_ci_in_another_network(&["run", &recipe])?;
    ran.exited(4).said("tasks cannot be reached from here").said("`cc-ci doctor` says more");
    assert!(!lab.state().join("runs").exists(), "no run directory");
    // What was tried there does not count here.
    assert_eq!(plan(&lab, recipe.as_ref())?.host.task_addresses, Tried::Unknown);
    Ok(())
}
