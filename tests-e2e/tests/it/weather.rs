//! Warnings that a green run has to carry.

use anyhow::Result;
use cc_ci_e2e::{Lab, is_long_enabled};

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
