//! Why a stage is red (RES-7): a pure function of plan and state, the same in a live run and in
//! `cc-ci judge`. It names a class, says what happened in a sentence, what to try next, and how
//! to have it again; it changes no outcome.
//!
//! Which class it is follows the kind of evidence that decided; where tasks do not come up,
//! `tasks` looks at how they ended and `hints` at what they wrote. Whose fault it is was
//! decided before, and stands in the status.
//!
//! Tests: `diagnosis/tests.rs`.

mod advice;
mod evidence;
mod hints;
mod reproduce;
mod tasks;
#[cfg(test)]
mod tests;

use cc_ci_model::diagnosis::{CauseClass, Diagnosis, ExamineSeen};
use cc_ci_model::evidence::{AnswerSeen, DeploySeen, Evidence, ImageFound, ImageSeen};
use cc_ci_model::outcome::{Outcome, Status};
use cc_ci_model::plan::{BaseChoice, Doing, Plan};
use cc_ci_model::stack::StackFacts;
use cc_ci_model::stage::Stage;

use crate::assess::Check;
use crate::planning::UNDECLARED_SECRETS;
use crate::state::{ActRun, RunState, StageRun};

pub use tasks::trouble_first;

/// What the assessment of a base puts before each reason (STG-3).
const OF_THE_BASE: &str = "the base is broken, not the head: ";

/// Why each red stage is red, in the order in which they ran. A run that somebody stopped has
/// nothing to say.
pub fn diagnoses(plan: &Plan, state: &RunState) -> Vec<Diagnosis> {
    let ran = state.stages.iter().filter_map(|run| diagnosed(plan, state, run));
    let refused = plan.stages.iter().filter_map(|planned| match &planned.doing {
        Doing::Not { outcome } if !state.is_cancelled() => refused(plan, planned.stage, outcome),
        Doing::Not { .. } | Doing::Run => None,
    });
    ran.chain(refused).collect()
}

/// A stage that is red before anything was deployed: what the plan says is all there is.
fn refused(plan: &Plan, stage: Stage, outcome: &Outcome) -> Option<Diagnosis> {
    if !is_red(outcome) {
        return None;
    }
    let message = outcome.reason().unwrap_or_default().to_owned();
    let class = match stage {
        _ if message.contains("docker CLI") => CauseClass::Infrastructure,
        _ if message.starts_with(UNDECLARED_SECRETS) => CauseClass::Secret,
        Stage::Backup | Stage::Restore => CauseClass::Backup,
        Stage::Install
        | Stage::Upgrade
        | Stage::Reinstall
        | Stage::Functional
        | Stage::RecipeLocal
        | Stage::Teardown => CauseClass::Compose,
    };
    Some(Diagnosis {
        stage: stage.to_string(),
        rung: stage.rung(),
        app: None,
        status: outcome.status(),
        class,
        message,
        next: advice::general(class).to_owned(),
        reproduce: reproduce::line(plan, stage),
        evidence: Vec::new(),
    })
}

/// Why that stage is red, if it is.
pub fn diagnosed(plan: &Plan, state: &RunState, run: &StageRun) -> Option<Diagnosis> {
    if state.is_cancelled() {
        return None;
    }
    Some(Red::of(plan, run)?.diagnosis())
}

/// Whether an outcome wants to be explained: a red, or a base that is none.
fn is_red(outcome: &Outcome) -> bool {
    match outcome.status() {
        Status::Failed | Status::Errored => true,
        Status::Unverified => outcome.reason().is_some_and(|why| why.starts_with(OF_THE_BASE)),
        Status::Passed | Status::NotApplicable | Status::Skipped | Status::Blocked => false,
    }
}

/// A red stage, and what was seen in it.
struct Red<'a> {
    plan: &'a Plan,
    run: &'a StageRun,
    outcome: Outcome,
    /// The act that decided; `None` for a stage without an end.
    act: Option<&'a ActRun>,
    check: Option<&'a Check>,
    examined: Option<&'a ExamineSeen>,
    facts: Option<&'a StackFacts>,
}

/// What kind of cause it is, and the sentence about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cause {
    class: CauseClass,
    message: String,
    /// The service it is about.
    service: Option<String>,
}

impl Cause {
    fn new(class: CauseClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), service: None }
    }
}

