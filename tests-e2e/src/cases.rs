//! A table of bad inputs: what is given, and what cc-ci has to say about it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use cc_ci_model::results::Results;

use crate::engine;
use crate::lab::{Change, Lab};
use crate::ran::Ran;

/// The recipe every case starts from.
const RECIPE: &str = "custom-html-tiny";

/// A last touch on the recipe's repository.
type Touch = fn(&Path) -> Result<()>;

/// One bad input, and what is expected of cc-ci.
#[derive(Debug, Clone)]
pub struct Case {
    name: &'static str,
    edits: Vec<[String; 3]>,
    touch: Option<Touch>,
    pack: Option<String>,
    source: Option<PathBuf>,
    more: Vec<String>,
    environment: Vec<(String, String)>,
    exit: i32,
    says: Vec<String>,
}

impl Case {
    /// A run of the recipe's install that ends with that exit code.
    pub fn new(name: &'static str, exit: i32) -> Self {
        Self {
            name,
            edits: Vec::new(),
            touch: None,
            pack: None,
            source: None,
            more: ["--stages", "install"].map(str::to_owned).into(),
            environment: Vec::new(),
            exit,
            says: Vec::new(),
        }
    }

    /// A text in a file of the head is replaced; an empty one makes a new file.
    #[must_use]
    pub fn edit(mut self, file: &str, replace: &str, with: &str) -> Self {
        self.edits.push([file, replace, with].map(str::to_owned));
        self
    }

    /// Something is done to the repository.
    #[must_use]
    pub fn touch(mut self, touch: Touch) -> Self {
        self.touch = Some(touch);
        self
    }

    /// A pack is given: its `recipe.toml` behind the line that names the recipe.
    #[must_use]
    pub fn pack(mut self, rest: &str) -> Self {
        self.pack = Some(format!("recipe = \"{RECIPE}\"\n{rest}"));
        self
    }

    /// Another path or URL is given instead of the recipe.
    #[must_use]
    pub fn source(mut self, source: impl Into<PathBuf>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// These arguments are given instead of `--stages install`.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.more = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// A variable of cc-ci's own environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// It has to say that.
    #[must_use]
    pub fn says(mut self, text: impl Into<String>) -> Self {
        self.says.push(text.into());
        self
    }

    /// Runs it and gives a line of a table, and what is wrong if anything is.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn check(&self, lab: &Lab) -> Result<(String, Option<String>)> {
        let place = lab.path().join(self.name.replace(' ', "-"));
        let (ran, directory) = self.run(lab, &place)?;
        let wrong = self.wrong(lab, &ran, &directory);
        let got = ran.exit.map_or("a signal".to_owned(), |code| code.to_string());
        let mark = if wrong.is_some() { "WRONG" } else { "ok" };
        let line = format!("{:<52} {:>8} {got:>5}  {mark}", self.name, self.exit);
        let told = wrong.map(|wrong| {
            format!(
                "{}: {wrong}\n--- stderr\n{}\n--- stdout\n{}",
                self.name, ran.stderr, ran.stdout
            )
        });
        Ok((line, told))
    }

    fn run(&self, lab: &Lab, place: &Path) -> Result<(Ran, PathBuf)> {
        let changes: Vec<Change<'_>> = self
            .edits
            .iter()
            .map(|[file, replace, with]| Change { tree: "head", file, replace, with })
            .collect();
        let folder = place.strip_prefix(lab.path())?.display().to_string();
        let mut recipe = lab.recipe_with(RECIPE, &folder, &changes)?;
        if let Some(touch) = self.touch {
            touch(&recipe)?;
        }
        if let Some(source) = &self.source {
            recipe.clone_from(source);
        }
        let pack = self.pack.as_ref().map(|text| lab.pack(text)).transpose()?;
        let mut more: Vec<&str> = self.more.iter().map(String::as_str).collect();
        more.extend(pack.iter().flat_map(|pack| ["--pack", pack.as_str()]));
        // Names that nobody else on the engine has.
        let domain = base_domain(lab);
        let mut environment = vec![("CC_CI_BASE_DOMAIN", domain.as_str())];
        environment
            .extend(self.environment.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        let ran = lab.run_among(&environment, &recipe, &format!("{folder}/run"), &more)?;
        let directory = ran.directory.clone();
        Ok((ran, directory))
    }

    /// What is wrong about what it did.
    fn wrong(&self, lab: &Lab, ran: &Ran, directory: &Path) -> Option<String> {
        if ran.exit != Some(self.exit) {
            return Some(format!("exit {:?}, not {}", ran.exit, self.exit));
        }
        let said = match ran.results() {
            Ok(results) => told(results),
            // What has no results is refused before there is a run directory, with advice.
            Err(_) if directory.exists() => return Some("it left a run directory".to_owned()),
            Err(_) if !advises(&ran.stderr) => {
                return Some("it does not say what to do".to_owned());
            }
            Err(_) => ran.stderr.clone(),
        };
        if let Some(missing) = self.says.iter().find(|text| !said.contains(text.as_str())) {
            return Some(format!("it does not say `{missing}`, but: {said}"));
        }
        let left = engine::named(&base_domain(lab).replace('.', "_"));
        if !left.is_empty() {
            return Some(format!("it left {left:?}"));
        }
        let processes = processes_in(lab.path());
        (!processes.is_empty()).then(|| format!("it left processes {processes:?}"))
    }
}

/// Everything the results have to say.
fn told(results: Results) -> String {
    let conditions = results.conditions.into_iter().map(|condition| condition.message);
    let reasons = results.rungs.into_values().filter_map(|rung| rung.reason);
    let warnings = results.warnings.into_iter().map(|warning| warning.message);
    conditions.chain(reasons).chain(warnings).collect::<Vec<_>>().join("\n")
}

/// A domain of the lab's own, as short as `ccci.test`.
fn base_domain(lab: &Lab) -> String {
    let name = lab.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let letters: String = name.chars().rev().take(4).filter(char::is_ascii_alphanumeric).collect();
    format!("{letters:x>4}.test")
}

/// Processes that work in a folder, or were told of it.
fn processes_in(folder: &Path) -> Vec<String> {
    let own = std::process::id().to_string();
    let name = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let process = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().into_string().ok().filter(|pid| *pid != own)?;
        pid.parse::<u32>().ok()?;
        let works_there = std::fs::read_link(entry.path().join("cwd")).ok()?.starts_with(folder);
        let told = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let told = String::from_utf8_lossy(&told).replace('\0', " ");
        (works_there || told.contains(&name)).then(|| format!("{pid} {told}"))
    };
    entries.filter_map(process).collect()
}

/// Runs git in a repository, with nobody's configuration.
///
/// # Errors
/// When it fails.
pub fn git(repository: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("git");
    command.current_dir(repository).args(arguments).env("HOME", "/nonexistent");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_COMMITTER_NAME", "Somebody").env("GIT_COMMITTER_EMAIL", "s@example.org");
    let output = command.output()?;
    ensure!(output.status.success(), "git {arguments:?}: {output:?}");
    Ok(())
}

/// Whether a refusal says what to do: advice of its own, or what was expected instead.
fn advises(said: &str) -> bool {
    ["hint:", "expected", "install", "possible values", "is not in"]
        .iter()
        .any(|word| said.contains(word))
}
