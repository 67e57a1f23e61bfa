//! Why a stage says what it says: its checks, attempts that were made again, and its diagnosis.
//!
//! Tests: `explain/tests.rs`.

use cc_ci_model::evidence::Act;
use cc_ci_model::explain::{Decision, DecisionKind, EvidenceLine};
use cc_ci_model::outcome::Outcome;

use super::{Tracing, leaf};
use crate::assess::Check;
use crate::diagnosis::diagnosed;
use crate::flaky::flaky_of;
use crate::outcome::combine;
use crate::state::{ActRun, StageRun};
use crate::text::count;

impl Tracing<'_> {
    pub(super) fn stage(&self, run: &StageRun) -> Decision {
        let outcome = run.outcome();
        let all = run.checks().count();
        let (because, evidence) = match (&outcome, deciding_check(run, &outcome)) {
            (Outcome::Passed, _) => {
                let because = format!("{} passed{}", count(all, "check"), tries(run));
                (because, self.lines.of_stage(run))
            }
            (_, Some((act, check))) => {
                (format!("check {} {}", check.name, check.outcome.status()), self.lines.of_act(act))
            }
            (_, None) => {
                (outcome.reason().unwrap_or_default().to_owned(), self.lines.of_stage(run))
            }
        };
        let mut parts = self.earlier(run);
        parts.extend(self.checks(run.last_attempt()));
        parts.extend(self.diagnosis(run));
        Decision {
            kind: DecisionKind::Stage,
            name: run.stage.to_string(),
            app: run.app.clone(),
            status: Some(outcome.status()),
            because,
            evidence,
            parts,
        }
    }

    fn checks(&self, acts: &[ActRun]) -> Vec<Decision> {
        let of_act = |act: &ActRun| -> Vec<Decision> {
            act.checks.iter().map(|check| self.check(act, check)).collect()
        };
        acts.iter().flat_map(of_act).collect()
    }

    /// Attempts that were made again (STG-4).
    fn earlier(&self, run: &StageRun) -> Vec<Decision> {
        let mut attempts = run.attempts();
        attempts.pop();
        let decision = |(number, acts): (usize, &[ActRun])| {
            let outcome = combine(acts.iter().flat_map(|act| &act.checks).map(|one| &one.outcome));
            let because = outcome.reason().unwrap_or_default();
            let because = format!("{because}; the whole backup was taken again");
            let name = format!("attempt {number}");
            let lines = acts.last().map(|act| self.lines.of_act(act)).unwrap_or_default();
            let mut decision = leaf(DecisionKind::Attempt, name, because, lines);
            decision.status = Some(outcome.status());
            decision.parts = self.checks(acts);
            decision
        };
        (1..).zip(attempts).map(decision).collect()
    }

    fn check(&self, act: &ActRun, check: &Check) -> Decision {
        let because = check.outcome.reason().filter(|reason| !reason.is_empty());
        let because = because.unwrap_or(&check.detail);
        let mut decision = leaf(DecisionKind::Check, &check.name, because, self.lines.of_act(act));
        decision.status = Some(check.outcome.status());
        decision
    }

    /// Why a stage is red: from the act that decided, and from what was gathered after it.
    fn diagnosis(&self, run: &StageRun) -> Option<Decision> {
        let told = diagnosed(self.plan, self.state, run)?;
        let outcome = run.outcome();
        let decided = deciding_check(run, &outcome).map(|(act, _)| self.lines.of_act(act));
        let examined = run.act(Act::Examine).map(|act| self.lines.of_act(act));
        let lines: Vec<EvidenceLine> = decided.into_iter().chain(examined).flatten().collect();
        let lines = if lines.is_empty() { self.lines.of_stage(run) } else { lines };
        let because = format!("{}: {}. Try next: {}", told.class, told.message, told.next);
        let mut decision = leaf(DecisionKind::Diagnosis, "diagnosis", because, lines);
        decision.status = Some(told.status);
        Some(decision)
    }
}

/// How often a stage was tried, if that was more than once, and whether that is worth a doubt.
fn tries(run: &StageRun) -> String {
    let flaky = if flaky_of(run).is_empty() { "" } else { ": flaky" };
    match run.attempts().len() {
        0 | 1 => String::new(),
        more => format!(" at attempt {more}{flaky}"),
    }
}

/// The check whose outcome is the stage's.
pub(super) fn deciding_check<'a>(
    run: &'a StageRun,
    outcome: &Outcome,
) -> Option<(&'a ActRun, &'a Check)> {
    let acts = run.last_attempt().iter();
    let mut all = acts.flat_map(|act| act.checks.iter().map(move |check| (act, check)));
    all.find(|(_, check)| check.outcome == *outcome)
}
