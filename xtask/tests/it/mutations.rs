//! Mutations, as they are written down.

use std::collections::BTreeSet;
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

/// What is run each time: about a tenth, both enemies, and every rung of the ladder.
#[test]
fn the_sample_is_a_tenth_and_has_every_rung() {
    let all: Vec<_> = names().unwrap().iter().map(|name| load(name).unwrap()).collect();
    let sample: Vec<_> = all.iter().filter(|entry| entry.sample).collect();
    let percent = sample.len() * 100 / all.len();
    assert!((8..=14).contains(&percent), "{} of {} entries", sample.len(), all.len());
    for is_weather in [false, true] {
        let those = sample.iter().filter(|entry| (entry.expected.verdict == "pass") == is_weather);
        let rungs: BTreeSet<_> = those.filter_map(|entry| entry.expected.rung.as_deref()).collect();
        let rungs: Vec<_> = rungs.into_iter().collect();
        let every = ["backup_restore", "functional", "install", "upgrade"];
        assert_eq!(rungs, every, "weather: {is_weather}");
    }
}

/// Both enemies have their number, however many of them others add.
#[test]
fn there_are_enough_faults_and_kinds_of_weather() {
    let all: Vec<_> = names().unwrap().iter().map(|name| load(name).unwrap()).collect();
    let weather = all.iter().filter(|entry| entry.expected.verdict == "pass").count();
    assert!(weather >= 25, "{weather} kinds of weather");
    assert!(all.len() - weather >= 40, "{} faults", all.len() - weather);
}
