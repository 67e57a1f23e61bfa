//! Fixture recipes: `fixtures/recipes/<name>/history.toml` and the version trees beside it, read
//! into memory, so that a mutation can change them before [`crate::repository`] writes them.
//!
//! Tests: `tests/it/fixtures.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::{repository, workspace};

/// A recipe with its whole history.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Its name, which is also its repository's.
    pub name: String,
    /// Oldest first.
    pub commits: Vec<Commit>,
}

/// One commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The folder its files come from; the name of its tag, if it has one.
    pub name: String,
    /// Its tag.
    pub tag: Tag,
    /// Author, committer and tagger date.
    pub date: String,
    /// Its message.
    pub message: String,
    /// All its files.
    pub tree: Tree,
}

/// How a commit is tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// With a message, as abra's lint wants it.
    Annotated,
    /// Without.
    Lightweight,
    /// Not at all.
    None,
}

/// The files of a commit by their path.
pub type Tree = BTreeMap<String, File>;

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Every byte.
    pub content: Vec<u8>,
    /// Git's one bit of mode.
    pub executable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    commit: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    tree: String,
    tag: Tag,
    date: String,
    message: String,
}

/// The names of all fixture recipes, sorted.
pub fn names() -> Result<Vec<String>> {
    let folder = workspace::recipes();
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))?
    {
        let entry = entry?;
        if entry.path().join("history.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Reads a recipe.
pub fn load(name: &str) -> Result<Recipe> {
    let known = names()?;
    ensure!(
        known.iter().any(|one| one == name),
        "no fixture recipe `{name}`; there are: {}",
        known.join(", ")
    );
    let folder = workspace::recipes().join(name);
    let path = folder.join("history.toml");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let history: History =
        toml::from_str(&text).with_context(|| format!("cannot read `{}`", path.display()))?;
    ensure!(!history.commit.is_empty(), "`{}` has no commit", path.display());
    let commits =
        history.commit.into_iter().map(|entry| commit(&folder, entry)).collect::<Result<_>>()?;
    Ok(Recipe { name: name.to_owned(), commits })
}

/// Writes a recipe as a git repository to `out/<name>` and returns that path.
pub fn render(name: &str, out: &Path) -> Result<PathBuf> {
    repository::write(&load(name)?, out)
}

fn commit(folder: &Path, entry: Entry) -> Result<Commit> {
    let mut tree = Tree::new();
    let root = folder.join(&entry.tree);
    read_into(&mut tree, &root, "")?;
    ensure!(!tree.is_empty(), "`{}` has no files", root.display());
    Ok(Commit { name: entry.tree, tag: entry.tag, date: entry.date, message: entry.message, tree })
}

fn read_into(tree: &mut Tree, folder: &Path, prefix: &str) -> Result<()> {
    let listing =
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().with_context(|| format!("`{}` is not UTF-8", name.display()))?;
        let (path, kind) = (format!("{prefix}{name}"), entry.file_type()?);
        if kind.is_dir() {
            read_into(tree, &entry.path(), &format!("{path}/"))?;
        } else if kind.is_file() {
            let content = fs::read(entry.path())?;
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            tree.insert(path, File { content, executable });
        } else {
            bail!("`{}` is neither a file nor a folder", entry.path().display());
        }
    }
    Ok(())
}
