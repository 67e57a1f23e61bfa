//! Recipes whose files the test gives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cc_ci_core::ports::{
    RecipeError, RecipeFacts, RecipeSource, Recipes, Release, ReleasesKnown, Tree,
};
use cc_ci_model::name::CommitSha;
use cc_ci_model::time::Timestamp;

use crate::faults::Faults;
use crate::store::MemoryStore;

/// The history of a repository. Commits have names of the test's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The commit that is checked out.
    pub head: String,
    /// Commits, each after its parent.
    pub commits: Vec<HistoryCommit>,
    /// Tags.
    pub tags: Vec<HistoryTag>,
    /// Branches: name and commit.
    pub branches: Vec<(String, String)>,
}

/// One commit of a [`History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryCommit {
    /// What the test calls it.
    pub name: String,
    /// Its parent, unless it is a first one.
    pub parent: Option<String>,
    /// Everything that is in it.
    pub tree: Tree,
}

/// One tag of a [`History`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryTag {
    /// Its name.
    pub name: String,
    /// The commit it points at.
    pub commit: String,
    /// An annotated one.
    pub annotated: bool,
}

impl History {
    /// Without commits yet; that one will be checked out.
    pub fn new(head: &str) -> Self {
        Self { head: head.to_owned(), commits: vec![], tags: vec![], branches: vec![] }
    }

    /// One more commit, with exactly those files.
    #[must_use]
    pub fn files(mut self, name: &str, parent: Option<&str>, tree: Tree) -> Self {
        let (name, parent) = (name.to_owned(), parent.map(str::to_owned));
        self.commits.push(HistoryCommit { name, parent, tree });
        self
    }

    /// One more commit, with exactly those texts.
    #[must_use]
    pub fn commit<const N: usize>(
        self,
        name: &str,
        parent: Option<&str>,
        files: [(&str, &str); N],
    ) -> Self {
        let tree = files.map(|(path, text)| (path.to_owned(), text.into())).into();
        self.files(name, parent, tree)
    }

    /// One more tag.
    #[must_use]
    pub fn tag(mut self, name: &str, commit: &str, annotated: bool) -> Self {
        let (name, commit) = (name.to_owned(), commit.to_owned());
        self.tags.push(HistoryTag { name, commit, annotated });
        self
    }

    /// One more branch.
    #[must_use]
    pub fn branch(mut self, name: &str, commit: &str) -> Self {
        self.branches.push((name.to_owned(), commit.to_owned()));
        self
    }

    /// The id a commit has in the fake.
    ///
    /// # Panics
    /// Never: a hash has enough digits.
    pub fn id(name: &str) -> CommitSha {
        let digest = MemoryStore::sha256(name.as_bytes());
        digest[..40].parse().expect("40 hexadecimal digits")
    }

    /// The commit a name stands for: a tag, a branch, or seven digits of a commit or more.
    fn resolve(&self, reference: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|tag| tag.name == reference).map(|tag| &tag.commit);
        let branch = || self.branches.iter().find(|(name, _)| name == reference).map(|(_, at)| at);
        let commit = || {
            let fits =
                |known: &&HistoryCommit| Self::id(&known.name).as_str().starts_with(reference);
            self.commits.iter().filter(|_| reference.len() >= 7).find(fits).map(|known| &known.name)
        };
        tag.or_else(branch).or_else(commit).map(String::as_str)
    }

    /// That commit and all it descends from.
    fn ancestry(&self, commit: &str) -> BTreeSet<&str> {
        let mut known = BTreeSet::new();
        let mut next = self.commits.iter().find(|known| known.name == commit);
        while let Some(commit) = next {
            known.insert(commit.name.as_str());
            let parent = commit.parent.as_deref();
            next = self.commits.iter().find(|known| Some(known.name.as_str()) == parent);
        }
        known
    }

    fn releases(&self, head: &str) -> (Vec<Release>, Vec<String>) {
        let ancestry = self.ancestry(head);
        let (mut releases, mut malformed) = (Vec::new(), Vec::new());
        for tag in &self.tags {
            let Ok(version) = tag.name.parse() else {
                malformed.push(tag.name.clone());
                continue;
            };
            releases.push(Release {
                version,
                commit: Self::id(&tag.commit),
                annotated: tag.annotated,
                ancestor_of_head: ancestry.contains(tag.commit.as_str()),
            });
        }
        (releases, malformed)
    }
}

/// Repositories, and a clone with one tree for each commit.
#[derive(Debug)]
pub struct FakeRecipes {
    faults: Arc<Faults>,
    inner: Arc<Mutex<Clones>>,
}

