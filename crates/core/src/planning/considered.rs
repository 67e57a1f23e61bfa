//! What the head's files come to: can it be installed, where would it answer, what would be
//! backed up and tested.

use cc_ci_model::backup::BackupSpec;
use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::integrity::{BackupChecks, ExpectedPath};
use cc_ci_model::name::ComposeName;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{AppRole, Finding, HttpGate, PlannedApp, PlannedTest, TestsFrom};

use super::adaptations::stuck_ports;
use super::{BaseFound, BaseSearch, Refusal, Request, app, pack, stages, undeployable};
use crate::app::Prepared;
use crate::backup_labels::backup_spec;
use crate::gate::gate;
use crate::host_paths;
use crate::limits::too_long;
use crate::ports::RecipeFacts;
use crate::text::{TextError, Whose};

/// What the head's files come to.
pub(super) struct Considered {
    /// Why the head can not be installed, if it can not.
    pub(super) unfit: Option<Outcome>,
    pub(super) declared: DeclaredStack,
    pub(super) compose_files: Vec<String>,
    pub(super) gate: Option<HttpGate>,
    pub(super) backup: BackupSpec,
    pub(super) tests: Vec<PlannedTest>,
    pub(super) warnings: Vec<Finding>,
}

pub(super) fn consider(
    request: &Request,
    facts: &RecipeFacts,
    prepared: Result<Prepared, TextError>,
) -> Result<Considered, Refusal> {
    let mut warnings = tag_warnings(facts);
    match prepared {
        Ok(prepared) => {
            let first = app(request, &facts.name, AppRole::Fresh, false)?;
            refuse_unfit(request, &first, &prepared)?;
            warnings.extend(prepared.warnings.iter().map(recipe_warning));
            warnings.extend(host_paths::warnings(&prepared.declared));
            warnings.extend(stuck_ports(request, &prepared.declared));
            let fitness = fitness(request, &prepared);
            Ok(Considered {
                backup: backup_spec(&prepared.declared),
                tests: tests(request, &prepared),
                gate: fitness.as_ref().ok().cloned(),
                unfit: fitness.err(),
                declared: prepared.declared,
                compose_files: prepared.compose_files,
                warnings,
            })
        }
        Err(error) => Ok(Considered {
            unfit: Some(unreadable(&error, error.with_advice())),
            declared: empty_stack(),
            compose_files: Vec::new(),
            gate: None,
            backup: BackupSpec::default(),
            tests: Vec::new(),
            warnings,
        }),
    }
}

/// What files come to that cannot be read: the author's fault, unless it is cc-ci that cannot do
/// what they ask for (IN-8).
pub(super) fn unreadable(error: &TextError, reason: String) -> Outcome {
    match error.whose {
        Whose::CcCi => Outcome::errored(reason),
        Whose::Author | Whose::Pack => Outcome::failed(reason),
    }
}

impl Considered {
    pub(super) fn stages<'a>(
        &'a self,
        request: &'a Request,
        base: &'a BaseSearch,
        fresh_head: bool,
    ) -> stages::Fitness<'a> {
        stages::Fitness {
            unfit: self.unfit.as_ref(),
            base,
            cli: &request.host.cli_version,
            fresh_head,
            has_backup: !self.backup.labelled.is_empty(),
            has_tests: self.tests.iter().any(|test| test.from != TestsFrom::Beside),
            has_tests_beside: self.tests.iter().any(|test| test.from == TestsFrom::Beside),
        }
    }

    /// The fresh head, if it is wanted; with an upgrade also the upgraded app and, should that
    /// leave no head standing, one more fresh head.
    pub(super) fn apps(
        &self,
        request: &Request,
        facts: &RecipeFacts,
        upgrade: Option<&BaseFound>,
        fresh_head: bool,
    ) -> Result<Vec<PlannedApp>, Refusal> {
        let mut apps = Vec::new();
        if self.unfit.is_some() {
            return Ok(apps);
        }
        if fresh_head {
            apps.push(app(request, &facts.name, AppRole::Fresh, false)?);
        }
        if upgrade.is_some() {
            apps.push(app(request, &facts.name, AppRole::Upgraded, false)?);
            apps.push(app(request, &facts.name, AppRole::Fresh, true)?);
        }
        Ok(apps)
    }
}

/// STG-7: the pack's tests, and those the recipe carries itself. Without a pack that was given
/// these are the pack's.
fn tests(request: &Request, prepared: &Prepared) -> Vec<PlannedTest> {
    let planned = |names: &[String], from| -> Vec<PlannedTest> {
        names.iter().map(|name| PlannedTest { name: name.clone(), from }).collect()
    };
    let own = &prepared.own_tests;
    match &request.tests {
        None => planned(own, TestsFrom::Recipe),
        Some(given) => [planned(given, TestsFrom::Pack), planned(own, TestsFrom::Beside)].concat(),
    }
}

