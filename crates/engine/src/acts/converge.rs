//! Waits until a stack has settled: events wake the look, a slow poll is the safety net (CONV-5).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::assess::wanted;
use cc_ci_core::convergence::{Convergence, Hold, Wanted, recall};
use cc_ci_core::ports::{Clock, Wake};
use cc_ci_model::evidence::{Evidence, SettleSeen};
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::time::Timestamp;

use super::absences::Absences;
use super::{ActError, Stagehand, Watched};
use crate::wait::{Ended, Look, Waiting, wait_until};

/// A manager takes in what its nodes report at most twice a second, and no event says when: what
/// an event was about can be seen only some time after it. So long is looked again and again.
const TRAIL: Duration = Duration::from_secs(2);

/// How often in that time.
const PACE: Duration = Duration::from_millis(100);

/// When the engine does not answer, ask again after that long.
const RETRY: Duration = Duration::from_millis(500);

/// Events come in bursts: a look so soon after the last one would show half of what happens.
const BURST: Duration = Duration::from_millis(50);

pub(super) async fn converge(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let wanted = hand.journal.with(|state| wanted(&hand.plan, state, &app.id));
    let wanted = wanted.ok_or_else(|| ActError::Broken("nothing was deployed".to_owned()))?;
    let (clock, journal) = (hand.ports.clock.clone(), hand.journal.clone());
    let watched = hand.watch(&app.id, &app.stack).await?;
    let tell = |what: &str| journal.tell(what);
    Ok(Evidence::Settled(settle(&clock, watched, wanted, deadline, &tell).await))
}

/// Waits until what a watch sees has settled, at the latest until `deadline`; tells after each look
/// in vain what is missing.
///
/// # Cancellation
/// Nothing is lost when it is dropped half-way.
pub async fn settle(
    clock: &Arc<dyn Clock>,
    watched: &mut Watched,
    wanted: Wanted,
    deadline: Timestamp,
    tell: &(dyn Fn(&str) + Sync),
) -> SettleSeen {
    let mut settling = Settling {
        clock: clock.clone(),
        watched,
        wanted,
        hold: Hold::new(clock.now()),
        woken_at: clock.now(),
        absences: Absences::default(),
        missing: String::new(),
    };
    let ended = wait_until(clock.as_ref(), deadline, &mut settling, tell).await;
    SettleSeen {
        held_since: settling.hold.since(),
        looked_at: settling.hold.looked_at(),
        expired: ended == Ended::Expired,
        engine_answers: !settling.absences.is_away(),
        facts: settling.watched.known.clone(),
        absences: settling.absences.into_all(),
    }
}

struct Settling<'a> {
    clock: Arc<dyn Clock>,
    watched: &'a mut Watched,
    wanted: Wanted,
    hold: Hold,
    /// When there was an event last.
    woken_at: Timestamp,
    absences: Absences,
    missing: String,
}

impl Settling<'_> {
    /// Soon after an event, the next look is not to be waited for so long.
    fn sooner(&self, at_latest: Timestamp) -> Timestamp {
        let now = self.clock.now();
        let is_on_trail = now.since(self.woken_at) < TRAIL;
        if is_on_trail { at_latest.min(now.plus(PACE)) } else { at_latest }
    }
}

#[async_trait]
impl Waiting for Settling<'_> {
    async fn look(&mut self, now: Timestamp) -> Look {
        self.absences.asked(now);
        // Until it has answered.
        "the Docker engine to answer".clone_into(&mut self.missing);
        let fresh = self.watched.watch.observe().await;
        let Ok(fresh) = fresh else {
            return Look::Again { at_latest: now.plus(RETRY) };
        };
        self.absences.answered(self.clock.now());
        let answered = self.clock.now();
        self.watched.known = recall(&self.watched.known, fresh, answered);
        let facts = &self.watched.known;
        match self.hold.take(&self.wanted, facts, now, answered) {
            Convergence::Converged { .. }
            | Convergence::Failed { .. }
            | Convergence::Undecidable { .. } => Look::Over,
            Convergence::NotYet { why } => {
                self.missing = why;
                let at_latest = self.hold.look_again(&self.wanted, facts, answered);
                Look::Again { at_latest: self.sooner(at_latest) }
            }
        }
    }

    async fn wake(&mut self) {
        match self.watched.watch.changed().await {
            Wake::Changed | Wake::Gap => {}
        }
        self.woken_at = self.clock.now();
        let settled = self.woken_at.plus(BURST);
        self.clock.sleep_until(settled).await;
    }

    fn missing(&self) -> String {
        self.missing.clone()
    }
}
