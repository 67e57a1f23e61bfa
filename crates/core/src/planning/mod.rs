//! The plan of a run (PLAN-1): a pure function of what was asked for, what the recipe says, and
//! what is known of the host.
//!
//! Two kinds of bad news leave here. What the user can mend (a name too long, a value that is
//! missing) is a [`Refusal`]: nothing runs. What the recipe's author has to mend is a plan whose
//! install has failed already: it is carried out, creates nothing, and gives a verdict.

mod names;
mod stages;
mod upgrade;

use std::collections::BTreeSet;
use std::time::Duration;

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::host::{HostFacts, Tried};
use cc_ci_model::name::{RecipeName, RunId};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::pack::Pack;
use cc_ci_model::plan::{
    Adaptation, AdaptationKind, AppRole, Budgets, EngineId, Finding, Head, HttpGate, Ingress, Plan,
    PlannedApp,
};

use cc_ci_model::version::RecipeVersion;

use crate::app::{About, Prepared};
use crate::gate::gate;
use crate::limits::too_long;
use crate::ports::{RecipeFacts, Release};
use crate::text::TextError;

pub use names::{app, slug};
pub use stages::{StageChoice, StageNameError};
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
    /// The domain below which apps are.
    pub base_domain: String,
    /// Six hexadecimal digits for each app there may be.
    pub hexes: Vec<String>,
    /// How apps are deployed.
    pub engine: EngineId,
    /// The host.
    pub host: HostFacts,
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
    let (version, chaos, kept) = match deploying {
        Deploying::Base(release) => (Some(release.version.to_string()), None, None),
        Deploying::Head { kept } => (None, Some(facts.head.short().to_owned()), kept),
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
        dnsrr: BTreeSet::new(),
        format: None,
    }
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
    let mut considered = consider(request, facts, prepared)?;
    let upgrade = base.found().filter(|found| considered.unfit.is_none() && found.head.is_ok());
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
        apps: considered.apps(request, facts, upgrade.is_some(), fresh_head)?,
        stages: stages::planned(&request.stages, considered.unfit.clone(), base, fresh_head),
        env: pack(request, |pack| pack.app.env.clone()),
        upgrade_env: pack(request, |pack| pack.upgrade.env.clone()),
        expected_na: pack(request, |pack| pack.expected_na.clone()),
        budgets: budgets(request.pack.as_ref()),
        adaptations: adaptations(request, &considered.declared, upgrade),
        warnings: considered.warnings,
        fresh_head,
        partial: request.stages.is_partial(),
        keep: request.keep,
        require_level: required_level(request),
        gate: considered.gate,
        head: Head {
            reference: facts.reference.clone(),
            commit: facts.head.clone(),
            version: head_version(facts, &considered.declared),
            dirty_of: facts.dirty_of.clone(),
            declared: considered.declared,
            declared_for: app(request, &facts.name, AppRole::Fresh, false)?.stack,
            declared_upgraded: upgrade
                .and_then(|found| Some(found.head.as_ref().ok()?.declared.clone())),
            compose_files: considered.compose_files,
        },
    })
}

/// What the head's files come to.
struct Considered {
    /// Why the head can not be installed, if it can not.
    unfit: Option<Outcome>,
    declared: DeclaredStack,
    compose_files: Vec<String>,
    gate: Option<HttpGate>,
    warnings: Vec<Finding>,
}

fn consider(
    request: &Request,
    facts: &RecipeFacts,
    prepared: Result<Prepared, TextError>,
) -> Result<Considered, Refusal> {
    let mut warnings: Vec<Finding> =
        facts.malformed_tags.iter().map(|tag| malformed_tag(tag)).collect();
    match prepared {
        Ok(prepared) => {
            let first = app(request, &facts.name, AppRole::Fresh, false)?;
            refuse_unfit(&first, &prepared)?;
            warnings.extend(prepared.warnings.iter().map(recipe_warning));
            let fitness = fitness(request, &prepared);
            Ok(Considered {
                gate: fitness.as_ref().ok().cloned(),
                unfit: fitness.err(),
                declared: prepared.declared,
                compose_files: prepared.compose_files,
                warnings,
            })
        }
        Err(error) => Ok(Considered {
            unfit: Some(Outcome::failed(error.to_string())),
            declared: empty_stack(),
            compose_files: Vec::new(),
            gate: None,
            warnings,
        }),
    }
}