/// What only the user can mend.
fn refuse_unfit(request: &Request, app: &PlannedApp, prepared: &Prepared) -> Result<(), Refusal> {
    let long = too_long(&app.stack, &prepared.declared);
    if !long.is_empty() {
        return Err(Refusal::config(
            format!("names would be too long for the engine: {}", long.join("; ")),
            "choose a shorter base domain, or shorter names in the recipe",
        ));
    }
    refuse_unknown(&pack(request, |pack| pack.backup.clone()), &prepared.declared)?;
    let given = pack(request, |pack| pack.app.secrets.clone());
    let is_asked_for =
        |name: &ComposeName| prepared.secrets.iter().any(|secret| secret.name == *name);
    if let Some(name) = given.keys().find(|name| !is_asked_for(name)) {
        return Err(Refusal::config(
            format!(
                "the pack gives a value for secret `{name}`, which no service of the recipe uses"
            ),
            "correct the name in `[app.secrets]` of its recipe.toml, or take it out",
        ));
    }
    let missing: Vec<&str> = prepared
        .secrets
        .iter()
        .filter(|secret| !secret.generate && !given.contains_key(&secret.name))
        .map(|secret| secret.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::config(
        format!("secrets marked `generate=false` have no value: {}", missing.join(", ")),
        "give a value in `[app.secrets]` of the pack's recipe.toml, or take `generate=false` out of .env.sample where a generated one would do",
    ))
}

/// A service or volume the recipe does not have: the pack is for another version of it.
fn refuse_unknown(checks: &BackupChecks, declared: &DeclaredStack) -> Result<(), Refusal> {
    const HINT: &str = "correct `[backup]` in the pack's recipe.toml";
    let verify = checks.verify.as_ref();
    if let Some(verify) = verify.filter(|one| declared.service(one.service.as_str()).is_none()) {
        let message = format!(
            "`backup.verify` of the pack names service {}, which the recipe does not have",
            verify.service
        );
        return Err(Refusal::config(message, HINT));
    }
    let is_unknown =
        |path: &&ExpectedPath| !declared.own_volumes().any(|volume| volume.name == path.volume);
    match checks.expect.iter().find(is_unknown) {
        None => Ok(()),
        Some(path) => Err(Refusal::config(
            format!(
                "`backup.expect` of the pack names {path}, and the recipe has no volume {}",
                path.volume
            ),
            HINT,
        )),
    }
}

/// How the reason begins when external secrets are in no env file.
pub(crate) const UNDECLARED_SECRETS: &str = "secrets are external but nothing declares them";

/// Where the head would answer, or why it can not be installed at all.
fn fitness(request: &Request, prepared: &Prepared) -> Result<HttpGate, Outcome> {
    if !prepared.undeclared_secrets.is_empty() {
        return Err(Outcome::failed(format!(
            "{UNDECLARED_SECRETS}: {}: add `SECRET_<NAME>_VERSION=v1` to .env.sample for each",
            prepared.undeclared_secrets.join(", ")
        )));
    }
    if let Some(why) = undeployable::why(&prepared.declared, &request.host.cli_version) {
        return Err(Outcome::errored(why));
    }
    let health = pack(request, |pack| pack.health.clone());
    let not_found = pack(request, |pack| pack.tests.not_found);
    gate(&prepared.declared, &health, not_found).map_err(Outcome::errored)
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

/// PLAN-3, and abra's rule R014.
fn tag_warnings(facts: &RecipeFacts) -> Vec<Finding> {
    let malformed = facts.malformed_tags.iter().map(|tag| {
        let message = format!("tag `{tag}` is no recipe version and is ignored");
        Finding::new("malformed_tag", message, None)
    });
    let lightweight: Vec<String> = facts
        .releases
        .iter()
        .filter(|release| !release.annotated)
        .map(|release| format!("`{}`", release.version))
        .collect();
    let mut warnings: Vec<Finding> = malformed.collect();
    if !lightweight.is_empty() {
        let message = format!(
            "lightweight version tags: {}: while there is one, abra refuses to deploy any release of the recipe (R014); \
             make each anew with `git tag --annotate`",
            lightweight.join(", ")
        );
        warnings.push(Finding::new("lightweight_tag", message, None));
    }
    warnings
}

fn recipe_warning(error: &TextError) -> Finding {
    let place = error.place.as_ref().map(ToString::to_string);
    Finding::new("recipe", error.message.clone(), place)
}
