//! The published answer of a run, from plan and state alone.

use std::collections::BTreeMap;

use cc_ci_model::diagnosis::{CauseClass, Diagnosis};
use cc_ci_model::event::Tool;
use cc_ci_model::evidence::{Act, Evidence, ImageFound, ImageSeen};
use cc_ci_model::meter::Availability;
use cc_ci_model::name::AppId;
use cc_ci_model::outcome::{Outcome, Status};
use cc_ci_model::plan::{BaseChoice, Doing, Finding, Plan};
use cc_ci_model::results::{
    AttemptResult, BaseResult, CheckResult, Cleanup, HeadResult, ImageResult,
    RESULTS_SCHEMA_VERSION, Results, RungResult, ServiceResult, Skips, StageResult,
};
use cc_ci_model::stack::TaskState;
use cc_ci_model::stage::{Rung, Stage};

use crate::diagnosis::diagnoses;
use crate::flaky::flaky;
use crate::meter;
use crate::obligations::deploy_counts;
use crate::outcome::combine;
use crate::proves;
use crate::state::{ActRun, RunState, StageRun};
use crate::verdict::{Judgement, not_kept, verdict};

/// The published answer.
pub fn results(plan: &Plan, state: &RunState) -> Results {
    let judgement = verdict(plan, state);
    let diagnosis = diagnoses(plan, state);
    Results {
        schema_version: RESULTS_SCHEMA_VERSION,
        is_final: state.seal.is_some() && state.damage.is_none(),
        partial: plan.partial,
        run_id: plan.run_id.clone(),
        recipe: plan.recipe.clone(),
        head: head(plan),
        base: base(plan),
        engine: plan.engine.clone(),
        adaptations: plan.adaptations.clone(),
        verdict: judgement.verdict,
        conditions: judgement.conditions.clone(),
        level: judgement.level,
        level_cap_rung: judgement.level_cap_rung,
        rungs: judgement
            .rungs
            .iter()
            .map(|(rung, outcome)| (*rung, rung_result(*rung, outcome, &diagnosis)))
            .collect(),
        skips: skips(&judgement.rungs),
        stages: stages(plan, state, &judgement),
        diagnosis,
        deploys: deploy_counts(plan, state),
        obligations: judgement.obligations.clone(),
        difference: plan.difference.clone(),
        operator_steps: plan.operator_steps.clone(),
        availability: availability(plan, state),
        images: images(state),
        services: services(state),
        warnings: warnings(plan, state, &judgement),
        proves: proves::proves(plan, state, &judgement),
        does_not_prove: proves::does_not_prove(plan, state, &judgement),
        flaky: flaky(state),
        restore_mode: plan.restore_mode,
        cleanup: cleanup(plan, state),
        events_sha256: state.seal.clone(),
        tool: state.tool.clone().unwrap_or(Tool { version: "unknown".into(), commit: None }),
    }
}

fn head(plan: &Plan) -> HeadResult {
    HeadResult {
        reference: plan.head.reference.clone(),
        commit: plan.head.commit.clone(),
        version: plan.head.version.clone(),
        dirty_of: plan.head.dirty_of.clone(),
    }
}

fn base(plan: &Plan) -> Option<BaseResult> {
    match &plan.base {
        BaseChoice::Release(base) => {
            Some(BaseResult { version: base.version.to_string(), commit: base.commit.clone() })
        }
        BaseChoice::None { .. } => None,
    }
}

/// The kind of cause of a red rung: of the stage that decided it.
fn class_of(rung: Rung, outcome: &Outcome, diagnosis: &[Diagnosis]) -> Option<CauseClass> {
    let is_red = matches!(outcome.status(), Status::Failed | Status::Errored | Status::Unverified);
    let of_rung = || diagnosis.iter().filter(|one| is_red && one.rung == Some(rung));
    let decided = of_rung().find(|one| one.status == outcome.status());
    decided.map(|one| one.class)
}

