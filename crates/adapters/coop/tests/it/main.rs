//! Recipes as real git repositories: what the ports promise, and that the user's own repository
//! is only read.

mod contracts;
mod deployer;
mod native;
mod repository;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cc_ci_coop::GitRecipes;
use cc_ci_core::ports::{Clock, RecipeError, RecipeFacts, RecipeSource, Recipes, ReleasesKnown};
use cc_ci_host::{HostCommands, SystemClock};
use cc_ci_model::name::CommitSha;
use repository::Repository;
use tempfile::TempDir;

/// A run's folder, and the recipe in it.
struct Run {
    _folder: TempDir,
    recipes: GitRecipes,
    clock: Arc<SystemClock>,
}

impl Run {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for the run");
        let clock = Arc::new(SystemClock::new());
        let commands = Arc::new(HostCommands::new(None).expect("/proc can be read"));
        let path = "/usr/local/bin:/usr/bin:/bin";
        let recipes = GitRecipes::new(commands, clock.clone(), folder.path(), path);
        Self { _folder: folder, recipes, clock }
    }

    async fn open(
        &self,
        source: &RecipeSource,
        reference: Option<&str>,
    ) -> Result<RecipeFacts, RecipeError> {
        let deadline = self.clock.now().plus(Duration::from_mins(1));
        self.recipes.open(source, reference, deadline).await
    }
}

fn path(path: &Path) -> RecipeSource {
    RecipeSource::Path(path.to_owned())
}

#[tokio::test]
async fn a_detached_head_is_the_checked_out_commit_and_a_folder_inside_is_no_recipe() {
    let repository = Repository::new("recipe");
    let first = repository.commit("sub/file", "one");
    repository.commit("sub/file", "two");
    repository.git(&["checkout", "--quiet", "--detach", &first]);
    let facts = Run::new().open(&path(repository.path()), None).await.unwrap();
    assert_eq!(facts.head.as_str(), first);
    let inside = Run::new().open(&path(&repository.path().join("sub")), None).await.unwrap_err();
    assert!(matches!(inside, RecipeError::NotThere { .. }), "{inside}");
}

