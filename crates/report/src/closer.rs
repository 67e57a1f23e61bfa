//! What to type to look closer at a run that is red (RES-8): commands that can be copied as they
//! are, and only those that work now.
//!
//! Tests: `closer/tests.rs`; every command is run in `tests-e2e/tests/it/terminal.rs`.

#[cfg(test)]
mod tests;

use cc_ci_model::intent::ObjectKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::results::{Results, StageResult};
use cc_ci_model::stage::{Rung, Stage};

/// What the results do not say: how cc-ci is called here, and where the run is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// How this program was called, e.g. `cc-ci` or `./target/release/cc-ci`.
    pub program: String,
    /// How the run is named to a command: its id, or its directory.
    pub run: String,
    /// The run directory.
    pub directory: String,
    /// Logs of services that are in it, e.g. `logs/fresh.app.log`.
    pub logs: Vec<String>,
    /// The arguments of the same run, without stages and without `--keep`; `None` when they are
    /// not known, or when the app was to be kept already.
    pub again: Option<Vec<String>>,
}

/// A command, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What it shows.
    pub why: String,
    /// For a POSIX shell, in one line.
    pub command: String,
}

/// Services that are told of, should the reason name none.
const SERVICES: usize = 4;

/// What to type. Nothing after a pass, and nothing after a run that somebody stopped: that one
/// says nothing.
pub fn looks(results: &Results, around: &Around) -> Vec<Look> {
    if matches!(results.verdict, Verdict::Pass | Verdict::Cancelled) {
        return Vec::new();
    }
    let mut all = Vec::new();
    let what = red_rung(results).map_or("verdict", Rung::as_str);
    let why = format!("why the verdict is {}, line by line of the log", results.verdict);
    add(&mut all, why, &[&around.program, "explain", &around.run, what]);
    let stage = red_stage(results);
    for (service, file) in logs(results, stage, around) {
        let path = format!("{}/{file}", around.directory);
        add(&mut all, format!("what service {service} wrote"), &["less", &path]);
    }
    all.extend(of_the_app(results, stage));
    all.extend(again(stage, around));
    all
}

fn is_red(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Errored | Status::Unverified)
}

fn red_rung(results: &Results) -> Option<Rung> {
    Rung::ALL
        .into_iter()
        .find(|rung| results.rungs.get(rung).is_some_and(|result| is_red(result.status)))
}

fn red_stage(results: &Results) -> Option<&StageResult> {
    results.stages.iter().find(|stage| stage.started_at.is_some() && is_red(stage.status))
}

/// Logs of the services that the stage's reason names; else of its app's first few.
fn logs<'a>(
    results: &Results,
    stage: Option<&StageResult>,
    around: &'a Around,
) -> Vec<(&'a str, &'a str)> {
    let apps = stage.map(|stage| stage.app.as_ref()).or_else(|| {
        // Nothing failed, and something was not shown: the last app is the one to look at.
        Some(results.stages.iter().rev().find_map(|stage| stage.app.as_ref()))
    });
    let Some(app) = apps.flatten() else {
        return Vec::new();
    };
    let start = format!("logs/{app}.");
    let of_app = around.logs.iter().filter_map(|file| {
        let service = file.strip_prefix(&start)?.strip_suffix(".log")?;
        Some((service, file.as_str()))
    });
    of_interest(of_app.collect(), stage, |(service, _)| service)
}

/// Those that the stage's reason names, if it names one.
fn of_interest<T>(
    mut all: Vec<T>,
    stage: Option<&StageResult>,
    name: impl Fn(&T) -> &str,
) -> Vec<T> {
    let reason = stage.and_then(|stage| stage.reason.as_deref()).unwrap_or_default();
    if all.iter().any(|one| names(reason, name(one))) {
        all.retain(|one| names(reason, name(one)));
    }
    all.truncate(SERVICES);
    all
}

/// Whether a sentence speaks of that service, and not of one whose name begins so.
fn names(reason: &str, service: &str) -> bool {
    let spoken = format!("service {service}");
    reason.match_indices(&spoken).any(|(at, found)| {
        let after = reason[at + found.len()..].chars().next();
        after.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '-' && c != '.')
    })
}

/// The commands for an app that was kept: it is there now.
fn of_the_app(results: &Results, stage: Option<&StageResult>) -> Vec<Look> {
    let mut all = Vec::new();
    if !results.cleanup.complete {
        return all;
    }
    let services = results.cleanup.left.iter().filter(|one| one.kind == ObjectKind::Service);
    let services = services.filter_map(|one| {
        let own = one.name.strip_prefix(one.stack.as_deref()?)?.strip_prefix('_')?;
        Some((own, one.name.as_str()))
    });
    let services = of_interest(services.collect(), stage, |(own, _)| own);
    for (own, name) in &services {
        let tasks = ["docker", "service", "ps", "--no-trunc", name];
        add(&mut all, format!("the tasks of service {own}"), &tasks);
        let logs = ["docker", "service", "logs", "--timestamps", "--tail", "100", name];
        add(&mut all, format!("what service {own} writes"), &logs);
    }
    all.extend(services.first().and_then(|(own, name)| shell(own, name)));
    all
}

/// The container is looked up when the command runs: a service in trouble has another one soon.
fn shell(own: &str, name: &str) -> Option<Look> {
    let label = quoted(&format!("label=com.docker.swarm.service.name={name}"))?;
    let command =
        format!("docker exec -it \"$(docker ps --quiet --filter {label} | head -n 1)\" sh");
    Some(Look { why: format!("a shell in service {own}, while a container of it runs"), command })
}

/// The same again, as far as the red stage, with the app kept.
fn again(stage: Option<&StageResult>, around: &Around) -> Option<Look> {
    let arguments = around.again.as_ref()?;
    let stage = stage.and_then(|stage| match stage.name.as_str() {
        "reinstall" => Some(Stage::Upgrade),
        // It comes with the pack's tests, and cannot be asked for alone.
        "recipe_local" => Some(Stage::Functional),
        name => {
            Stage::ALL.into_iter().find(|known| known.as_str() == name && known.rung().is_some())
        }
    });
    let mut words = vec![around.program.as_str(), "run"];
    words.extend(arguments.iter().map(String::as_str));
    words.extend(stage.iter().flat_map(|stage| ["--stages", stage.as_str()]));
    words.push("--keep");
    let mut all = Vec::new();
    let why = "the same again; the app stays, and the commands to look into it are told".to_owned();
    add(&mut all, why, &words);
    all.pop()
}

/// Adds a command, unless one of its words can not be shown as it is.
fn add(all: &mut Vec<Look>, why: String, words: &[&str]) {
    let words: Option<Vec<String>> = words.iter().map(|word| quoted(word)).collect();
    all.extend(words.map(|words| Look { why, command: words.join(" ") }));
}

/// A word for a POSIX shell; `None` if it holds what would not survive being shown and copied.
pub fn quoted(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if word.chars().any(char::is_control) || crate::words::harmless(word) != word {
        return None;
    }
    if !word.is_empty() && word.chars().all(is_plain) {
        return Some(word.to_owned());
    }
    Some(format!("'{}'", word.replace('\'', r"'\''")))
}
