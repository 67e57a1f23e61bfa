//! Whose fault a missing image is (ENG-5), with a registry that can be asked.

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, Registry, is_enabled};
use cc_ci_model::outcome::Status;
use cc_ci_model::stage::Rung;

/// custom-html-tiny with the image of one tree in that registry.
fn with_image(lab: &Lab, folder: &str, tree: &str, image: &str) -> Result<std::path::PathBuf> {
    let replace = "cc-ci-fixture.invalid/static-web:2.3.0";
    let change = Change { tree, file: "compose.yml", replace, with: image };
    lab.recipe_with("custom-html-tiny", folder, &[change])
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
    let recipe = with_image(&lab, "base", "1.2.0+2.3.0", &gone)?;
    let ran = lab.run(&recipe, "run", &["--stages", "upgrade"])?;
    ran.exited(3).left_nothing();
    let results = ran.results()?;
    assert_eq!(results.rungs[&Rung::Install].status, Status::Passed);
    let upgrade = &results.rungs[&Rung::Upgrade];
    assert_eq!(upgrade.status, Status::Unverified);
    let reason = upgrade.reason.clone().unwrap_or_default();
    assert!(reason.contains("the base is broken, not the head"), "{reason}");
    assert!(reason.contains(&format!("image {gone} does not exist")), "{reason}");
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
    let recipe = with_image(&lab, "head", "head", &gone)?;

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

#[test]
fn images_are_pulled_before_anything_is_deployed() -> Result<()> {
    if !is_enabled("images_are_pulled_before_anything_is_deployed") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let mut registry = Registry::start(lab.path())?;
    registry.publish("static-web:2.3.0");
    let image = registry.image("static-web:2.3.0");
    let recipe = with_image(&lab, "pulled", "head", &image)?;
    let ran = lab.run(&recipe, "run", &["--stages", "install"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    let used = results.images.iter().find(|used| used.reference == image);
    let digest = used.and_then(|used| used.digest.as_deref()).unwrap_or_default();
    assert!(digest.starts_with("sha256:"), "{:?}", results.images);
    Ok(())
}