#[derive(Debug, Default)]
struct Clones {
    /// What is found at a source without a repository.
    facts: Option<RecipeFacts>,
    /// By the source they are opened by, as text.
    repositories: BTreeMap<String, History>,
    trees: BTreeMap<CommitSha, Tree>,
    checkouts: BTreeMap<PathBuf, Tree>,
}

impl FakeRecipes {
    /// One without commits.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, inner: Arc::default() }
    }

    /// The same repositories for another run.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { faults: self.faults.clone(), inner: self.inner.clone() }
    }

    /// What is found wherever there is no repository.
    pub fn facts(&self, facts: RecipeFacts) {
        self.lock().facts = Some(facts);
    }

    /// What is found at a source.
    pub fn repository(&self, source: &RecipeSource, history: &History) {
        for commit in &history.commits {
            self.commit(History::id(&commit.name), commit.tree.clone());
        }
        self.lock().repositories.insert(text(source), history.clone());
    }

    /// The files of a commit.
    pub fn commit(&self, commit: CommitSha, tree: Tree) {
        self.lock().trees.insert(commit, tree);
    }

    /// Where a commit is checked out.
    pub fn directory(commit: &CommitSha) -> PathBuf {
        PathBuf::from(format!("/run/recipe/{commit}"))
    }

    /// The files of a checkout, to look at and to change.
    pub fn checkout<T>(&self, folder: &Path, look: impl FnOnce(&mut Tree) -> T) -> T {
        look(self.lock().checkouts.entry(folder.to_owned()).or_default())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Clones> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tree_of(&self, commit: &CommitSha) -> Result<Tree, RecipeError> {
        let missing = || failed("read a commit", format!("bad object {commit}"));
        let tree = self.lock().trees.get(commit).cloned().ok_or_else(missing)?;
        self.lock().checkouts.insert(Self::directory(commit), tree.clone());
        Ok(tree)
    }

    fn found(
        &self,
        source: &RecipeSource,
        reference: Option<&str>,
    ) -> Result<RecipeFacts, RecipeError> {
        let (known, facts) = {
            let clones = self.lock();
            (clones.repositories.get(&text(source)).cloned(), clones.facts.clone())
        };
        if let (None, Some(facts)) = (&known, facts) {
            return Ok(facts);
        }
        let history = known.ok_or_else(|| match source {
            RecipeSource::Path(_) => not_there(format!("{} is no repository", text(source))),
            RecipeSource::Url(_) => failed("open a recipe", "connection refused".to_owned()),
        })?;
        let head = match reference {
            None => history.head.as_str(),
            Some(reference) => history.resolve(reference).ok_or_else(|| {
                not_there(format!("the recipe has no tag, branch or commit `{reference}`"))
            })?,
        };
        let (releases, malformed_tags) = history.releases(head);
        Ok(RecipeFacts {
            name: source.name()?,
            reference: reference.unwrap_or("HEAD").to_owned(),
            head: History::id(head),
            dirty_of: None,
            releases,
            malformed_tags,
            releases_known: ReleasesKnown::All,
        })
    }
}

fn text(source: &RecipeSource) -> String {
    match source {
        RecipeSource::Path(path) => path.display().to_string(),
        RecipeSource::Url(url) => url.clone(),
    }
}

fn failed(operation: &str, message: String) -> RecipeError {
    RecipeError::Failed { operation: operation.to_owned(), message }
}

fn not_there(message: String) -> RecipeError {
    RecipeError::NotThere { message, hint: "give the test one".into() }
}

#[async_trait]
impl Recipes for FakeRecipes {
    async fn open(
        &self,
        source: &RecipeSource,
        reference: Option<&str>,
        _deadline: Timestamp,
    ) -> Result<RecipeFacts, RecipeError> {
        let error = |message| failed("open a recipe", message);
        self.faults.around("open a recipe", error, || self.found(source, reference)).await
    }

    async fn tree(&self, commit: &CommitSha) -> Result<Tree, RecipeError> {
        let error = |message| failed("read a commit", message);
        let read = || {
            let mut tree = self.tree_of(commit)?;
            tree.retain(|_, content| content.len() <= LARGEST_FILE);
            Ok(tree)
        };
        self.faults.around("read a commit", error, read).await
    }

    async fn check_out(&self, commit: &CommitSha) -> Result<PathBuf, RecipeError> {
        let error = |message| failed("check out a commit", message);
        let check_out = || self.tree_of(commit).map(|_| Self::directory(commit));
        self.faults.around("check out a commit", error, check_out).await
    }
}

/// Files larger than this are no text a run reads.
const LARGEST_FILE: usize = 1 << 20;
