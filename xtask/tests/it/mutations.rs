//! Mutations, as they are written down.

use std::fs;

use xtask::mutations::{load, names, render_mutation};
use xtask::repository::commit_id;
use xtask::{fixtures, repository};

#[test]
fn every_mutation_fits_its_recipe_and_changes_it() {
    let out = tempfile::tempdir().unwrap();
    let all = names().unwrap();
    assert!(!all.is_empty());
    for name in all {
        let mutation = load(&name).unwrap();
        let rendered = render_mutation(&name, &out.path().join(&name)).unwrap();
        let plain = repository::write(
            &fixtures::load(&mutation.recipe).unwrap(),
            &out.path().join("plain"),
        )
        .unwrap();
        let ids = [&rendered.repository, &plain].map(|place| commit_id(place, "HEAD").unwrap());
        assert_eq!(ids[0] == ids[1], mutation.edit.is_empty(), "{name}");
        assert_eq!(rendered.repository.file_name().unwrap(), mutation.recipe.as_str());
        let pack = rendered.pack.map(|pack| fs::read_to_string(pack.join("recipe.toml")).unwrap());
        assert_eq!(pack, mutation.pack, "{name}");
    }
}

#[test]
fn an_unknown_mutation_names_the_known_ones() {
    let error = load("gone").unwrap_err().to_string();
    assert!(error.contains("exits-at-start"), "{error}");
}

#[test]
fn an_older_cli_may_have_to_be_answered_otherwise() {
    let job = load("job-fails").unwrap();
    for (cli, verdict) in [("20.10.24+dfsg1", "error"), ("23.0.0", "fail"), ("dev", "fail")] {
        assert_eq!(job.expected_with(cli).verdict, verdict, "{cli}");
    }
    assert_eq!(load("exits-at-start").unwrap().expected_with("20.10.24").verdict, "fail");
}
