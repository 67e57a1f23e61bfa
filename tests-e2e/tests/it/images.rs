//! Whose fault a missing image is (ENG-5), with a registry that can be asked.

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, Registry, is_enabled};
use cc_ci_model::outcome::Status;
use cc_ci_model::stage::Rung;

const STATIC_WEB: &str = "cc-ci-fixture.invalid/static-web:2.3.0";

/// custom-html-tiny with the images of trees in that registry.
fn with_images(lab: &Lab, images: &[(&str, &str)]) -> Result<std::path::PathBuf> {
    let change =
        |(tree, image)| Change { tree, file: "compose.yml", replace: STATIC_WEB, with: image };
    let changes: Vec<Change<'_>> = images.iter().copied().map(change).collect();
    lab.recipe_with("custom-html-tiny", "recipes", &changes)
}

/// Incident (discourse): the release an upgrade was to start from had an image that was in no
/// registry any more, and the head was blamed.
#[test]
fn incident_missing_base_image() -> Result<()> {
    if !is_enabled("incident_missing_base_image") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut registry = Registry::start(lab.path())?;
    let gone = registry.image("static-web:0.9.0");
    registry.publish("static-web:2.3.0");
    let there = registry.image("static-web:2.3.0");
    let recipe = with_images(&lab, &[("1.2.0+2.3.0", &gone), ("head", &there)])?;
    let ran = lab.run(&recipe, "run", &["--stages", "upgrade"])?;
    ran.exited(3).left_nothing();
    let results = ran.results()?;
    assert_eq!(results.rungs[&Rung::Install].status, Status::Passed);
    let upgrade = &results.rungs[&Rung::Upgrade];
    assert_eq!(upgrade.status, Status::Unverified);
    let reason = upgrade.reason.clone().unwrap_or_default();
    assert!(reason.contains("the base is broken, not the head"), "{reason}");
    assert!(reason.contains(&format!("image {gone} does not exist")), "{reason}");
    let pulled = results.images.iter().find(|image| image.reference == there);
    let digest = pulled.and_then(|image| image.digest.as_deref()).unwrap_or_default();
    assert!(digest.starts_with("sha256:"), "{:?}", results.images);
    Ok(())
}

#[test]
fn a_missing_image_is_the_recipes_fault_and_a_silent_registry_is_not() -> Result<()> {
    if !is_enabled("a_missing_image_is_the_recipes_fault_and_a_silent_registry_is_not") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut registry = Registry::start(lab.path())?;
    let gone = registry.image("static-web:9.9.9");
    let recipe = with_images(&lab, &[("head", &gone)])?;

    let ran = lab.run(&recipe, "not-found", &["--stages", "install"])?;
    ran.exited(1).left_nothing();
    let reason = ran.results()?.rungs[&Rung::Install].reason.clone().unwrap_or_default();
    assert!(reason.contains(&format!("service app: image {gone} does not exist")), "{reason}");
    assert!(ran.log().events("intended").is_empty(), "it is said before anything is deployed");

    registry.stop();
    let ran = lab.run(&recipe, "silent", &["--stages", "install"])?;
    ran.exited(4).left_nothing();
    let reason = ran.results()?.rungs[&Rung::Install].reason.clone().unwrap_or_default();
    assert!(
        reason.contains(&format!("the registry of image {gone} could not be asked")),
        "{reason}"
    );
    Ok(())
}

/// Pulled once, and gone from its registry since: this host can install it, nobody else can.
#[test]
fn an_image_that_is_only_here_is_told() -> Result<()> {
    if !is_enabled("an_image_that_is_only_here_is_told") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut registry = Registry::start(lab.path())?;
    let here = registry.keep_here("static-web:2.3.0", "static-web:2.3.0");
    let recipe = with_images(&lab, &[("head", &here)])?;
    let ran = lab.run(&recipe, "run", &["--stages", "install"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    let told = format!("image {here} is in the local store only: manifest unknown");
    let warned: Vec<_> = results.warnings.iter().map(|warning| &warning.message).collect();
    assert!(warned.iter().any(|message| message.starts_with(&told)), "{warned:?}");
    assert!(results.does_not_prove.iter().any(|line| line.starts_with(&told)));

    // What cannot be asked has not said anything.
    registry.stop();
    let ran = lab.run(&recipe, "silent", &["--stages", "install"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    let codes: Vec<_> = results.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert!(!codes.contains(&"image_local_only"), "{:?}", results.warnings);
    Ok(())
}

/// Nobody knows whether the copy is what others would get.
#[test]
fn a_floating_tag_whose_registry_is_silent_is_an_error() -> Result<()> {
    if !is_enabled("a_floating_tag_whose_registry_is_silent_is_an_error") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut registry = Registry::start(lab.path())?;
    let here = registry.keep_here("static-web:2.3.0", "static-web:latest");
    let recipe = with_images(&lab, &[("head", &here)])?;
    registry.stop();
    let ran = lab.run(&recipe, "run", &["--stages", "install"])?;
    ran.exited(4).left_nothing();
    let results = ran.results()?;
    assert_eq!(results.rungs[&Rung::Install].status, Status::Errored);
    let reason = results.rungs[&Rung::Install].reason.clone().unwrap_or_default();
    assert!(reason.contains(&here) && reason.contains("a copy is here"), "{reason}");
    Ok(())
}

#[test]
fn a_private_image_is_pulled_with_the_users_login() -> Result<()> {
    if !is_enabled("a_private_image_is_pulled_with_the_users_login") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut registry = Registry::start_private(lab.path())?;
    registry.publish("static-web:2.3.0");
    let private = registry.image("static-web:2.3.0");
    let recipe = with_images(&lab, &[("head", &private)])?;
    let nobody = lab.path().join("nobody").display().to_string();
    let stages = ["--stages", "install"];
    let ran = lab.run_among(&[("DOCKER_CONFIG", &nobody)], &recipe, "denied", &stages)?;
    ran.exited(4).left_nothing();
    let reason = ran.results()?.rungs[&Rung::Install].reason.clone().unwrap_or_default();
    assert!(reason.contains(&format!("the registry denies image {private}")), "{reason}");

    let login = registry.login().unwrap_or(lab.path()).display().to_string();
    let ran = lab.run_among(&[("DOCKER_CONFIG", &login)], &recipe, "run", &stages)?;
    ran.exited(0).left_nothing();
    let events = std::fs::read_to_string(ran.directory.join("events.jsonl"))?;
    assert!(!events.contains("hunter22") && !events.contains("bWU6aHVudGVyMjI="));
    Ok(())
}
