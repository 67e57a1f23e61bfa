//! `report.md`: the report for a forge, a mail or a file. It holds what the terminal shows, and
//! the lists that would be too long there: images, met obligations, all checks.
//!
//! Text from a recipe, an app's log or a registry never becomes markup.
//!
//! Tests: `markdown/tests.rs`.

pub(crate) mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use cc_ci_model::outcome::Status;
use cc_ci_model::results::{Results, StageResult};

use crate::closer::{self, Around};
use crate::markdown::escape::{fenced, fenced_as, plain};
use crate::view::{self, Said};
use crate::{diagnosis, upgrade, words};

/// The report of a run; with what to type to look closer, where that is known.
pub fn report(results: &Results, around: Option<&Around>) -> String {
    let (mut text, mut said) = (String::new(), Said::default());
    headline(&mut text, results);
    ladder(&mut text, results, &mut said);
    let flaky = view::flaky(results).into_iter();
    list(&mut text, "Flaky: passed only when tried again", flaky.map(|one| plain(&one)));
    diagnosis::section(&mut text, results);
    conditions(&mut text, results, &mut said);
    stages(&mut text, results, &mut said);
    lists(&mut text, results, &mut said);
    obligations(&mut text, results, &said);
    images(&mut text, results);
    looks(&mut text, results, around);
    let (left, command) = view::cleanup(results, around);
    let _ = writeln!(text, "## Cleanup\n\n{}", plain(&left));
    if let Some(command) = command {
        let _ = writeln!(text, "\n{}", plain(&command));
    }
    let _ = writeln!(text, "\n---\n\n{}", footer(results));
    text
}

fn headline(text: &mut String, results: &Results) {
    let verdict = words::verdict(results.verdict);
    let _ = writeln!(text, "# {verdict}: {}\n", plain(&view::subject(results)));
    let took =
        view::took_ms(results).map(|ms| format!(" in {}", words::duration(ms))).unwrap_or_default();
    let _ = writeln!(
        text,
        "Reached {}{took}, {}.\n",
        plain(&view::level(results)),
        plain(&view::origin(results))
    );
    for reservation in view::reservations(results) {
        let _ = writeln!(text, "**{reservation}**\n");
    }
}

fn ladder(text: &mut String, results: &Results, said: &mut Said) {
    let mut rows = Vec::new();
    for row in view::ladder(results) {
        if let Some(result) = results.rungs.get(&row.rung) {
            said.say_rung(row.rung, result);
        }
        let status = words::status(row.status).to_owned();
        let reason = plain(&row.reason.unwrap_or_default());
        rows.push(vec![row.label, row.rung.to_string(), status, reason]);
    }
    table(text, &["", "rung", "status", "reason"], rows);
}

/// Those that are not the reason of a rung.
fn conditions(text: &mut String, results: &Results, said: &mut Said) {
    let more = results.conditions.iter().filter(|one| said.is_new(&one.message));
    let points = more.map(|one| {
        let place = one.place.as_ref().map(|place| format!("{}: ", plain(place)));
        format!("{}{} (exit code {})", place.unwrap_or_default(), plain(&one.message), one.code)
    });
    list(text, "Conditions", points);
}

fn stages(text: &mut String, results: &Results, said: &mut Said) {
    let rows: Vec<_> = results.stages.iter().map(stage_row).collect();
    section(text, "Stages", &["stage", "app", "status", "took", "checks"], rows);
    for stage in results.stages.iter().filter(|stage| !stage.checks.is_empty()) {
        checks(text, results, stage, said);
    }
}

fn stage_row(stage: &StageResult) -> Vec<String> {
    let app = stage.app.as_ref().map(ToString::to_string);
    let took = stage.duration_ms.map(words::duration);
    let reason = stage.reason.as_deref().filter(|_| stage.checks.is_empty());
    let shown = reason.map_or_else(|| view::checks(stage), plain);
    let status = words::status(stage.status).to_owned();
    vec![stage.name.clone(), app.unwrap_or_default(), status, took.unwrap_or_default(), shown]
}

