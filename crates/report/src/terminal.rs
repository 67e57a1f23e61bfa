//! The report in a terminal: what a tired person wants to know, in that order. What is it, what
//! stands, why not more, what may still be wrong, is the machine clean.
//!
//! Left to `results.json` and `report.md`: images and digests, met obligations, counts of
//! submissions (an odd one is an unmet obligation), details of checks that passed.
//!
//! Tests: `terminal/tests.rs`.

pub(crate) mod page;
#[cfg(test)]
mod tests;

use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::results::{CheckResult, Results, StageResult};

use crate::closer::{self, Around};
use crate::terminal::page::{Page, Paint, paint};
use crate::view::{self, Row, Said};
use crate::{diagnosis, upgrade, words};

/// How a report looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Columns to fill; kept between 40 and 120.
    pub width: usize,
}

/// The report of a run, with a line break at the end; with what to type to look closer, where
/// that is known.
pub fn report(results: &Results, around: Option<&Around>, style: Style) -> String {
    let mut page = Page::new(style);
    let mut said = Said::default();
    headline(&mut page, results);
    page.blank();
    for row in view::ladder(results) {
        rung(&mut page, &row);
        if let Some(result) = results.rungs.get(&row.rung) {
            said.say_rung(row.rung, result);
        }
    }
    diagnosis::show(&mut page, results, around, &mut said);
    stages(&mut page, results, &mut said);
    let open =
        view::unproven(results).map(|due| format!("{}: {}: {}", due.rung, due.name, due.evidence));
    page.list("still to be proven", fresh(open, &mut said));
    page.list(
        "flaky: passed only when tried again",
        fresh(view::flaky(results).into_iter(), &mut said),
    );
    page.list("conditions", conditions(results, &mut said));
    page.list("the upgrade changes", changes(results));
    let reached = results.availability.iter().map(|one| one.told.clone());
    page.list("while it was upgraded", fresh(reached, &mut said));
    page.list("an operator has to", results.operator_steps.iter().map(upgrade::step).collect());
    let warnings = results.warnings.iter().map(|warning| warning.message.clone());
    page.list("warnings", fresh(warnings.chain(view::restarts(results)), &mut said));
    page.list("this proves", fresh(results.proves.iter().cloned(), &mut said));
    page.list("this does not prove", fresh(results.does_not_prove.iter().cloned(), &mut said));
    let adapted = view::adaptations(results).map(|one| format!("{}: {}", one.subject, one.why));
    page.list("changed for this host", fresh(adapted, &mut said));
    looks(&mut page, results, around);
    cleanup(&mut page, results, around);
    page.finish()
}

/// Commands are not wrapped and not coloured: they are copied.
fn looks(page: &mut Page, results: &Results, around: Option<&Around>) {
    let all = around.map(|around| closer::looks(results, around)).unwrap_or_default();
    if all.is_empty() {
        return;
    }
    page.title("to look closer");
    for look in all {
        let why = page.paint(&format!("# {}", words::harmless(&look.why)), Paint::Dim);
        page.line(2, &why);
        page.line(2, &look.command);
    }
}

/// Changes that are shown; the rest is in `report.md`.
const CHANGES: usize = 10;

fn changes(results: &Results) -> Vec<String> {
    let mut all: Vec<String> = results.difference.iter().flat_map(upgrade::changes).collect();
    if all.len() > CHANGES + 1 {
        let more = all.split_off(CHANGES).len();
        all.push(format!("and {more} more: see report.md"));
    }
    all
}

/// Texts the report does not hold yet.
fn fresh(texts: impl Iterator<Item = String>, said: &mut Said) -> Vec<String> {
    texts.filter(|text| said.is_new(text)).collect()
}

fn headline(page: &mut Page, results: &Results) {
    let word = words::verdict(results.verdict);
    let took = view::took_ms(results).map(|ms| format!(", {}", words::duration(ms)));
    let text =
        format!("{}: {}{}", view::subject(results), view::level(results), took.unwrap_or_default());
    let paint = match results.verdict {
        Verdict::Pass => Paint::Green,
        Verdict::Fail => Paint::Red,
        Verdict::Unverified | Verdict::Error | Verdict::Cancelled => Paint::Yellow,
    };
    let indent = word.chars().count() + 2;
    page.hanging(&format!("{}  ", page.strong(word, paint)), indent, &text);
    page.block(indent, &view::origin(results));
    page.block(indent, &format!("run {}", results.run_id));
    for reservation in view::reservations(results) {
        page.block(indent, reservation);
    }
}

