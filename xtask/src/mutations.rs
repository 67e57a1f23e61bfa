//! Entries of the catalogue: a fixture recipe, what is changed in it, what happens to it while it is
//! tested, and what cc-ci has to say about it.
//!
//! `tests-e2e/catalogue/{faults,weather}/<name>.toml` says which recipe, which of its trees, which
//! edits, and the expected answer; `tests-e2e/catalogue/README.md` lists the keys. Edits are made to text and
//! must fit exactly once, so that a mutation whose recipe has moved on fails instead of changing
//! nothing.
//!
//! Tests: at the end of this file and `tests/it/mutations.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::catalogue::{During, Expected};
use crate::fixtures::{self, File, Recipe, Tree};
use crate::{repository, workspace};

/// Which of the two enemies an entry is about: the folder it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It must not be a pass.
    Fault,
    /// It must be a pass.
    Weather,
}

/// An entry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// The fault or the weather, in a sentence.
    pub about: String,
    /// It is one of the few that are run each time (`cargo xtask catalogue --sample`).
    #[serde(default)]
    pub sample: bool,
    /// The fixture recipe.
    pub recipe: String,
    /// The trees that are edited; `["head"]` unless said otherwise.
    #[serde(default = "head")]
    pub of: Vec<String>,
    /// `recipe.toml` of the pack it is run with; without a pack otherwise.
    pub pack: Option<String>,
    /// Arguments of `cc-ci run` beside the usual ones.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The edits, made in order.
    #[serde(default)]
    pub edit: Vec<Edit>,
    /// What happens while cc-ci tests it.
    #[serde(default)]
    pub during: Vec<During>,
    /// What cc-ci has to say.
    pub expected: Expected,
    /// What it has to say instead where the docker CLI is older than 23, if that differs.
    pub expected_before_cli_23: Option<Expected>,
}

/// One change to a tree: `replace` and `with`, or `add`, or `delete`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file's path in the recipe.
    pub file: String,
    /// A text that occurs in it exactly once.
    pub replace: Option<String>,
    /// What stands there instead.
    pub with: Option<String>,
    /// The content of a file that was not there.
    pub add: Option<String>,
    /// That file can be executed.
    #[serde(default)]
    pub executable: bool,
    /// The file goes.
    #[serde(default)]
    pub delete: bool,
}

/// A mutated recipe on disk.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its repository.
    pub repository: PathBuf,
    /// Its pack, if the mutation brings one.
    pub pack: Option<PathBuf>,
}

fn head() -> Vec<String> {
    vec!["head".to_owned()]
}

/// The names of all mutations, sorted.
pub fn names() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in workspace::mutations() {
        let entries = fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("cannot read `{}`", folder.display()))? {
            let file = entry?.file_name().to_string_lossy().into_owned();
            names.extend(file.strip_suffix(".toml").map(str::to_owned));
        }
    }
    names.sort();
    Ok(names)
}

