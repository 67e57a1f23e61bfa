//! What sample runs are put together from.

#![expect(clippy::too_many_lines, reason = "these functions are data")]

use std::collections::BTreeMap;

use cc_ci_model::event::Tool;
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::plan::EngineId;
use cc_ci_model::results::{
    CheckResult, Cleanup, HeadResult, RESULTS_SCHEMA_VERSION, Results, RungResult, Skips,
    StageResult,
};
use cc_ci_model::stage::Rung;
use cc_ci_model::time::Timestamp;

/// Results of a run that did nothing, at level 0.
pub(super) fn nothing(recipe: &str, version: &str) -> Results {
    let mut rungs: BTreeMap<Rung, RungResult> =
        Rung::ALL.into_iter().map(|rung| (rung, passed())).collect();
    for rung in [Rung::Integration, Rung::RecipeLocal] {
        rungs.insert(
            rung,
            RungResult {
                status: Status::NotApplicable,
                reason: Some("nothing needs it".into()),
                ..passed()
            },
        );
    }
    Results {
        schema_version: RESULTS_SCHEMA_VERSION,
        is_final: true,
        partial: false,
        run_id: format!("20261124T053000-{recipe}-0a1b2c").parse().unwrap(),
        recipe: recipe.parse().unwrap(),
        head: HeadResult {
            reference: "main".into(),
            commit: "a".repeat(40).parse().unwrap(),
            version: Some(version.into()),
            dirty_of: None,
        },
        base: None,
        engine: EngineId { name: "native".into(), version: "0.1.0".into() },
        adaptations: Vec::new(),
        verdict: Verdict::Pass,
        conditions: Vec::new(),
        level: 0,
        level_cap_rung: Some(Rung::Install),
        rungs,
        skips: Skips::default(),
        stages: Vec::new(),
        diagnosis: Vec::new(),
        deploys: Vec::new(),
        obligations: Vec::new(),
        difference: None,
        operator_steps: Vec::new(),
        availability: None,
        images: Vec::new(),
        services: Vec::new(),
        warnings: Vec::new(),
        proves: Vec::new(),
        does_not_prove: Vec::new(),
        flaky: Vec::new(),
        restore_mode: RestoreMode::InPlace,
        cleanup: Cleanup { complete: true, left: Vec::new() },
        events_sha256: Some("e".repeat(64)),
        tool: Tool { version: "0.1.0".into(), commit: Some("0f1e2d3c".into()) },
    }
}

pub(super) fn passed() -> RungResult {
    RungResult { status: Status::Passed, reason: None, by: None, intended: None, class: None }
}

pub(super) fn set(all: &mut Results, rung: Rung, status: Status, reason: Option<&str>) {
    let result = RungResult { status, reason: reason.map(str::to_owned), ..passed() };
    all.rungs.insert(rung, result);
}

pub(super) fn block(all: &mut Results, rungs: &[Rung], by: &str) {
    for rung in rungs {
        all.rungs
            .insert(*rung, RungResult { status: Status::Blocked, by: Some(by.into()), ..passed() });
    }
}

pub(super) fn skip(all: &mut Results, rung: Rung, reason: &str, intended: bool) {
    let result = RungResult {
        status: Status::Skipped,
        reason: Some(reason.into()),
        by: None,
        intended: Some(intended),
        class: None,
    };
    all.rungs.insert(rung, result);
    let list = if intended { &mut all.skips.intentional } else { &mut all.skips.unintentional };
    list.push(rung);
}

pub(super) fn stage(
    name: &str,
    app: &str,
    (after_ms, ms): (i64, u64),
    status: Status,
    passed: &[&str],
) -> StageResult {
    StageResult {
        name: name.into(),
        app: Some(app.parse().unwrap()),
        status,
        reason: None,
        started_at: Some(Timestamp::from_millis(1_795_498_200_000 + after_ms)),
        duration_ms: Some(ms),
        checks: passed.iter().map(|name| check(name, Status::Passed, "as it should be")).collect(),
        attempts: 1,
        earlier: Vec::new(),
    }
}

pub(super) fn missing(name: &str, status: Status, reason: &str) -> StageResult {
    StageResult {
        name: name.into(),
        app: None,
        status,
        reason: Some(reason.into()),
        started_at: None,
        duration_ms: None,
        checks: Vec::new(),
        attempts: 0,
        earlier: Vec::new(),
    }
}

pub(super) fn check(name: &str, status: Status, detail: &str) -> CheckResult {
    CheckResult {
        name: name.into(),
        app: Some("fresh".parse().unwrap()),
        status,
        detail: detail.into(),
    }
}
