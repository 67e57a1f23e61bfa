//! One app of a recipe, prepared: env file, compose files, what they declare, secrets and the
//! generated overlay (ENG-2, IN-6, IN-8). Pure: from the files of a commit.

mod composed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cc_ci_model::compose::{DeclaredObject, DeclaredPort, DeclaredService, DeclaredStack};
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::name::{AppDomain, ComposeName, RecipeName, RunId, StackName};
use cc_ci_model::plan::{
    AdaptationKind, AppRole, BaseChoice, Plan, PlannedApp, PlannedOverlay, Revision,
};

use crate::abra_sh::AbraSh;
use crate::compose::{ComposeText, ReadCompose};
use crate::env_file::EnvFile;
use crate::operator_steps::secret_of;
use crate::overlay::{self, Overlay, OverlayChanges, Stamp};
use crate::ports::{RUN_LABEL, Tree};
use crate::secret_spec::{self, SecretSpec};
use crate::text::{Place, TextError};
use crate::vips::{IngressPorts, can_do_without_vip, ingress_ports};

use composed::{Composed, composed};

pub use composed::Added;

/// What an app is prepared from, beside the recipe's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The run.
    pub run: RunId,
    /// The recipe.
    pub recipe: RecipeName,
    /// The app's domain.
    pub domain: AppDomain,
    /// The app's stack.
    pub stack: StackName,
    /// The network that stands for every external one.
    pub network: String,
    /// `TIMEOUT`, seconds.
    pub timeout_s: u64,
    /// The version label; `None` under chaos: the recipe's own label stays.
    pub version: Option<String>,
    /// The short commit of a chaos deploy.
    pub chaos: Option<String>,
    /// The env file of the app that is being upgraded: it keeps it (ENG-7).
    pub kept: Option<String>,
    /// Variables of the pack.
    pub env: BTreeMap<String, String>,
    /// What the pack adds to the compose files.
    pub added: Added,
    /// Services that get `endpoint_mode: dnsrr`.
    pub dnsrr: BTreeSet<String>,
    /// Services whose ports are published on the host instead of through the ingress mesh.
    pub host_ports: BTreeSet<String>,
}

/// A prepared app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The app's env file.
    pub env_file: String,
    /// What interpolation sees: the env file's variables and those abra.sh exports.
    pub env: BTreeMap<String, String>,
    /// The recipe's compose files in merge order.
    pub compose_files: Vec<String>,
    /// The pack's, merged after them.
    pub overlays: Vec<ComposeText>,
    /// What they declare.
    pub declared: DeclaredStack,
    /// What the recipe's own declare without the pack's.
    pub own: DeclaredStack,
    /// Tests the recipe carries in `.cc-ci/`, in order.
    pub own_tests: Vec<String>,
    /// Secrets to make before the deploy.
    pub secrets: Vec<SecretSpec>,
    /// External secrets that no variable declares.
    pub undeclared_secrets: Vec<String>,
    /// The generated overlay.
    pub overlay: Overlay,
    /// What the recipe should be warned about.
    pub warnings: Vec<TextError>,
}

/// What the plan says about an app at a revision.
pub fn about(plan: &Plan, app: &PlannedApp, revision: Revision) -> About {
    let (version, chaos) = match (revision, &plan.base) {
        (Revision::Base, BaseChoice::Release(base)) => (Some(base.version.to_string()), None),
        (Revision::Base | Revision::Head, _) => (None, Some(plan.head.commit.short().to_owned())),
    };
    let adapted = |kind| {
        let found = plan.adaptations.iter().filter(move |adaptation| adaptation.kind == kind);
        found.map(|adaptation| adaptation.subject.clone()).collect()
    };
    About {
        run: plan.run_id.clone(),
        recipe: plan.recipe.clone(),
        domain: app.domain.clone(),
        stack: app.stack.clone(),
        network: app.network.clone(),
        timeout_s: plan.budgets.deploy_ms / 1000,
        version,
        chaos,
        kept: None,
        env: env(plan, app, revision),
        added: added(&plan.compose, &plan.overlays, revision),
        dnsrr: adapted(AdaptationKind::EndpointMode),
        host_ports: adapted(AdaptationKind::HostPorts),
    }
}

