//! Ports to recipes and to what deploys them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::compose::ComposeText;
use async_trait::async_trait;
use cc_ci_model::name::{CommitSha, NameError, RecipeName, StackName};
use cc_ci_model::time::Timestamp;
use cc_ci_model::version::RecipeVersion;

/// Where a recipe comes from (IN-1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipeSource {
    /// A working copy or bare repository on this host.
    Path(PathBuf),
    /// A git URL.
    Url(String),
}

impl RecipeSource {
    /// The recipe's name: the last part of its path or URL, without `.git`.
    ///
    /// # Errors
    /// When that is no name of a recipe.
    pub fn name(&self) -> Result<RecipeName, RecipeError> {
        let text = match self {
            RecipeSource::Path(path) => path.display().to_string(),
            RecipeSource::Url(url) => url.clone(),
        };
        let last = text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let name = last.strip_suffix(".git").unwrap_or(last).to_lowercase();
        name.parse().map_err(|error: NameError| RecipeError::NotThere {
            message: error.to_string(),
            hint: "a recipe is named after the folder its repository is in".to_owned(),
        })
    }
}

/// Why a recipe could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// The user asked for something that is not there: exit 2.
    #[error("{message}")]
    NotThere {
        /// What is not there.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The origin could not be reached or git failed: exit 4.
    #[error("cannot {operation}: {message}")]
    Failed {
        /// `clone https://…`.
        operation: String,
        /// What happened.
        message: String,
    },
}

/// What is known about a recipe once its clone is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeFacts {
    /// Its name.
    pub name: RecipeName,
    /// The ref that was asked for, or `HEAD`.
    pub reference: String,
    /// The commit under test.
    pub head: CommitSha,
    /// The commit a dirty working copy was based on.
    pub dirty_of: Option<CommitSha>,
    /// Version tags, well-formed ones, in no order.
    pub releases: Vec<Release>,
    /// Tags that are no versions.
    pub malformed_tags: Vec<String>,
    /// Whether these are all releases there are.
    pub releases_known: ReleasesKnown,
}

/// A version tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The version it names.
    pub version: RecipeVersion,
    /// The commit it points at.
    pub commit: CommitSha,
    /// An annotated tag; abra's lint refuses lightweight ones (R014).
    pub annotated: bool,
    /// The head descends from it (or is it).
    pub ancestor_of_head: bool,
}

/// Whether the releases of a recipe are all known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleasesKnown {
    /// Yes.
    All,
    /// No, for this reason.
    Unknown(String),
}

/// The files of one commit that a run reads: path → content.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// Recipes as git repositories; owns the run's clone.
#[async_trait]
pub trait Recipes: Send + Sync {
    /// Clones the recipe for this run and finds the head.
    async fn open(
        &self,
        source: &RecipeSource,
        reference: Option<&str>,
        deadline: Timestamp,
    ) -> Result<RecipeFacts, RecipeError>;

    /// The files of a commit, up to a megabyte each.
    async fn tree(&self, commit: &CommitSha) -> Result<Tree, RecipeError>;

    /// Makes `directory` hold exactly the tracked files of `commit`.
    async fn check_out(&self, commit: &CommitSha) -> Result<PathBuf, RecipeError>;
}

/// One submission of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployRequest {
    /// The stack.
    pub stack: StackName,
    /// The checkout; compose files are relative to it.
    pub directory: PathBuf,
    /// Compose files in merge order.
    pub compose_files: Vec<String>,
    /// The part of the generated overlay that is merged before the recipe's files, if there is
    /// one; relative paths in those still mean what they mean without it.
    pub overlay_before: Option<String>,
    /// Compose files of the pack by name, merged after those. Paths in them are meant from the
    /// checkout.
    pub overlays: Vec<ComposeText>,
    /// The generated overlay, merged last.
    pub overlay: String,
    /// The app's env: the only variables interpolation sees.
    pub env: BTreeMap<String, String>,
    /// When it has to be over.
    pub deadline: Timestamp,
}

/// What the deployer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployAnswer {
    /// Its exit code; `None` when it had to be ended at the deadline.
    pub exit_code: Option<i32>,
    /// The end of what it said, both streams.
    pub said: String,
}

/// Why the deployer could not even be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot run `{program}`: {message}")]
pub struct DeployerError {
    /// The program.
    pub program: String,
    /// What happened.
    pub message: String,
}

/// Submits stacks.
#[async_trait]
pub trait Deployer: Send + Sync {
    /// Submits one revision and returns as soon as the Swarm accepted or refused it.
    async fn deploy(&self, request: &DeployRequest) -> Result<DeployAnswer, DeployerError>;
}
