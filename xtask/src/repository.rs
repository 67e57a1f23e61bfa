//! A recipe in memory, written as a git repository: the same commit ids on every machine and at
//! any time, because names, dates, modes and contents are fixed and nobody's git configuration
//! is read.
//!
//! A repository is built beside its place and put there in one step. It carries a mark in its
//! `.git`; a folder without that mark is somebody else's and is never replaced.
//!
//! Tests: `tests/it/fixtures.rs`.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::fixtures::{Commit, Recipe, Tag, Tree};

/// The file in `.git` that says a repository was made here.
const MARK: &str = "cc-ci-fixture";

const NAME: &str = "Fixture Maintainer";
const EMAIL: &str = "fixtures@example.org";

/// All that git sees of the environment, beside `PATH` and dates.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("HOME", "/nonexistent"),
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_AUTHOR_NAME", NAME),
    ("GIT_AUTHOR_EMAIL", EMAIL),
    ("GIT_COMMITTER_NAME", NAME),
    ("GIT_COMMITTER_EMAIL", EMAIL),
];

/// Settings that would change what a commit holds, or run somebody's program.
const SETTINGS: [&str; 3] =
    ["core.hooksPath=/dev/null", "core.fileMode=true", "core.autocrlf=false"];

/// Writes the recipe to `out/<name>` and returns that path. One that is there is replaced if it
/// was made here; nothing else in `out` is touched.
pub fn write(recipe: &Recipe, out: &Path) -> Result<PathBuf> {
    fs::create_dir_all(out).with_context(|| format!("cannot create `{}`", out.display()))?;
    let place = out.join(&recipe.name);
    refuse_strangers(&place)?;
    let workshop = tempfile::Builder::new()
        .prefix(&format!(".{}.", recipe.name))
        .tempdir_in(out)
        .with_context(|| format!("cannot create a folder in `{}`", out.display()))?;
    let fresh = workshop.path().join("new");
    fs::create_dir(&fresh)?;
    build(recipe, &Git { folder: &fresh })?;
    put(&fresh, &place, &workshop.path().join("old"))
        .with_context(|| format!("cannot put the repository to `{}`", place.display()))?;
    Ok(place)
}

/// The commit a ref of a repository points at.
pub fn commit_id(repository: &Path, reference: &str) -> Result<String> {
    let git = Git { folder: repository };
    let id = git.run(
        &["rev-parse", "--verify", "--end-of-options", &format!("{reference}^{{commit}}")],
        None,
    )?;
    Ok(id.trim().to_owned())
}

fn refuse_strangers(place: &Path) -> Result<()> {
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look at `{}`", place.display()));
        }
        Ok(_) => {}
    }
    if place.is_symlink() || !place.join(".git").join(MARK).is_file() {
        bail!(
            "`{}` is there and was not made by `cargo xtask fixtures`: it stays as it is; move it away or choose another --out",
            place.display()
        );
    }
    Ok(())
}

fn build(recipe: &Recipe, git: &Git<'_>) -> Result<()> {
    git.run(
        &["init", "--quiet", "--template=", "--object-format=sha1", "--initial-branch=main"],
        None,
    )?;
    for commit in &recipe.commits {
        lay_out(git.folder, &commit.tree)
            .with_context(|| format!("cannot write the files of `{}`", commit.name))?;
        git.run(&["add", "--all", "--force"], None)?;
        let message = format!("--message={}", commit.message);
        git.run(
            &["commit", "--quiet", "--no-verify", "--allow-empty", &message],
            Some(&commit.date),
        )?;
        tag(git, recipe, commit)?;
    }
    fs::write(
        git.folder.join(".git").join(MARK),
        "made by `cargo xtask fixtures`, which may replace it\n",
    )?;
    Ok(())
}

fn tag(git: &Git<'_>, recipe: &Recipe, commit: &Commit) -> Result<()> {
    match commit.tag {
        Tag::Annotated => {
            let message = format!("--message={} {}", recipe.name, commit.name);
            git.run(&["tag", "--annotate", &message, "--", &commit.name], Some(&commit.date))?;
        }
        Tag::Lightweight => {
            git.run(&["tag", "--", &commit.name], None)?;
        }
        Tag::None => {}
    }
    Ok(())
}

/// Makes the working copy hold exactly these files.
fn lay_out(folder: &Path, tree: &Tree) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.ends_with(".git") {
            continue;
        }
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    for (path, file) in tree {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&target, &file.content)?;
        let mode = if file.executable { 0o755 } else { 0o644 };
        fs::set_permissions(&target, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Puts `fresh` to `place`, so that whoever looks sees the old repository or the new one.
fn put(fresh: &Path, place: &Path, old: &Path) -> Result<()> {
    match renameat_with(CWD, fresh, CWD, place, RenameFlags::EXCHANGE) {
        // The old one is in the workshop now and goes with it.
        Ok(()) => Ok(()),
        Err(Errno::NOENT) => Ok(fs::rename(fresh, place)?),
        // A file system that cannot exchange (some overlays): two steps then.
        Err(Errno::INVAL | Errno::XDEV | Errno::NOSYS) => {
            fs::rename(place, old)?;
            Ok(fs::rename(fresh, place)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// git in a folder, deaf to everything but its arguments.
struct Git<'a> {
    folder: &'a Path,
}

impl Git<'_> {
    fn run(&self, arguments: &[&str], date: Option<&str>) -> Result<String> {
        let mut command = Command::new("git");
        command.env_clear().current_dir(self.folder).stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(ENVIRONMENT.iter().copied());
        if let Some(date) = date {
            command.env("GIT_AUTHOR_DATE", date).env("GIT_COMMITTER_DATE", date);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let output =
            command.args(arguments).output().context("cannot run git: is it installed?")?;
        ensure!(
            output.status.success(),
            "git {} failed ({}): {}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
