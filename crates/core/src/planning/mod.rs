//! The plan of a run (PLAN-1): a pure function of what was asked for, what the recipe says, and
//! what is known of the host.
//!
//! Two kinds of bad news leave here. What the user can mend (a name too long, a value that is
//! missing) is a [`Refusal`]: nothing runs. What the recipe's author has to mend is a plan whose
//! install has failed already: it is carried out, creates nothing, and gives a verdict.
//!
//! Tests: `planning/tests.rs`.

mod adaptations;
mod beside;
mod budgets;
mod considered;
mod data;
mod given;
mod names;
mod stages;
#[cfg(test)]
mod tests;
mod undeployable;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::host::HostFacts;
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::name::{RecipeName, RunId};
use cc_ci_model::pack::Pack;
use cc_ci_model::plan::{
    AppRole, EngineId, Finding, Head, Ingress, Plan, PlannedApp, PlannedOverlay, Revision,
};
use cc_ci_model::version::RecipeVersion;

use adaptations::adaptations;
use budgets::{budgets, with_disaster};
use considered::{Considered, consider};

use crate::app::{About, Prepared, added};
use crate::ports::{RecipeFacts, Release};
use crate::text::TextError;

pub(crate) use considered::UNDECLARED_SECRETS;
pub use names::{app, slug};
pub use stages::{NOT_SELECTED, StageChoice, StageNameError};
pub use upgrade::{BaseFound, BaseSearch, markers};

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The run's id.
    pub run_id: RunId,
    /// The recipe, as it was named.
    pub source: String,
    /// The stages wanted.
    pub stages: StageChoice,
    /// The pack, if there is one.
    pub pack: Option<Pack>,
    /// The last app stays.
    pub keep: bool,
    /// The level a pass must reach.
    pub require_level: Option<u8>,
    /// How the restore is to be proven, whatever the pack says.
    pub restore: Option<RestoreMode>,
    /// The domain below which apps are.
    pub base_domain: String,
    /// Six hexadecimal digits for each app there may be.
    pub hexes: Vec<String>,
    /// How apps are deployed.
    pub engine: EngineId,
    /// The host.
    pub host: HostFacts,
    /// Tests of the pack that was given, in order; `None` when none was given.
    pub tests: Option<Vec<String>>,
    /// The texts of the pack's overlays, by file.
    pub overlay_texts: BTreeMap<String, String>,
}

/// Why nothing runs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The exit code's kind.
    pub kind: ExitKind,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Refusal {
    fn config(message: impl Into<String>, hint: &str) -> Self {
        Self { kind: ExitKind::Config, message: message.into(), hint: Some(hint.to_owned()) }
    }
}

/// How an app is prepared while the plan is still being made.
pub fn about(
    request: &Request,
    facts: &RecipeFacts,
    app: &PlannedApp,
    deploying: Deploying,
) -> About {
    let mut env = pack(request, |pack| pack.app.env.clone());
    let (revision, version, chaos, kept) = match deploying {
        Deploying::Base(release) => (Revision::Base, Some(release.version.to_string()), None, None),
        Deploying::Head { kept } => {
            (Revision::Head, None, Some(facts.head.short().to_owned()), kept)
        }
    };
    if kept.is_some() {
        env.extend(pack(request, |pack| pack.upgrade.env.clone()));
    }
    About {
        run: request.run_id.clone(),
        recipe: facts.name.clone(),
        domain: app.domain.clone(),
        stack: app.stack.clone(),
        network: app.network.clone(),
        timeout_s: budgets(request.pack.as_ref()).deploy_ms / 1000,
        version,
        chaos,
        kept,
        env,
        added: added(&pack(request, |pack| pack.app.compose.clone()), &overlays(request), revision),
        dnsrr: BTreeSet::new(),
        host_ports: BTreeSet::new(),
    }
}

/// The pack's overlays, with their texts.
fn overlays(request: &Request) -> Vec<PlannedOverlay> {
    let overlays = pack(request, |pack| pack.app.overlays.clone());
    let planned = overlays.into_iter().map(|overlay| PlannedOverlay {
        text: request.overlay_texts.get(&overlay.file).cloned().unwrap_or_default(),
        file: overlay.file,
        applies: overlay.applies,
    });
    planned.collect()
}

/// What is being deployed.
#[derive(Debug, Clone)]
pub enum Deploying<'a> {
    /// A release.
    Base(&'a Release),
    /// The commit under test, with the env file of an app that is being upgraded.
    Head {
        /// The env file the app was installed with.
        kept: Option<String>,
    },
}

/// What the pack says, or nothing.
fn pack<T: Default>(request: &Request, read: impl Fn(&Pack) -> T) -> T {
    request.pack.as_ref().map(read).unwrap_or_default()
}

/// Makes the plan. `prepared` is the head as its first app would be.
///
/// # Errors
/// What the user has to mend.
pub fn plan(
    request: &Request,
    facts: &RecipeFacts,
    prepared: Result<Prepared, TextError>,
    base: &BaseSearch,
) -> Result<Plan, Refusal> {
    check_pack(request, &facts.name)?;
    let plan = planned(request, facts, prepared, base)?;
    given::refuse_words(request, &plan)?;
    Ok(Plan { beside: beside::may_be(&plan), ..plan })
}

