//! Puts the run's own snapshot back, with the hooks around it, and restarts every service once
//! (STG-5).

use cc_ci_model::backup::{HookTime, RestoreSeen};
use cc_ci_model::compose::ServiceMode;
use cc_ci_model::evidence::Evidence;
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::time::Timestamp;

use super::backup::{run_hooks, snapshot_id, sources};
use super::volume_markers::markers_now;
use super::{ActError, Stagehand};

pub(super) async fn restore(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let Some(snapshot) = snapshot_id(hand, app) else {
        return Err(ActError::Broken("there is no snapshot to restore".to_owned()));
    };
    let mut hooks = run_hooks(hand, app, HookTime::RestorePre, deadline).await?;
    let sources = sources(hand, app).await?;
    let restored = hand.ports.snapshots.restore(&snapshot, &sources).await;
    hooks.extend(run_hooks(hand, app, HookTime::RestorePost, deadline).await?);
    let problem = restored.err().map(|error| error.to_string());
    let markers = markers_now(hand, app).await;
    Ok(Evidence::Restored(RestoreSeen { hooks, snapshot, markers, problem }))
}

/// Jobs and services without tasks are left alone: restarting a job runs it again.
pub(super) async fn restart(hand: &mut Stagehand, app: &PlannedApp) -> Result<Evidence, ActError> {
    let watched = hand.watch(&app.id, &app.stack).await?;
    let facts = watched.watch.observe().await.map_err(ActError::broken)?;
    let mut services = Vec::new();
    for service in facts.services {
        let is_kept_running = match service.mode {
            ServiceMode::Replicated { replicas } => replicas > 0,
            ServiceMode::Global => true,
            ServiceMode::ReplicatedJob { .. } | ServiceMode::GlobalJob => false,
        };
        let has_ended = facts
            .tasks
            .iter()
            .filter(|task| task.service == service.name)
            .all(|task| task.state.is_terminal());
        if is_kept_running && !has_ended {
            hand.ports.restarts.restart(&service.id).await.map_err(ActError::broken)?;
            services.push(service.name);
        }
    }
    Ok(Evidence::Restarted { services })
}
