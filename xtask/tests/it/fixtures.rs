//! Fixture recipes as git repositories.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use xtask::fixtures::{Commit, File, Recipe, Tag, Tree, load, names, render};
use xtask::repository::{commit_id, write};

fn git(repository: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(repository).args(arguments);
    let output = command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn commit(name: &str, tag: Tag, files: &[(&str, &str, bool)]) -> Commit {
    let file =
        |content: &str, executable| File { content: content.as_bytes().to_vec(), executable };
    let tree: Tree =
        files.iter().map(|(path, content, x)| ((*path).to_owned(), file(content, *x))).collect();
    Commit {
        name: name.to_owned(),
        tag,
        date: "2026-01-10T12:00:00Z".to_owned(),
        message: format!("about {name}"),
        tree,
    }
}

/// Every turn a history can take: modes, names git treats specially, a file that becomes a folder.
fn odd() -> Recipe {
    let commits = vec![
        commit("1.0.0+1", Tag::Annotated, &[("run", "#!/bin/sh\n", true), ("a", "file\n", false)]),
        commit(
            "1.1.0+2",
            Tag::Lightweight,
            &[(".gitignore", "*\n", false), ("a/b", "folder\n", false)],
        ),
        commit("head", Tag::None, &[(".gitignore", "*\n", false), ("a/b", "folder\n", false)]),
    ];
    Recipe { name: "odd".to_owned(), commits }
}

#[test]
fn two_runs_give_the_same_commits_and_tags() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in names().unwrap() {
        let refs = |out: &Path| git(&render(&name, out).unwrap(), &["show-ref", "--head"]);
        assert_eq!(refs(first.path()), refs(second.path()));
        assert_eq!(refs(first.path()), refs(first.path()), "written over itself");
    }
}

/// These ids change only when the format of a fixture does: then say why in the commit.
#[test]
fn commit_ids_are_the_same_on_every_machine() {
    let out = tempfile::tempdir().unwrap();
    let repository = write(&odd(), out.path()).unwrap();
    assert_eq!(commit_id(&repository, "HEAD").unwrap(), "589b51614060bacc57d67395250c947abe3315f3");
    assert_eq!(
        git(&repository, &["rev-parse", "1.0.0+1"]).trim(),
        "0ec661ce147f1676014ab87e1e20787fde06f65f"
    );
}

#[test]
fn a_repository_holds_the_history_as_declared() {
    let out = tempfile::tempdir().unwrap();
    let repository = write(&odd(), out.path()).unwrap();
    assert_eq!(git(&repository, &["symbolic-ref", "HEAD"]), "refs/heads/main\n");
    assert_eq!(
        git(&repository, &["log", "--format=%s|%an|%ae|%cn|%ce|%at|%ct"]),
        ["head", "1.1.0+2", "1.0.0+1"]
            .map(|name| {
                let who = "Fixture Maintainer|fixtures@example.org";
                let when = "1768046400";
                format!("about {name}|{who}|{who}|{when}|{when}\n")
            })
            .concat()
    );
    assert_eq!(
        git(
            &repository,
            &[
                "for-each-ref",
                "--format=%(refname:short) %(objecttype) %(contents:subject)",
                "refs/tags"
            ]
        ),
        "1.0.0+1 tag odd 1.0.0+1\n1.1.0+2 commit about 1.1.0+2\n"
    );
    assert_eq!(
        git(&repository, &["ls-tree", "-r", "--format=%(objectmode) %(path)", "1.0.0+1"]),
        "100644 a\n100755 run\n"
    );
    assert_eq!(git(&repository, &["ls-tree", "-r", "--name-only", "HEAD"]), ".gitignore\na/b\n");
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    assert!(!repository.join("run").exists());
}

#[test]
fn every_fixture_is_as_its_history_says() {
    let out = tempfile::tempdir().unwrap();
    for name in names().unwrap() {
        let recipe = load(&name).unwrap();
        let repository = render(&name, out.path()).unwrap();
        let tags: Vec<&str> = recipe
            .commits
            .iter()
            .filter(|commit| commit.tag != Tag::None)
            .map(|commit| commit.name.as_str())
            .collect();
        assert_eq!(git(&repository, &["tag", "--list"]).lines().collect::<Vec<_>>(), tags);
        let head = &recipe.commits.last().unwrap().tree;
        let files = git(&repository, &["-c", "core.quotePath=false", "ls-files"]);
        assert_eq!(files.lines().collect::<Vec<_>>(), head.keys().collect::<Vec<_>>());
    }
}

#[test]
fn what_was_not_made_here_is_never_replaced() {
    let out = tempfile::tempdir().unwrap();
    let (theirs, beside) = (out.path().join("odd"), out.path().join("beside"));
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("precious"), "1").unwrap();
    fs::write(&beside, "2").unwrap();
    let error = write(&odd(), out.path()).unwrap_err().to_string();
    assert!(error.contains("was not made by"), "{error}");
    assert_eq!(fs::read_to_string(theirs.join("precious")).unwrap(), "1");

    git(&theirs, &["init", "--quiet"]);
    assert!(write(&odd(), out.path()).is_err(), "somebody's own repository");

    fs::remove_dir_all(&theirs).unwrap();
    let repository = write(&odd(), out.path()).unwrap();
    fs::write(repository.join("left over"), "3").unwrap();
    write(&odd(), out.path()).unwrap();
    assert!(!repository.join("left over").exists());
    assert_eq!(fs::read_to_string(&beside).unwrap(), "2");
    let listing = fs::read_dir(out.path()).unwrap();
    let names: BTreeSet<_> = listing.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["beside", "odd"], "no workshop is left");
}

#[test]
fn a_link_is_somebody_elses() {
    let (out, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let target = write(&odd(), elsewhere.path()).unwrap();
    std::os::unix::fs::symlink(&target, out.path().join("odd")).unwrap();
    assert!(write(&odd(), out.path()).is_err());
    assert!(target.join(".git").is_dir());
}

#[test]
fn an_unknown_recipe_names_the_known_ones() {
    let error = load("../../etc").unwrap_err().to_string();
    assert!(error.contains("custom-html-tiny"), "{error}");
}
