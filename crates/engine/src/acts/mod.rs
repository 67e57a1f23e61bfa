//! One handler for each act: do one thing, bring back what was seen.

mod absences;
mod answer;
mod backup;
mod converge;
mod data_markers;
mod deploy;
mod disaster;
mod examine;
mod images;
mod logs;
mod markers;
mod meter;
mod observe;
mod restore;
mod tests_run;
mod volume_markers;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cc_ci_core::convergence::recall;
use cc_ci_core::ports::StackWatch;
use cc_ci_model::event::Lane;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::name::{AppId, StackName};
use cc_ci_model::plan::{Plan, PlannedApp};
use cc_ci_model::stack::{StackFacts, TaskState};
use cc_ci_model::time::Timestamp;
use tokio::task::JoinSet;

pub use converge::settle;

use crate::cleanup;
use crate::journal::{Journal, JournalError};
use crate::ports::Ports;

/// What the acts of a run share.
pub(crate) struct Stagehand {
    pub(crate) ports: Ports,
    pub(crate) plan: Plan,
    pub(crate) journal: Arc<Journal>,
    /// A watch over each stack that was deployed, with what it has seen so far.
    watches: BTreeMap<AppId, Watched>,
    /// The measurement that runs beside the upgrade.
    meter: Option<meter::Meter>,
    /// Pulls for the next stage; they end with the run.
    pulls: JoinSet<()>,
}

/// A watch and everything it remembers.
pub struct Watched {
    /// Looks.
    pub watch: Box<dyn StackWatch>,
    /// What was ever seen.
    pub known: StackFacts,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("known", &self.known).finish_non_exhaustive()
    }
}

/// Why an act has nothing to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// Infrastructure, or a bug of ours.
    #[error("{0}")]
    Broken(String),
    /// The log could not be kept: the run must end.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl ActError {
    fn broken(error: impl std::fmt::Display) -> Self {
        ActError::Broken(error.to_string())
    }
}

impl Stagehand {
    pub(crate) fn new(ports: Ports, plan: Plan, journal: Arc<Journal>) -> Self {
        Self { ports, plan, journal, watches: BTreeMap::new(), meter: None, pulls: JoinSet::new() }
    }

    /// One more pair of hands, for a lane beside.
    pub(crate) fn beside(&self) -> Self {
        let journal = Arc::new(self.journal.of_lane(Lane::Beside));
        Self::new(self.ports.clone(), self.plan.clone(), journal)
    }

    fn app(&self, id: &AppId) -> Result<PlannedApp, ActError> {
        let app = self.plan.app(id).cloned();
        app.ok_or_else(|| ActError::Broken(format!("the plan has no app {id}")))
    }

    /// The container of a running task of a service, looked up anew: restarts change it.
    async fn container_of(
        &mut self,
        app: &PlannedApp,
        service: &str,
    ) -> Result<Option<String>, ActError> {
        let clock = self.ports.clock.clone();
        let watched = self.watch(&app.id, &app.stack).await?;
        let fresh = watched.watch.observe().await.map_err(ActError::broken)?;
        watched.known = recall(&watched.known, fresh, clock.now());
        let running = watched.known.tasks.iter().filter(|task| {
            task.service == service && task.current && task.state == TaskState::Running
        });
        let mut containers = running.filter_map(|task| task.container.as_ref());
        Ok(containers.next_back().map(|container| container.id.clone()))
    }

    /// The watch over an app's stack, begun if there is none yet.
    async fn watch(&mut self, app: &AppId, stack: &StackName) -> Result<&mut Watched, ActError> {
        if !self.watches.contains_key(app) {
            let watch = self.ports.stacks.watch(stack).await.map_err(ActError::broken)?;
            self.watches.insert(app.clone(), Watched { watch, known: StackFacts::default() });
        }
        let watched = self.watches.get_mut(app);
        watched.ok_or_else(|| ActError::Broken(format!("no watch over {stack}")))
    }
}

/// Carries one act out.
pub(crate) async fn carry_out(
    hand: &mut Stagehand,
    app: &AppId,
    act: Act,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let app = hand.app(app)?;
    match act {
        Act::EnsureImages { revision } => {
            let seen = images::ensure(hand, &app, revision, deadline).await;
            images::pull_ahead(hand, &app);
            seen
        }
        Act::Deploy { revision } => {
            meter::begin(hand, &app, revision);
            deploy::deploy(hand, &app, revision, deadline).await
        }
        Act::Converge => converge::converge(hand, &app, deadline).await,
        Act::Answer => answer::answer(hand, &app, deadline).await,
        Act::Meter => Ok(meter::end(hand)),
        Act::Inspect => answer::inspect(hand, &app).await,
        Act::Plant => markers::plant(hand, &app, deadline).await,
        Act::Seek => markers::seek(hand, &app, deadline).await,
        Act::Mark => volume_markers::mark(hand, &app, deadline).await,
        Act::Backup => backup::backup(hand, &app, deadline).await,
        Act::ReadSnapshot => backup::read_snapshot(hand, &app).await,
        Act::Disturb => volume_markers::disturb(hand, &app, deadline).await,
        Act::Verify => backup::verify(hand, &app, deadline).await,
        Act::Undeploy => disaster::undeploy(hand, &app, deadline).await,
        Act::Restore => restore::restore(hand, &app, deadline).await,
        Act::Restart => restore::restart(hand, &app).await,
        Act::Recall => volume_markers::recall(hand, &app, deadline).await,
        Act::Test => tests_run::test(hand, &app).await,
        Act::Examine => Ok(examine::examine(hand, &app, deadline).await),
        Act::Observe => observe::observe(hand, &app, deadline).await,
        Act::Dismantle => dismantle(hand, &app, deadline).await,
    }
}

/// Keeps the logs of every app that stays.
pub(crate) async fn keep_logs(hand: &Stagehand) {
    for id in hand.watches.keys() {
        if let Some(app) = hand.plan.app(id) {
            logs::keep(hand, app).await;
        }
    }
}

async fn dismantle(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    logs::keep(hand, app).await;
    let intents = hand.journal.with(|state| state.intents.clone());
    let scope = cc_ci_core::cleanup::scope_of_app(&intents, app);
    let swept = cleanup::sweep(&hand.ports.sweeper(), &scope, &[], deadline).await;
    hand.watches.remove(&app.id);
    if !swept.complete {
        let why = swept.refusals.last().cloned().unwrap_or_default();
        return Err(ActError::Broken(format!("the engine could not be asked what is left: {why}")));
    }
    Ok(Evidence::Dismantled { left: swept.left, refusals: swept.refusals })
}

/// The end of a text, at most `limit` bytes of it.
fn tail(said: &str, limit: usize) -> String {
    if said.len() <= limit {
        return said.to_owned();
    }
    let mut start = said.len() - limit;
    while !said.is_char_boundary(start) {
        start += 1;
    }
    format!("[…]{}", &said[start..])
}
