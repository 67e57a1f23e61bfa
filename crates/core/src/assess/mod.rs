//! What evidence means: from what an act saw to checks (VER-1).
//!
//! Pure, and run again on every reading of the log. The base is not under test: what fails
//! about it makes the upgrade unverified, never failed (STG-3).

mod adapted;
mod answer;
mod availability;
mod away;
mod backup;
mod data;
mod deploy;
mod identity;
mod images;
mod loss;
mod markers;
mod observe;
mod page;
mod restore;
#[cfg(test)]
mod scene;
mod settle;
mod snapshot;
mod storage;
mod taken;
mod tests_ran;
mod verify;

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::name::AppId;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Finding, Plan, Revision};
use cc_ci_model::stage::Stage;

use crate::state::{ActRun, RunState, StageRun};

pub use answer::is_good;
pub use settle::wanted;
pub(crate) use tests_ran::pack_error;
pub(crate) use verify::cannot_run;

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, e.g. `converge`.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was seen.
    pub detail: String,
}

impl Check {
    /// A check.
    pub fn new(name: &str, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), outcome, detail: detail.into() }
    }

    /// A check that passed.
    pub fn passed(name: &str, detail: impl Into<String>) -> Self {
        Self::new(name, Outcome::Passed, detail)
    }

    /// A check whose reason is all there is to say.
    pub fn with(name: &str, outcome: Outcome) -> Self {
        let detail = outcome.reason().unwrap_or_default().to_owned();
        Self::new(name, outcome, detail)
    }
}

/// What an act's evidence means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Checks, in order.
    pub checks: Vec<Check>,
    /// What a reader should know beside.
    pub warnings: Vec<Finding>,
}

impl Assessment {
    fn of(check: Check) -> Self {
        Self { checks: vec![check], warnings: Vec::new() }
    }
}

/// What a piece of evidence is judged against.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Everything before this piece of evidence.
    pub state: &'a RunState,
    /// The stage it belongs to.
    pub run: &'a StageRun,
    /// The act it ends.
    pub act: &'a ActRun,
}

impl<'a> Context<'a> {
    /// The app the stage is about.
    pub fn app(&self) -> Option<&AppId> {
        self.run.app.as_ref()
    }

    /// What the app declares at the revision this act is about.
    pub fn declared(&self) -> Option<&'a DeclaredStack> {
        let app = self.plan.app(self.app()?)?;
        self.plan.declared(app.role, self.revision())
    }

    /// The revision that runs, or is being submitted, at this point of the stage.
    pub fn revision(&self) -> Revision {
        self.act.act.revision().unwrap_or_else(|| {
            self.app().and_then(|app| self.state.revision_of(app)).unwrap_or(Revision::Head)
        })
    }
}

/// What `evidence` means for the act it ends.
pub fn assess(state: &RunState, run: &StageRun, act: &ActRun, evidence: &Evidence) -> Assessment {
    let Some(plan) = &state.plan else {
        return Assessment::of(Check::with(
            act.act.as_str(),
            Outcome::errored("evidence without a plan"),
        ));
    };
    let context = Context { plan, state, run, act };
    let assessment = meaning(context, evidence);
    let assessment = adapted::of_adapted(context, loss::of_disaster(context, assessment));
    of_settling(context, of_operator(context, of_base(context, assessment)))
}

