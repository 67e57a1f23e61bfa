//! The plan of a run (PLAN-1): a pure function of what was asked for, what the recipe says, and
//! what is known of the host.
//!
//! Two kinds of bad news leave here. What the user can mend (a name too long, a value that is
//! missing) is a [`Refusal`]: nothing runs. What the recipe's author has to mend is a plan whose
//! install has failed already: it is carried out, creates nothing, and gives a verdict.

mod names;
mod stages;
mod upgrade;

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
        Self {
            kind: ExitKind::Config,
            message: message.into(),
            hint: Some(hint.to_owned()),
        }
    }
}

/// How an app is prepared while the plan is still being made.
pub fn about(
    request: &Request,
    facts: &RecipeFacts,
    app: &PlannedApp,
    deploying: Deploying,
) -> About {
    let (version, chaos, kept) = match deploying {
        Deploying::Base(release) => (Some(release.version.to_string()), None, None),
        Deploying::Head { kept } => (None, Some(facts.head.short().to_owned()), kept),
    };
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
        env: pack_env(request),
        dnsrr: std::collections::BTreeSet::default(),
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

fn pack_env(request: &Request) -> std::collections::BTreeMap<String, String> {
    request
        .pack
        .as_ref()
        .map(|pack| pack.app.env.clone())
        .unwrap_or_default()
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
    let first = app(request, &facts.name, AppRole::Fresh, false)?;
    let mut warnings: Vec<Finding> = facts
        .malformed_tags
        .iter()
        .map(|tag| malformed_tag(tag))
        .collect();
    let (head_is_fit, declared, compose_files, gate) = match prepared {
        Ok(prepared) => {
            refuse_unfit(&first, &prepared)?;
            warnings.extend(prepared.warnings.iter().map(recipe_warning));
            let (fit, gate) = fitness(request, &prepared);
            (fit, prepared.declared, prepared.compose_files, gate)
        }
        Err(error) => {
            let reason = error.to_string();
            (
                Err(Outcome::failed(reason)),
                empty_stack(),
                Vec::new(),
                None,
            )
        }
    };
    let upgrade = base
        .found()
        .filter(|found| head_is_fit.is_ok() && found.head.is_ok());
    let adaptations = adaptations(request, &declared, upgrade);
    let version = head_version(facts, &declared);
    Ok(Plan {
        run_id: request.run_id.clone(),
        recipe: facts.name.clone(),
        source: request.source.clone(),
        base: base.choice(),
        engine: request.engine.clone(),
        ingress: Ingress::Direct,
        host: request.host.clone(),
        apps: if head_is_fit.is_ok() {
            apps(request, &facts.name, first, upgrade.is_some())?
        } else {
            Vec::new()
        },
        stages: stages::planned(&request.stages, head_is_fit.err(), base),
        env: pack_env(request),
        expected_na: request
            .pack
            .as_ref()
            .map(|pack| pack.expected_na.clone())
            .unwrap_or_default(),
        gate,
        budgets: budgets(request.pack.as_ref()),
        adaptations,
        warnings,
        partial: request.stages.is_partial(),
        keep: request.keep,
        require_level: required_level(request),
        head: Head {
            reference: facts.reference.clone(),
            commit: facts.head.clone(),
            version,
            dirty_of: facts.dirty_of.clone(),
            declared,
            declared_upgraded: upgrade
                .and_then(|found| Some(found.head.as_ref().ok()?.declared.clone())),
            compose_files,
        },
        difference: base
            .found()
            .filter(|found| found.head.is_ok())
            .map(|found| found.difference.clone()),
        operator_steps: base
            .found()
            .map(|found| found.steps.clone())
            .unwrap_or_default(),
        markers: upgrade
            .map(|found| markers(&found.base.declared))
            .unwrap_or_default(),
    })
}

/// The fresh head; with an upgrade also the upgraded app and, should that leave no head standing,
/// one more fresh head.
fn apps(
    request: &Request,
    recipe: &RecipeName,
    first: PlannedApp,
    with_upgrade: bool,
) -> Result<Vec<PlannedApp>, Refusal> {
    let mut apps = vec![first];
    if with_upgrade {
        apps.push(app(request, recipe, AppRole::Upgraded, false)?);
        apps.push(app(request, recipe, AppRole::Fresh, true)?);
    }
    Ok(apps)
}

fn check_pack(request: &Request, recipe: &RecipeName) -> Result<(), Refusal> {
    match &request.pack {
        Some(pack) if pack.recipe != *recipe => Err(Refusal::config(
            format!(
                "the pack is for recipe `{}`, not for `{recipe}`",
                pack.recipe
            ),
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
            format!(
                "names would be too long for the engine: {}",
                long.join("; ")
            ),
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
        format!(
            "secrets marked `generate=false` have no value: {}",
            missing.join(", ")
        ),
        "give each a value as `[app.secrets]` in the pack's recipe.toml",
    ))
}

/// Whether the head can be installed at all, and where it would answer.
fn fitness(request: &Request, prepared: &Prepared) -> (Result<(), Outcome>, Option<HttpGate>) {
    if !prepared.undeclared_secrets.is_empty() {
        let reason = format!(
            "secrets are external but nothing declares them: {}: add `SECRET_<NAME>_VERSION=v1` to .env.sample for each",
            prepared.undeclared_secrets.join(", ")
        );
        return (Err(Outcome::failed(reason)), None);
    }
    let health = request
        .pack
        .as_ref()
        .map(|pack| pack.health.clone())
        .unwrap_or_default();
    match gate(&prepared.declared, &health) {
        Ok(gate) => (Ok(()), Some(gate)),
        Err(reason) => (Err(Outcome::errored(reason)), None),
    }
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
        let stacks: Vec<&DeclaredStack> = [declared]
            .into_iter()
            .chain(upgrade.map(|found| &found.base.declared))
            .collect();
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
    let tags = facts
        .releases
        .iter()
        .filter(|release| release.commit == facts.head);
    let tag = tags
        .map(|release| &release.version)
        .max()
        .map(ToString::to_string);
    tag.or_else(|| label(declared).map(str::to_owned))
}

/// The version the label of service `app` names.
pub fn label_version(declared: &DeclaredStack) -> Option<RecipeVersion> {
    label(declared)?.parse().ok()
}

fn label(declared: &DeclaredStack) -> Option<&str> {
    let labels = &declared.service("app")?.labels;
    let label = labels
        .iter()
        .find(|(key, _)| key.starts_with("coop-cloud.") && key.ends_with(".version"));
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
    let from_pack = request
        .pack
        .as_ref()
        .and_then(|pack| pack.run.require_level);
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
    Finding::new(
        "malformed_tag",
        format!("tag `{tag}` is no recipe version and is ignored"),
        None,
    )
}

fn recipe_warning(error: &TextError) -> Finding {
    let place = error.place.as_ref().map(ToString::to_string);
    Finding::new("recipe", error.message.clone(), place)
}
