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
