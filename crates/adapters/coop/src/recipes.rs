//! Recipes as git repositories (IN-1, ISO-1, PLAN-5): one plain full clone for each run, and in
//! it one more for each commit that is checked out, so that no version ever sees the files of
//! another.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{
    Clock, Commands, RecipeError, RecipeFacts, RecipeSource, Recipes, Release, ReleasesKnown, Tree,
};
use cc_ci_model::name::CommitSha;
use cc_ci_model::time::Timestamp;

use crate::git::Git;
use crate::{origin, working_copy};

/// Files larger than this are no text a run reads.
const LARGEST_FILE: u64 = 1 << 20;

/// Work on clones that are there already is quick.
const LOCAL: Duration = Duration::from_mins(1);

/// The recipe of one run.
pub struct GitRecipes {
    git: Git,
    clock: Arc<dyn Clock>,
    /// The clone.
    clone: PathBuf,
    /// One folder for each commit.
    trees: PathBuf,
}

impl GitRecipes {
    /// A recipe whose clones go into `directory`, which must exist; git is looked for on `path`.
    pub fn new(
        commands: Arc<dyn Commands>,
        clock: Arc<dyn Clock>,
        directory: &Path,
        path: &str,
    ) -> Self {
        Self {
            git: Git::new(commands, directory, path),
            clock,
            clone: directory.join("recipe"),
            trees: directory.join("trees"),
        }
    }

    fn soon(&self) -> Timestamp {
        self.clock.now().plus(LOCAL)
    }

    /// The commit a name stands for: a tag, a branch of the origin, or a commit.
    async fn resolve(&self, reference: &str) -> Result<CommitSha, RecipeError> {
        let not_there = || RecipeError::NotThere {
            message: format!("the recipe has no tag, branch or commit `{reference}`"),
            hint: "`git tag` and `git branch -a` in the recipe list what there is".to_owned(),
        };
        if !is_plain(reference) {
            return Err(not_there());
        }
        for prefix in ["refs/tags/", "refs/remotes/origin/", "refs/heads/", ""] {
            let is_commit =
                reference.bytes().all(|b| b.is_ascii_hexdigit()) && reference.len() >= 7;
            if prefix.is_empty() && !is_commit {
                continue;
            }
            let wanted = format!("{prefix}{reference}^{{commit}}");
            let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
            let found = self.git.line(&self.clone, &arguments, self.soon()).await?;
            if let Some(sha) = found.and_then(|line| line.parse().ok()) {
                return Ok(sha);
            }
        }
        Err(not_there())
    }

    /// Version tags and tags that are none.
    async fn releases(&self, head: &CommitSha) -> Result<(Vec<Release>, Vec<String>), RecipeError> {
        let format = "--format=%(refname:strip=2)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)";
        let listed =
            self.git.ok(&self.clone, &["for-each-ref", format, "refs/tags"], self.soon()).await?;
        let merged = ["tag", "--list", "--merged", head.as_str()];
        let merged = self.git.ok(&self.clone, &merged, self.soon()).await?;
        let merged: BTreeSet<&str> = merged.lines().collect();
        let (mut releases, mut malformed) = (Vec::new(), Vec::new());
        for line in listed.lines() {
            let fields: Vec<&str> = line.split('\0').collect();
            let [name, kind, object, peeled_kind, peeled] = fields.as_slice() else {
                continue;
            };
            let annotated = *kind == "tag";
            let (kind, commit) = if annotated { (peeled_kind, peeled) } else { (kind, object) };
            // A tag can name a file or a folder, too: that is no release.
            match (name.parse(), commit.parse()) {
                (Ok(version), Ok(commit)) if *kind == "commit" => releases.push(Release {
                    version,
                    commit,
                    annotated,
                    ancestor_of_head: merged.contains(name),
                }),
                (Ok(_) | Err(_), Ok(_) | Err(_)) => malformed.push((*name).to_owned()),
            }
        }
        Ok((releases, malformed))
    }

    /// Tags of the origin of a working copy; a URL was just cloned with all of its tags.
    async fn fetch_tags(
        &self,
        source: &RecipeSource,
        deadline: Timestamp,
    ) -> Result<ReleasesKnown, RecipeError> {
        if self.clone.join(".git/shallow").exists() {
            return Ok(ReleasesKnown::Unknown("the repository is a shallow clone".to_owned()));
        }
        let RecipeSource::Path(path) = source else {
            return Ok(ReleasesKnown::All);
        };
        let origin = self.git.line(path, &["remote", "get-url", "origin"], self.soon()).await?;
        let Some(origin) = origin else {
            return Ok(ReleasesKnown::All);
        };
        let origin = origin::seen_from(path, &origin);
        let fetch =
            ["fetch", "--quiet", "--no-tags", "--force", "--", &origin, "refs/tags/*:refs/tags/*"];
        let limit = deadline.min(self.clock.now().plus(Duration::from_secs(30)));
        let fetched = self.git.run(&self.clone, &fetch, limit).await?;
        if fetched.code == Some(0) {
            return Ok(ReleasesKnown::All);
        }
        let any = self.git.line(&self.clone, &["tag", "--list"], self.soon()).await?;
        Ok(match any {
            Some(_) => ReleasesKnown::All,
            None => ReleasesKnown::Unknown(format!(
                "there are no tags here and the origin could not be asked: {}",
                crate::git::said(&fetched)
            )),
        })
    }