/// What a pack adds to a revision's compose files.
pub fn added(compose: &[String], overlays: &[PlannedOverlay], revision: Revision) -> Added {
    let overlays = overlays.iter().filter(|overlay| overlay.is_for(revision));
    let text = |overlay: &PlannedOverlay| ComposeText {
        name: overlay.file.clone(),
        text: overlay.text.clone(),
    };
    Added { revision, compose: compose.to_vec(), overlays: overlays.map(text).collect() }
}

/// The pack's variables; those of `[upgrade] env` only for the head of an upgrade.
fn env(plan: &Plan, app: &PlannedApp, revision: Revision) -> BTreeMap<String, String> {
    let mut env = plan.env.clone();
    if app.role == AppRole::Upgraded && revision == Revision::Head {
        env.extend(plan.upgrade_env.clone());
    }
    env
}

/// Prepares an app.
///
/// # Errors
/// What is wrong with the recipe's files, with the place.
pub fn prepare(tree: &Tree, about: &About) -> Result<Prepared, TextError> {
    let mut warnings = Vec::new();
    let (env_file, mut env) = app_env(tree, about, &mut warnings)?;
    if let Some(text) = text_of(tree, "abra.sh")? {
        let abra_sh = AbraSh::parse("abra.sh", &text);
        env.extend(abra_sh.exports);
        warnings.extend(abra_sh.warnings);
    }
    let Composed { files, read, own } = composed(tree, &env, about.stack.as_str(), &about.added)?;
    if !about.added.compose.is_empty() {
        env.insert("COMPOSE_FILE".to_owned(), files.join(":"));
    }
    let needed = secret_spec::needed(&env_file, &read);
    warnings.extend(unexpected(&read, &env, &env_file));
    warnings.extend(needed.warnings);
    let overlay = make_overlay(about, &read.stack, &env)?;
    warnings.extend(overlay.lost_ports.iter().map(|(service, port)| lost_port(service, port)));
    Ok(Prepared {
        env_file: env_file.to_text(),
        env,
        own_tests: own_tests(tree),
        compose_files: files,
        overlays: about.added.overlays.clone(),
        own,
        declared: read.stack,
        secrets: needed.specs,
        undeclared_secrets: needed.undeclared.into_iter().map(|(_, object)| object).collect(),
        overlay,
        warnings,
    })
}

/// An object's name in this app: the plan holds it for the app that is installed first.
pub fn object_of(plan: &Plan, app: &PlannedApp, object: &str) -> String {
    let planned_for = format!("{}_", plan.head.declared_for);
    match object.strip_prefix(&planned_for) {
        Some(rest) => format!("{}_{rest}", app.stack),
        None => object.to_owned(),
    }
}

/// What reading the compose files brought up, without the variables that are meant to be unset:
/// those `.env.sample` shows commented out.
fn unexpected(
    read: &ReadCompose,
    env: &BTreeMap<String, String>,
    env_file: &EnvFile,
) -> Vec<TextError> {
    let is_optional = |name: &str| {
        !env.contains_key(name) && env_file.commented.iter().any(|entry| entry.key == name)
    };
    let optional: Vec<&Place> = read
        .variables
        .iter()
        .filter(|used| is_optional(&used.name))
        .map(|used| &used.place)
        .collect();
    let is_meant = |warning: &&TextError| {
        let place = warning.place.as_ref();
        warning.message.contains("is not set")
            && place.is_some_and(|place| optional.contains(&place))
    };
    read.warnings.iter().filter(|warning| !is_meant(warning)).cloned().collect()
}

/// The folder of a recipe's own pack.
pub const OWN_PACK: &str = ".cc-ci";

fn own_tests(tree: &Tree) -> Vec<String> {
    let inside = tree.keys().filter_map(|path| path.strip_prefix(OWN_PACK)?.strip_prefix('/'));
    inside.filter(|path| is_test(path)).map(str::to_owned).collect()
}

/// Whether a file of a pack is a test: `tests/*.sh` (TEST-2).
pub fn is_test(path: &str) -> bool {
    let name = path.strip_prefix("tests/").unwrap_or_default();
    let is_script = Path::new(name).extension().is_some_and(|extension| extension == "sh");
    !name.contains('/') && is_script
}

