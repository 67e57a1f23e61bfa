//! A trace as `cc-ci explain` prints it: rung, stage, check, because, line. Read at night by
//! somebody who wants to know why, so what decided comes first, and what is good is brief.
//!
//! Tests: `explain/tests.rs`.

#[cfg(test)]
mod tests;

use cc_ci_model::explain::{Decision, DecisionKind, EvidenceLine, Trace};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::stage::Rung;

use crate::terminal::Style;
use crate::terminal::page::{Page, Paint, paint};
use crate::view::Said;
use crate::words;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What is good in one line each.
    Overview,
    /// Every decision with what its lines say.
    Everything,
}

/// The trace, with a line break at the end.
pub fn text(trace: &Trace, style: Style, depth: Depth) -> String {
    let mut page = Page::new(style);
    headline(&mut page, trace);
    let mut telling = Telling { page, depth, said: Said::default() };
    let mut before = None;
    for decision in &trace.decisions {
        telling.section(decision, before);
        before = Some(decision.kind);
    }
    telling.page.finish()
}

fn headline(page: &mut Page, trace: &Trace) {
    let word = words::verdict(trace.verdict);
    let colour = match trace.verdict {
        Verdict::Pass => Paint::Green,
        Verdict::Fail => Paint::Red,
        Verdict::Unverified | Verdict::Error | Verdict::Cancelled => Paint::Yellow,
    };
    let text = format!(
        "{}: level {} of {}, run {}",
        trace.recipe,
        trace.level,
        Rung::ESSENTIAL.len(),
        trace.run_id
    );
    let start = format!("{}  ", page.strong(word, colour));
    page.hanging(&start, word.chars().count() + 2, &text);
    if !trace.is_final {
        page.block(word.chars().count() + 2, "interim: the run has not come to its end");
    }
}

struct Telling {
    page: Page,
    depth: Depth,
    said: Said,
}

/// What is said again rather than referred to.
const SHORT: usize = 80;

impl Telling {
    /// A decision of the first order, with a title where a new kind begins.
    fn section(&mut self, decision: &Decision, before: Option<DecisionKind>) {
        let is_new = before != Some(decision.kind);
        match decision.kind {
            DecisionKind::Verdict => self.verdict(decision),
            DecisionKind::Rung => self.rung(decision),
            DecisionKind::Stage => {
                if is_new {
                    self.page.title("stages that are no part of a rung");
                }
                self.stage(decision, 2);
            }
            DecisionKind::Choice
            | DecisionKind::Condition
            | DecisionKind::Attempt
            | DecisionKind::Check
            | DecisionKind::Diagnosis
            | DecisionKind::Obligation => {
                if is_new {
                    self.page.title("what the plan chose");
                }
                let text = format!("{}: {}", decision.name, decision.because);
                self.page.hanging("  - ", 4, &placed(&text, decision));
            }
        }
    }

    fn verdict(&mut self, verdict: &Decision) {
        self.page.title("verdict");
        self.page.block(2, &placed(&verdict.because, verdict));
        for condition in &verdict.parts {
            // The reason travels from the check to here, and gets the exit code on its way.
            let reason = condition.because.rsplit_once(" (exit code ");
            self.said.say(reason.map_or(&*condition.because, |(reason, _)| reason));
            let text = format!("{}: {}", condition.name, condition.because);
            self.page.hanging("  - ", 4, &placed(&text, condition));
        }
    }

    fn rung(&mut self, rung: &Decision) {
        let status = rung.status.unwrap_or(Status::NotApplicable);
        let level = Rung::ESSENTIAL.iter().zip(1..).find(|(one, _)| one.as_str() == rung.name);
        if level.is_none() && status == Status::NotApplicable && self.depth == Depth::Overview {
            return;
        }
        let label = level.map(|(_, level)| format!("L{level} ")).unwrap_or_default();
        self.page.blank();
        let mark = self.page.paint(&words::mark(status).to_string(), paint(status));
        let name = self.page.bold(&format!("{label}{}", rung.name));
        let word = self.page.paint(words::status(status), paint(status));
        self.page.line(0, &format!("{mark} {name}  {word}"));
        self.page.block(4, &placed(&rung.because, rung));
        for stage in rung.parts.iter().filter(|part| part.kind == DecisionKind::Stage) {
            self.stage(stage, 4);
        }
        self.obligations(rung);
    }

