//! What a green run has to have waited for, and the warnings it has to carry.

use anyhow::Result;
use cc_ci_e2e::{Lab, is_long_enabled};
use serde_json::Value;

/// The mutation is green, and says these things besides.
#[track_caller]
fn check(mutation: &str, expected: &[&str]) -> Result<()> {
    let results = Lab::new()?.run_mutation(mutation)?.results()?;
    let mut codes: Vec<&str> =
        results.warnings.iter().map(|warning| warning.code.as_str()).collect();
    // `EXTRA_DOMAINS` of the fixture recipes.
    codes.retain(|code| *code != "recipe");
    codes.sort_unstable();
    assert_eq!(codes, expected, "{mutation}: {:#?}", results.warnings);
    Ok(())
}

#[test]
fn a_dropped_service_is_told() -> Result<()> {
    if !is_long_enabled("a_dropped_service_is_told") {
        return Ok(());
    }
    check("service-dropped", &["orphaned_service"])
}

/// A task replaced later without our doing: the first one is worth a warning.
#[test]
fn a_task_that_dies_once_is_told() -> Result<()> {
    if !is_long_enabled("a_task_that_dies_once_is_told") {
        return Ok(());
    }
    check("weather-task-killed-once", &["task_replaced"])
}

/// Incident 241: a flicker left the update paused for ever on a healthy service.
#[test]
fn incident_an_update_paused_on_a_healthy_task() -> Result<()> {
    if !is_long_enabled("incident_an_update_paused_on_a_healthy_task") {
        return Ok(());
    }
    check("weather-paused-on-new-task", &["update_paused"])
}

#[test]
fn an_assumed_one_shot_is_told() -> Result<()> {
    if !is_long_enabled("an_assumed_one_shot_is_told") {
        return Ok(());
    }
    check("weather-one-shot-service", &["assumed_one_shot", "update_paused"])
}

/// An app that keeps its data where no volume is loses it with each upgrade.
#[test]
fn data_outside_every_mount_is_told() -> Result<()> {
    if !is_long_enabled("data_outside_every_mount_is_told") {
        return Ok(());
    }
    let results = Lab::new()?.run_mutation("weather-data-in-own-layer")?.results()?;
    let told = "service app wrote outside every mount: /srv/app/state.db (15 bytes): whatever of it is data";
    let warned = results.warnings.iter().filter(|found| found.message.starts_with(told));
    assert_eq!(warned.count(), 1, "{:#?}", results.warnings);
    let line = results.does_not_prove.iter().find(|line| line.starts_with(told));
    assert!(line.is_some(), "{:#?}", results.does_not_prove);
    Ok(())
}

/// Incident 238: an update that had been accepted and not begun showed the old task, N/N, and an
/// empty status; the wait passed, and the task died under the backup.
#[test]
fn incident_a_stop_first_update_has_not_begun() -> Result<()> {
    if !is_long_enabled("incident_a_stop_first_update_has_not_begun") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let log = lab.run_mutation("weather-slow-stop")?.log();
    let settled = log.events("act_ended").into_iter().map(|event| &event["evidence"]);
    let settled: Vec<&Value> =
        settled.filter(|evidence| evidence["evidence"] == "settled").collect();
    let [base, head] = settled[..] else {
        panic!("it settled {} times", settled.len());
    };
    let running = |seen: &Value| -> Vec<Value> {
        let tasks = seen["facts"]["tasks"].as_array().cloned().unwrap_or_default();
        let those = tasks.into_iter().filter(|task| task["service"] == "app");
        those.filter(|task| task["state"] == "running").collect()
    };
    let (old, new) = (running(base), running(head));
    assert_eq!((old.len(), new.len()), (1, 1));
    assert_ne!(old[0]["id"], new[0]["id"]);
    assert_eq!(new[0]["current"], true);
    Ok(())
}