/// Reads a mutation.
pub fn load(name: &str) -> Result<Mutation> {
    let known = names()?;
    ensure!(
        known.iter().any(|one| one == name),
        "no mutation `{name}`; there are: {}",
        known.join(", ")
    );
    let [faults, weather] = workspace::mutations().map(|kind| kind.join(format!("{name}.toml")));
    ensure!(!(faults.exists() && weather.exists()), "`{name}` is both a fault and weather");
    let (kind, path) =
        if faults.exists() { (Kind::Fault, faults) } else { (Kind::Weather, weather) };
    let read = || -> Result<Mutation> {
        let mut mutation: Mutation = toml::from_str(&fs::read_to_string(&path)?)?;
        name.clone_into(&mut mutation.name);
        mutation.check(kind)?;
        Ok(mutation)
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}

/// Writes a mutated recipe to `out/<recipe>` and its pack to `out/pack`.
pub fn render_mutation(name: &str, out: &Path) -> Result<Rendered> {
    render(&load(name)?, out)
}

/// Like [`render_mutation`], for one that was read already.
pub fn render(mutation: &Mutation, out: &Path) -> Result<Rendered> {
    let mut recipe = fixtures::load(&mutation.recipe)?;
    mutation.apply(&mut recipe).with_context(|| format!("mutation `{}`", mutation.name))?;
    let repository = repository::write(&recipe, out)?;
    let pack = match &mutation.pack {
        None => None,
        Some(text) => {
            let folder = out.join("pack");
            fs::create_dir_all(&folder)
                .with_context(|| format!("cannot create `{}`", folder.display()))?;
            fs::write(folder.join("recipe.toml"), text)?;
            Some(folder)
        }
    };
    Ok(Rendered { repository, pack })
}

impl Mutation {
    /// Whether it means anything, and lies where it belongs.
    fn check(&self, kind: Kind) -> Result<()> {
        for expected in [Some(&self.expected), self.expected_before_cli_23.as_ref()] {
            expected.map_or(Ok(()), Expected::check)?;
        }
        self.during.iter().try_for_each(During::check)?;
        let is_green = self.expected.verdict == "pass";
        match kind {
            Kind::Fault => ensure!(!is_green, "a fault that has to pass is weather"),
            Kind::Weather => ensure!(is_green, "weather that must not pass is a fault"),
        }
        Ok(())
    }

    /// What cc-ci has to say where that docker CLI deploys.
    pub fn expected_with(&self, cli: &str) -> &Expected {
        let major = cli.split('.').next().and_then(|major| major.parse::<u32>().ok());
        let is_old = major.is_some_and(|major| major < 23);
        self.expected_before_cli_23.as_ref().filter(|_| is_old).unwrap_or(&self.expected)
    }

    /// Makes the edits, in every tree that is meant.
    pub fn apply(&self, recipe: &mut Recipe) -> Result<()> {
        for name in &self.of {
            let known = recipe.commits.iter_mut().find(|commit| commit.name == *name);
            let commit =
                known.with_context(|| format!("recipe `{}` has no tree `{name}`", self.recipe))?;
            for edit in &self.edit {
                edit.apply(&mut commit.tree).with_context(|| format!("`{name}/{}`", edit.file))?;
            }
        }
        Ok(())
    }
}

impl Edit {
    fn apply(&self, tree: &mut Tree) -> Result<()> {
        ensure!(!self.executable || self.add.is_some(), "`executable` is for a file that is added");
        match (&self.replace, &self.with, &self.add, self.delete) {
            (Some(old), Some(new), None, false) => replace(tree, &self.file, old, new),
            (None, None, Some(content), false) => {
                let file =
                    File { content: content.clone().into_bytes(), executable: self.executable };
                ensure!(
                    tree.insert(self.file.clone(), file).is_none(),
                    "`add`: the file is there already"
                );
                Ok(())
            }
            (None, None, None, true) => {
                ensure!(tree.remove(&self.file).is_some(), "`delete`: there is no such file");
                Ok(())
            }
            _ => bail!("an edit is either `replace` and `with`, or `add`, or `delete = true`"),
        }
    }
}

fn replace(tree: &mut Tree, path: &str, old: &str, new: &str) -> Result<()> {
    let file = tree.get_mut(path).context("`replace`: there is no such file")?;
    let text = std::str::from_utf8(&file.content).context("`replace`: the file is no text")?;
    let count = text.matches(old).count();
    ensure!(count == 1, "`replace`: the text occurs {count} times, it has to occur once: {old:?}");
    ensure!(old != new, "`replace` and `with` are the same");
    file.content = text.replacen(old, new, 1).into_bytes();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let file = |text: &str| File { content: text.as_bytes().to_vec(), executable: true };
        Tree::from([("a".to_owned(), file("one two two\n")), ("b".to_owned(), file("b"))])
    }

    fn edit(text: &str) -> Edit {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = edit(text).apply(&mut tree()).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn an_entry_lies_where_it_belongs() {
        let entry = |verdict: &str, more: &str| -> Mutation {
            let text = "about = 'x'\nrecipe = 'x'\n[expected]\nexit = 0\nverdict = ";
            toml::from_str(&format!("{text}'{verdict}'\n{more}")).unwrap()
        };
        for (verdict, fault, weather) in [("pass", false, true), ("fail", true, false)] {
            assert_eq!(entry(verdict, "").check(Kind::Fault).is_ok(), fault, "{verdict}");
            assert_eq!(entry(verdict, "").check(Kind::Weather).is_ok(), weather, "{verdict}");
        }
        let paused = "[[during]]\nwhen = 'backup backup began'\ndo = 'pause'\nservice = 'app'\n";
        assert!(entry("pass", &format!("{paused}for_ms = 0")).check(Kind::Weather).is_err());
        assert!(entry("pass", &format!("{paused}for_ms = 1")).check(Kind::Weather).is_ok());
    }

    #[test]
    fn an_edit_changes_one_place_and_keeps_the_mode() {
        let mut changed = tree();
        edit("file = 'a'\nreplace = 'one'\nwith = 'zero'").apply(&mut changed).unwrap();
        edit("file = 'c/d'\nadd = 'new'\nexecutable = true").apply(&mut changed).unwrap();
        assert!(changed["c/d"].executable);
        edit("file = 'b'\ndelete = true").apply(&mut changed).unwrap();
        assert_eq!(changed.keys().collect::<Vec<_>>(), ["a", "c/d"]);
        assert_eq!(changed["a"], File { content: b"zero two two\n".to_vec(), executable: true });
    }

    #[test]
    fn an_edit_that_does_not_fit_exactly_once_is_an_error() {
        refused("file = 'a'\nreplace = 'two'\nwith = 'x'", "occurs 2 times");
        refused("file = 'a'\nreplace = 'three'\nwith = 'x'", "occurs 0 times");
        refused("file = 'a'\nreplace = 'one'\nwith = 'one'", "are the same");
        refused("file = 'x'\nreplace = 'one'\nwith = 'x'", "no such file");
        refused("file = 'x'\ndelete = true", "no such file");
        refused("file = 'a'\nadd = 'x'", "there already");
        refused("file = 'a'\nreplace = 'one'", "either");
        refused("file = 'a'\ndelete = true\nadd = 'x'", "either");
        refused("file = 'a'", "either");
        refused("file = 'b'\ndelete = true\nexecutable = true", "is for a file that is added");
    }
}
