//! A stage's closing look at the stack, and at what its containers hold outside every mount.

use std::time::Duration;

use cc_ci_core::convergence::recall;
use cc_ci_core::own_layer::candidates;
use cc_ci_core::ports::EngineError;
use cc_ci_model::evidence::{Evidence, ObserveSeen, OwnFile, OwnLayer};
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::stack::{ContainerFacts, ServiceFacts, StackFacts, TaskState};
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand};

/// Paths of a container that are looked at.
const LOOKED_AT: usize = 20;

/// How long the look into containers may take: it is worth a warning, and no wait (RES-6).
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn observe(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let clock = hand.ports.clock.clone();
    let watched = hand.watch(&app.id, &app.stack).await?;
    let looked = tokio::select! {
        looked = watched.watch.observe() => looked.ok(),
        () = clock.sleep_until(deadline) => None,
    };
    let facts = looked.map(|fresh| recall(&watched.known, fresh, clock.now()));
    if let Some(facts) = &facts {
        watched.known = facts.clone();
    }
    let mut outside = Vec::new();
    if let Some(facts) = &facts {
        let limit = deadline.min(clock.now().plus(LIMIT));
        tokio::select! {
            () = look_inside(hand, facts, &mut outside) => {}
            () = clock.sleep_until(limit) => {}
        }
    }
    Ok(Evidence::Observed(ObserveSeen { facts, outside }))
}

/// One container of each service. What can not be looked into (it is on another node, or just
/// ended) says nothing.
async fn look_inside(hand: &Stagehand, facts: &StackFacts, outside: &mut Vec<OwnLayer>) {
    for service in &facts.services {
        let mut running = facts.tasks_of(&service.name).filter(|task| {
            task.current && task.state == TaskState::Running && task.container.is_some()
        });
        let Some(container) = running.next().and_then(|task| task.container.as_ref()) else {
            continue;
        };
        if let Ok(layer) = own_layer(hand, service, container).await {
            outside.extend(Some(layer).filter(|layer| !layer.files.is_empty()));
        }
    }
}

async fn own_layer(
    hand: &Stagehand,
    service: &ServiceFacts,
    container: &ContainerFacts,
) -> Result<OwnLayer, EngineError> {
    let changed = hand.ports.files.changed(&container.id).await?;
    let mut paths = candidates(&changed, service, container);
    let more = paths.split_off(paths.len().min(LOOKED_AT)).len() as u64;
    let mut layer = OwnLayer { service: service.name.clone(), files: Vec::new(), more };
    for path in paths {
        let size = hand.ports.files.size(&container.id, &path).await?;
        if let Some(bytes) = size.filter(|bytes| *bytes > 0) {
            layer.files.push(OwnFile { path, bytes });
        }
    }
    Ok(layer)
}
