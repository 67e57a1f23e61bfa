//! Why a run is red (RES-7), as a person reads it: the class, what happened, what to try, and the
//! lines it stands on. In the terminal's report, in `report.md`, and alone as `diagnosis.md`.
//!
//! Tests: at the end of this file, and the reports as a whole.

use std::fmt::Write as _;

use cc_ci_model::diagnosis::Diagnosis;
use cc_ci_model::results::Results;

use crate::closer::Around;
use crate::markdown::escape::{fenced, fenced_as, plain};
use crate::terminal::page::Page;
use crate::view::{self, Said};
use crate::words;

/// Lines of evidence in a terminal; the rest is in `diagnosis.md`.
const LINES: usize = 16;

/// Part of the terminal's report. How to have it again is said there only where the command that
/// was typed is not known.
pub(crate) fn show(page: &mut Page, results: &Results, around: Option<&Around>, said: &mut Said) {
    let knows_command = around.is_some_and(|around| around.again.is_some());
    for one in &results.diagnosis {
        page.title(&title(one));
        let message = words::harmless(&one.message);
        if said.is_new(&one.message) {
            page.block(2, &message);
        }
        page.hanging("  try next: ", 12, &words::harmless(&one.next));
        for line in one.evidence.iter().take(LINES) {
            page.hanging("    ", 8, &words::harmless(line));
        }
        let more = one.evidence.len().saturating_sub(LINES);
        if more > 0 {
            page.line(4, &format!("and {more} more: see diagnosis.md"));
        }
        if !knows_command {
            page.line(2, &format!("the same again: {}", words::harmless(&one.reproduce)));
        }
    }
}

/// `why install failed: health`.
fn title(one: &Diagnosis) -> String {
    let class = one.class.as_str().replace('_', " ");
    format!("why {} {}: {class}", one.stage, verb(one))
}

fn verb(one: &Diagnosis) -> String {
    match words::status(one.status) {
        "failed" => "failed".to_owned(),
        other => format!("is {other}"),
    }
}

/// Part of `report.md`.
pub(crate) fn section(text: &mut String, results: &Results) {
    for one in &results.diagnosis {
        let title = title(one);
        let (first, rest) = title.split_at(1);
        let _ = writeln!(text, "## {}{}\n", first.to_uppercase(), plain(rest));
        let _ = writeln!(text, "{}\n\n**Try next:** {}\n", plain(&one.message), plain(&one.next));
        if !one.evidence.is_empty() {
            let _ = writeln!(text, "{}", fenced(&one.evidence.join("\n")));
        }
        let again = fenced_as("sh", &one.reproduce);
        let _ = writeln!(text, "The same again:\n\n{again}");
    }
}

/// `diagnosis.md`; `None` when nothing is red.
pub fn markdown(results: &Results) -> Option<String> {
    if results.diagnosis.is_empty() {
        return None;
    }
    let verdict = words::verdict(results.verdict);
    let mut text = format!("# {verdict}: {}\n\n", plain(&view::subject(results)));
    let _ = writeln!(text, "{}, run {}.\n", plain(&view::origin(results)), results.run_id);
    section(&mut text, results);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn nothing_red_has_no_diagnosis() {
        assert_eq!(markdown(&samples::green()), None);
    }

    #[test]
    fn words_of_an_app_are_no_markup() {
        let mut red = samples::red();
        red.diagnosis[0].message = "service app: <script>".into();
        red.diagnosis[0].evidence = vec!["app | ```".into(), "app | \u{1b}[31mred".into()];
        let text = markdown(&red).expect("it is red");
        assert!(text.contains("\\<script\\>"), "{text}");
        assert!(text.contains("````text\napp | ```\napp | red\n````"), "{text}");
    }
}
