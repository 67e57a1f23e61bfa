//! Why a run says what it says (RES-8): each yes and no with the lines of the log it stands on.
//!
//! Nothing is decided here. Outcomes come from [`crate::verdict`], the reducer the run itself
//! used; what is added is which part of them decided, and where in the log that stands.
//!
//! Tests: `explain/tests.rs`; every scenario of the engine compares a trace with its results.

mod essence;
mod lines;
mod narrow;
mod stage;
#[cfg(test)]
mod tests;

use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::explain::{Decision, DecisionKind, EvidenceLine, TRACE_SCHEMA_VERSION, Trace};
use cc_ci_model::outcome::{Outcome, Status};
use cc_ci_model::plan::{BaseChoice, Doing, Plan, PlannedStage};
use cc_ci_model::stage::{Rung, Stage};

use crate::flaky::flaky;
use crate::obligations::{Proof, proofs};
use crate::state::RunState;
use crate::text::count;
use crate::verdict::{Judgement, verdict};
use lines::Lines;
use stage::deciding_check;

pub use narrow::{names, narrowed};

/// The trace of a run; `state` is that of `events`.
pub fn explain(plan: &Plan, state: &RunState, events: &[Event]) -> Trace {
    let judgement = verdict(plan, state);
    let tracing = Tracing { plan, state, lines: Lines::of(events, state), judgement: &judgement };
    let mut decisions = vec![tracing.verdict()];
    decisions.extend(Rung::ALL.into_iter().map(|rung| tracing.rung(rung)));
    decisions.extend(tracing.stages(|stage| stage.rung().is_none()));
    decisions.extend(tracing.choices());
    Trace {
        schema_version: TRACE_SCHEMA_VERSION,
        is_final: state.seal.is_some() && state.damage.is_none(),
        run_id: plan.run_id.clone(),
        recipe: plan.recipe.clone(),
        verdict: judgement.verdict,
        level: judgement.level,
        decisions,
    }
}

struct Tracing<'a> {
    plan: &'a Plan,
    state: &'a RunState,
    lines: Lines<'a>,
    judgement: &'a Judgement,
}

/// A decision without parts.
fn leaf(
    kind: DecisionKind,
    name: impl Into<String>,
    because: impl Into<String>,
    evidence: Vec<EvidenceLine>,
) -> Decision {
    let (name, because) = (name.into(), because.into());
    Decision { kind, name, app: None, status: None, because, evidence, parts: Vec::new() }
}

impl<'a> Tracing<'a> {
    fn verdict(&self) -> Decision {
        let conditions = &self.judgement.conditions;
        let because = match conditions.len() {
            0 if !flaky(self.state).is_empty() => {
                "nothing speaks against it, but something passed only when it was tried again"
                    .to_owned()
            }
            0 => "nothing speaks against it".to_owned(),
            many => format!(
                "{} against a pass",
                one_or_many(many, "condition speaks", "conditions speak")
            ),
        };
        let mut decision = leaf(
            DecisionKind::Verdict,
            self.judgement.verdict.as_str(),
            because,
            self.lines.last(),
        );
        decision.parts = conditions
            .iter()
            .map(|condition| {
                let place = condition.place.as_deref().unwrap_or("run");
                let because = format!("{} (exit code {})", condition.message, condition.code);
                leaf(DecisionKind::Condition, place, because, self.at(place))
            })
            .collect();
        decision
    }

