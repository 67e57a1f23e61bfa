//! The state of a run as a function of its log (VER-6): one reducer, used by the live run to
//! decide its next step and by `cc-ci judge` to recompute the verdict.
//!
//! Tests: `state/tests.rs` and the engine's scenarios.

use cc_ci_model::event::{Event, EventKind, Lane, Tool};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::intent::{Intent, Object, ProcessId};
use cc_ci_model::name::AppId;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Finding, Plan, Revision};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::assess::{self, Check};
use crate::outcome::combine;

#[cfg(test)]
pub(crate) mod tests;

/// How the message of an act begins that ended in a bug of ours: never hidden by another try.
pub const BUG: &str = "a bug in cc-ci: ";

/// Everything a log says, so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// The plan, from the first event.
    pub plan: Option<Plan>,
    /// The program that wrote the log.
    pub tool: Option<Tool>,
    /// The process that runs it.
    pub owner: Option<ProcessId>,
    /// Stages in the order in which they began.
    pub stages: Vec<StageRun>,
    /// Effects announced so far.
    pub intents: Vec<Intent>,
    /// Child processes that started and have not ended.
    pub processes: Vec<ProcessId>,
    /// Notes of the engine.
    pub notes: Vec<Finding>,
    /// Signals so far.
    pub signals: u8,
    /// What the last inventory found, and whether the engine could be asked.
    pub inventory: Option<(Vec<Object>, bool)>,
    /// The hash in the seal.
    pub seal: Option<String>,
    /// What is wrong with the log itself.
    pub damage: Option<String>,
    last_seq: u64,
}

/// One stage as it went.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRun {
    /// In which lane it ran.
    pub lane: Lane,
    /// The stage.
    pub stage: Stage,
    /// The app it was about.
    pub app: Option<AppId>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// Its acts, in order.
    pub acts: Vec<ActRun>,
}

/// One act as it went.
#[derive(Debug, Clone, PartialEq)]
pub struct ActRun {
    /// The act.
    pub act: Act,
    /// When it had to be over.
    pub deadline: Timestamp,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// What was seen.
    pub evidence: Option<Evidence>,
    /// What that means.
    pub checks: Vec<Check>,
    /// What a reader should know about it.
    pub warnings: Vec<Finding>,
}

impl RunState {
    /// The state after all of `events`.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// Takes one more event in.
    pub fn apply(&mut self, event: &Event) {
        if event.seq != self.last_seq + 1 {
            let (seq, last) = (event.seq, self.last_seq);
            self.damaged(format!("event {seq} follows event {last}: something is missing"));
        }
        self.last_seq = event.seq;
        if self.seal.is_some() {
            self.damaged(format!("event {} comes after the seal", event.seq));
        }
        if matches!(event.kind, EventKind::Planned { .. }) == self.plan.is_some() {
            self.damaged(format!("event {}: the plan comes first, and once", event.seq));
        }
        match &event.kind {
            EventKind::Planned { tool, owner, plan, .. } => {
                self.plan = Some(plan.as_ref().clone());
                self.tool = Some(tool.clone());
                self.owner = Some(owner.clone());
            }
            EventKind::StageBegan { stage, app } => self.begin_stage(event, *stage, app.clone()),
            EventKind::ActBegan { act, deadline } => self.begin_act(event, *act, *deadline),
            EventKind::ActEnded { evidence } => self.end_act(event, evidence),
            EventKind::ActErrored { message } => self.error_act(event, message),
            EventKind::StageEnded => self.end_stage(event),
            EventKind::Intended { intent } => self.intents.push(intent.clone()),
            EventKind::ProcessStarted { process } => self.processes.push(process.clone()),
            EventKind::ProcessEnded { process } => self.processes.retain(|known| known != process),
            EventKind::Noted { finding } => self.notes.push(finding.clone()),
            EventKind::CancelRequested { signals } => self.signals = *signals,
            EventKind::InventoryTaken { left, complete } => {
                self.inventory = Some((left.clone(), *complete));
            }
            EventKind::Sealed { sha256 } => self.seal = Some(sha256.clone()),
        }
    }

    /// The stage that runs now in a lane.
    pub fn current(&self, lane: Lane) -> Option<&StageRun> {
        self.last_in(lane).filter(|run| run.ended_at.is_none())
    }

    /// The stage that began last in a lane.
    pub fn last_in(&self, lane: Lane) -> Option<&StageRun> {
        self.stages.iter().rfind(|run| run.lane == lane)
    }

    /// The run of a stage for an app; the last one if there were several.
    pub fn run_of(&self, stage: Stage, app: Option<&AppId>) -> Option<&StageRun> {
        self.stages.iter().rev().find(|run| run.stage == stage && run.app.as_ref() == app)
    }

    /// Every run of a stage.
    pub fn runs_of(&self, stage: Stage) -> impl Iterator<Item = &StageRun> {
        self.stages.iter().filter(move |run| run.stage == stage)
    }

