//! Takes a backup as backup-bot-two does: pre-hooks, one snapshot of the labelled paths,
//! post-hooks; then looks into the snapshot (STG-4).

use std::path::{Path, PathBuf};
use std::time::Duration;

use cc_ci_core::ports::{EngineError, ExecOutput, ExecRequest, SnapshotEntry, SnapshotSource};
use cc_ci_model::backup::{
    BackupSeen, Hook, HookSeen, HookTime, MarkerInSnapshot, SnapshotPath, SnapshotSeen,
};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::integrity::{ExpectedPath, ExpectedSeen, VerifyCommand, VerifySeen};
use cc_ci_model::marker::DataSeen;
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use super::volume_markers::{backed_up_paths, planted, values, volumes};
use super::{ActError, Stagehand, data_markers};

/// How much of what a hook said is kept.
const SAID: usize = 64 << 10;

/// A hook gets that long although another one took all the time there was: it may undo something.
const LEAST: Duration = Duration::from_secs(10);

pub(super) async fn backup(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let mut hooks = run_hooks(hand, app, HookTime::BackupPre, deadline).await?;
    let missing = missing_paths(hand, app).await?;
    let mut seen = BackupSeen { hooks: Vec::new(), missing, snapshot: None, problem: None };
    if seen.missing.is_empty() {
        let sources = sources(hand, app).await?;
        hand.journal.tell("the snapshot");
        match hand.ports.snapshots.take(app.stack.as_str(), &sources).await {
            Ok(id) => seen.snapshot = Some(id),
            Err(error) => seen.problem = Some(error.to_string()),
        }
    }
    hooks.extend(run_hooks(hand, app, HookTime::BackupPost, deadline).await?);
    seen.hooks = hooks;
    Ok(Evidence::BackedUp(seen))
}

/// Runs the hooks of a time, each in its service's container.
pub(super) async fn run_hooks(
    hand: &mut Stagehand,
    app: &PlannedApp,
    when: HookTime,
    deadline: Timestamp,
) -> Result<Vec<HookSeen>, ActError> {
    let due: Vec<Hook> =
        hand.plan.backup.hooks.iter().filter(|hook| hook.when == when).cloned().collect();
    let mut seen = Vec::new();
    for hook in due {
        hand.journal.tell(&format!("{} of service {}", when.label(), hook.service));
        let ran = run_hook(hand, app, &hook, deadline).await?;
        seen.push(ran);
    }
    Ok(seen)
}

/// `bash -c 'set -o pipefail; …'` as the bot does, else `sh -c` (TEST-2).
async fn run_hook(
    hand: &mut Stagehand,
    app: &PlannedApp,
    hook: &Hook,
    deadline: Timestamp,
) -> Result<HookSeen, ActError> {
    let service = hook.service.to_string();
    let seen = |code, by_sh, said| HookSeen {
        service: hook.service.to_string(),
        when: hook.when,
        code,
        by_sh,
        said,
    };
    let Some(container) = hand.container_of(app, &service).await? else {
        return Ok(seen(None, false, format!("service {service} has no running task")));
    };
    let bash = ["bash", "-c", &format!("set -o pipefail; {}", hook.command)];
    let ran = exec(hand, &container, &bash, deadline).await?;
    if !has_no_bash(&ran) {
        return Ok(seen(ran.code, false, ran.said));
    }
    let ran = exec(hand, &container, &["sh", "-c", &hook.command], deadline).await?;
    Ok(seen(ran.code, true, ran.said))
}

async fn exec(
    hand: &Stagehand,
    container: &str,
    command: &[&str],
    deadline: Timestamp,
) -> Result<ExecOutput, ActError> {
    let command = command.iter().map(|word| (*word).to_owned()).collect();
    let limit = deadline.since(hand.ports.clock.now()).max(LEAST);
    let request = ExecRequest { container: container.to_owned(), command, limit };
    match hand.ports.exec.exec(&request).await {
        // Scrubbed first: what a cut leaves of a secret would not be found any more.
        Ok(ExecOutput { code, said }) => {
            Ok(ExecOutput { code, said: hand.journal.scrub_end(&said, SAID) })
        }
        Err(EngineError::Refused { message, .. }) => Ok(ExecOutput { code: None, said: message }),
        Err(error @ EngineError::Unreachable { .. }) => Err(ActError::broken(error)),
    }
}

/// What the engine says of a program an image does not have (Engine 20.10 and 28).
fn has_no_bash(ran: &ExecOutput) -> bool {
    let says_so = ran.said.contains("executable file not found")
        || ran.said.contains("no such file or directory");
    matches!(ran.code, None | Some(126 | 127)) && says_so && ran.said.contains("bash")
}

/// Labelled paths that are not there when the snapshot is due.
async fn missing_paths(hand: &Stagehand, app: &PlannedApp) -> Result<Vec<String>, ActError> {
    let mut missing = Vec::new();
    for (object, path) in backed_up_paths(hand, app) {
        let weight = hand.ports.volumes.weigh(&object.object, Path::new(&path)).await;
        if weight.map_err(ActError::broken)?.is_none() {
            missing.push(format!("{}/{path}", object.name));
        }
    }
    Ok(missing)
}

/// What goes into a snapshot, and where it came from.
pub(super) async fn sources(
    hand: &Stagehand,
    app: &PlannedApp,
) -> Result<Vec<SnapshotSource>, ActError> {
    let mut sources = Vec::new();
    for (object, path) in backed_up_paths(hand, app) {
        let root = hand.ports.volumes.root(&object.object).await.map_err(ActError::broken)?;
        sources.push(SnapshotSource { volume: object.object, root, path: PathBuf::from(path) });
    }
    Ok(sources)
}

