//! Submits a revision: secrets and network first, then the stack, each announced before it is
//! created; then reads back what the engine made of it.

use std::collections::BTreeMap;
use std::time::Duration;

use cc_ci_core::app::{OWN_PACK, Prepared, about, fixed_names, prepare};
use cc_ci_core::convergence::recall;
use cc_ci_core::pack;
use cc_ci_core::ports::DeployRequest;
use cc_ci_core::redact::{SHORT, is_short};
use cc_ci_core::secret_spec;
use cc_ci_model::event::EventKind;
use cc_ci_model::evidence::{DeploySeen, Evidence};
use cc_ci_model::intent::Intent;
use cc_ci_model::name::{CommitSha, ComposeName};
use cc_ci_model::plan::{AppRole, BaseChoice, Finding, PlannedApp, Revision};
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::ServiceFacts;
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand};

/// How much of what docker said is kept.
const SAID: usize = 4000;

pub(super) async fn deploy(
    hand: &mut Stagehand,
    app: &PlannedApp,
    revision: Revision,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let commit = commit(hand, revision)?;
    let tree = hand.ports.recipes.tree(&commit).await.map_err(ActError::broken)?;
    let mut about = about(&hand.plan, app, revision);
    about.kept = kept_env(hand, app, revision).await?;
    let prepared = prepare(&tree, &about).map_err(ActError::broken)?;
    refuse_strangers(hand, app, &prepared).await?;
    let directory = hand.ports.recipes.check_out(&commit).await.map_err(ActError::broken)?;
    announce(hand, app, &prepared)?;
    make_network(hand, app).await?;
    make_secrets(hand, app, &prepared).await?;
    hand.watch(&app.id, &app.stack).await?;
    let request = DeployRequest {
        stack: app.stack.clone(),
        directory,
        compose_files: prepared.compose_files,
        overlay_before: prepared.overlay.before,
        overlays: prepared.overlays,
        overlay: prepared.overlay.text,
        env: prepared.env,
        deadline,
    };
    let answer = hand.ports.deployer.deploy(&request).await.map_err(ActError::broken)?;
    let (engine_answers, services) = read_back(hand, app).await?;
    Ok(Evidence::Deployed(DeploySeen {
        revision,
        exit_code: answer.exit_code,
        said: super::tail(&hand.journal.scrub(&answer.said), SAID),
        engine_answers,
        services,
    }))
}

fn commit(hand: &Stagehand, revision: Revision) -> Result<CommitSha, ActError> {
    match (revision, &hand.plan.base) {
        (Revision::Head, _) => Ok(hand.plan.head.commit.clone()),
        (Revision::Base, BaseChoice::Release(base)) => Ok(base.commit.clone()),
        (Revision::Base, BaseChoice::None { why }) => {
            Err(ActError::Broken(format!("no base: {why}")))
        }
    }
}

/// ENG-7: an app that is upgraded keeps the env file it was installed with.
async fn kept_env(
    hand: &Stagehand,
    app: &PlannedApp,
    revision: Revision,
) -> Result<Option<String>, ActError> {
    if app.role != AppRole::Upgraded || revision != Revision::Head {
        return Ok(None);
    }
    let commit = commit(hand, Revision::Base)?;
    let tree = hand.ports.recipes.tree(&commit).await.map_err(ActError::broken)?;
    let base = prepare(&tree, &about(&hand.plan, app, Revision::Base)).map_err(ActError::broken)?;
    Ok(Some(base.env_file))
}

/// ISO-4: an object with a fixed name that exists and is not this run's would be mounted, and
/// silently written over.
async fn refuse_strangers(
    hand: &Stagehand,
    app: &PlannedApp,
    prepared: &Prepared,
) -> Result<(), ActError> {
    for (kind, name) in fixed_names(&prepared.declared, app) {
        let found = hand.ports.objects.find(kind, &name).await.map_err(ActError::broken)?;
        let Some(object) = found else { continue };
        let is_ours = object.stack.as_deref() == Some(app.stack.as_str())
            || object.run.as_deref() == Some(hand.plan.run_id.as_str());
        if !is_ours {
            return Err(ActError::Broken(format!(
                "{object} exists already and is not this run's: the recipe names it without its stack (`name: {name}`), so it would be \
                 used and written over; nothing was deployed. Remove it if it is yours, or take the fixed name out of the recipe"
            )));
        }
    }
    Ok(())
}