/// One line if the reason fits on it, else the reason below.
fn rung(page: &mut Page, row: &Row) {
    let paint = paint(row.status);
    let start = format!(
        "{} {:2} {:14}  {}",
        page.paint(&words::mark(row.status).to_string(), paint),
        row.label,
        row.rung.as_str(),
        page.paint(words::status(row.status), paint)
    );
    let Some(reason) = &row.reason else {
        return page.line(2, &start);
    };
    let reason = words::harmless(reason);
    let gap = RUNG_WORD.saturating_sub(words::status(row.status).chars().count());
    let at = 2 + 5 + 14 + 2 + RUNG_WORD;
    if !reason.contains('\n') && at + reason.chars().count() <= page.width() {
        page.line(2, &format!("{start}{}{reason}", " ".repeat(gap)));
    } else {
        page.line(2, &start);
        page.block(7, &reason);
    }
}

/// Room for the word of a status, and two columns.
const RUNG_WORD: usize = 12;

fn stages(page: &mut Page, results: &Results, said: &mut Said) {
    let (ran, missing): (Vec<&StageResult>, Vec<&StageResult>) =
        results.stages.iter().partition(|stage| stage.started_at.is_some());
    // A stage that did not run is worth a line only if the ladder did not say why.
    let reason_of = |stage: &StageResult| stage.reason.clone().unwrap_or_default();
    let missing: Vec<_> =
        missing.into_iter().filter(|stage| said.is_new(&reason_of(stage))).collect();
    if ran.is_empty() && missing.is_empty() {
        return;
    }
    page.title("stages");
    for stage in ran {
        stage_line(page, stage);
        for earlier in view::earlier(results, stage) {
            page.block(6, &words::harmless(&earlier));
        }
        let checks: Vec<&CheckResult> =
            stage.checks.iter().filter(|check| is_bad(check.status)).collect();
        let reason = reason_of(stage);
        let is_told = checks.iter().any(|check| check.detail == reason);
        if !is_told && said.is_new(&reason) {
            page.block(6, &words::harmless(&reason));
        }
        for check in checks {
            check_block(page, check, said);
        }
    }
    for stage in missing {
        stage_line(page, stage);
        page.block(6, &words::harmless(&reason_of(stage)));
    }
}

fn stage_line(page: &mut Page, stage: &StageResult) {
    let paint = paint(stage.status);
    let duration = stage.duration_ms.map(words::duration).unwrap_or_default();
    let app = stage.app.as_ref().map(ToString::to_string).unwrap_or_default();
    let mark = page.paint(&words::mark(stage.status).to_string(), paint);
    let word = words::status(stage.status);
    let gap = " ".repeat(RUNG_WORD.saturating_sub(word.chars().count()));
    let word = page.paint(word, paint);
    let line = format!(
        "{mark} {:10} {app:8}  {word}{gap}{duration:>12}  {}",
        stage.name,
        view::checks(stage)
    );
    page.line(2, line.trim_end());
}

/// Whether a check is told in full.
fn is_bad(status: Status) -> bool {
    match status {
        Status::Failed | Status::Errored | Status::Unverified | Status::Blocked => true,
        Status::Passed | Status::Skipped | Status::NotApplicable => false,
    }
}

fn check_block(page: &mut Page, check: &CheckResult, said: &mut Said) {
    let mark = page.paint(&words::mark(check.status).to_string(), paint(check.status));
    let detail = words::harmless(&check.detail);
    let text = if detail.trim().is_empty() {
        format!("{}: {}", check.name, words::status(check.status))
    } else if said.is_new(&check.detail) {
        format!("{}: {detail}", check.name)
    } else {
        format!("{}: as said above", check.name)
    };
    page.hanging(&format!("      {mark} "), 8, &text);
}

/// What speaks for another exit code than 0 and was not told as the reason of a rung or stage.
fn conditions(results: &Results, said: &mut Said) -> Vec<String> {
    let own =
        results.conditions.iter().filter(|condition| condition.kind != ExitKind::CleanupIncomplete);
    own.filter(|condition| said.is_new(&condition.message))
        .map(|condition| {
            let place =
                condition.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
            format!("{place}{} (exit code {})", condition.message, condition.code)
        })
        .collect()
}

fn cleanup(page: &mut Page, results: &Results, around: Option<&Around>) {
    page.blank();
    let (text, command) = view::cleanup(results, around);
    let text = words::harmless(&text);
    if results.cleanup.complete {
        page.block(0, &text);
    } else {
        let mark = page.strong("!", Paint::Red);
        page.hanging(&format!("{mark} "), 2, &text);
    }
    if let Some(command) = command {
        page.line(2, &command);
    }
}
