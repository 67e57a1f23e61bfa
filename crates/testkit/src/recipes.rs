//! Recipes whose files the test gives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cc_ci_core::ports::{RecipeError, RecipeFacts, RecipeSource, Recipes, Tree};
use cc_ci_model::name::CommitSha;
use cc_ci_model::time::Timestamp;

use crate::faults::Faults;

/// A clone with one tree for each commit.
#[derive(Debug)]
pub struct FakeRecipes {
    faults: Arc<Faults>,
    inner: Mutex<Clone>,
}

#[derive(Debug, Default)]
struct Clone {
    facts: Option<RecipeFacts>,
    trees: BTreeMap<CommitSha, Tree>,
}

impl FakeRecipes {
    /// One without commits.
    pub fn new(faults: Arc<Faults>) -> Self {
        Self { faults, inner: Mutex::default() }
    }

    /// What `open` finds.
    pub fn facts(&self, facts: RecipeFacts) {
        self.lock().facts = Some(facts);
    }

    /// The files of a commit.
    pub fn commit(&self, commit: CommitSha, tree: Tree) {
        self.lock().trees.insert(commit, tree);
    }

    /// Where a commit is checked out.
    pub fn directory(commit: &CommitSha) -> PathBuf {
        PathBuf::from(format!("/run/recipe/{commit}"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Clone> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tree_of(&self, commit: &CommitSha) -> Result<Tree, RecipeError> {
        let missing = || failed("read a commit", format!("bad object {commit}"));
        self.lock().trees.get(commit).cloned().ok_or_else(missing)
    }
}

fn failed(operation: &str, message: String) -> RecipeError {
    RecipeError::Failed { operation: operation.to_owned(), message }
}

#[async_trait]
impl Recipes for FakeRecipes {
    async fn open(
        &self,
        _source: &RecipeSource,
        _reference: Option<&str>,
        _deadline: Timestamp,
    ) -> Result<RecipeFacts, RecipeError> {
        let error = |message| failed("open a recipe", message);
        let open = || {
            let facts = self.lock().facts.clone();
            facts.ok_or_else(|| RecipeError::NotThere {
                message: "no such recipe".into(),
                hint: "give the test one".into(),
            })
        };
        self.faults.around("open a recipe", error, open).await
    }

    async fn tree(&self, commit: &CommitSha) -> Result<Tree, RecipeError> {
        let error = |message| failed("read a commit", message);
        self.faults.around("read a commit", error, || self.tree_of(commit)).await
    }

    async fn check_out(&self, commit: &CommitSha) -> Result<PathBuf, RecipeError> {
        let error = |message| failed("check out a commit", message);
        let check_out = || self.tree_of(commit).map(|_| Self::directory(commit));
        self.faults.around("check out a commit", error, check_out).await
    }
}
