//! The loop that owns a run: ask what is next, do it, write down what was seen.
//!
//! Tests: `tests/it/` of this crate, over the fakes of `testkit`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use cc_ci_core::next::{Step, next};
use cc_ci_core::results::results;
use cc_ci_core::state::BUG;
use cc_ci_model::event::{EVENTS_SCHEMA_VERSION, EventKind, Tool};
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::name::AppId;
use cc_ci_model::plan::Plan;
use cc_ci_model::results::Results;
use cc_ci_model::time::Timestamp;
use futures_util::FutureExt;

use crate::acts::{self, ActError, Stagehand};
use crate::cleanup;
use crate::journal::{Journal, JournalError};
use crate::ports::Ports;
use crate::publication;

/// Carries a plan out, whatever happens on the way, and judges it.
///
/// # Errors
/// Only when the run's log could not be kept. Everything else, panics of an act included, is in
/// the results.
///
/// # Guarantees
/// Every effect was announced in the log before it was had, and what was announced was looked
/// for and removed before this returns, unless the plan keeps it.
pub async fn run(ports: Ports, plan: Plan, tool: Tool) -> Result<Results, JournalError> {
    let journal =
        Arc::new(Journal::new(ports.clock.clone(), ports.store.clone(), ports.listener.clone()));
    journal.append(EventKind::Planned {
        schema_version: EVENTS_SCHEMA_VERSION,
        tool,
        owner: ports.processes.own(),
        plan: Box::new(plan.clone()),
    })?;
    ports.commands.attach(journal.clone());
    let mut hand = Stagehand::new(ports, plan, journal);
    match AssertUnwindSafe(Box::pin(drive(&mut hand))).catch_unwind().await {
        Ok(Ok(())) => Ok(hand.journal.with(|state| results(&hand.plan, state))),
        Ok(Err(error)) => {
            abandon(&hand).await;
            Err(error)
        }
        Err(panic) => {
            abandon(&hand).await;
            std::panic::resume_unwind(panic)
        }
    }
}

/// Step after step, until nothing is left to do; where the plan has the fresh head beside, in two
/// lanes at once.
async fn drive(hand: &mut Stagehand) -> Result<(), JournalError> {
    if hand.plan.beside {
        let mut beside = hand.beside();
        tokio::try_join!(go(hand), go(&mut beside))?;
    }
    go(hand).await
}

/// Step after step in one lane, until nothing is left to do in it.
async fn go(hand: &mut Stagehand) -> Result<(), JournalError> {
    loop {
        let (lane, now) = (hand.journal.lane(), hand.ports.clock.now());
        let step = hand.journal.with(|state| next(&hand.plan, state, lane, now));
        match step {
            Step::Begin { stage, app } => {
                hand.journal.append(EventKind::StageBegan { stage, app: Some(app) })?;
            }
            Step::Act { app, act, deadline } => perform(hand, &app, act, deadline).await?,
            Step::End => hand.journal.append(EventKind::StageEnded)?,
            Step::TakeInventory => take_inventory(hand).await?,
            Step::Seal => {
                publication::read_again(hand.ports.store.as_ref(), &hand.journal)?;
                let sha256 = hand.ports.store.log_sha256();
                hand.journal.append(EventKind::Sealed { sha256 })?;
            }
            Step::Wait | Step::Done => return Ok(()),
        }
    }
}

/// The log can not be kept any more, or the loop itself has a bug: what was announced so far is
/// removed all the same (TEAR-1).
async fn abandon(hand: &Stagehand) {
    let intents = hand.journal.with(|state| state.intents.clone());
    let scope = cc_ci_core::cleanup::scope(&hand.plan.run_id, &intents);
    let limit = Duration::from_millis(hand.plan.budgets.teardown_ms);
    let deadline = hand.ports.clock.now().plus(limit);
    cleanup::sweep(&hand.ports.sweeper(), &scope, &[], deadline).await;
}

/// How long after its deadline an act is broken off. Acts keep their deadlines themselves; this
/// is for a call that never returns.
const OVERDUE: Duration = Duration::from_mins(1);

/// One act, from its beginning to what it saw. A signal breaks it off, unless it removes things:
/// those acts look at the signals themselves.
async fn perform(
    hand: &mut Stagehand,
    app: &AppId,
    act: Act,
    deadline: Timestamp,
) -> Result<(), JournalError> {
    hand.journal.append(EventKind::ActBegan { act, deadline })?;
    let signals = hand.ports.signals.clone();
    let clock = hand.ports.clock.clone();
    let journal = hand.journal.clone();
    let doing = AssertUnwindSafe(acts::carry_out(hand, app, act, deadline)).catch_unwind();
    let seen = if act == Act::Dismantle {
        unwound(doing.await)
    } else {
        tokio::select! {
            seen = doing => unwound(seen),
            signals = signals.more_than(0) => {
                // The other lane may have heard of it first.
                if journal.with(|state| state.signals) < signals {
                    journal.append(EventKind::CancelRequested { signals })?;
                }
                Err(ActError::Broken("the run was asked to stop".to_owned()))
            }
            () = clock.sleep_until(deadline.plus(OVERDUE)) => {
                Err(ActError::Broken("it did not end in time: a call never returned".to_owned()))
            }
        }
    };
    match seen {
        Ok(evidence) => journal.append(EventKind::ActEnded { evidence: Box::new(evidence) }),
        Err(ActError::Broken(message)) => journal.append(EventKind::ActErrored { message }),
        Err(ActError::Journal(error)) => Err(error),
    }
}

type Panic = Box<dyn std::any::Any + Send>;

/// A panic of ours is an error of the run, never a lost run.
fn unwound(seen: Result<Result<Evidence, ActError>, Panic>) -> Result<Evidence, ActError> {
    seen.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        Err(ActError::Broken(format!("{BUG}panic: {text}")))
    })
}

/// The last look at everything the run announced; what the stages missed is removed first.
async fn take_inventory(hand: &Stagehand) -> Result<(), JournalError> {
    note_signals(hand)?;
    let (intents, run) = (hand.journal.with(|state| state.intents.clone()), &hand.plan.run_id);
    let scope = cc_ci_core::cleanup::scope(run, &intents);
    let is_cancelled = hand.journal.with(cc_ci_core::state::RunState::is_cancelled);
    let swept = if hand.plan.keep && !is_cancelled {
        acts::keep_logs(hand).await;
        cleanup::look(&hand.ports.sweeper(), &scope).await
    } else {
        let limit = Duration::from_millis(hand.plan.budgets.teardown_ms);
        let deadline = hand.ports.clock.now().plus(limit);
        cleanup::sweep(&hand.ports.sweeper(), &scope, &[], deadline).await
    };
    note_signals(hand)?;
    hand.journal.append(EventKind::InventoryTaken { left: swept.left, complete: swept.complete })
}

/// A signal that came while things were removed broke nothing off, but it counts all the same.
fn note_signals(hand: &Stagehand) -> Result<(), JournalError> {
    let signals = hand.ports.signals.count();
    if signals <= hand.journal.with(|state| state.signals) {
        return Ok(());
    }
    hand.journal.append(EventKind::CancelRequested { signals })
}