/// What it would mean for a head that is judged by itself.
fn meaning(context: Context<'_>, evidence: &Evidence) -> Assessment {
    let act = context.act.act;
    match (act, evidence) {
        (Act::EnsureImages { .. }, Evidence::Images { images }) => images::assess(context, images),
        (Act::Deploy { .. }, Evidence::Deployed(seen)) => deploy::assess(context, seen),
        (Act::Converge, Evidence::Settled(seen)) => settle::assess(context, seen),
        (Act::Answer, Evidence::Answered(seen)) => answer::assess(context, seen),
        (Act::Meter, Evidence::Metered { seen }) => availability::assess(context, seen.as_ref()),
        (Act::Inspect, Evidence::Page(seen)) => page::assess(context, seen),
        (Act::Plant, Evidence::Planted { markers, data }) => data::plant(context, markers, data),
        (Act::Seek, Evidence::Sought { markers, data }) => data::seek(context, markers, data),
        (Act::Mark, Evidence::Marked { before, markers, data }) => {
            data::mark(context, before, markers, data)
        }
        (Act::Backup, Evidence::BackedUp(seen)) => backup::assess_backed_up(seen),
        (Act::ReadSnapshot, Evidence::Snapshot(seen)) => snapshot::assess(context, seen),
        (Act::Disturb, Evidence::Disturbed { markers, data, hooks }) => {
            data::disturb(context, markers, data, hooks)
        }
        (Act::Verify, Evidence::Verified(seen)) => verify::assess(seen),
        (Act::Undeploy, Evidence::Undeployed(seen)) => loss::assess_undeployed(seen),
        (Act::Restore, Evidence::Restored(seen)) => restore::assess_restored(seen),
        (Act::Restart, Evidence::Restarted { services }) => restore::assess_restarted(services),
        (Act::Recall, Evidence::Recalled { markers, data }) => data::recall(context, markers, data),
        (Act::Test, Evidence::Tested { tests }) => tests_ran::assess(context, tests),
        // No outcome rests on it: `crate::diagnosis` reads it (RES-6).
        (Act::Examine, Evidence::Examined(_)) => Assessment::default(),
        (Act::Observe, Evidence::Observed(seen)) => observe::assess(context, seen),
        (Act::Dismantle, Evidence::Dismantled { left, refusals }) => {
            observe::assess_dismantled(left, refusals)
        }
        (_, other) => Assessment::of(Check::with(
            act.as_str(),
            Outcome::errored(format!("evidence of another act: {other:?}")),
        )),
    }
}

/// STG-3a: an upgrade that fails while an operator would first have had to do something says so.
fn of_operator(context: Context<'_>, mut assessment: Assessment) -> Assessment {
    let steps = &context.plan.operator_steps;
    let is_upgraded = context.run.stage == Stage::Upgrade && context.revision() == Revision::Head;
    if steps.is_empty() || !is_upgraded || matches!(context.act.act, Act::EnsureImages { .. }) {
        return assessment;
    }
    let keys: Vec<&str> = steps.iter().map(|step| step.key.as_str()).collect();
    for check in &mut assessment.checks {
        if let Outcome::Failed { reason } = &check.outcome {
            let keys = keys.join(", ");
            check.outcome = Outcome::failed(format!(
                "{reason} (an operator would first have had to see to {keys})"
            ));
        }
    }
    assessment
}

/// The backup began although the app had not settled.
const UNSETTLED: &str = "backup_unsettled";

/// STG-4: a backup waits for the stack to settle, but not for ever: then it is taken all the
/// same, and what it holds decides.
fn of_settling(context: Context<'_>, mut assessment: Assessment) -> Assessment {
    if context.run.stage != Stage::Backup || !matches!(context.act.act, Act::Converge | Act::Answer)
    {
        return assessment;
    }
    let failed = assessment
        .checks
        .iter_mut()
        .filter(|check| matches!(check.outcome, Outcome::Failed { .. }));
    for check in failed {
        let message =
            format!("the backup began although the app had not settled: {}", check.detail);
        assessment.warnings.push(Finding::new(UNSETTLED, message, None));
        check.outcome = Outcome::Passed;
    }
    assessment
}

/// Puts what failed about the base in its place: not the head's fault.
fn of_base(context: Context<'_>, mut assessment: Assessment) -> Assessment {
    if context.run.stage != Stage::Upgrade || context.revision() != Revision::Base {
        return assessment;
    }
    for check in &mut assessment.checks {
        check.name = format!("base_{}", check.name);
        if let Outcome::Failed { reason } = &check.outcome {
            check.outcome =
                Outcome::unverified(format!("the base is broken, not the head: {reason}"));
        }
    }
    assessment
}