fn announce(hand: &Stagehand, app: &PlannedApp, prepared: &Prepared) -> Result<(), ActError> {
    let declared = &prepared.declared;
    let own = |objects: &[cc_ci_model::compose::DeclaredObject]| {
        objects
            .iter()
            .filter(|object| !object.external)
            .map(|object| object.object.clone())
            .collect()
    };
    let mut configs: Vec<String> = own(&declared.configs);
    configs.extend::<Vec<String>>(own(&declared.secrets));
    let networks = declared.networks.iter().filter(|network| !network.external);
    Ok(hand.journal.intend(Intent::Stack {
        app: app.id.clone(),
        stack: app.stack.clone(),
        volumes: own(&declared.volumes),
        networks: networks.map(|network| network.object.clone()).collect(),
        configs,
    })?)
}

/// The network that stands for the recipe's external ones (ISO-6).
async fn make_network(hand: &Stagehand, app: &PlannedApp) -> Result<(), ActError> {
    let intent = Intent::Network { name: app.network.clone() };
    if hand.journal.with(|state| state.intents.contains(&intent)) {
        return Ok(());
    }
    hand.journal.intend(intent)?;
    let objects = &hand.ports.objects;
    objects
        .create_network(&hand.plan.run_id, &app.stack, &app.network)
        .await
        .map_err(ActError::broken)
}

/// Every secret the revision needs and the app does not have yet.
async fn make_secrets(
    hand: &Stagehand,
    app: &PlannedApp,
    prepared: &Prepared,
) -> Result<(), ActError> {
    let given = given_secrets(hand).await?;
    for spec in &prepared.secrets {
        let intent = Intent::Secret { name: spec.object.clone() };
        if hand.journal.with(|state| state.intents.contains(&intent)) {
            continue;
        }
        let mut random = || {
            let mut byte = [0];
            hand.ports.entropy.fill(&mut byte);
            byte[0]
        };
        let value = match given.get(&spec.name) {
            Some(value) => value.clone(),
            None => secret_spec::generate(spec, &mut random),
        };
        hand.journal.keep_secret(&value);
        if is_short(&value) {
            hand.journal.append(EventKind::Noted { finding: short(spec.name.as_str()) })?;
        }
        hand.journal.intend(intent)?;
        let objects = &hand.ports.objects;
        objects
            .create_secret(&hand.plan.run_id, &app.stack, &spec.object, &value)
            .await
            .map_err(ActError::broken)?;
    }
    Ok(())
}

/// RES-5: it could be a word of any text, so it is not taken out of the middle of one.
fn short(name: &str) -> Finding {
    let message = format!(
        "secret {name} has fewer than {SHORT} characters: it is taken out of logs and results only where it stands alone, and \
         finished files are not searched for it; give it a `length=` of {SHORT} or more"
    );
    Finding::new("short_secret", message, Some(name.to_owned()))
}

/// Values the pack gives. Those of a recipe's own pack are in its files.
async fn given_secrets(hand: &Stagehand) -> Result<BTreeMap<ComposeName, Secret>, ActError> {
    let place = &hand.ports.place;
    if place.pack.is_some() || hand.plan.given_secrets.is_empty() {
        return Ok(place.secrets.clone());
    }
    let tree = hand.ports.recipes.tree(&hand.plan.head.commit).await.map_err(ActError::broken)?;
    let name = format!("{OWN_PACK}/recipe.toml");
    let text = tree.get(&name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let pack = pack::parse(&name, &text.unwrap_or_default()).map_err(ActError::broken)?;
    let values = pack.app.secrets.into_iter();
    Ok(values.map(|(name, value)| (name, value.secret().clone())).collect())
}

/// Whether the engine answers as a manager, and the services as it holds them now.
async fn read_back(
    hand: &mut Stagehand,
    app: &PlannedApp,
) -> Result<(bool, Vec<ServiceFacts>), ActError> {
    let clock = hand.ports.clock.clone();
    let limit = clock.now().plus(Duration::from_secs(10));
    let answers = tokio::select! {
        answers = hand.ports.stacks.answers() => answers,
        () = clock.sleep_until(limit) => false,
    };
    let watched = hand.watch(&app.id, &app.stack).await?;
    let looked = tokio::select! {
        looked = watched.watch.observe() => looked.ok(),
        () = clock.sleep_until(limit) => None,
    };
    let Some(fresh) = looked else {
        return Ok((answers, Vec::new()));
    };
    watched.known = recall(&watched.known, fresh, clock.now());
    Ok((answers, watched.known.services.clone()))
}