impl<'a> Red<'a> {
    fn of(plan: &'a Plan, run: &'a StageRun) -> Option<Self> {
        let outcome = run.outcome();
        if !is_red(&outcome) {
            return None;
        }
        let mut all = run.acts.iter().flat_map(|act| act.checks.iter().map(move |one| (act, one)));
        let decided = all.find(|(_, check)| check.outcome == outcome);
        let examined = run.acts.iter().find_map(|act| match &act.evidence {
            Some(Evidence::Examined(seen)) => Some(seen),
            Some(_) | None => None,
        });
        let (act, check) = decided.unzip();
        let own = act.and_then(|act| match &act.evidence {
            Some(Evidence::Observed(seen)) => seen.facts.as_ref(),
            Some(_) | None => None,
        });
        let facts = own.or_else(|| examined?.facts.as_ref()).or_else(|| last_look(run));
        Some(Self { plan, run, outcome, act, check, examined, facts })
    }

    fn diagnosis(&self) -> Diagnosis {
        let cause = self.cause();
        let Cause { class, .. } = cause;
        let (message, next) = match self.base() {
            Some(base) => (
                format!("the base {base} is broken, not the head: {}", cause.message),
                advice::about_the_base(&base),
            ),
            None => (cause.message.clone(), advice::next(self, &cause)),
        };
        Diagnosis {
            stage: self.run.stage.to_string(),
            rung: self.run.stage.rung(),
            app: self.run.app.clone(),
            status: self.outcome.status(),
            class,
            message,
            next,
            reproduce: reproduce::line(self.plan, self.run.stage),
            evidence: evidence::lines(self, &cause),
        }
    }

    /// The version of the base, when it is what is broken.
    fn base(&self) -> Option<String> {
        let is_base = self.outcome.status() == Status::Unverified;
        match &self.plan.base {
            BaseChoice::Release(base) if is_base => Some(base.version.to_string()),
            BaseChoice::Release(_) | BaseChoice::None { .. } => None,
        }
    }

    /// The reason as it was worked out, without what is said elsewhere.
    fn reason(&self) -> &str {
        let reason = self.outcome.reason().unwrap_or_default();
        reason.strip_prefix(OF_THE_BASE).unwrap_or(reason)
    }