/// What a URL answers that is no recipe, and what has no answer at all.
#[tokio::test]
async fn a_url_without_a_repository_is_the_users_mistake_and_a_silent_host_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("file://{}/missing", folder.path().display());
    repository::write(&folder.path().join("folder/compose.yml"), "no recipe yet");
    let no_repository = format!("file://{}/folder", folder.path().display());
    let empty = Repository::new("empty");
    let empty = format!("file://{}", empty.path().display());
    let not_found = answering("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    let a_page = answering("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>\nhello\n").await;
    for url in [&missing, &no_repository, &empty, &not_found, &a_page] {
        let refused = Run::new().open(&RecipeSource::Url(url.clone()), None).await.unwrap_err();
        let RecipeError::NotThere { message, .. } = refused else {
            panic!("{url}: {refused}");
        };
        assert!(message.contains(url.as_str()), "{message}");
    }
    let broken = answering("HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await;
    let private = answering("HTTP/1.0 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
    let silent = "http://127.0.0.1:1/recipe".to_owned();
    for url in [&broken, &private, &silent] {
        let failed = Run::new().open(&RecipeSource::Url(url.clone()), None).await.unwrap_err();
        assert!(matches!(failed, RecipeError::Failed { .. }), "{url}: {failed}");
    }
}

/// A server that says the same to everybody; gives the URL of a recipe on it.
async fn answering(answer: &'static str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    format!("http://{address}/recipe")
}

/// Untracked but not ignored files count, ignored ones do not, and the copy itself is not touched.
#[tokio::test]
async fn a_dirty_working_copy_is_a_commit_of_the_runs_own() {
    let repository = Repository::new("recipe");
    repository.write(".gitignore", "*.local\n");
    let clean = repository.commit("compose.yml", "one");
    repository.write("compose.yml", "changed");
    repository.write("new/compose.x.yml", "untracked");
    repository.write("secret.local", "ignored");
    repository.write(".git/info/exclude", "*.mine\n");
    repository.write("note.mine", "excluded");
    let before = repository.status();

    let run = Run::new();
    let facts = run.open(&path(repository.path()), None).await.unwrap();
    assert_ne!(facts.head.as_str(), clean);
    assert_eq!(facts.dirty_of.as_ref().map(CommitSha::as_str), Some(clean.as_str()));
    let tree = run.recipes.tree(&facts.head).await.unwrap();
    assert_eq!(tree["compose.yml"], b"changed");
    assert_eq!(tree["new/compose.x.yml"], b"untracked");
    assert!(!tree.contains_key("secret.local") && !tree.contains_key("note.mine"), "{tree:?}");
    assert_eq!(repository.status(), before, "the working copy was only read");
    assert_eq!(repository.git(&["rev-parse", "HEAD"]), clean);

    let again = Run::new().open(&path(repository.path()), None).await.unwrap();
    assert_eq!(again.head, facts.head, "the same content gives the same commit");
    let released = Run::new().open(&path(repository.path()), Some("main")).await.unwrap();
    assert_eq!(released.dirty_of, None, "a ref that was asked for is not dirty");
}

/// A recipe that was never released, and one whose tags say nothing.
#[tokio::test]
async fn no_tag_and_only_malformed_tags_are_no_release() {
    let repository = Repository::new("recipe");
    repository.commit("f", "1");
    let facts = Run::new().open(&path(repository.path()), None).await.unwrap();
    assert_eq!((facts.releases.len(), facts.releases_known), (0, ReleasesKnown::All));

    repository.git(&["tag", "v1.0"]);
    repository.git(&["tag", "--annotate", "--message", "x", "stable"]);
    // A tag need not be of a commit.
    let blob = repository.git(&["rev-parse", "HEAD:f"]);
    repository.git(&["tag", "1.0.0+1.0", &blob]);
    let facts = Run::new().open(&path(repository.path()), None).await.unwrap();
    assert_eq!((facts.releases.len(), facts.releases_known), (0, ReleasesKnown::All));
    assert_eq!(facts.malformed_tags, ["1.0.0+1.0", "stable", "v1.0"]);
}

/// IN-1: tags come from the origin of a working copy; what is not known is not "no release".
#[tokio::test]
async fn tags_are_asked_of_the_origin() {
    let origin = Repository::new("recipe");
    origin.commit("f", "1");
    let copy = origin.clone_to("copy", &[]);
    origin.git(&["tag", "--annotate", "--message", "x", "1.0.0+1.0"]);
    let facts = Run::new().open(&path(copy.path()), None).await.unwrap();
    assert_eq!(facts.releases.len(), 1, "a tag the working copy has not fetched yet");

    let from = origin.path().display().to_string();
    copy.git(&["clone", "--quiet", "--bare", &from, "../beside.git"]);
    copy.git(&["remote", "set-url", "origin", "../beside.git"]);
    let facts = Run::new().open(&path(copy.path()), None).await.unwrap();
    assert_eq!(facts.releases.len(), 1, "git reads a relative origin from the working copy");

    copy.git(&["remote", "set-url", "origin", "/nonexistent"]);
    let facts = Run::new().open(&path(copy.path()), None).await.unwrap();
    assert!(matches!(facts.releases_known, ReleasesKnown::Unknown(_)), "{facts:?}");

    let second = origin.commit("f", "2");
    let shallow = origin.clone_to("shallow", &["--depth", "1"]);
    let facts = Run::new().open(&path(shallow.path()), None).await.unwrap();
    assert_eq!(facts.head.as_str(), second);
    assert!(matches!(facts.releases_known, ReleasesKnown::Unknown(_)), "{facts:?}");
}

#[tokio::test]
async fn links_do_not_lead_out_of_a_checkout() {
    let repository = Repository::new("recipe");
    std::os::unix::fs::symlink("/etc/passwd", repository.path().join("link")).unwrap();
    let head = repository.commit("compose.yml", "one");
    let run = Run::new();
    run.open(&path(repository.path()), None).await.unwrap();
    let tree = run.recipes.tree(&head.parse().unwrap()).await.unwrap();
    assert_eq!(tree.keys().collect::<Vec<_>>(), ["compose.yml"]);
}

/// Docker follows them, and so does whoever reads what docker will read.
#[tokio::test]
async fn links_inside_a_checkout_are_the_files_they_lead_to() {
    let repository = Repository::new("recipe");
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, repository.path().join(name)).unwrap();
    };
    link("compose.yml", "docker-compose.yml");
    link("docker-compose.yml", "again.yml");
    link(".git/config", "git-config");
    link("nowhere", "dangling");
    link(".", "folder");
    let head = repository.commit("compose.yml", "one");
    let run = Run::new();
    run.open(&path(repository.path()), None).await.unwrap();
    let tree = run.recipes.tree(&head.parse().unwrap()).await.unwrap();
    assert_eq!(tree.keys().collect::<Vec<_>>(), ["again.yml", "compose.yml", "docker-compose.yml"]);
    assert_eq!(tree["again.yml"], b"one");
}