/// The snapshot that was taken in this run's backup.
pub(super) fn snapshot_id(hand: &Stagehand, app: &PlannedApp) -> Option<String> {
    hand.journal.with(|state| {
        let run = state.run_of(Stage::Backup, Some(&app.id));
        match run.and_then(|run| run.act(Act::Backup)).and_then(|act| act.evidence.as_ref()) {
            Some(Evidence::BackedUp(seen)) => seen.snapshot.clone(),
            Some(_) | None => None,
        }
    })
}

/// Counts what is in the snapshot and looks for every nonce in its bytes.
pub(super) async fn read_snapshot(
    hand: &Stagehand,
    app: &PlannedApp,
) -> Result<Evidence, ActError> {
    let Some(snapshot) = snapshot_id(hand, app) else {
        return Err(ActError::Broken("there is no snapshot to look into".to_owned()));
    };
    let entries = hand.ports.snapshots.list(&snapshot).await.map_err(ActError::broken)?;
    let paths = backed_up_paths(hand, app).into_iter().map(|(object, path)| {
        let below = entries.iter().filter(|entry| {
            entry.volume == object.object && entry.is_file && entry.path.starts_with(&path)
        });
        let (files, bytes) =
            below.fold((0, 0), |(files, bytes), entry| (files + 1, bytes + entry.bytes));
        SnapshotPath { volume: object.name.to_string(), path, files, bytes }
    });
    let paths = paths.collect();
    let mut sought: Vec<String> =
        backed_up_paths(hand, app).into_iter().map(|(object, _)| object.object).collect();
    sought.dedup();
    let fresh = planted(hand, app).into_iter().map(|marker| (marker.volume, marker.nonce));
    let mut markers = Vec::new();
    // Older ones too: they tell a stale copy from data in another form.
    for (volume, nonce) in fresh.chain(planted_for_upgrade(hand, app)) {
        let found = contains(hand, &snapshot, &sought, nonce.as_bytes()).await?;
        markers.push(MarkerInSnapshot { volume, nonce, found });
    }
    let values = values(hand, app).into_iter().chain(values_of_upgrade(hand, app));
    let data = data_markers::in_snapshot(hand, &snapshot, &sought, values.collect()).await?;
    let expected = expected(hand, app, &entries);
    Ok(Evidence::Snapshot(SnapshotSeen { snapshot, paths, markers, expected, data }))
}

/// The paths the pack expects, as they are in the snapshot.
fn expected(hand: &Stagehand, app: &PlannedApp, entries: &[SnapshotEntry]) -> Vec<ExpectedSeen> {
    let volumes = volumes(hand, app);
    let look = |path: &ExpectedPath| {
        let object = volumes.iter().find(|volume| volume.name == path.volume);
        let below = || {
            let of_volume =
                entries.iter().filter(|entry| object.is_some_and(|one| one.object == entry.volume));
            of_volume.filter(|entry| entry.path.starts_with(&path.path))
        };
        let bytes = below().filter(|entry| entry.is_file).map(|entry| entry.bytes).sum();
        ExpectedSeen { path: path.to_string(), there: below().next().is_some(), bytes }
    };
    hand.plan.backup_checks.expect.iter().map(look).collect()
}

/// Runs the pack's own command in a container of its service.
pub(super) async fn verify(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let Some(VerifyCommand { service, command }) = hand.plan.backup_checks.verify.clone() else {
        return Err(ActError::Broken("the plan has no command that verifies a backup".to_owned()));
    };
    let service = service.to_string();
    let ran = match hand.container_of(app, &service).await? {
        Some(container) => {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            exec(hand, &container, &words, deadline).await?
        }
        None => ExecOutput { code: None, said: format!("service {service} has no running task") },
    };
    Ok(Evidence::Verified(VerifySeen { service, code: ran.code, said: ran.said }))
}

/// Volumes and nonces of what was planted before the upgrade of this app.
fn planted_for_upgrade(hand: &Stagehand, app: &PlannedApp) -> Vec<(String, String)> {
    hand.journal.with(|state| {
        let run = state.run_of(Stage::Upgrade, Some(&app.id));
        match run.and_then(|run| run.act(Act::Plant)).and_then(|act| act.evidence.as_ref()) {
            Some(Evidence::Planted { markers, .. }) => {
                markers.iter().map(|marker| (marker.volume.clone(), marker.nonce.clone())).collect()
            }
            Some(_) | None => Vec::new(),
        }
    })
}

/// The values planted before the upgrade of this app, of the markers as the head has them.
fn values_of_upgrade(hand: &Stagehand, app: &PlannedApp) -> Vec<DataSeen> {
    hand.journal.with(|state| {
        let run = state.run_of(Stage::Upgrade, Some(&app.id));
        match run.and_then(|run| run.act(Act::Plant)).and_then(|act| act.evidence.as_ref()) {
            Some(Evidence::Planted { data, .. }) => data.clone(),
            Some(_) | None => Vec::new(),
        }
    })
}

/// Whether a nonce is in any volume of the snapshot: a hook may have copied it from another one.
pub(super) async fn contains(
    hand: &Stagehand,
    snapshot: &str,
    volumes: &[String],
    nonce: &[u8],
) -> Result<bool, ActError> {
    for volume in volumes {
        let found = hand.ports.snapshots.contains(snapshot, volume, nonce).await;
        if found.map_err(ActError::broken)? {
            return Ok(true);
        }
    }
    Ok(false)
}
