//! Plants a marker in every named volume and looks for it again, through the mounts of the
//! tasks that run at that moment (STG-9).

use cc_ci_core::ports::EngineError;
use cc_ci_model::compose::{DeclaredMount, MountKind};
use cc_ci_model::evidence::{Evidence, MarkerSeen};
use cc_ci_model::plan::{PlannedApp, PlannedMarker, Revision};
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand, data_markers};

pub(super) async fn plant(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let mut markers = Vec::new();
    for planned in hand.plan.markers.clone() {
        let nonce = nonce(hand);
        let service = planned.service.to_string();
        let place = Place { service, target: planned.target.clone() };
        let mut seen = unseen(hand, &planned, nonce, Some(&place));
        match hand.container_of(app, &place.service).await? {
            None => seen.problem = Some(format!("service {} has no running task", place.service)),
            Some(container) => write_and_read(hand, &container, &place, &mut seen).await?,
        }
        markers.push(seen);
    }
    let planned = hand.plan.data.base.clone();
    let data = data_markers::plant(hand, app, &planned, deadline).await?;
    Ok(Evidence::Planted { markers, data })
}

pub(super) async fn seek(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let planted = hand.journal.with(|state| {
        let acts =
            state.current(hand.journal.lane()).map(|run| run.acts.clone()).unwrap_or_default();
        acts.into_iter().rev().find_map(|act| match act.evidence {
            Some(Evidence::Planted { markers, data }) => Some((markers, data)),
            Some(_) | None => None,
        })
    });
    let (planted, values) = planted.unwrap_or_default();
    let mut markers = Vec::new();
    for planned in hand.plan.markers.clone() {
        let volume = planned.volume.as_str();
        let known = planted.iter().find(|marker| marker.volume == volume);
        if let Some(known) = known {
            markers.push(seek_one(hand, app, &planned, known.nonce.clone()).await?);
        }
    }
    let data = data_markers::seek(hand, app, &values, deadline).await?;
    Ok(Evidence::Sought { markers, data })
}

/// Where a service mounts a volume.
struct Place {
    service: String,
    target: String,
}

impl Place {
    fn path(&self, file: &str) -> String {
        format!("{}/{file}", self.target.trim_end_matches('/'))
    }
}

/// Looks at every mount of the volume in the revision that runs now, until the marker is seen.
async fn seek_one(
    hand: &mut Stagehand,
    app: &PlannedApp,
    planned: &PlannedMarker,
    nonce: String,
) -> Result<MarkerSeen, ActError> {
    let mut seen = unseen(hand, planned, nonce, None);
    for place in mounts_now(hand, app, &planned.object) {
        seen = unseen(hand, planned, seen.nonce, Some(&place));
        match hand.container_of(app, &place.service).await? {
            None => seen.problem = Some(format!("service {} has no running task", place.service)),
            Some(container) => read(hand, &container, &place, &mut seen).await?,
        }
        if seen.found.as_ref() == Some(&seen.nonce) {
            break;
        }
    }
    Ok(seen)
}

fn mounts_now(hand: &Stagehand, app: &PlannedApp, object: &str) -> Vec<Place> {
    let revision = hand.journal.with(|state| state.revision_of(&app.id)).unwrap_or(Revision::Head);
    let Some(declared) = hand.plan.declared(app.role, revision) else {
        return Vec::new();
    };
    let volume = declared.volumes.iter().find(|volume| volume.object == object);
    let Some(volume) = volume else {
        return Vec::new();
    };
    let is_of = |mount: &&DeclaredMount| {
        mount.kind == MountKind::Volume && mount.source.as_deref() == Some(volume.name.as_str())
    };
    declared
        .services
        .iter()
        .flat_map(|service| {
            service.mounts.iter().filter(is_of).map(|mount| Place {
                service: service.name.to_string(),
                target: mount.target.clone(),
            })
        })
        .collect()
}

async fn write_and_read(
    hand: &Stagehand,
    container: &str,
    place: &Place,
    seen: &mut MarkerSeen,
) -> Result<(), ActError> {
    let file = file_name(hand, &seen.volume);
    match hand.ports.files.put(container, &place.target, &file, seen.nonce.as_bytes()).await {
        Ok(()) => read(hand, container, place, seen).await,
        Err(EngineError::Refused { message, .. }) => {
            seen.problem = Some(message);
            Ok(())
        }
        Err(error @ EngineError::Unreachable { .. }) => Err(ActError::broken(error)),
    }
}

async fn read(
    hand: &Stagehand,
    container: &str,
    place: &Place,
    seen: &mut MarkerSeen,
) -> Result<(), ActError> {
    let path = place.path(&file_name(hand, &seen.volume));
    match hand.ports.files.get(container, &path).await {
        Ok(content) => {
            seen.found = content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            Ok(())
        }
        Err(EngineError::Refused { message, .. }) => {
            seen.problem = Some(message);
            Ok(())
        }
        Err(error @ EngineError::Unreachable { .. }) => Err(ActError::broken(error)),
    }
}

/// A volume's marker file. The run's digits keep it apart from anybody else's, the volume's name
/// from those of volumes that a hook copies into this one. No dot in front: an entrypoint that
/// empties a folder with `rm -rf /data/*` would leave such a file, and nothing else.
pub(super) fn file_name(hand: &Stagehand, volume: &str) -> String {
    format!("cc-ci-marker-{}-{volume}", hand.plan.run_id.hex())
}

/// A fresh value nobody could have written before.
pub(super) fn nonce(hand: &Stagehand) -> String {
    let mut bytes = [0; 16];
    hand.ports.entropy.fill(&mut bytes);
    hex::encode(bytes)
}

/// A marker nobody has looked at yet.
fn unseen(
    hand: &Stagehand,
    planned: &PlannedMarker,
    nonce: String,
    place: Option<&Place>,
) -> MarkerSeen {
    MarkerSeen {
        volume: planned.volume.to_string(),
        nonce,
        service: place.map(|place| place.service.clone()),
        path: place.map(|place| place.path(&file_name(hand, planned.volume.as_str()))),
        found: None,
        problem: None,
    }
}
