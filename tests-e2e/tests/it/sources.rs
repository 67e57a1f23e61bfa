//! Where a recipe comes from (IN-1).
#![expect(clippy::disallowed_methods, reason = "a working copy is changed as its owner changes it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use cc_ci_e2e::{Change, Lab, is_enabled};
use xtask::repository::commit_id;

/// The plan's head, for a source and a ref.
fn head(lab: &Lab, source: &str, reference: Option<&str>) -> Result<serde_json::Value> {
    let mut arguments = vec!["plan", source, "--output", "json"];
    arguments.extend(reference.iter().flat_map(|reference| ["--ref", reference]));
    let planned = lab.cc_ci(&arguments)?;
    let plan: serde_json::Value = serde_json::from_str(&planned.exited(0).stdout)?;
    Ok(plan["head"].clone())
}

#[test]
fn a_git_url_and_every_kind_of_ref() -> Result<()> {
    if !is_enabled("a_git_url_and_every_kind_of_ref") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html-tiny")?;
    let url = format!("file://{}", recipe.display());
    let (main, tag) = (commit_id(&recipe, "HEAD")?, commit_id(&recipe, "1.1.0+2.2.0")?);
    for (reference, commit, version) in [
        (None, &main, "1.2.0+2.3.0"),
        (Some("main"), &main, "1.2.0+2.3.0"),
        (Some("1.1.0+2.2.0"), &tag, "1.1.0+2.2.0"),
        (Some(tag.as_str()), &tag, "1.1.0+2.2.0"),
        (Some(&tag[..10]), &tag, "1.1.0+2.2.0"),
    ] {
        for source in [&url, &recipe.display().to_string()] {
            let head = head(&lab, source, reference)?;
            assert_eq!(head["commit"], **commit, "{source} at {reference:?}");
            assert_eq!(head["version"], version, "{source} at {reference:?}");
        }
    }
    let ran = lab.run(Path::new(&url), "run", &["--ref", "1.0.0+2.1.0", "--stages", "install"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!(results.head.commit.to_string(), commit_id(&recipe, "1.0.0+2.1.0")?);
    assert_eq!(results.head.version.as_deref(), Some("1.0.0+2.1.0"));
    Ok(())
}

#[test]
fn what_is_not_there_is_wrong_usage() -> Result<()> {
    if !is_enabled("what_is_not_there_is_wrong_usage") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html-tiny")?;
    let no_repository = lab.path().join("no-repository");
    std::fs::create_dir(&no_repository)?;
    let gone = lab.path().join("gone");
    let gone_url = PathBuf::from(format!("file://{}", gone.display()));
    let no_repository_url = PathBuf::from(format!("file://{}", no_repository.display()));
    for (source, more) in [
        (&recipe, ["--ref", "9.9.9+9.9.9"]),
        (&recipe, ["--ref", "0123456789012345678901234567890123456789"]),
        (&no_repository, ["--stages", "install"]),
        (&gone, ["--stages", "install"]),
        (&gone_url, ["--stages", "install"]),
        (&no_repository_url, ["--stages", "install"]),
    ] {
        let ran = lab.run(source, "run", &more)?;
        ran.exited(2).said("hint:");
        assert!(!ran.directory.exists(), "{} {more:?}: a run directory", source.display());
        assert_eq!(ran.stdout, "");
    }
    // A host that does not answer is no mistake of the user's.
    let ran = lab.run(Path::new("http://127.0.0.1:1/recipe"), "run", &["--stages", "install"])?;
    ran.exited(4).said("http://127.0.0.1:1/recipe");
    Ok(())
}

/// Every file below a folder, `.git` included.
fn files(folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, all)?;
        } else {
            all.insert(path.clone(), std::fs::read(&path)?);
        }
    }
    Ok(())
}

#[test]
fn a_dirty_working_copy_is_tested_as_it_is_and_stays_so() -> Result<()> {
    if !is_enabled("a_dirty_working_copy_is_tested_as_it_is_and_stays_so") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let ignore = Change { tree: "head", file: ".gitignore", replace: "", with: "*.bak\n" };
    let recipe = lab.recipe_with("custom-html-tiny", "recipes", &[ignore])?;
    let committed = commit_id(&recipe, "HEAD")?;
    // The changed file names an image that is nowhere and a file that is not known to git: the
    // answer tells whether both were seen.
    let compose = recipe.join("compose.yml");
    let text = std::fs::read_to_string(&compose)?;
    let text = text.replace("static-web:2.3.0", "static-web:9.9.9");
    std::fs::write(&compose, text.replace("file: styles.css", "file: new.css"))?;
    std::fs::rename(recipe.join("styles.css"), recipe.join("new.css"))?;
    std::fs::write(recipe.join("left.bak"), "not for anybody")?;
    let mut before = BTreeMap::new();
    files(&recipe, &mut before)?;

    let ran = lab.run(&recipe, "run", &["--stages", "install"])?;
    ran.exited(4).left_nothing();
    let results = ran.results()?;
    let reason = results.conditions[0].message.clone();
    assert!(reason.contains("static-web:9.9.9 could not be asked"), "{reason}");
    assert_eq!(results.head.dirty_of.as_ref().map(ToString::to_string), Some(committed.clone()));
    assert_ne!(results.head.commit.to_string(), committed);
    let mut after = BTreeMap::new();
    files(&recipe, &mut after)?;
    let changed: Vec<_> = before
        .iter()
        .filter(|(path, content)| after.get(*path) != Some(*content))
        .map(|(path, _)| path)
        .collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{changed:?}");
    Ok(())
}