/// Objects the deploy would create under a name without the stack's prefix (ISO-4).
pub fn fixed_names(declared: &DeclaredStack, app: &PlannedApp) -> Vec<(ObjectKind, String)> {
    let prefix = format!("{}_", app.stack);
    let of = |kind: ObjectKind, objects: &[DeclaredObject]| -> Vec<(ObjectKind, String)> {
        let own = objects.iter().filter(|object| !object.external);
        own.map(|object| (kind, object.object.clone())).collect()
    };
    let networks = declared.networks.iter().filter(|network| !network.external);
    let mut all = of(ObjectKind::Volume, &declared.volumes);
    all.extend(of(ObjectKind::Secret, &declared.secrets));
    all.extend(of(ObjectKind::Config, &declared.configs));
    all.extend(networks.map(|network| (ObjectKind::Network, network.object.clone())));
    all.retain(|(_, name)| !name.starts_with(&prefix));
    all
}

/// The app's env file, from `.env.sample`: ours, then the pack's variables are set in place, so
/// that later lines which refer to them see the new values.
fn app_env(
    tree: &Tree,
    about: &About,
    warnings: &mut Vec<TextError>,
) -> Result<(EnvFile, BTreeMap<String, String>), TextError> {
    const NAME: &str = ".env.sample";
    let text = text_of(tree, NAME)?.unwrap_or_else(|| {
        warnings.push(TextError::new("the recipe has no .env.sample: abra refuses to install it"));
        String::new()
    });
    let sample = EnvFile::parse(NAME, &text)?;
    let mut file = match &about.kept {
        None => sample,
        Some(kept) => with_new_secrets(EnvFile::parse(".env", kept)?, &sample)?,
    };
    file.set("TYPE", about.recipe.as_str())?;
    file.set("DOMAIN", about.domain.as_str())?;
    file.set("STACK_NAME", about.stack.as_str())?;
    file.set("TIMEOUT", &about.timeout_s.to_string())?;
    for (key, value) in &about.env {
        file.set(key, value)?;
    }
    let file = EnvFile::parse(NAME, &file.to_text())?;
    let map = file.to_map();
    Ok((file, map))
}

/// A kept env file with the versions of secrets it does not know yet: those are generated.
fn with_new_secrets(mut kept: EnvFile, sample: &EnvFile) -> Result<EnvFile, TextError> {
    for entry in &sample.entries {
        if secret_of(&entry.key).is_some() && kept.get(&entry.key).is_none() {
            kept.adopt(entry)?;
        }
    }
    Ok(kept)
}

fn make_overlay(
    about: &About,
    declared: &DeclaredStack,
    env: &BTreeMap<String, String>,
) -> Result<Overlay, TextError> {
    let stamp = Stamp {
        stack: about.stack.to_string(),
        recipe: about.recipe.to_string(),
        version: about.version.clone(),
        chaos: about.chaos.clone(),
        env: env.clone(),
    };
    let external = declared.networks.iter().filter(|network| network.external);
    // The plan names what either revision needs.
    let of = |names: &BTreeSet<String>, holds: &dyn Fn(&DeclaredService) -> bool| {
        let here = names.iter().filter(|name| declared.service(name).is_some_and(holds));
        here.cloned().collect()
    };
    let is_movable = |service: &DeclaredService| ingress_ports(service) == IngressPorts::Movable;
    let changes = OverlayChanges {
        networks: external
            .map(|network| (network.name.to_string(), about.network.clone()))
            .collect(),
        dnsrr: of(&about.dnsrr, &|service| can_do_without_vip(declared, service)),
        host_ports: of(&about.host_ports, &is_movable),
        extra_labels: [(RUN_LABEL.to_owned(), about.run.to_string())].into(),
    };
    overlay::overlay(declared, &stamp, &changes).map_err(|error| TextError::new(error.to_string()))
}

fn lost_port(service: &ComposeName, port: &DeclaredPort) -> TextError {
    TextError::new(format!(
        "service {service} publishes port {} more than once; where files are merged, the docker CLI keeps one of them",
        port.target
    ))
}

/// A file as text; `None` when there is none.
fn text_of(tree: &Tree, name: &str) -> Result<Option<String>, TextError> {
    let Some(bytes) = tree.get(name) else {
        return Ok(None);
    };
    match String::from_utf8(bytes.clone()) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(TextError::new(format!("`{name}` is no UTF-8 text"))),
    }
}
