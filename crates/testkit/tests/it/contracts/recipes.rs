//! Repositories that exist only here as the stage of their contract.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{RecipeSource, Recipes, Tree};
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::clock::dawn;
use cc_ci_testkit::contract::recipes::{Repository, Stage};
use cc_ci_testkit::{FakeRecipes, Faults, History};

pub(crate) struct Origin(FakeRecipes);

impl Origin {
    pub(crate) fn new() -> Self {
        Self(FakeRecipes::new(Arc::new(Faults::none())))
    }
}

#[async_trait(?Send)]
impl Stage for Origin {
    fn recipes(&self) -> Box<dyn Recipes> {
        Box::new(self.0.again())
    }

    async fn repository(&self, history: &History) -> Repository {
        let path = RecipeSource::Path("/home/somebody/recipe".into());
        let url = RecipeSource::Url("https://git.test/recipes/recipe.git".into());
        self.0.repository(&path, history);
        self.0.repository(&url, history);
        let commits = history.commits.iter().map(|commit| commit.name.clone());
        let commits = commits.map(|name| (name.clone(), History::id(&name))).collect();
        Repository { path, url, commits }
    }

    fn no_repositories(&self) -> Vec<RecipeSource> {
        vec![RecipeSource::Path("/home/somebody".into())]
    }

    fn nowhere(&self) -> RecipeSource {
        RecipeSource::Url("https://nobody.test/recipe".into())
    }

    fn deadline(&self) -> Timestamp {
        dawn()
    }

    async fn files(&self, checkout: &Path) -> Tree {
        self.0.checkout(checkout, |files| files.clone())
    }

    async fn litter(&self, checkout: &Path, name: &str, content: &str) {
        self.0.checkout(checkout, |files| files.insert(name.to_owned(), content.into()));
    }
}
