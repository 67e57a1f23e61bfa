//! Markers in the volumes of an app that is backed up: planted through the host, so that owner,
//! mode and extended attributes can be given and compared (STG-4, STG-5).

use std::path::{Path, PathBuf};

use cc_ci_core::ports::{FileFacts, VolumeError};
use cc_ci_model::backup::{HookTime, KeptMarker, MarkerFile, PathWeight};
use cc_ci_model::compose::DeclaredObject;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::marker::DataSeen;
use cc_ci_model::name::ComposeName;
use cc_ci_model::plan::{PlannedApp, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use super::backup::run_hooks;
use super::{ActError, Stagehand, data_markers};

/// Permission bits of a marker: unlike those most files have, so that a restore that sets them
/// all alike is seen.
const MODE: u32 = 0o640;

/// The extended attribute of a marker.
const ATTRIBUTE: &str = "user.cc-ci";

/// Looks at what is in the backed-up paths, then puts a fresh nonce into every volume.
pub(super) async fn mark(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let mut before = Vec::new();
    for (object, path) in backed_up_paths(hand, app) {
        let volume = object.name.to_string();
        let weight = hand.ports.volumes.weigh(&object.object, Path::new(&path)).await;
        let weight = weight.map_err(ActError::broken)?;
        let newest = weight.and_then(|weight| weight.newest);
        before.push(PathWeight { volume, path, files: weight.map(|weight| weight.files), newest });
    }
    let mut markers = Vec::new();
    for object in volumes(hand, app) {
        for (folder, backed_up) in places(hand, &object).await {
            for path in names(hand, &object.name).map(|name| folder.join(name)) {
                markers.push(plant(hand, &object, path, backed_up).await);
            }
        }
    }
    let planned = hand.plan.data.head.clone();
    let data = data_markers::plant(hand, app, &planned, deadline).await?;
    Ok(Evidence::Marked { before, markers, data })
}

/// Changes what was planted: other content, another mode. After a disaster it only looks: what was
/// planted went with its volumes, or nothing was lost.
pub(super) async fn disturb(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    if hand.plan.restore_mode == RestoreMode::Disaster {
        let markers = markers_now(hand, app).await;
        let data = data_markers::look(hand, app, &values(hand, app)).await?;
        return Ok(Evidence::Disturbed { markers, data, hooks: Vec::new() });
    }
    let mut markers = planted(hand, app);
    for marker in &mut markers {
        let Some(object) = object_of(hand, app, &marker.volume) else { continue };
        let path = PathBuf::from(&marker.path);
        let lost = FileFacts {
            content: b"cc-ci: this is what a restore has to replace".to_vec(),
            uid: 0,
            gid: 0,
            mode: 0o600,
            xattrs: Some(Vec::new()),
        };
        let written = hand.ports.volumes.write(&object, &path, &lost).await;
        look(hand, &object, marker, written).await;
    }
    let values = values(hand, app);
    let data = data_markers::disturb(hand, app, &values, deadline).await?;
    let mut hooks = Vec::new();
    if !data.is_empty() {
        // A dump that lies where nobody backs it up would be loaded as if it had been restored.
        for when in [HookTime::BackupPre, HookTime::BackupPost] {
            hooks.extend(run_hooks(hand, app, when, deadline).await?);
        }
    }
    Ok(Evidence::Disturbed { markers, data, hooks })
}

/// Looks at every marker as it is now.
pub(super) async fn recall(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let markers = markers_now(hand, app).await;
    let values = values(hand, app);
    let data = data_markers::seek(hand, app, &values, deadline).await?;
    Ok(Evidence::Recalled { markers, data })
}

/// Every marker as it is now.
pub(super) async fn markers_now(hand: &Stagehand, app: &PlannedApp) -> Vec<KeptMarker> {
    let mut markers = planted(hand, app);
    for marker in &mut markers {
        if let Some(object) = object_of(hand, app, &marker.volume) {
            look(hand, &object, marker, Ok(())).await;
        }
    }
    markers
}

/// The named volumes of the head as this app has them.
pub(super) fn volumes(hand: &Stagehand, app: &PlannedApp) -> Vec<DeclaredObject> {
    let declared = hand.plan.declared(app.role, Revision::Head);
    let own = declared.iter().flat_map(|stack| stack.own_volumes());
    own.map(|volume| DeclaredObject {
        object: cc_ci_core::app::object_of(&hand.plan, app, &volume.object),
        ..volume.clone()
    })
    .collect()
}

/// Every backed-up path with its volume; an empty path is the whole volume.
pub(super) fn backed_up_paths(hand: &Stagehand, app: &PlannedApp) -> Vec<(DeclaredObject, String)> {
    let volumes = volumes(hand, app);
    let mut all = Vec::new();
    for backed in &hand.plan.backup.volumes {
        let Some(object) = volumes.iter().find(|volume| volume.name == backed.volume) else {
            continue;
        };
        if backed.paths.is_empty() {
            all.push((object.clone(), String::new()));
        }
        all.extend(backed.paths.iter().map(|path| (object.clone(), path.clone())));
    }
    all
}

/// What was planted for the backup.
pub(super) fn planted(hand: &Stagehand, app: &PlannedApp) -> Vec<KeptMarker> {
    hand.journal.with(|state| {
        let run = state.run_of(Stage::Backup, Some(&app.id));
        match run.and_then(|run| run.act(Act::Mark)).and_then(|act| act.evidence.as_ref()) {
            Some(Evidence::Marked { markers, .. }) => markers.clone(),
            Some(_) | None => Vec::new(),
        }
    })
}

/// The values that were planted in databases and the like for the backup.
pub(super) fn values(hand: &Stagehand, app: &PlannedApp) -> Vec<DataSeen> {
    hand.journal.with(|state| {
        let run = state.run_of(Stage::Backup, Some(&app.id));
        match run.and_then(|run| run.act(Act::Mark)).and_then(|act| act.evidence.as_ref()) {
            Some(Evidence::Marked { data, .. }) => data.clone(),
            Some(_) | None => Vec::new(),
        }
    })
}

fn object_of(hand: &Stagehand, app: &PlannedApp, volume: &str) -> Option<String> {
    volumes(hand, app)
        .into_iter()
        .find(|known| known.name.as_str() == volume)
        .map(|known| known.object)
}

/// Where markers go in a volume, and whether that is backed up: the root, and each backed-up
/// folder below it.
async fn places(hand: &Stagehand, object: &DeclaredObject) -> Vec<(PathBuf, bool)> {
    let backed = hand.plan.backup.volumes.iter().find(|backed| backed.volume == object.name);
    let root_is_backed_up = backed.is_some_and(|backed| backed.paths.is_empty());
    let mut places = vec![(PathBuf::new(), root_is_backed_up)];
    for path in backed.map(|backed| backed.paths.as_slice()).unwrap_or_default() {
        // A path that is a file, or that a hook is yet to make, can hold no marker of ours.
        let folder = PathBuf::from(path);
        let volumes = &hand.ports.volumes;
        let is_there = matches!(volumes.weigh(&object.object, &folder).await, Ok(Some(_)));
        let is_file = matches!(volumes.read(&object.object, &folder).await, Ok(Some(_)));
        if is_there && !is_file {
            places.push((folder, true));
        }
    }
    places
}

/// One with a dot in front and one without: a shell's `*` leaves out the former, and a hook may lose
/// the one or the other. The one without is the upgrade's own with new content: whoever puts an
/// older copy back puts the older content back.
fn names(hand: &Stagehand, volume: &ComposeName) -> [String; 2] {
    let name = super::markers::file_name(hand, volume.as_str());
    let hidden = format!(".{name}");
    [name, hidden]
}

async fn plant(
    hand: &Stagehand,
    object: &DeclaredObject,
    path: PathBuf,
    backed_up: bool,
) -> KeptMarker {
    let folder = path.parent().unwrap_or(Path::new(""));
    let nonce = super::markers::nonce(hand);
    let mut marker = KeptMarker {
        volume: object.name.to_string(),
        path: path.display().to_string(),
        nonce: nonce.clone(),
        backed_up,
        file: None,
        problem: None,
    };
    let (uid, gid) = hand.ports.volumes.owner(&object.object, folder).await.unwrap_or((0, 0));
    let attribute = (ATTRIBUTE.to_owned(), nonce.clone().into_bytes());
    let file = FileFacts {
        content: nonce.into_bytes(),
        uid,
        gid,
        mode: MODE,
        xattrs: Some(vec![attribute]),
    };
    let written = hand.ports.volumes.write(&object.object, &path, &file).await;
    look(hand, &object.object, &mut marker, written).await;
    marker
}

/// Reads a marker's file as it is now.
async fn look(
    hand: &Stagehand,
    object: &str,
    marker: &mut KeptMarker,
    written: Result<(), VolumeError>,
) {
    let read = match written {
        Ok(()) => hand.ports.volumes.read(object, Path::new(&marker.path)).await,
        Err(error) => Err(error),
    };
    marker.file = None;
    marker.problem = None;
    match read {
        Ok(file) => marker.file = file.map(|file| as_seen(&file)),
        Err(error) => marker.problem = Some(error.to_string()),
    }
}

fn as_seen(file: &FileFacts) -> MarkerFile {
    MarkerFile {
        content: String::from_utf8_lossy(&file.content).into_owned(),
        uid: file.uid,
        gid: file.gid,
        mode: file.mode,
        xattrs: file.xattrs.as_ref().map(|xattrs| {
            xattrs.iter().map(|(name, value)| format!("{name}={}", hex::encode(value))).collect()
        }),
    }
}
