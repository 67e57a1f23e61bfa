//! The adapters keep what their ports promise; the fakes' half is in `testkit/tests/it`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_coop::GitRecipes;
use cc_ci_core::ports::{Clock, RecipeSource, Recipes, Tree};
use cc_ci_host::{HostCommands, SystemClock};
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::History;
use cc_ci_testkit::contract::{self, recipes};
use tempfile::TempDir;

use crate::repository::{Repository, write, write_bytes};

/// A host with repositories, and a folder for each run.
struct Origin {
    clock: Arc<SystemClock>,
    folder: TempDir,
    runs: RefCell<Vec<TempDir>>,
    repositories: RefCell<Vec<Repository>>,
}

impl Origin {
    fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            folder: tempfile::tempdir().expect("a folder for the test"),
            runs: RefCell::default(),
            repositories: RefCell::default(),
        }
    }
}

#[async_trait(?Send)]
impl recipes::Stage for Origin {
    fn recipes(&self) -> Box<dyn Recipes> {
        let run = tempfile::tempdir().expect("a folder for the run");
        let commands = Arc::new(HostCommands::new(None).expect("/proc can be read"));
        let path = "/usr/local/bin:/usr/bin:/bin";
        let recipes = GitRecipes::new(commands, self.clock.clone(), run.path(), path);
        self.runs.borrow_mut().push(run);
        Box::new(recipes)
    }

    async fn repository(&self, history: &History) -> recipes::Repository {
        let repository = Repository::new("recipe");
        let mut commits: BTreeMap<String, String> = BTreeMap::new();
        for commit in &history.commits {
            let parent = commit.parent.as_ref().map(|parent| commits[parent].as_str());
            commits.insert(commit.name.clone(), make(&repository, parent, &commit.tree));
        }
        for tag in &history.tags {
            let annotated: &[&str] =
                if tag.annotated { &["--annotate", "--message", "x"] } else { &[] };
            repository.git(&[&["tag"], annotated, &[&tag.name, &commits[&tag.commit]]].concat());
        }
        for (name, commit) in &history.branches {
            repository.git(&["branch", name, &commits[commit]]);
        }
        repository.git(&["checkout", "--quiet", "-B", "main", &commits[&history.head]]);
        let path = RecipeSource::Path(repository.path().to_owned());
        let url = RecipeSource::Url(format!("file://{}", repository.path().display()));
        self.repositories.borrow_mut().push(repository);
        let id = |sha: String| sha.parse().expect("git gives commit ids");
        let commits = commits.into_iter().map(|(name, sha)| (name, id(sha))).collect();
        recipes::Repository { path, url, commits }
    }

    fn no_repositories(&self) -> Vec<RecipeSource> {
        write(&self.folder.path().join("there/file"), "no repository");
        let paths = [self.folder.path().join("there"), self.folder.path().join("missing")];
        let empty = Repository::new("empty");
        let mut sources: Vec<RecipeSource> = paths.into_iter().map(RecipeSource::Path).collect();
        sources.push(RecipeSource::Path(empty.path().to_owned()));
        self.repositories.borrow_mut().push(empty);
        sources
    }

    fn nowhere(&self) -> RecipeSource {
        RecipeSource::Url("http://127.0.0.1:1/recipe".to_owned())
    }

    fn deadline(&self) -> Timestamp {
        self.clock.now().plus(Duration::from_mins(1))
    }

    async fn files(&self, checkout: &Path) -> Tree {
        let mut tree = Tree::new();
        read(checkout, checkout, &mut tree);
        tree
    }

    async fn litter(&self, checkout: &Path, name: &str, content: &str) {
        write(&checkout.join(name), content);
    }
}

/// Commits exactly those files; gives the commit.
fn make(repository: &Repository, parent: Option<&str>, tree: &Tree) -> String {
    match parent {
        Some(parent) => repository.git(&["checkout", "--quiet", "--detach", parent]),
        None => repository.git(&["checkout", "--quiet", "--orphan", "first"]),
    };
    repository.git(&["rm", "-r", "--quiet", "--force", "--ignore-unmatch", "."]);
    for (name, content) in tree {
        write_bytes(&repository.path().join(name), content);
    }
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--allow-empty", "--message", "x"]);
    repository.git(&["rev-parse", "HEAD"])
}

fn read(root: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be listed").path();
        let name = path.strip_prefix(root).expect("it is below").display().to_string();
        if path.is_dir() && name != ".git" {
            read(root, &path, tree);
        } else if path.is_file() {
            tree.insert(name, fs::read(&path).expect("it can be read"));
        }
    }
}

#[tokio::test]
async fn recipes() {
    contract::recipes::check(async || Origin::new()).await;
}
