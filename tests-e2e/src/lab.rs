//! A test's own folder with fixture recipes, and runs of the built binary in it.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use xtask::catalogue::{Answer, Injector};
use xtask::fixtures::{self, File, Recipe};
use xtask::{mutations, repository};

use crate::live::LiveRun;
use crate::log::Log;
use crate::private_engine::PrivateEngine;
use crate::ran::Ran;
use crate::waiting::wait_for;

/// A test's own folder. What runs in it may have left on the engine is removed with it.
#[derive(Debug)]
pub struct Lab {
    /// Before the folder: it is ended before its files go.
    engine: Option<PrivateEngine>,
    folder: TempDir,
    runs: RefCell<Vec<PathBuf>>,
}

/// A change to a file of a fixture recipe.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The tree: a release, or `head`.
    pub tree: &'a str,
    /// The file's path.
    pub file: &'a str,
    /// A text that occurs in it exactly once; empty for a file that is not there yet.
    pub replace: &'a str,
    /// What stands there instead.
    pub with: &'a str,
}

/// A mutated recipe and what cc-ci has to say about it.
#[derive(Debug)]
pub struct Mutated {
    /// What it is.
    pub mutation: mutations::Mutation,
    /// Its repository.
    pub repository: PathBuf,
    /// Its pack.
    pub pack: Option<PathBuf>,
}

impl Lab {
    /// An empty lab.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("cc-ci-e2e-").tempdir()?;
        Ok(Self { engine: None, folder, runs: RefCell::default() })
    }

    /// An empty lab with an engine of its own, which is in no Swarm: runs are on that one.
    ///
    /// # Errors
    /// When the engine does not come up.
    pub fn with_engine() -> Result<Self> {
        let mut lab = Self::new()?;
        lab.engine = Some(PrivateEngine::start(&lab.path().join("engine"))?);
        Ok(lab)
    }

    /// The lab's own engine.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    pub fn engine(&self) -> &PrivateEngine {
        self.engine.as_ref().expect("a lab with an engine")
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// cc-ci's state folder in it.
    pub fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    /// A fixture recipe as a git repository.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn recipe(&self, name: &str) -> Result<PathBuf> {
        self.recipe_with(name, "recipes", &[])
    }

    /// A fixture recipe with changes, as a git repository in a folder of its own.
    ///
    /// # Errors
    /// When it cannot be made, or when a change does not fit.
    pub fn recipe_with(&self, name: &str, folder: &str, changes: &[Change<'_>]) -> Result<PathBuf> {
        let mut recipe = fixtures::load(name)?;
        changes.iter().try_for_each(|change| change.make(&mut recipe))?;
        repository::write(&recipe, &self.path().join(folder))
    }

    /// A pack with that `recipe.toml`, in a folder of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn pack(&self, recipe_toml: &str) -> Result<String> {
        let folder = tempfile::Builder::new().prefix("pack-").tempdir_in(self.path())?.keep();
        std::fs::write(folder.join("recipe.toml"), recipe_toml)?;
        Ok(folder.display().to_string())
    }

    /// A mutation as a git repository with its pack.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn mutation(&self, name: &str) -> Result<Mutated> {
        let mutation = mutations::load(name)?;
        let rendered = mutations::render(&mutation, &self.path().join("mutations").join(name))?;
        Ok(Mutated { mutation, repository: rendered.repository, pack: rendered.pack })
    }

    /// Runs a mutation and expects exactly what it says is to be expected.
    ///
    /// # Errors
    /// When it cannot be run.
    ///
    /// # Panics
    /// When cc-ci says something else, or leaves something.
    #[track_caller]
    pub fn run_mutation(&self, name: &str) -> Result<Ran> {
        let mutated = self.mutation(name)?;
        let pack = mutated.pack.as_ref().map(|pack| pack.display().to_string());
        let mut more: Vec<&str> = mutated.mutation.arguments.iter().map(String::as_str).collect();
        more.extend(pack.iter().flat_map(|pack| ["--pack", pack.as_str()]));
        let directory = self.path().join(format!("run-{name}"));
        let mut command = self.run_command(&mutated.repository, &directory, &more)?;
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let injector = Injector::start(mutated.mutation.during, &directory, child.id());
        let output = child.wait_with_output();
        let mut differences = injector.finish();
        let ran = Ran::of(&output?, directory);
        let answer = Answer { exit: ran.exit, stdout: ran.stdout.clone() };
        differences.extend(mutated.mutation.expected.differences(&answer));
        assert!(differences.is_empty(), "{name}: {differences:#?}\n{}", ran.stderr);
        ran.left_nothing();
        Ok(ran)
    }

    /// `cc-ci run`, started; its directory is `out` in this lab.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn start(&self, recipe: &Path, out: &str, more: &[&str]) -> Result<LiveRun> {
        let directory = self.path().join(out);
        let mut command = self.run_command(recipe, &directory, more)?;
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        Ok(LiveRun::new(child, directory))
    }

    /// `cc-ci run`, started; its directory is where cc-ci puts it.
    ///
    /// # Errors
    /// When the binary cannot be started, or makes no directory.
    pub fn start_anywhere(&self, recipe: &Path, more: &[&str]) -> Result<LiveRun> {
        let mut command = self.command()?;
        command.arg("run").arg(recipe).args(["--output", "json"]).args(more);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut live = LiveRun::new(child, self.path().to_owned());
        let runs = self.state().join("runs");
        let first = || Some(std::fs::read_dir(&runs).ok()?.next()?.ok()?.path());
        let found = wait_for(Duration::from_secs(20), first).context("it makes no directory")?;
        self.runs.borrow_mut().push(found.clone());
        live.is_in(found);
        Ok(live)
    }

    /// `cc-ci run` to its end; its directory is `out` in this lab.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn run(&self, recipe: &Path, out: &str, more: &[&str]) -> Result<Ran> {
        self.run_among(&[], recipe, out, more)
    }

    /// The same, with more in the environment.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn run_among(
        &self,
        environment: &[(&str, &str)],
        recipe: &Path,
        out: &str,
        more: &[&str],
    ) -> Result<Ran> {
        let directory = self.path().join(out);
        let mut command = self.run_command(recipe, &directory, more)?;
        let output = command.envs(environment.iter().copied()).output()?;
        Ok(Ran::of(&output, directory))
    }

    /// Another command of the binary, to its end.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn cc_ci(&self, arguments: &[&str]) -> Result<Ran> {
        self.cc_ci_among(&[], arguments)
    }

    /// The same, with more in the environment.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn cc_ci_among(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Result<Ran> {
        let mut command = self.command()?;
        let output = command.envs(environment.iter().copied()).args(arguments).output()?;
        Ok(Ran::of(&output, self.path().to_owned()))
    }

    /// The same in a network of its own, as in a container: the engine's socket is there, the
    /// tasks' bridge is not. Needs root.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn cc_ci_in_another_network(&self, arguments: &[&str]) -> Result<Ran> {
        let cc_ci = self.command()?;
        let mut command = Command::new("unshare");
        command.arg("--net").arg(cc_ci.get_program()).args(arguments);
        command.current_dir(self.path()).env("CC_CI_STATE", self.state()).stdin(Stdio::null());
        Ok(Ran::of(&command.output()?, self.path().to_owned()))
    }

    fn run_command(&self, recipe: &Path, directory: &Path, more: &[&str]) -> Result<Command> {
        self.runs.borrow_mut().push(directory.to_owned());
        let mut command = self.command()?;
        command.arg("run").arg(recipe).arg("--out").arg(directory);
        command.args(["--output", "json"]).args(more);
        Ok(command)
    }

    fn command(&self) -> Result<Command> {
        let binary =
            std::env::var_os("CC_CI_BIN").context("CC_CI_BIN must name the built cc-ci")?;
        let mut command = match &self.engine {
            None => Command::new(binary),
            Some(engine) => {
                let mut command = engine.inside();
                command.arg(binary).env("DOCKER_HOST", engine.host());
                command.env("DOCKER_CONFIG", engine.config());
                command
            }
        };
        command.current_dir(self.path()).env("CC_CI_STATE", self.state()).stdin(Stdio::null());
        Ok(command)
    }
}

