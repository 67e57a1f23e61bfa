//! What the plan says of the upgrade: from which release, what it changes, what is planted.

use cc_ci_model::compose::{
    DeclaredMount, DeclaredService, DeclaredStack, MountKind, RestartCondition, ServiceMode,
};
use cc_ci_model::difference::{Difference, OperatorStep};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Base, BaseChoice, Doing, PlannedMarker};

use super::considered::unreadable;
use super::undeployable;
use crate::app::Prepared;
use crate::ports::Release;
use crate::text::{TextError, Whose};

/// What the search for a base came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseSearch {
    /// This release, and what the upgrade from it is.
    Found(Box<BaseFound>),
    /// The release to start from can not even be read.
    Broken {
        /// The release.
        release: Release,
        /// What is wrong with it.
        error: Box<TextError>,
    },
    /// There is nothing to upgrade from.
    NoEarlierRelease {
        /// Why.
        why: String,
    },
    /// There should be something to upgrade from, but it proves nothing or is not known.
    Unverified {
        /// Why.
        why: String,
    },
    /// The upgrade was not asked for.
    NotWanted,
}

/// A release to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseFound {
    /// The release.
    pub release: Release,
    /// Why this one.
    pub why: String,
    /// The base as the upgraded app begins.
    pub base: Prepared,
    /// The head as the upgraded app ends, with the env file the base left.
    pub head: Result<Prepared, TextError>,
    /// What changes; empty when the head can not be read.
    pub difference: Difference,
    /// What an operator has to do.
    pub steps: Vec<OperatorStep>,
}

impl BaseFound {
    /// Why the upgrade is not tried although both revisions can be read.
    pub(super) fn refused(&self, cli: &str) -> Option<Outcome> {
        if let Some(why) = undeployable::why(&self.base.declared, cli) {
            let version = &self.release.version;
            return Some(Outcome::unverified(format!("of the base {version}, {why}")));
        }
        let head = self.head.as_ref().ok()?;
        undeployable::why(&head.declared, cli).map(Outcome::errored)
    }
}

impl BaseSearch {
    /// What is to become of the upgrade stage on a host with that docker CLI.
    pub(super) fn doing(&self, cli: &str) -> Doing {
        let outcome = match self {
            BaseSearch::Found(found) => match &found.head {
                Ok(_) => match found.refused(cli) {
                    None => return Doing::Run,
                    Some(outcome) => outcome,
                },
                Err(error) => unreadable(error, with_steps(error, &found.steps)),
            },
            BaseSearch::Broken { release, error } if error.whose == Whose::CcCi => {
                Outcome::unverified(format!(
                    "cc-ci can not deploy the base {}: {error}",
                    release.version
                ))
            }
            BaseSearch::Broken { release, error } => Outcome::unverified(format!(
                "the base {} is broken, not the head: {error}",
                release.version
            )),
            BaseSearch::NoEarlierRelease { why } => {
                Outcome::Skipped { reason: why.clone(), intended: false }
            }
            BaseSearch::Unverified { why } => Outcome::unverified(why.clone()),
            BaseSearch::NotWanted => return super::stages::not_selected(),
        };
        Doing::Not { outcome }
    }

    /// The base as the plan holds it.
    pub(super) fn choice(&self) -> BaseChoice {
        let why = match self {
            BaseSearch::Found(found) => {
                return BaseChoice::Release(Box::new(Base {
                    version: found.release.version.clone(),
                    commit: found.release.commit.clone(),
                    why: found.why.clone(),
                    declared: found.base.declared.clone(),
                    compose_files: found.base.compose_files.clone(),
                }));
            }
            BaseSearch::Broken { release, error } => {
                format!("{} is broken: {error}", release.version)
            }
            BaseSearch::NoEarlierRelease { why } | BaseSearch::Unverified { why } => why.clone(),
            BaseSearch::NotWanted => "the upgrade was not selected".to_owned(),
        };
        BaseChoice::None { why }
    }

    /// The base, where the upgrade from it is tried on a host with that docker CLI.
    pub(super) fn tried(&self, cli: &str) -> Option<&BaseFound> {
        self.found().filter(|found| found.head.is_ok() && found.refused(cli).is_none())
    }

    /// The base, if one was found.
    pub(super) fn found(&self) -> Option<&BaseFound> {
        match self {
            BaseSearch::Found(found) => Some(found),
            BaseSearch::Broken { .. }
            | BaseSearch::NoEarlierRelease { .. }
            | BaseSearch::Unverified { .. }
            | BaseSearch::NotWanted => None,
        }
    }
}

/// A refusal, with what the operator would have had to do first.
fn with_steps(error: &TextError, steps: &[OperatorStep]) -> String {
    if steps.is_empty() {
        return format!(
            "with the env file the app was installed with, the head can not be deployed: {error}"
        );
    }
    let keys: Vec<&str> = steps.iter().map(|step| step.key.as_str()).collect();
    format!(
        "with the env file the app was installed with, the head can not be deployed; an operator would first have to see to {}: {error}",
        keys.join(", ")
    )
}

/// One marker for each named volume a service mounts, through a mount that can be written if
/// there is one.
pub fn markers(declared: &DeclaredStack) -> Vec<PlannedMarker> {
    let mut markers = Vec::new();
    for volume in declared.volumes.iter().filter(|volume| !volume.external) {
        let mounts = declared
            .services
            .iter()
            .flat_map(|service| service.mounts.iter().map(move |mount| (service, mount)));
        let of_volume = mounts.filter(|(_, mount)| is_of(mount, volume.name.as_str()));
        let mut of_volume: Vec<(&DeclaredService, &DeclaredMount)> = of_volume.collect();
        of_volume.retain(|(service, _)| service.mode != ServiceMode::Replicated { replicas: 0 });
        of_volume.sort_by_key(|(service, mount)| {
            let may_end = service.mode.is_job() || service.restart != RestartCondition::Any;
            (mount.read_only, service.mode.is_job(), may_end && !service.is_routed())
        });
        if let Some((service, mount)) = of_volume.first() {
            markers.push(PlannedMarker {
                volume: volume.name.clone(),
                object: volume.object.clone(),
                service: service.name.clone(),
                target: mount.target.clone(),
            });
        }
    }
    markers
}

fn is_of(mount: &DeclaredMount, volume: &str) -> bool {
    mount.kind == MountKind::Volume && mount.source.as_deref() == Some(volume)
}