    /// Whether the run was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.signals > 0
    }

    /// Whether an effect on that app was announced.
    pub fn was_touched(&self, app: &AppId) -> bool {
        self.intents.iter().any(|intent| match intent {
            Intent::Stack { app: of, .. } => of == app,
            Intent::Secret { .. } | Intent::Network { .. } => false,
        })
    }

    /// The revision that app runs, as last submitted and accepted.
    pub fn revision_of(&self, app: &AppId) -> Option<Revision> {
        self.deploys_of(app).last()
    }

    /// Revisions submitted for that app and accepted, in order.
    pub fn deploys_of(&self, app: &AppId) -> impl Iterator<Item = Revision> {
        self.deploys_in(app, |_| true)
    }

    /// The same, of some stages only.
    pub fn deploys_in(
        &self,
        app: &AppId,
        is_wanted: impl Fn(Stage) -> bool,
    ) -> impl Iterator<Item = Revision> {
        self.stages
            .iter()
            .filter(move |run| run.app.as_ref() == Some(app) && is_wanted(run.stage))
            .flat_map(|run| &run.acts)
            .filter_map(|act| match &act.evidence {
                Some(Evidence::Deployed(seen)) if seen.exit_code == Some(0) => Some(seen.revision),
                Some(_) | None => None,
            })
    }

    fn damaged(&mut self, what: String) {
        self.damage.get_or_insert(what);
    }

    fn begin_stage(&mut self, event: &Event, stage: Stage, app: Option<AppId>) {
        if let Some(open) = self.current(event.lane) {
            let what = format!("stage {stage} began while {} was open", open.stage);
            self.damaged(what);
        }
        let may_be_beside = self.plan.as_ref().is_some_and(|plan| plan.beside);
        if event.lane == Lane::Beside && !may_be_beside {
            self.damaged(format!("stage {stage} began beside others, which the plan does not say"));
        }
        self.stages.push(StageRun {
            lane: event.lane,
            stage,
            app,
            began_at: event.at,
            ended_at: None,
            acts: Vec::new(),
        });
    }

    fn begin_act(&mut self, event: &Event, act: Act, deadline: Timestamp) {
        let Some(run) = self.current_mut(event.lane) else {
            return self.damaged(format!("act {} began outside a stage", act.as_str()));
        };
        run.acts.push(ActRun {
            act,
            deadline,
            began_at: event.at,
            ended_at: None,
            evidence: None,
            checks: Vec::new(),
            warnings: Vec::new(),
        });
    }

    fn end_act(&mut self, event: &Event, evidence: &Evidence) {
        let assessed = self.open_act(event.lane);
        let assessed = assessed.map(|(run, act)| assess::assess(self, run, act, evidence));
        let Some(assessed) = assessed else {
            return self.damaged("evidence came outside an act".to_owned());
        };
        if let Some(act) = self.open_act_mut(event.lane) {
            act.ended_at = Some(event.at);
            act.evidence = Some(evidence.clone());
            act.checks = assessed.checks;
            act.warnings = assessed.warnings;
        }
    }

    fn error_act(&mut self, event: &Event, message: &str) {
        if let Some(act) = self.open_act_mut(event.lane) {
            act.ended_at = Some(event.at);
            // What is gathered for people can not change a verdict (RES-6).
            if act.act == Act::Examine {
                act.warnings = vec![Finding::new("not_examined", message, None)];
            } else {
                act.checks = vec![Check::new(act.act.as_str(), Outcome::errored(message), message)];
            }
        } else {
            self.damaged("an act failed outside an act".to_owned());
        }
    }

    fn end_stage(&mut self, event: &Event) {
        match self.current_mut(event.lane) {
            Some(run) => run.ended_at = Some(event.at),
            None => self.damaged("a stage ended that had not begun".to_owned()),
        }
    }

    fn current_mut(&mut self, lane: Lane) -> Option<&mut StageRun> {
        let last = self.stages.iter_mut().rfind(|run| run.lane == lane);
        last.filter(|run| run.ended_at.is_none())
    }

    fn open_act(&self, lane: Lane) -> Option<(&StageRun, &ActRun)> {
        let run = self.current(lane)?;
        run.acts.last().filter(|act| act.ended_at.is_none()).map(|act| (run, act))
    }

    fn open_act_mut(&mut self, lane: Lane) -> Option<&mut ActRun> {
        self.current_mut(lane)?.acts.last_mut().filter(|act| act.ended_at.is_none())
    }
}

impl StageRun {
    /// What became of the stage, from its checks. A stage that did not end, or whose last act
    /// did not, showed nothing.
    pub fn outcome(&self) -> Outcome {
        let open = self.acts.iter().any(|act| act.ended_at.is_none());
        if self.ended_at.is_none() || open {
            let told = combine(self.checks().map(|check| &check.outcome));
            if matches!(told, Outcome::Failed { .. }) {
                return told;
            }
            return Outcome::errored(format!("stage {} did not come to its end", self.stage));
        }
        combine(self.checks().map(|check| &check.outcome))
    }

    /// Its acts, attempt by attempt. Only a backup is tried again (STG-4): each attempt begins with
    /// the wait for the stack to settle.
    pub fn attempts(&self) -> Vec<&[ActRun]> {
        let mut attempts = Vec::new();
        let mut rest = self.acts.as_slice();
        let begins = |act: &ActRun| self.stage == Stage::Backup && act.act == Act::Converge;
        while let Some(length) = rest.iter().skip(1).position(begins) {
            let (attempt, after) = rest.split_at(length + 1);
            attempts.push(attempt);
            rest = after;
        }
        attempts.push(rest);
        attempts
    }

    /// The acts that count: those of the last attempt.
    pub fn last_attempt(&self) -> &[ActRun] {
        self.attempts().pop().unwrap_or_default()
    }

    /// All checks of the acts that count, in order.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.last_attempt().iter().flat_map(|act| &act.checks)
    }

    /// The act of that name in the last attempt, the last one if there were several.
    pub fn act(&self, wanted: Act) -> Option<&ActRun> {
        self.last_attempt().iter().rev().find(|run| run.act == wanted)
    }
}

impl ActRun {
    /// What became of it, from its checks.
    pub fn outcome(&self) -> Outcome {
        combine(self.checks.iter().map(|check| &check.outcome))
    }

    /// Whether it showed what it was for.
    pub fn is_good(&self) -> bool {
        self.ended_at.is_some() && self.outcome().is_passed()
    }
}