    /// The lines a condition stands on, by its place.
    fn at(&self, place: &str) -> Vec<EvidenceLine> {
        // A rung and its stage have one name: the one that did not pass is meant.
        let has_passed =
            |stage: &Stage| self.judgement.stages.get(stage).is_some_and(Outcome::is_passed);
        let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == place);
        let stage = stage.filter(|stage| stage.rung().is_none() || !has_passed(stage));
        let rung = Rung::ALL.into_iter().find(|rung| rung.as_str() == place);
        match (place, stage, rung) {
            (_, Some(stage), _) => self.of_stage_outcome(stage),
            (_, None, Some(rung)) => self.of_rung_outcome(rung).1,
            ("run", ..) => {
                self.lines.last_of(|kind| matches!(kind, EventKind::CancelRequested { .. }))
            }
            ("cleanup", ..) => {
                self.lines.last_of(|kind| matches!(kind, EventKind::InventoryTaken { .. }))
            }
            ("level", ..) => self
                .judgement
                .level_cap_rung
                .map_or(Vec::new(), |rung| self.of_rung_outcome(rung).1),
            _ => self.lines.last(),
        }
    }

    fn rung(&self, rung: Rung) -> Decision {
        let (because, evidence) = self.of_rung_outcome(rung);
        let mut decision = leaf(DecisionKind::Rung, rung.as_str(), because, evidence);
        decision.status = Some(self.judgement.rungs[&rung].status());
        decision.parts = self.stages(|stage| stage.rung() == Some(rung));
        let due = proofs(self.plan, self.state).into_iter();
        let due = due.filter(|proof| proof.obligation.rung == rung);
        decision.parts.extend(due.map(|proof| self.obligation(&proof)));
        decision
    }

    /// What decided about a rung, and where that stands.
    fn of_rung_outcome(&self, rung: Rung) -> (String, Vec<EvidenceLine>) {
        let outcome = &self.judgement.rungs[&rung];
        let stages = rung
            .stages()
            .iter()
            .filter_map(|stage| Some((stage, self.judgement.stages.get(stage)?)));
        let deciding = stages.clone().find(|(_, of)| of.status() == outcome.status());
        let stands_in = rung == Rung::Install && !self.plan.fresh_head;
        match (outcome, deciding) {
            (Outcome::Passed, _) if stands_in => self.stood_in_for(),
            (Outcome::Passed, _) => {
                let proofs = proofs(self.plan, self.state).into_iter();
                let shown = proofs.filter(|proof| proof.obligation.rung == rung).count();
                let names: Vec<&str> = stages.map(|(stage, _)| stage.as_str()).collect();
                let names = one_or_more("stage", "stages", &names);
                let shown = count(shown, "thing");
                (
                    format!("{names} passed, and {shown} that had to be shown were shown"),
                    self.ends(rung),
                )
            }
            (Outcome::Skipped { reason, intended: true }, _) => {
                (format!("the pack says that it does not apply: {reason}"), self.lines.plan())
            }
            (Outcome::Blocked { by }, Some((stage, _))) => {
                (blocked(by), self.of_stage_outcome(*stage))
            }
            (_, Some((stage, of))) if !stands_in => {
                let reason = of.reason().unwrap_or_default();
                let word = of.status().as_str();
                let has_run = self.state.runs_of(*stage).next().is_some();
                let because =
                    if has_run { format!("stage {stage} {word}") } else { reason.to_owned() };
                (because, self.of_stage_outcome(*stage))
            }
            (_, _) => self.unproven(rung, outcome),
        }
    }

    /// Every stage passed, and yet the rung did not.
    fn unproven(&self, rung: Rung, outcome: &Outcome) -> (String, Vec<EvidenceLine>) {
        let reason = outcome.reason().unwrap_or_default();
        let all = proofs(self.plan, self.state);
        let unmet = all.iter().find(|proof| proof.obligation.rung == rung && !proof.obligation.met);
        match (outcome, unmet) {
            (Outcome::Unverified { .. }, Some(proof)) => (
                format!("its stages passed, but not everything was shown: {reason}"),
                self.of_proof(proof),
            ),
            _ => (reason.to_owned(), self.lines.plan()),
        }
    }

    fn stood_in_for(&self) -> (String, Vec<EvidenceLine>) {
        let again = self.state.runs_of(Stage::Reinstall).next().is_some();
        let stage = if again { Stage::Reinstall } else { Stage::Upgrade };
        let because =
            format!("no fresh install was wanted; stage {stage} passed and stands for it");
        (because, self.of_stage_outcome(stage))
    }

    /// Where the stages of a rung ended.
    fn ends(&self, rung: Rung) -> Vec<EvidenceLine> {
        let runs = rung.stages().iter().flat_map(|stage| self.state.runs_of(*stage));
        runs.flat_map(|run| self.lines.end_of(run)).collect()
    }

    /// Stages as they ran, then those of the plan that did not.
    fn stages(&self, is_wanted: impl Fn(Stage) -> bool) -> Vec<Decision> {
        let ran = self.state.stages.iter().filter(|run| is_wanted(run.stage));
        let missing = self.plan.stages.iter().filter(|planned| {
            is_wanted(planned.stage) && self.state.runs_of(planned.stage).next().is_none()
        });
        ran.map(|run| self.stage(run)).chain(missing.map(|planned| self.missing(planned))).collect()
    }

    /// A stage of the plan that did not run.
    fn missing(&self, planned: &PlannedStage) -> Decision {
        let stage = planned.stage;
        let ended = Outcome::Blocked { by: "the run ended before it".into() };
        let outcome = match &planned.doing {
            Doing::Not { outcome } => outcome,
            Doing::Run => self.judgement.stages.get(&stage).unwrap_or(&ended),
        };
        let because = match outcome {
            Outcome::Blocked { by } => blocked(by),
            Outcome::Passed
            | Outcome::Failed { .. }
            | Outcome::Errored { .. }
            | Outcome::Unverified { .. }
            | Outcome::Skipped { .. }
            | Outcome::NotApplicable { .. } => outcome.reason().unwrap_or_default().to_owned(),
        };
        let mut decision =
            leaf(DecisionKind::Stage, stage.as_str(), because, self.of_stage_outcome(stage));
        decision.status = Some(outcome.status());
        decision
    }

    /// The lines that decided about a stage, whether it ran or not.
    fn of_stage_outcome(&self, stage: Stage) -> Vec<EvidenceLine> {
        let outcome = self.judgement.stages.get(&stage);
        let runs = self.state.runs_of(stage);
        let deciding =
            runs.filter(|run| Some(run.outcome().status()) == outcome.map(Outcome::status));
        if let Some(run) = deciding.last() {
            return match deciding_check(run, &run.outcome()) {
                Some((act, _)) if !run.outcome().is_passed() => self.lines.of_act(act),
                _ => self.lines.end_of(run),
            };
        }
        match (self.plan.doing(stage), outcome) {
            (Some(Doing::Run), Some(Outcome::Blocked { by })) => self.blocker(by),
            _ => self.lines.plan(),
        }
    }

    fn blocker(&self, by: &str) -> Vec<EvidenceLine> {
        match Stage::ALL.into_iter().find(|stage| stage.as_str() == by) {
            Some(stage) => self.of_stage_outcome(stage),
            None if self.state.is_cancelled() => self.at("run"),
            None => self.lines.last(),
        }
    }

    fn obligation(&self, proof: &Proof<'a>) -> Decision {
        let due = &proof.obligation;
        let mut decision =
            leaf(DecisionKind::Obligation, &due.name, &due.evidence, self.of_proof(proof));
        decision.status = Some(if due.met { Status::Passed } else { Status::Unverified });
        decision
    }

    /// What shows an obligation, or where its stage ended without it.
    fn of_proof(&self, proof: &Proof<'a>) -> Vec<EvidenceLine> {
        let acts: Vec<_> = proof.stands_on.iter().flat_map(|act| self.lines.of_act(act)).collect();
        if acts.is_empty() {
            proof.run.map_or(Vec::new(), |run| self.lines.end_of(run))
        } else {
            acts
        }
    }

    /// What the plan chose.
    fn choices(&self) -> Vec<Decision> {
        let base = match &self.plan.base {
            BaseChoice::Release(base) => {
                format!("{} at {}: {}", base.version, base.commit.short(), base.why)
            }
            BaseChoice::None { why } => format!("none: {why}"),
        };
        let gate = self.plan.gate.iter().map(|gate| {
            let asked =
                format!("service {} on port {}, path {}", gate.service, gate.port, gate.path);
            ("gate", format!("{asked}: {}", gate.why))
        });
        let adapted = self.plan.adaptations.iter();
        let adapted = adapted.map(|one| ("adaptation", format!("{}: {}", one.subject, one.why)));
        let all = [("base", base)].into_iter().chain(gate).chain(adapted);
        all.map(|(name, why)| leaf(DecisionKind::Choice, name, why, self.lines.plan())).collect()
    }
}

fn blocked(by: &str) -> String {
    if by.contains(' ') { by.to_owned() } else { format!("stage {by} stands in the way") }
}

fn one_or_many(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn one_or_more(one: &str, more: &str, names: &[&str]) -> String {
    format!("{} {}", if names.len() == 1 { one } else { more }, names.join(" and "))
}