fn rung_result(rung: Rung, outcome: &Outcome, diagnosis: &[Diagnosis]) -> RungResult {
    let (by, intended) = match outcome {
        Outcome::Blocked { by } => (Some(by.clone()), None),
        Outcome::Skipped { intended, .. } => (None, Some(*intended)),
        Outcome::Passed
        | Outcome::Failed { .. }
        | Outcome::Errored { .. }
        | Outcome::Unverified { .. }
        | Outcome::NotApplicable { .. } => (None, None),
    };
    RungResult {
        status: outcome.status(),
        reason: outcome.reason().map(str::to_owned),
        by,
        intended,
        class: class_of(rung, outcome, diagnosis),
    }
}

fn skips(rungs: &BTreeMap<Rung, Outcome>) -> Skips {
    let mut skips = Skips::default();
    for (rung, outcome) in rungs {
        if let Outcome::Skipped { intended, .. } = outcome {
            let list = if *intended { &mut skips.intentional } else { &mut skips.unintentional };
            list.push(*rung);
        }
    }
    skips
}

fn stages(plan: &Plan, state: &RunState, judgement: &Judgement) -> Vec<StageResult> {
    let ran = state.stages.iter().map(stage_result);
    let not_run = plan
        .stages
        .iter()
        .filter(|planned| state.runs_of(planned.stage).next().is_none())
        .map(|planned| missing_stage(planned.stage, &planned.doing, judgement));
    ran.chain(not_run).collect()
}

fn stage_result(run: &StageRun) -> StageResult {
    let outcome = run.outcome();
    StageResult {
        name: run.stage.to_string(),
        app: run.app.clone(),
        status: outcome.status(),
        reason: outcome.reason().map(str::to_owned),
        started_at: Some(run.began_at),
        duration_ms: run
            .ended_at
            .map(|end| u64::try_from(end.since(run.began_at).as_millis()).unwrap_or(u64::MAX)),
        checks: run.checks().map(|check| check_result(run.app.as_ref(), check)).collect(),
        attempts: u32::try_from(run.attempts().len()).unwrap_or(u32::MAX),
        earlier: earlier(run),
    }
}

/// Attempts that were made again.
fn earlier(run: &StageRun) -> Vec<AttemptResult> {
    let mut attempts = run.attempts();
    attempts.pop();
    let result = |(attempt, acts): (u32, &[ActRun])| {
        let checks = || acts.iter().flat_map(|act| &act.checks);
        let outcome = combine(checks().map(|check| &check.outcome));
        AttemptResult {
            attempt,
            status: outcome.status(),
            reason: outcome.reason().map(str::to_owned),
            checks: checks().map(|check| check_result(run.app.as_ref(), check)).collect(),
        }
    };
    (1..).zip(attempts).map(result).collect()
}

fn check_result(app: Option<&AppId>, check: &crate::assess::Check) -> CheckResult {
    CheckResult {
        name: check.name.clone(),
        app: app.cloned(),
        status: check.outcome.status(),
        detail: check.detail.clone(),
    }
}

fn missing_stage(stage: Stage, doing: &Doing, judgement: &Judgement) -> StageResult {
    let planned = match doing {
        Doing::Not { outcome } => Some(outcome),
        Doing::Run => judgement.stages.get(&stage),
    };
    let ended = Outcome::Blocked { by: "the run ended before it".into() };
    let outcome = planned.unwrap_or(&ended);
    let reason = match (outcome.reason(), outcome) {
        (None, Outcome::Blocked { by }) => Some(format!("by {by}")),
        (reason, _) => reason.map(str::to_owned),
    };
    StageResult {
        name: stage.to_string(),
        app: None,
        status: outcome.status(),
        reason,
        started_at: None,
        duration_ms: None,
        checks: Vec::new(),
        attempts: 0,
        earlier: Vec::new(),
    }
}