fn checks(text: &mut String, results: &Results, stage: &StageResult, said: &mut Said) {
    let app = stage.app.as_ref().map(|app| format!(", app {app}")).unwrap_or_default();
    let _ = writeln!(text, "### {}{app}\n", stage.name);
    for earlier in view::earlier(results, stage) {
        let _ = writeln!(text, "- {}", plain(&earlier));
    }
    if !stage.earlier.is_empty() {
        text.push('\n');
    }
    let (good, bad): (Vec<_>, Vec<_>) =
        stage.checks.iter().partition(|check| check.status == Status::Passed);
    for check in bad {
        let name = format!("**{} {}**", plain(&check.name), words::status(check.status));
        // In a cell of a table line breaks are lost: such a text is worth saying again.
        let shown = if said.is_new(&check.detail) || check.detail.contains('\n') {
            format!("{name}\n\n{}", fenced(&check.detail))
        } else {
            format!("{name}: as said above\n")
        };
        let _ = writeln!(text, "{shown}");
    }
    for check in &good {
        said.say(&check.detail);
        let _ = writeln!(text, "- {} passed: {}", plain(&check.name), plain(&check.detail));
    }
    if !good.is_empty() {
        text.push('\n');
    }
}

fn lists(text: &mut String, results: &Results, said: &mut Said) {
    let changes = results.difference.iter().flat_map(upgrade::changes);
    list(text, "The upgrade changes", changes.map(|one| plain(&one)));
    let reached = results.availability.iter().filter(|one| said.is_new(&one.told));
    list(text, "While it was upgraded", reached.map(|one| plain(&one.told)));
    let steps = results.operator_steps.iter().map(upgrade::step);
    list(text, "An operator has to", steps.map(|one| plain(&one)));
    let warning = |code: &str, message: &str| format!("`{code}`: {}", plain(message));
    let warnings = results.warnings.iter().map(|one| warning(&one.code, &one.message));
    let counted = view::restarts(results).into_iter().chain(view::odd_deploys(results));
    list(text, "Warnings", warnings.chain(counted.map(|one| plain(&one))));
    for warning in &results.warnings {
        said.say(&warning.message);
    }
    list(text, "This proves", results.proves.iter().map(|one| plain(one)));
    let open = results.does_not_prove.iter().filter(|one| said.is_new(one));
    list(text, "This does not prove", open.map(|one| plain(one)));
    let adapted =
        view::adaptations(results).map(|one| plain(&format!("{}: {}", one.subject, one.why)));
    list(text, "Changed for this host", adapted);
}

fn obligations(text: &mut String, results: &Results, said: &Said) {
    let rows = results.obligations.iter().map(|due| {
        let met = if due.met { "yes" } else { "no" };
        let is_long = due.evidence.chars().count() > SHORT_EVIDENCE;
        let evidence = if is_long && said.has(&due.evidence) {
            "as said above".to_owned()
        } else {
            plain(&due.evidence)
        };
        vec![due.rung.to_string(), plain(&due.name), met.to_owned(), evidence]
    });
    section(text, "What had to be proven", &["rung", "what", "shown", "evidence"], rows.collect());
}

/// Evidence that is said twice rather than referred to.
const SHORT_EVIDENCE: usize = 80;

fn images(text: &mut String, results: &Results) {
    let rows = results.images.iter().map(|image| {
        let app = image.app.as_ref().map(ToString::to_string).unwrap_or_default();
        let digest = image.digest.as_deref().unwrap_or("not there");
        vec![app, plain(&image.service), plain(&image.reference), plain(digest)]
    });
    let mut rows: Vec<_> = rows.collect();
    // Base and head may use the same one.
    rows.dedup();
    section(text, "Images", &["app", "service", "reference", "digest"], rows);
}

/// In a block of code, every line of it for a shell.
fn looks(text: &mut String, results: &Results, around: Option<&Around>) {
    let all = around.map(|around| closer::looks(results, around)).unwrap_or_default();
    if all.is_empty() {
        return;
    }
    let lines: Vec<String> =
        all.iter().map(|look| format!("# {}\n{}\n", look.why, look.command)).collect();
    let _ = writeln!(text, "## To look closer\n\n{}", fenced_as("sh", &lines.concat()));
}

fn footer(results: &Results) -> String {
    let engine = format!("{} {}", results.engine.name, results.engine.version);
    let commit =
        results.tool.commit.as_ref().map(|commit| format!(" ({commit})")).unwrap_or_default();
    let sum = results.events_sha256.as_ref().map(|sum| format!(", event log sha256 {sum}"));
    plain(&format!(
        "run {}, cc-ci {}{commit}, engine {engine}{}",
        results.run_id,
        results.tool.version,
        sum.unwrap_or_default()
    ))
}

fn list(text: &mut String, title: &str, points: impl Iterator<Item = String>) {
    let points: Vec<String> = points.collect();
    if points.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    for point in points {
        let _ = writeln!(text, "- {point}");
    }
    text.push('\n');
}

fn section(text: &mut String, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        let _ = writeln!(text, "## {title}\n");
        table(text, head, rows);
    }
}

fn table(text: &mut String, head: &[&str], rows: Vec<Vec<String>>) {
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(head.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text.push('\n');
}