    /// The log of a service, as it was gathered.
    fn log(&self, service: &str) -> &'a [String] {
        let logs = self.examined.map(|seen| seen.logs.as_slice()).unwrap_or_default();
        let log = logs.iter().find(|log| log.service == service);
        log.map(|log| log.lines.as_slice()).unwrap_or_default()
    }

    fn cause(&self) -> Cause {
        let evidence = self.act.and_then(|act| act.evidence.as_ref());
        let Some(evidence) = evidence else {
            return Cause::new(CauseClass::Infrastructure, self.reason());
        };
        match evidence {
            Evidence::Images { images } => self.of_images(images),
            Evidence::Deployed(seen) => self.of_a_deploy(seen),
            Evidence::Settled(_) => self.of_settling(),
            Evidence::Answered(seen) => self.of_an_answer(seen),
            Evidence::Page(_) => self.said(CauseClass::Readiness),
            Evidence::Metered { .. } => self.said(CauseClass::Update),
            Evidence::Observed(_) => self.of_a_closing_look(),
            Evidence::Planted { .. }
            | Evidence::Sought { .. }
            | Evidence::Disturbed { .. }
            | Evidence::Recalled { .. } => self.said(CauseClass::Data),
            Evidence::Marked { .. } | Evidence::Snapshot(_) | Evidence::Verified(_) => {
                self.said(CauseClass::Backup)
            }
            Evidence::BackedUp(_) => self.of_hooks(CauseClass::Backup),
            Evidence::Restored(_) => self.of_hooks(CauseClass::Data),
            Evidence::Tested { .. } => self.said(CauseClass::Test),
            Evidence::Restarted { .. }
            | Evidence::Undeployed(_)
            | Evidence::Dismantled { .. }
            | Evidence::Examined(_) => self.said(CauseClass::Infrastructure),
        }
    }

    /// A class of which the reason says all there is to say.
    fn said(&self, class: CauseClass) -> Cause {
        Cause::new(class, self.reason())
    }

    fn name(&self) -> &str {
        let name = self.check.map(|check| check.name.as_str()).unwrap_or_default();
        name.strip_prefix("base_").unwrap_or(name)
    }

    fn is_errored(&self) -> bool {
        self.outcome.status() == Status::Errored
    }

    fn of_images(&self, images: &[ImageSeen]) -> Cause {
        let full = |image: &&ImageSeen| match &image.found {
            ImageFound::Unreachable { message } => hints::is_full(message),
            ImageFound::Present { .. }
            | ImageFound::LocalOnly { .. }
            | ImageFound::NotFound { .. }
            | ImageFound::Denied { .. } => false,
        };
        if !self.is_errored() {
            return self.said(CauseClass::Image);
        }
        let is_full = images.iter().any(|image| full(&image));
        self.said(if is_full { CauseClass::Resources } else { CauseClass::Registry })
    }

    fn of_a_deploy(&self, seen: &DeploySeen) -> Cause {
        let said = &seen.said;
        let is_port = said.contains("port '") && said.contains("is already in use");
        if matches!(self.name(), "identity" | "changed") {
            return self.said(CauseClass::Update);
        }
        let class = match seen.exit_code {
            Some(code) if code != 0 && is_port => CauseClass::Port,
            _ if self.is_errored() => CauseClass::Infrastructure,
            _ if said.contains("only updates to Labels are allowed") => CauseClass::ConfigVersion,
            _ if said.contains("secret not found") => CauseClass::Secret,
            _ => CauseClass::Compose,
        };
        self.said(class)
    }

    fn of_settling(&self) -> Cause {
        if self.name() == "storage" {
            return self.said(CauseClass::Data);
        }
        if self.is_errored() {
            let is_taken = self.reason().starts_with("a port of this host");
            let class = if is_taken { CauseClass::Port } else { CauseClass::Infrastructure };
            return self.said(class);
        }
        self.of_tasks().unwrap_or_else(|| self.said(CauseClass::Timeout))
    }

    /// An app that does not answer since a service of it does not run is no matter of the answer.
    fn of_an_answer(&self, seen: &AnswerSeen) -> Cause {
        if self.is_errored() {
            return self.said(CauseClass::Infrastructure);
        }
        let of_tasks = self.of_tasks().filter(|cause| cause.class != CauseClass::Timeout);
        if let Some(cause) = of_tasks {
            return cause;
        }
        let service = self.plan.gate.as_ref().map(|gate| gate.service.to_string());
        // An answer that was given is the app's own: what it wrote may say why it is that one.
        let is_about =
            seen.problem.is_some() || seen.last.as_ref().is_some_and(|last| last.status >= 500);
        let log = service.as_deref().map(|service| self.log(service)).unwrap_or_default();
        let hint = hints::hint(log).filter(|_| is_about);
        let cause = match hint {
            Some(hint) => {
                Cause::new(hint.class, format!("{}; it wrote: {}", self.reason(), hint.line))
            }
            None => self.said(CauseClass::Readiness),
        };
        Cause { service, ..cause }
    }

    fn of_a_closing_look(&self) -> Cause {
        match (self.is_errored(), self.name()) {
            (true, _) => self.said(CauseClass::Infrastructure),
            (false, "identity") => self.said(CauseClass::Update),
            (false, _) => {
                let of_tasks = self.of_tasks().filter(|cause| cause.class != CauseClass::Timeout);
                of_tasks.unwrap_or_else(|| self.said(CauseClass::CrashLoop))
            }
        }
    }

    fn of_hooks(&self, otherwise: CauseClass) -> Cause {
        let is_hook = self.name() == "hook";
        let class = match (is_hook, self.is_errored()) {
            (true, _) => CauseClass::Hook,
            (false, true) => CauseClass::Infrastructure,
            (false, false) => otherwise,
        };
        self.said(class)
    }
}

/// The last look at the stack that the stage took.
fn last_look(run: &StageRun) -> Option<&StackFacts> {
    run.acts.iter().rev().find_map(|act| match &act.evidence {
        Some(Evidence::Settled(seen)) => Some(&seen.facts),
        Some(Evidence::Observed(seen)) => seen.facts.as_ref(),
        Some(_) | None => None,
    })
}