fn availability(plan: &Plan, state: &RunState) -> Option<Availability> {
    let run = state.runs_of(Stage::Upgrade).last()?;
    let Some(Evidence::Metered { seen: Some(seen) }) = &run.act(Act::Meter)?.evidence else {
        return None;
    };
    Some(Availability {
        app: run.app.clone()?,
        service: seen.service.clone(),
        samples: seen.samples,
        interval_ms: seen.interval_ms,
        failed: meter::failed(seen),
        unknown: seen.unknown,
        down_ms: meter::down_ms(seen),
        longest_gap_ms: meter::longest_ms(seen),
        budget_ms: plan.downtime_budget_ms,
        told: meter::told(plan, seen),
    })
}

fn images(state: &RunState) -> Vec<ImageResult> {
    let mut images: Vec<ImageResult> = Vec::new();
    for run in &state.stages {
        for act in &run.acts {
            if let Some(Evidence::Images { images: seen }) = &act.evidence {
                images.extend(seen.iter().map(|image| image_result(run.app.as_ref(), image)));
            }
        }
    }
    images
}

fn image_result(app: Option<&AppId>, image: &ImageSeen) -> ImageResult {
    let digest = match &image.found {
        ImageFound::Present { id, digest, .. } => {
            Some(digest.clone().unwrap_or_else(|| id.clone()))
        }
        ImageFound::LocalOnly { id, .. } => Some(id.clone()),
        ImageFound::NotFound { .. }
        | ImageFound::Denied { .. }
        | ImageFound::Unreachable { .. } => None,
    };
    ImageResult {
        app: app.cloned(),
        service: image.service.clone(),
        reference: image.reference.clone(),
        digest,
    }
}

/// Restarts as counted from the closing looks.
fn services(state: &RunState) -> Vec<ServiceResult> {
    let mut counts: BTreeMap<(AppId, String), u32> = BTreeMap::new();
    for run in &state.stages {
        let Some(app) = &run.app else { continue };
        for act in &run.acts {
            let Some(Evidence::Observed(seen)) = &act.evidence else {
                continue;
            };
            for service in seen.facts.iter().flat_map(|facts| &facts.services) {
                let failed = seen.facts.iter().flat_map(|facts| facts.tasks_of(&service.name));
                let failed = failed.filter(|task| task.state == TaskState::Failed).count();
                let count = counts.entry((app.clone(), service.name.clone())).or_default();
                *count = (*count).max(u32::try_from(failed).unwrap_or(u32::MAX));
            }
        }
    }
    counts
        .into_iter()
        .map(|((app, name), restarts)| ServiceResult { app, name, restarts })
        .collect()
}

fn warnings(plan: &Plan, state: &RunState, judgement: &Judgement) -> Vec<Finding> {
    let seen = state.stages.iter().flat_map(|run| &run.acts).flat_map(|act| &act.warnings);
    let mut all: Vec<Finding> = Vec::new();
    let stale = stale_declarations(plan, judgement);
    for finding in plan.warnings.iter().chain(seen).chain(&state.notes).chain(&stale) {
        if !all.contains(finding) {
            all.push(finding.clone());
        }
    }
    all
}

/// VER-4: a rung that was declared not to apply, and was exercised all the same.
fn stale_declarations(plan: &Plan, judgement: &Judgement) -> Vec<Finding> {
    let exercised = plan.expected_na.iter().filter(|(rung, _)| {
        let outcome = &judgement.rungs[rung];
        !matches!(outcome.status(), Status::Skipped | Status::Blocked | Status::NotApplicable)
    });
    exercised
        .map(|(rung, reason)| {
            let message = format!(
                "the pack declares {rung} not to apply (`{reason}`), but it was exercised: the declaration is stale"
            );
            Finding::new("stale_declaration", message, Some(rung.to_string()))
        })
        .collect()
}

fn cleanup(plan: &Plan, state: &RunState) -> Cleanup {
    match &state.inventory {
        Some((left, complete)) => {
            let complete = *complete && not_kept(plan, state, left).is_empty();
            Cleanup { complete, left: left.clone() }
        }
        None => Cleanup::default(),
    }
}
