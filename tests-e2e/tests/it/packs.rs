//! What a pack adds to a recipe, and what a recipe carries itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, is_enabled};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::stage::Rung;

/// A pack with those files; tests can be executed.
fn pack(lab: &Lab, files: &[(&str, &str)]) -> Result<String> {
    let folder = lab.path().join("pack");
    for (name, text) in files {
        write(&folder.join(name), text)?;
    }
    Ok(folder.display().to_string())
}

#[expect(clippy::disallowed_methods, reason = "a test's own files")]
fn write(path: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, text)?;
    let mode = if path.extension().is_some_and(|end| end == "sh") { 0o755 } else { 0o644 };
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

const PACK: &str = r#"recipe = "custom-html"

[app]
secrets = { admin_token = "given-by-the-pack" }

[[app.overlays]]
file = "compose.small.yml"
for = "both"
"#;

const SMALL: &str = r#"version: "3.8"
services:
  app:
    deploy:
      labels:
        cc-ci-e2e: "from the pack"
"#;

/// Asks for what only the token opens, and is careless with it.
const PRIVATE: &str = r#"#!/bin/sh
echo "the token is given-by-the-pack"
exec curl --fail --silent --show-error --header "Host: $CCCI_DOMAIN" \
    --header "Authorization: Bearer given-by-the-pack" "$CCCI_BASE_URL/private"
"#;

#[test]
fn a_pack_brings_overlays_and_values_of_secrets() -> Result<()> {
    if !is_enabled("a_pack_brings_overlays_and_values_of_secrets") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let files =
        [("recipe.toml", PACK), ("compose.small.yml", SMALL), ("tests/10-private.sh", PRIVATE)];
    let pack = pack(&lab, &files)?;
    let recipe = lab.recipe("custom-html")?;
    let stages = ["--pack", &pack, "--stages", "install,upgrade,functional"];
    let ran = lab.run(&recipe, "run", &stages)?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!(results.rungs[&Rung::Functional].status, Status::Passed);
    let told = "compose.small.yml of the pack was merged into it";
    assert!(results.does_not_prove.iter().any(|line| line.contains(told)));
    let log = ran.log();
    let ended = log.events("act_ended").into_iter().map(|event| &event["evidence"]);
    let deployed: Vec<_> = ended.filter(|seen| seen["evidence"] == "deployed").collect();
    assert_eq!(deployed.len(), 3, "fresh head, base, head");
    for seen in deployed {
        assert_eq!(seen["services"][0]["labels"]["cc-ci-e2e"], "from the pack", "{seen}");
    }
    for file in ["events.jsonl", "results.json"] {
        let text = fs::read_to_string(ran.directory.join(file))?;
        assert!(!text.contains("given-by-the-pack"), "{file}");
    }
    let events = fs::read_to_string(ran.directory.join("events.jsonl"))?;
    assert!(events.contains("the token is [secret]"), "the test did say it");
    Ok(())
}

const OWN: &str = ".cc-ci/tests/10-own.sh";

/// STG-7: beside a pack the recipe's own tests make the rung `recipe_local`; one that can not be
/// started (TEST-2) is an error in them and no failure of the recipe.
#[test]
fn the_recipes_own_tests_run_beside_a_pack() -> Result<()> {
    if !is_enabled("the_recipes_own_tests_run_beside_a_pack") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let good = "#!/bin/sh\nexit 0\n";
    let files = [("recipe.toml", "recipe = \"custom-html-tiny\"\n"), ("tests/10-good.sh", good)];
    let pack = pack(&lab, &files)?;
    let own = Change { tree: "head", file: OWN, replace: "", with: "#!/bin/sh\nexit 1\n" };
    let recipe = lab.recipe_with("custom-html-tiny", "recipes", &[own])?;
    let stages = ["--pack", &pack, "--stages", "install,functional"];

    let ran = lab.run(&recipe, "not-executable", &stages)?;
    ran.exited(6).left_nothing();
    let results = ran.results()?;
    assert_eq!(results.verdict, Verdict::Error);
    assert_eq!(results.rungs[&Rung::Functional].status, Status::Passed);
    assert_eq!(results.rungs[&Rung::RecipeLocal].status, Status::Errored);
    assert!(results.conditions[0].message.contains("chmod +x"), "{:?}", results.conditions);

    for (text, exit, status) in [("exit 1", 1, Status::Failed), ("exit 0", 0, Status::Passed)] {
        write(&recipe.join(OWN), &format!("#!/bin/sh\n{text}\n"))?;
        let ran = lab.run(&recipe, &format!("own-{exit}"), &stages)?;
        ran.exited(exit).left_nothing();
        let results = ran.results()?;
        assert_eq!(results.rungs[&Rung::RecipeLocal].status, status);
        assert_eq!(results.rungs[&Rung::Functional].status, Status::Passed);
        assert_eq!(results.level, 1, "it has no level: the upgrade was not asked for");
    }
    Ok(())
}
