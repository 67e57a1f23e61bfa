//! The working copy a local path points at: its top, its commit, and what it holds beside.
//!
//! The working copy is only read: index and objects of a synthetic commit are the clone's own.

use std::path::{Path, PathBuf};

use cc_ci_core::ports::RecipeError;
use cc_ci_model::name::CommitSha;
use cc_ci_model::time::Timestamp;

use crate::git::Git;

/// `path` itself, if it is the top folder of a repository or a bare one. A folder inside one would
/// be another recipe than the user means.
pub(crate) async fn top(
    git: &Git,
    path: &Path,
    deadline: Timestamp,
) -> Result<PathBuf, RecipeError> {
    let missing = |what: &str| {
        RecipeError::NotThere {
        message: format!("`{}` {what}", path.display()),
        hint: "give the folder of a recipe's git repository, e.g. one made by `git clone` or `git init`"
            .to_owned(),
    }
    };
    if !path.is_dir() {
        return Err(missing("is no folder"));
    }
    let top = git.line(path, &["rev-parse", "--show-toplevel"], deadline).await?;
    if let Some(top) = top.filter(|top| !top.is_empty()).map(PathBuf::from) {
        let is_top = path.canonicalize().ok() == top.canonicalize().ok();
        return if is_top {
            Ok(top)
        } else {
            Err(missing("is a folder inside a git repository, not its top"))
        };
    }
    let bare = git.line(path, &["rev-parse", "--is-bare-repository"], deadline).await?;
    if bare.as_deref() == Some("true") {
        return Ok(path.to_owned());
    }
    Err(missing("is no git repository"))
}

/// The commit a repository has checked out; `shown` is how the user knows it.
pub(crate) async fn checked_out(
    git: &Git,
    repository: &Path,
    shown: &str,
    deadline: Timestamp,
) -> Result<CommitSha, RecipeError> {
    let arguments = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
    let line = git.line(repository, &arguments, deadline).await?;
    line.and_then(|line| line.parse().ok()).ok_or_else(|| RecipeError::NotThere {
        message: format!("`{shown}` has no commit yet, or its default branch has none"),
        hint: "commit the recipe first".to_owned(),
    })
}

/// The commit under test: the checked-out one, or a synthetic one of a dirty working copy, with
/// the commit it was based on.
pub(crate) async fn head(
    git: &Git,
    top: &Path,
    clone: &Path,
    deadline: Timestamp,
) -> Result<(CommitSha, Option<CommitSha>), RecipeError> {
    let head = checked_out(git, top, &top.display().to_string(), deadline).await?;
    let bare = git.line(top, &["rev-parse", "--is-bare-repository"], deadline).await?;
    if bare.as_deref() == Some("true") {
        return Ok((head, None));
    }
    let status = ["status", "--porcelain", "--untracked-files=all"];
    if git.ok(top, &status, deadline).await?.is_empty() {
        return Ok((head, None));
    }
    let synthetic = snapshot(git, top, clone, &head, deadline).await?;
    Ok((synthetic, Some(head)))
}

/// A commit in `clone` that holds the working copy as it is, untracked but not ignored files
/// included. The same content on the same commit gives the same id.
async fn snapshot(
    git: &Git,
    top: &Path,
    clone: &Path,
    head: &CommitSha,
    deadline: Timestamp,
) -> Result<CommitSha, RecipeError> {
    let date = git.ok(top, &["show", "-s", "--format=%cI", head.as_str()], deadline).await?;
    let exclude = git.line(top, &["rev-parse", "--git-path", "info/exclude"], deadline).await?;
    let exclude = format!("core.excludesFile={}", top.join(exclude.unwrap_or_default()).display());
    let git_dir = clone.join(".git").display().to_string();
    let git = git
        .with("GIT_DIR", &git_dir)
        .with("GIT_INDEX_FILE", clone.join(".git/cc-ci-index").display().to_string())
        .with("GIT_AUTHOR_NAME", "cc-ci")
        .with("GIT_AUTHOR_EMAIL", "cc-ci@localhost")
        .with("GIT_COMMITTER_NAME", "cc-ci")
        .with("GIT_COMMITTER_EMAIL", "cc-ci@localhost")
        .with("GIT_AUTHOR_DATE", date.trim())
        .with("GIT_COMMITTER_DATE", date.trim());
    let in_copy = git.with("GIT_WORK_TREE", top.display().to_string());
    in_copy.ok(top, &["read-tree", head.as_str()], deadline).await?;
    in_copy.ok(top, &["-c", &exclude, "add", "--all", "."], deadline).await?;
    let tree = git.ok(clone, &["write-tree"], deadline).await?;
    let message = "the working copy as it was";
    let arguments = ["commit-tree", tree.trim(), "-p", head.as_str(), "-m", message];
    let commit = git.ok(clone, &arguments, deadline).await?;
    let commit: CommitSha = commit.trim().parse().map_err(|_| RecipeError::Failed {
        operation: "commit the working copy".to_owned(),
        message: format!("git answered `{}`", commit.trim()),
    })?;
    let keep = ["update-ref", "refs/cc-ci/head", commit.as_str()];
    git.ok(clone, &keep, deadline).await?;
    Ok(commit)
}
