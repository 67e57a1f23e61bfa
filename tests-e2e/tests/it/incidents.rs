//! What really went wrong once, in an earlier system or in the lab.

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, is_enabled};
use cc_ci_model::outcome::Status;
use cc_ci_model::stage::Rung;

/// A recipe used `${VERSION}`; the CI host had a variable of that name, and so the recipe was
/// tested with an image that nobody else got.
#[test]
fn incident_host_environment_leaks_into_a_recipe() -> Result<()> {
    if !is_enabled("incident_host_environment_leaks_into_a_recipe") {
        return Ok(());
    }
    let host = [
        ("VERSION", "9.9.9"),
        ("CI", "true"),
        ("DOMAIN", "host.example.com"),
        ("COMPOSE_FILE", "none.yml"),
    ];
    let lab = Lab::new()?;
    let image = "cc-ci-fixture.invalid/static-web:";
    let pinned = format!("{image}2.3.0");
    let from_env = format!("{image}${{VERSION:-2.3.0}}");
    let change = Change { tree: "head", file: "compose.yml", replace: &pinned, with: &from_env };
    let recipe = lab.recipe_with("custom-html-tiny", "default", &[change])?;
    let ran = lab.run_among(&host, &recipe, "run-default", &["--stages", "install"])?;
    ran.exited(0).left_nothing();
    assert_eq!(ran.results()?.images[0].reference, pinned);

    // What the recipe requires is missing, whatever the host has.
    let required = format!("{pinned}\n    environment:\n      CI: ${{CI:?is not set}}");
    let change = Change { with: &required, ..change };
    let recipe = lab.recipe_with("custom-html-tiny", "required", &[change])?;
    let ran = lab.run_among(&host, &recipe, "run-required", &["--stages", "install"])?;
    ran.exited(1).left_nothing();
    let reason = ran.results()?.rungs[&Rung::Install].reason.clone().unwrap_or_default();
    assert!(reason.contains("required variable `CI`"), "{reason}");
    Ok(())
}

/// Found in the lab: Swarm stops a service that never became healthy, its image exits with 0, and
/// under `on-failure` that is the very state of a one-shot that did its work.
#[test]
fn incident_never_healthy_service_looks_like_a_finished_one_shot() -> Result<()> {
    if !is_enabled("incident_never_healthy_service_looks_like_a_finished_one_shot") {
        return Ok(());
    }
    Lab::new()?.run_mutation("never-healthy-exits-zero")?;
    Ok(())
}

/// An image moved its data directory between two major versions: the volume stayed mounted where
/// nobody looked any more, the marker in it survived, and users' data was gone.
#[test]
fn incident_anonymous_volume_after_an_image_moved_its_data() -> Result<()> {
    if !is_enabled("incident_anonymous_volume_after_an_image_moved_its_data") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let ran = lab.run_mutation("data-moved-to-anonymous-volume")?;
    assert_eq!(ran.log().anonymous_volumes().len(), 1, "it was really there");
    Ok(())
}

/// Incident (discourse): the latest release deployed what the head deploys, so the upgrade from it
/// replaced no task and its green proved nothing.
#[test]
fn incident_hollow_base() -> Result<()> {
    if !is_enabled("incident_hollow_base") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let same = [
        ("index.html.tmpl", "version 1.2.0+2.3.0, and what comes next", "version 1.2.0+2.3.0"),
        ("abra.sh", "INDEX_VERSION=v4", "INDEX_VERSION=v3"),
        ("compose.yml", "order: start-first", "order: stop-first"),
    ];
    let same = same.map(|(file, replace, with)| Change { tree: "head", file, replace, with });
    let recipe = lab.recipe_with("custom-html-tiny", "recipes", &same)?;
    // An older one that does differ is taken instead, and the plan says why.
    let planned = lab.cc_ci(&["plan", &recipe.display().to_string(), "--output", "json"])?;
    let plan: serde_json::Value = serde_json::from_str(&planned.exited(0).stdout)?;
    assert_eq!(plan["base"]["version"], "1.1.0+2.2.0");
    let why = plan["base"]["why"].as_str().unwrap_or_default();
    assert!(why.contains("1.2.0+2.3.0 deploy the same as the head"), "{why}");

    let results = lab.run_mutation("hollow-all-releases")?.results()?;
    assert_eq!(results.rungs[&Rung::Install].status, Status::Passed);
    assert_eq!(results.level_cap_rung, Some(Rung::Upgrade));
    Ok(())
}