impl Considered {
    /// The fresh head, if it is wanted; with an upgrade also the upgraded app and, should that
    /// leave no head standing, one more fresh head.
    fn apps(
        &self,
        request: &Request,
        facts: &RecipeFacts,
        with_upgrade: bool,
        fresh_head: bool,
    ) -> Result<Vec<PlannedApp>, Refusal> {
        let mut apps = Vec::new();
        if self.unfit.is_some() {
            return Ok(apps);
        }
        if fresh_head {
            apps.push(app(request, &facts.name, AppRole::Fresh, false)?);
        }
        if with_upgrade {
            apps.push(app(request, &facts.name, AppRole::Upgraded, false)?);
            apps.push(app(request, &facts.name, AppRole::Fresh, true)?);
        }
        Ok(apps)
    }
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

/// What only the user can mend.
fn refuse_unfit(app: &PlannedApp, prepared: &Prepared) -> Result<(), Refusal> {
    let long = too_long(&app.stack, &prepared.declared);
    if !long.is_empty() {
        return Err(Refusal::config(
            format!("names would be too long for the engine: {}", long.join("; ")),
            "choose a shorter base domain, or shorter names in the recipe",
        ));
    }
    let missing: Vec<&str> = prepared
        .secrets
        .iter()
        .filter(|secret| !secret.generate)
        .map(|secret| secret.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::config(
        format!("secrets marked `generate=false` have no value: {}", missing.join(", ")),
        "give each a value as `[app.secrets]` in the pack's recipe.toml",
    ))
}

/// Where the head would answer, or why it can not be installed at all.
fn fitness(request: &Request, prepared: &Prepared) -> Result<HttpGate, Outcome> {
    if !prepared.undeclared_secrets.is_empty() {
        return Err(Outcome::failed(format!(
            "secrets are external but nothing declares them: {}: add `SECRET_<NAME>_VERSION=v1` to .env.sample for each",
            prepared.undeclared_secrets.join(", ")
        )));
    }
    gate(&prepared.declared, &pack(request, |pack| pack.health.clone())).map_err(Outcome::errored)
}

fn adaptations(
    request: &Request,
    declared: &DeclaredStack,
    upgrade: Option<&BaseFound>,
) -> Vec<Adaptation> {
    let mut all: Vec<Adaptation> = declared
        .networks
        .iter()
        .filter(|network| network.external)
        .map(|network| Adaptation {
            kind: AdaptationKind::Network,
            subject: network.name.to_string(),
            why: format!(
                "external network {} is replaced by one of the run: `direct` ingress needs no proxy, and on a shared network \
                 the alias `app` would answer for every stack",
                network.object
            ),
        })
        .collect();
    if declared.format.is_none()
        && !declared.services.is_empty()
        && is_old_cli(&request.host.cli_version)
    {
        all.push(Adaptation {
            kind: AdaptationKind::ComposeVersion,
            subject: "compose file".to_owned(),
            why: format!(
                "it has no `version:`, which docker CLI {} refuses",
                request.host.cli_version
            ),
        });
    }
    if request.host.vips == Tried::Fails {
        let stacks: Vec<&DeclaredStack> =
            [declared].into_iter().chain(upgrade.map(|found| &found.base.declared)).collect();
        all.extend(upgrade::without_vip(&stacks).into_iter().map(no_vip));
    }
    all
}

fn no_vip(service: String) -> Adaptation {
    Adaptation {
        kind: AdaptationKind::EndpointMode,
        subject: service,
        why: "service VIPs do not answer on this host (its kernel has no ip_vs), so the name resolves to the tasks themselves \
              (`endpoint_mode: dnsrr`)"
            .to_owned(),
    }
}

/// Docker CLIs before 23 read a missing `version:` as an error (measured on 20.10).
fn is_old_cli(version: &str) -> bool {
    version
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok())
        .is_some_and(|major| major < 23)
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

fn budgets(pack: Option<&Pack>) -> Budgets {
    const DEFAULT: Duration = Duration::from_secs(600);
    let timeouts = pack.map(|pack| pack.timeouts.clone()).unwrap_or_default();
    let millis = |span: Option<cc_ci_model::pack::Span>| {
        let length = span.map_or(DEFAULT, cc_ci_model::pack::Span::duration);
        u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
    };
    Budgets {
        images_ms: 900_000,
        deploy_ms: millis(timeouts.deploy),
        upgrade_ms: millis(timeouts.upgrade),
        teardown_ms: 300_000,
        stability_ms: 3_000,
    }
}

fn required_level(request: &Request) -> Option<u8> {
    let from_pack = request.pack.as_ref().and_then(|pack| pack.run.require_level);
    request.require_level.or(from_pack)
}

fn empty_stack() -> DeclaredStack {
    DeclaredStack {
        format: None,
        services: Vec::new(),
        volumes: Vec::new(),
        networks: Vec::new(),
        secrets: Vec::new(),
        configs: Vec::new(),
    }
}

fn malformed_tag(tag: &str) -> Finding {
    Finding::new("malformed_tag", format!("tag `{tag}` is no recipe version and is ignored"), None)
}

fn recipe_warning(error: &TextError) -> Finding {
    let place = error.place.as_ref().map(ToString::to_string);
    Finding::new("recipe", error.message.clone(), place)
}