    fn stage(&mut self, stage: &Decision, indent: usize) {
        let app = stage.app.as_ref().map(|app| format!(", app {app}")).unwrap_or_default();
        let word = words::status(stage.status.unwrap_or(Status::NotApplicable));
        let is_told = stage.because.contains(word);
        let word = if is_told { String::new() } else { format!("{word}: ") };
        let text = format!("stage {}{app}: {word}{}", stage.name, stage.because);
        self.told(stage, indent, &text, false);
        for part in &stage.parts {
            if part.kind == DecisionKind::Diagnosis {
                let text = format!("diagnosis: {}", part.because);
                self.told(part, indent + 4, &text, false);
                continue;
            }
            let is_attempt = part.kind == DecisionKind::Attempt;
            let text = format!("{}: {}", part.name, self.once(&part.because));
            self.told(part, indent + 4, &text, !is_attempt);
            let shows_all = self.depth == Depth::Everything;
            for check in part.parts.iter().filter(|_| shows_all) {
                let text = format!("{}: {}", check.name, check.because);
                self.told(check, indent + 8, &text, true);
            }
        }
    }

    /// Met ones are as many as there are, unless somebody wants to see everything.
    fn obligations(&mut self, rung: &Decision) {
        let due = || rung.parts.iter().filter(|part| part.kind == DecisionKind::Obligation);
        let is_met = |part: &&Decision| part.status == Some(Status::Passed);
        let (met, all) = (due().filter(is_met).count(), due().count());
        if all == 0 || met == all && self.depth == Depth::Overview {
            return;
        }
        self.page.block(4, &format!("{met} of {all} things that had to be shown were shown"));
        let shows_all = self.depth == Depth::Everything;
        for one in due().filter(|part| shows_all || !is_met(part)) {
            let not = if is_met(&one) { "" } else { "not shown: " };
            let text = format!("{not}{}: {}", one.name, self.once(&one.because));
            self.told(one, 8, &text, false);
        }
    }

    /// A long reason is read once.
    fn once<'a>(&mut self, because: &'a str) -> &'a str {
        let is_new = self.said.is_new(because);
        if is_new || because.chars().count() <= SHORT { because } else { "as said above" }
    }

    /// A decision, and below it what its lines say, where that is wanted.
    fn told(&mut self, decision: &Decision, indent: usize, text: &str, says: bool) {
        let status = decision.status.unwrap_or(Status::NotApplicable);
        let mark = self.page.paint(&words::mark(status).to_string(), paint(status));
        let start = format!("{}{mark} ", " ".repeat(indent));
        let is_good = matches!(status, Status::Passed | Status::Skipped | Status::NotApplicable);
        if !says || is_good && self.depth == Depth::Overview {
            return self.page.hanging(&start, indent + 2, &placed(text, decision));
        }
        self.page.hanging(&start, indent + 2, &words::harmless(text));
        for line in &decision.evidence {
            let text = format!("line {}, {}: {}", line.line, clock(line), line.says);
            self.page.block(indent + 4, &words::harmless(&text));
        }
    }
}

/// A text and the lines it stands on.
fn placed(text: &str, decision: &Decision) -> String {
    let numbers: Vec<String> = decision.evidence.iter().map(|line| line.line.to_string()).collect();
    let lines = match numbers.as_slice() {
        [] => String::new(),
        [one] => format!(" [line {one}]"),
        more => format!(" [lines {}]", more.join(", ")),
    };
    words::harmless(&format!("{}{lines}", text.trim_end()))
}

/// The time of day, UTC.
fn clock(line: &EvidenceLine) -> String {
    let at = line.at.to_string();
    at.split('T').nth(1).and_then(|time| time.get(..8)).unwrap_or_default().to_owned()
}
