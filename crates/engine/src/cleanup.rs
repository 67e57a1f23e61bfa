//! Carrying a cleanup out: at the end of an app, at the end of a run, after a signal, and for a
//! run that died (TEAR-1, TEAR-2).

use std::time::Duration;

use cc_ci_core::cleanup::{CleanupStep, cleanup_plan};
use std::sync::Arc;

use cc_ci_core::ports::{Clock, Objects, Processes, Removal, Scope, Signals};
use cc_ci_model::intent::{Object, ObjectKind, ProcessId};
use cc_ci_model::time::Timestamp;

/// What a sweep needs: less than a run does.
#[derive(Clone)]
pub struct Sweeper {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Single objects.
    pub objects: Arc<dyn Objects>,
    /// Processes of dead runs.
    pub processes: Arc<dyn Processes>,
    /// Requests to stop.
    pub signals: Arc<dyn Signals>,
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sweeper")
    }
}

/// Between two looks at what is left.
const PAUSE: Duration = Duration::from_millis(200);

/// What a second signal leaves a cleanup.
const SHORTENED: Duration = Duration::from_secs(10);

/// One call to the engine may take that long.
const CALL: Duration = Duration::from_secs(20);

/// What a sweep left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// What is still there.
    pub left: Vec<Object>,
    /// The engine could be asked at the end.
    pub complete: bool,
    /// What stood in the way, oldest first.
    pub refusals: Vec<String>,
}

/// Only looks.
pub async fn look(sweeper: &Sweeper, scope: &Scope) -> Swept {
    let mut swept = Swept { left: Vec::new(), complete: false, refusals: Vec::new() };
    match bounded(sweeper, sweeper.objects.inventory(scope)).await {
        Some(Ok(left)) => {
            swept.left = left;
            swept.complete = true;
        }
        Some(Err(error)) => swept.refusals.push(error.to_string()),
        None => swept.refusals.push("the engine did not answer in time".to_owned()),
    }
    swept
}

/// Removes everything of a scope: looks, does what is due, looks again, until nothing is left or
/// the deadline passes. A second signal shortens it, a third ends it (TEAR-3).
pub async fn sweep(
    sweeper: &Sweeper,
    scope: &Scope,
    dead: &[ProcessId],
    deadline: Timestamp,
) -> Swept {
    sweep_but(sweeper, scope, &|_| false, dead, deadline).await
}

/// The same, but what `stays` is neither removed nor said to be left.
pub(crate) async fn sweep_but(
    sweeper: &Sweeper,
    scope: &Scope,
    stays: &(dyn Fn(&Object) -> bool + Sync),
    dead: &[ProcessId],
    deadline: Timestamp,
) -> Swept {
    let mut dead = dead.to_vec();
    let mut refusals: Vec<String> = Vec::new();
    let mut deadline = deadline;
    let mut scope = scope.clone();
    loop {
        let mut swept = look(sweeper, &scope).await;
        swept.left.retain(|object| !stays(object));
        remember_volumes(&mut scope, &swept.left);
        for step in cleanup_plan(&dead, &swept.left) {
            if let Some(refusal) = carry_out(sweeper, step).await
                && !refusals.contains(&refusal)
            {
                refusals.push(refusal);
            }
        }
        dead.clear();
        let signals = sweeper.signals.count();
        if signals >= 2 {
            deadline = deadline.min(sweeper.clock.now().plus(SHORTENED));
        }
        let is_done = swept.complete && swept.left.is_empty();
        if is_done || signals >= 3 || sweeper.clock.now() >= deadline {
            refusals.append(&mut swept.refusals);
            swept.refusals = refusals;
            return swept;
        }
        sweeper.clock.sleep_until(sweeper.clock.now().plus(PAUSE)).await;
    }
}

/// An anonymous volume is found through its container. Should it outlive that, only its name
/// finds it.
fn remember_volumes(scope: &mut Scope, seen: &[Object]) {
    let volumes = seen.iter().filter(|object| object.kind == ObjectKind::Volume);
    for volume in volumes {
        if !scope.names.contains(&volume.name) {
            scope.names.push(volume.name.clone());
        }
    }
}

/// One step; what stood in its way, if anything did.
async fn carry_out(sweeper: &Sweeper, step: CleanupStep) -> Option<String> {
    match step {
        CleanupStep::EndProcess(process) => {
            let ending = sweeper.processes.end(&process, Duration::from_secs(2));
            let gone = bounded(sweeper, ending).await.unwrap_or(false);
            (!gone).then(|| format!("process {} of the dead run does not end", process.pid))
        }
        CleanupStep::AwaitGone(_) => None,
        CleanupStep::Remove(object) => {
            match bounded(sweeper, sweeper.objects.remove(&object)).await {
                Some(Ok(Removal::Gone)) => None,
                Some(Ok(Removal::InUse { message } | Removal::Refused { message })) => {
                    Some(format!("{object}: {message}"))
                }
                Some(Err(error)) => Some(error.to_string()),
                None => Some(format!("{object}: the engine did not answer in time")),
            }
        }
    }
}

async fn bounded<T>(sweeper: &Sweeper, call: impl Future<Output = T>) -> Option<T> {
    let limit = sweeper.clock.now().plus(CALL);
    tokio::select! {
        answer = call => Some(answer),
        () = sweeper.clock.sleep_until(limit) => None,
    }
}
