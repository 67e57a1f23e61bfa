//! What [`Recipes`] promises.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use cc_ci_core::ports::{RecipeError, RecipeFacts, RecipeSource, Recipes, ReleasesKnown, Tree};
use cc_ci_model::name::CommitSha;
use cc_ci_model::time::Timestamp;

use crate::recipes::History;

super::contract!(Recipes: [
    without_a_ref_the_commit_that_is_checked_out_is_meant,
    a_ref_is_a_tag_a_branch_or_a_commit,
    a_ref_that_is_not_there_is_the_users_mistake,
    what_is_no_repository_is_the_users_mistake,
    an_origin_that_does_not_answer_is_nobodys_mistake,
    releases_are_version_tags_with_their_commits,
    without_tags_all_releases_are_known_to_be_none,
    files_are_read_byte_for_byte_up_to_a_megabyte,
    incident_untracked_overlay_blocks_checkout_a_checkout_is_exact,
    a_commit_that_is_not_there_is_an_error,
]);

/// A repository that was made.
#[derive(Debug, Clone)]
pub struct Repository {
    /// Its folder on this host.
    pub path: RecipeSource,
    /// A URL of it.
    pub url: RecipeSource,
    /// Its commits, by the names the history gives them.
    pub commits: BTreeMap<String, CommitSha>,
}

/// A host with recipes.
#[async_trait(?Send)]
pub trait Stage {
    /// The port of a new run, whose clone is not there yet.
    fn recipes(&self) -> Box<dyn Recipes>;

    /// Makes a repository named `recipe` with that history and a clean working copy.
    async fn repository(&self, history: &History) -> Repository;

    /// Sources that are no repository: a folder with something in it, and one that is not there.
    fn no_repositories(&self) -> Vec<RecipeSource>;

    /// A URL at which nobody answers.
    fn nowhere(&self) -> RecipeSource;

    /// A minute from now.
    fn deadline(&self) -> Timestamp;

    /// Every file of a checkout, git's own left out.
    async fn files(&self, checkout: &Path) -> Tree;

    /// Writes a file into a checkout, as a hook or a tool might.
    async fn litter(&self, checkout: &Path, name: &str, content: &str);
}

/// Two releases on the main line and one aside, and a head that is not released.
fn history() -> History {
    History::new("head")
        .commit("first", None, [("f", "1")])
        .commit("second", Some("first"), [("f", "2")])
        .commit("aside", Some("first"), [("f", "3")])
        .commit("head", Some("second"), [("f", "4")])
        .tag("1.0.0+1.0", "first", true)
        .tag("1.1.0+1.1", "second", false)
        .tag("0.9.0+1.0", "aside", true)
        .tag("latest", "second", false)
        .branch("side", "aside")
}

async fn open<S: Stage>(
    stage: &S,
    source: &RecipeSource,
    reference: Option<&str>,
) -> Result<RecipeFacts, RecipeError> {
    stage.recipes().open(source, reference, stage.deadline()).await
}

async fn without_a_ref_the_commit_that_is_checked_out_is_meant<S: Stage>(stage: &S) {
    let repository = stage.repository(&history()).await;
    for source in [&repository.path, &repository.url] {
        let facts = open(stage, source, None).await.expect("it is there");
        assert_eq!(facts.head, repository.commits["head"], "{source:?}");
        assert_eq!((facts.reference.as_str(), facts.name.as_str()), ("HEAD", "recipe"));
        assert_eq!(facts.dirty_of, None);
    }
}

async fn a_ref_is_a_tag_a_branch_or_a_commit<S: Stage>(stage: &S) {
    let repository = stage.repository(&history()).await;
    let first = repository.commits["first"].as_str();
    for (reference, expected) in [
        ("1.0.0+1.0", "first"),
        ("1.1.0+1.1", "second"),
        ("latest", "second"),
        ("side", "aside"),
        (first, "first"),
        (&first[..8], "first"),
    ] {
        let facts = open(stage, &repository.path, Some(reference)).await.expect("it is there");
        assert_eq!(facts.head, repository.commits[expected], "{reference}");
        assert_eq!((facts.reference.as_str(), facts.dirty_of), (reference, None));
    }
}

async fn a_ref_that_is_not_there_is_the_users_mistake<S: Stage>(stage: &S) {
    let repository = stage.repository(&history()).await;
    let nobody = "0".repeat(40);
    for missing in
        ["3.0.0+1", "nothing", "--upload-pack=x", "abcdef0", "HEAD~1", "a b", "1.0.0", &nobody]
    {
        match open(stage, &repository.path, Some(missing)).await {
            Err(RecipeError::NotThere { message, hint }) => {
                assert!(message.contains(missing) && !hint.is_empty(), "{message}: {hint}");
            }
            other => panic!("{missing}: {other:?}"),
        }
    }
}

async fn what_is_no_repository_is_the_users_mistake<S: Stage>(stage: &S) {
    for source in stage.no_repositories() {
        let refused = open(stage, &source, None).await;
        assert!(matches!(refused, Err(RecipeError::NotThere { .. })), "{source:?}: {refused:?}");
    }
}