    async fn clone_from(&self, from: &str, deadline: Timestamp) -> Result<(), RecipeError> {
        let to = self.clone.display().to_string();
        let parent = self.clone.parent().unwrap_or(&self.clone);
        let clone = ["clone", "--quiet", "--no-checkout", "--", from, &to];
        let cloned = self.git.run(parent, &clone, deadline).await?;
        if cloned.code == Some(0) {
            return Ok(());
        }
        Err(origin::refusal(from, &crate::git::said(&cloned)))
    }
}

#[async_trait]
impl Recipes for GitRecipes {
    async fn open(
        &self,
        source: &RecipeSource,
        reference: Option<&str>,
        deadline: Timestamp,
    ) -> Result<RecipeFacts, RecipeError> {
        self.git.prepare(self.soon()).await?;
        let top = match source {
            RecipeSource::Path(path) => {
                Some(working_copy::top(&self.git, path, self.soon()).await?)
            }
            RecipeSource::Url(_) => None,
        };
        let from = match (source, &top) {
            (_, Some(top)) => top.display().to_string(),
            (RecipeSource::Url(url), None) => url.clone(),
            (RecipeSource::Path(path), None) => path.display().to_string(),
        };
        let name = source.name()?;
        self.clone_from(&from, deadline).await?;
        let releases_known = match &top {
            Some(top) => self.fetch_tags(&RecipeSource::Path(top.clone()), deadline).await?,
            None => self.fetch_tags(source, deadline).await?,
        };
        let (head, dirty_of) = match (reference, &top) {
            (Some(reference), _) => (self.resolve(reference).await?, None),
            (None, Some(top)) => {
                working_copy::head(&self.git, top, &self.clone, self.soon()).await?
            }
            (None, None) => {
                let shown = origin::without_credentials(&from);
                let head = working_copy::checked_out(&self.git, &self.clone, &shown, self.soon());
                (head.await?, None)
            }
        };
        let (releases, malformed_tags) = self.releases(&head).await?;
        Ok(RecipeFacts {
            name,
            reference: reference.unwrap_or("HEAD").to_owned(),
            head,
            dirty_of,
            releases,
            malformed_tags,
            releases_known,
        })
    }

    async fn tree(&self, commit: &CommitSha) -> Result<Tree, RecipeError> {
        let root = self.check_out(commit).await?;
        let mut tree = Tree::new();
        read_folder(&root, &root, &mut tree).map_err(|error| RecipeError::Failed {
            operation: format!("read the checkout of {commit}"),
            message: error.to_string(),
        })?;
        Ok(tree)
    }

    async fn check_out(&self, commit: &CommitSha) -> Result<PathBuf, RecipeError> {
        let to = self.trees.join(commit.as_str());
        let target = to.display().to_string();
        if !to.exists() {
            let from = self.clone.display().to_string();
            let parent = self.clone.parent().unwrap_or(&self.clone);
            let arguments = ["clone", "--quiet", "--no-checkout", "--", &from, &target];
            self.git.ok(parent, &arguments, self.soon()).await?;
            // A synthetic commit is on no branch: it has to be asked for.
            let fetch = ["fetch", "--quiet", "--no-tags", "--", &from, commit.as_str()];
            let known = ["cat-file", "-e", commit.as_str()];
            if self.git.run(&to, &known, self.soon()).await?.code != Some(0) {
                self.git.ok(&to, &fetch, self.soon()).await?;
            }
        }
        let checkout = ["checkout", "--quiet", "--force", "--detach", commit.as_str()];
        self.git.ok(&to, &checkout, self.soon()).await?;
        self.git.ok(&to, &["clean", "-ffdxq"], self.soon()).await?;
        Ok(to)
    }
}

/// Whether a text could be the name of a ref (git-check-ref-format): no option, and nothing that
/// git would work out, such as `main~1`.
fn is_plain(reference: &str) -> bool {
    let is_special =
        |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    !reference.starts_with('-')
        && !reference.contains(is_special)
        && !reference.contains("..")
        && !reference.contains("@{")
}

/// Regular files below `folder`, git's own left out. A link to a file of the checkout is that file,
/// as it is for docker; no other link is followed: it could lead out of the checkout.
fn read_folder(root: &Path, folder: &Path, tree: &mut Tree) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() && entry.file_name() != ".git" {
            read_folder(root, &path, tree)?;
        } else if (kind.is_file() || kind.is_symlink() && leads_inside(root, &path))
            && std::fs::metadata(&path)?.len() <= LARGEST_FILE
        {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            tree.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(())
}

/// Whether a link leads to a regular file of the checkout that is not git's own.
fn leads_inside(root: &Path, link: &Path) -> bool {
    let (Ok(root), Ok(target)) = (root.canonicalize(), link.canonicalize()) else {
        return false;
    };
    let inside = target.strip_prefix(&root).is_ok_and(|inside| !inside.starts_with(".git"));
    inside && target.is_file()
}

impl std::fmt::Debug for GitRecipes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitRecipes").field("clone", &self.clone).finish_non_exhaustive()
    }
}