fn planned(
    request: &Request,
    facts: &RecipeFacts,
    prepared: Result<Prepared, TextError>,
    base: &BaseSearch,
) -> Result<Plan, Refusal> {
    let mut considered = consider(request, facts, prepared)?;
    let upgrade = base.tried(&request.host.cli_version).filter(|_| considered.unfit.is_none());
    let fresh_head = upgrade.is_none() || wants_fresh_head(request);
    considered.warnings.extend(operator_warnings(base));
    Ok(Plan {
        run_id: request.run_id.clone(),
        recipe: facts.name.clone(),
        source: request.source.clone(),
        base: base.choice(),
        engine: request.engine.clone(),
        ingress: Ingress::Direct,
        host: request.host.clone(),
        difference: upgrade.map(|found| found.difference.clone()),
        operator_steps: base.found().map(|found| found.steps.clone()).unwrap_or_default(),
        markers: upgrade.map(|found| markers(&found.base.declared)).unwrap_or_default(),
        data: data::planned(request, &considered, upgrade)?,
        apps: considered.apps(request, facts, upgrade, fresh_head)?,
        stages: stages::planned(&request.stages, &considered.stages(request, base, fresh_head)),
        backup: considered.backup.clone(),
        backup_checks: pack(request, |pack| pack.backup.clone()),
        restore_mode: restore_mode(request),
        tests: considered.tests.clone(),
        env: pack(request, |pack| pack.app.env.clone()),
        compose: pack(request, |pack| pack.app.compose.clone()),
        overlays: overlays(request),
        given_secrets: pack(request, |pack| pack.app.secrets.keys().cloned().collect()),
        upgrade_env: pack(request, |pack| pack.upgrade.env.clone()),
        expected_na: pack(request, |pack| pack.expected_na.clone()),
        budgets: with_disaster(&budgets(request.pack.as_ref()), restore_mode(request)),
        downtime_budget_ms: downtime_budget_ms(request),
        adaptations: adaptations(request, &considered.declared, upgrade),
        warnings: considered.warnings.clone(),
        fresh_head,
        beside: false,
        partial: request.stages.is_partial(),
        keep: request.keep,
        require_level: required_level(request),
        gate: considered.gate.clone(),
        head: head(request, facts, upgrade, considered)?,
    })
}

fn head(
    request: &Request,
    facts: &RecipeFacts,
    upgrade: Option<&BaseFound>,
    considered: Considered,
) -> Result<Head, Refusal> {
    Ok(Head {
        reference: facts.reference.clone(),
        commit: facts.head.clone(),
        version: head_version(facts, &considered.declared),
        dirty_of: facts.dirty_of.clone(),
        declared: considered.declared,
        declared_for: app(request, &facts.name, AppRole::Fresh, false)?.stack,
        declared_upgraded: upgrade
            .and_then(|found| Some(found.head.as_ref().ok()?.declared.clone())),
        compose_files: considered.compose_files,
    })
}

fn downtime_budget_ms(request: &Request) -> Option<u64> {
    let budget = request.pack.as_ref()?.upgrade.downtime_budget?;
    Some(u64::try_from(budget.duration().as_millis()).unwrap_or(u64::MAX))
}

fn wants_fresh_head(request: &Request) -> bool {
    request.pack.as_ref().and_then(|pack| pack.run.fresh_head).unwrap_or(true)
}

/// STG-3a: what an operator has to do and no release note tells.
fn operator_warnings(base: &BaseSearch) -> Vec<Finding> {
    let steps = base.found().map(|found| found.steps.as_slice()).unwrap_or_default();
    let silent = steps.iter().filter(|step| !step.noted);
    silent
        .map(|step| {
            let message = format!("operators have to {}, and no release note says so", step.step);
            Finding::new("unannounced_operator_step", message, Some(step.key.clone()))
        })
        .collect()
}

fn check_pack(request: &Request, recipe: &RecipeName) -> Result<(), Refusal> {
    match &request.pack {
        Some(pack) if pack.recipe != *recipe => Err(Refusal::config(
            format!("the pack is for recipe `{}`, not for `{recipe}`", pack.recipe),
            "give another --pack, or correct `recipe` in its recipe.toml",
        )),
        Some(_) | None => Ok(()),
    }
}

/// PLAN-3: its tag, else the label of service `app`.
fn head_version(facts: &RecipeFacts, declared: &DeclaredStack) -> Option<String> {
    let tags = facts.releases.iter().filter(|release| release.commit == facts.head);
    let tag = tags.map(|release| &release.version).max().map(ToString::to_string);
    tag.or_else(|| label(declared).map(str::to_owned))
}

/// The version the label of service `app` names.
pub fn label_version(declared: &DeclaredStack) -> Option<RecipeVersion> {
    label(declared)?.parse().ok()
}

fn label(declared: &DeclaredStack) -> Option<&str> {
    let labels = &declared.service("app")?.labels;
    let label =
        labels.iter().find(|(key, _)| key.starts_with("coop-cloud.") && key.ends_with(".version"));
    label.map(|(_, version)| version.as_str())
}

/// STG-5: the flag wins over the pack.
fn restore_mode(request: &Request) -> RestoreMode {
    let from_pack = request.pack.as_ref().and_then(|pack| pack.restore.mode);
    request.restore.or(from_pack).unwrap_or_default()
}

fn required_level(request: &Request) -> Option<u8> {
    let from_pack = request.pack.as_ref().and_then(|pack| pack.run.require_level);
    request.require_level.or(from_pack)
}