impl Drop for Lab {
    /// After a test that failed half-way there may be a run that did not clean up. Nothing is done
    /// about runs that did.
    fn drop(&mut self) {
        let kept = std::fs::read_dir(self.state().join("runs")).into_iter().flatten();
        let kept = kept.filter_map(|entry| Some(entry.ok()?.path()));
        self.runs.borrow_mut().extend(kept);
        for run in self.runs.borrow().iter().filter(|run| run.join("events.jsonl").exists()) {
            if !is_clean(run)
                && let Ok(mut command) = self.command()
            {
                drop(command.arg("cleanup").arg(run).output());
            }
        }
    }
}

fn is_clean(run: &Path) -> bool {
    let log = Log::read(run);
    let is_empty = |event: &serde_json::Value| event["left"].as_array().is_some_and(Vec::is_empty);
    log.plan().is_none() || log.events("inventory_taken").into_iter().any(is_empty)
}

impl Change<'_> {
    fn make(&self, recipe: &mut Recipe) -> Result<()> {
        let commit = recipe.commits.iter_mut().find(|commit| commit.name == self.tree);
        let tree = &mut commit.with_context(|| format!("no tree `{}`", self.tree))?.tree;
        if self.replace.is_empty() {
            let file = File { content: self.with.as_bytes().to_vec(), executable: false };
            ensure!(tree.insert(self.file.to_owned(), file).is_none(), "`{}` is there", self.file);
            return Ok(());
        }
        let file = tree.get_mut(self.file).with_context(|| format!("no file `{}`", self.file))?;
        let text = String::from_utf8(file.content.clone())?;
        let count = text.matches(self.replace).count();
        ensure!(count == 1, "{:?} occurs {count} times in `{}`", self.replace, self.file);
        file.content = text.replacen(self.replace, self.with, 1).into_bytes();
        Ok(())
    }
}