async fn an_origin_that_does_not_answer_is_nobodys_mistake<S: Stage>(stage: &S) {
    let failed = open(stage, &stage.nowhere(), None).await;
    assert!(matches!(failed, Err(RecipeError::Failed { .. })), "{failed:?}");
}

async fn releases_are_version_tags_with_their_commits<S: Stage>(stage: &S) {
    let repository = stage.repository(&history()).await;
    for (source, reference, ancestors) in [
        (&repository.path, None, [false, true, true]),
        (&repository.url, None, [false, true, true]),
        (&repository.path, Some("side"), [true, true, false]),
    ] {
        let facts = open(stage, source, reference).await.expect("it is there");
        let mut seen: Vec<(String, &CommitSha, bool, bool)> = facts
            .releases
            .iter()
            .map(|r| (r.version.to_string(), &r.commit, r.annotated, r.ancestor_of_head))
            .collect();
        seen.sort();
        let release = |version: &str, commit: &str, annotated, ancestor| {
            (version.to_owned(), &repository.commits[commit], annotated, ancestor)
        };
        let expected = [
            release("0.9.0+1.0", "aside", true, ancestors[0]),
            release("1.0.0+1.0", "first", true, ancestors[1]),
            release("1.1.0+1.1", "second", false, ancestors[2]),
        ];
        assert_eq!(seen, expected, "{source:?} {reference:?}");
        assert_eq!(facts.malformed_tags, ["latest"]);
        assert_eq!(facts.releases_known, ReleasesKnown::All);
    }
}

async fn without_tags_all_releases_are_known_to_be_none<S: Stage>(stage: &S) {
    let history = History::new("only").commit("only", None, [("f", "1")]);
    let repository = stage.repository(&history).await;
    let facts = open(stage, &repository.path, None).await.expect("it is there");
    assert_eq!((facts.releases, facts.malformed_tags), (vec![], vec![]));
    assert_eq!(facts.releases_known, ReleasesKnown::All);
}

async fn files_are_read_byte_for_byte_up_to_a_megabyte<S: Stage>(stage: &S) {
    let files = Tree::from([
        ("compose.yml".to_owned(), b"a: b\r\n\0\xff".to_vec()),
        ("a/b/empty".to_owned(), vec![]),
        ("ü -c \n".to_owned(), b"x".to_vec()),
        ("just".to_owned(), vec![b'x'; 1 << 20]),
        ("too-large".to_owned(), vec![b'x'; (1 << 20) + 1]),
    ]);
    let history = History::new("only").files("only", None, files.clone());
    let repository = stage.repository(&history).await;
    let recipes = stage.recipes();
    let opened = recipes.open(&repository.path, None, stage.deadline()).await;
    let head = opened.expect("it is there").head;
    let mut expected = files;
    expected.remove("too-large");
    assert!(recipes.tree(&head).await == Ok(expected));
}

/// PLAN-5: no version sees the files of another.
async fn incident_untracked_overlay_blocks_checkout_a_checkout_is_exact<S: Stage>(stage: &S) {
    let history = History::new("second")
        .commit("first", None, [("compose.yml", "one"), ("compose.host-ports.yml", "ports")])
        .commit("second", Some("first"), [("compose.yml", "two")]);
    let repository = stage.repository(&history).await;
    let recipes = stage.recipes();
    recipes.open(&repository.path, None, stage.deadline()).await.expect("it is there");
    let (first, second) = (&repository.commits["first"], &repository.commits["second"]);
    let expected = Tree::from([("compose.yml".to_owned(), b"two".to_vec())]);
    for _ in 0..2 {
        let folder = recipes.check_out(second).await.expect("it is there");
        assert_eq!(stage.files(&folder).await, expected);
        stage.litter(&folder, "compose.host-ports.yml", "left behind").await;
        stage.litter(&folder, "compose.yml", "changed").await;
        assert_eq!(recipes.tree(second).await, Ok(expected.clone()));
        assert_eq!(stage.files(&folder).await, expected, "reading it puts it right too");
        let other = recipes.check_out(first).await.expect("it is there");
        assert_ne!(other, folder, "each commit has a folder of its own");
        assert_eq!(stage.files(&other).await.len(), 2);
        stage.litter(&folder, "new/file", "left behind").await;
    }
}

async fn a_commit_that_is_not_there_is_an_error<S: Stage>(stage: &S) {
    let repository = stage.repository(&history()).await;
    let recipes = stage.recipes();
    recipes.open(&repository.path, None, stage.deadline()).await.expect("it is there");
    let nobody: CommitSha = "0".repeat(40).parse().expect("it is a commit's id");
    for _ in 0..2 {
        let tree = recipes.tree(&nobody).await;
        assert!(matches!(tree, Err(RecipeError::Failed { .. })), "{tree:?}");
        let folder = recipes.check_out(&nobody).await;
        assert!(matches!(folder, Err(RecipeError::Failed { .. })), "{folder:?}");
    }
}
