//! Which line of the log belongs to what: the log is reduced once more, event by event, and what
//! each one changed is kept with its number.

use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::explain::EvidenceLine;

use super::essence::essence;
use crate::state::{ActRun, RunState, StageRun};

/// The lines of a log.
pub(super) struct Lines<'a> {
    events: &'a [Event],
    state: &'a RunState,
    stages: Vec<StageLines>,
}

/// Indices of the events of a stage.
#[derive(Default)]
struct StageLines {
    began: usize,
    ended: Option<usize>,
    /// The beginning and the end of each act.
    acts: Vec<(usize, Option<usize>)>,
}

impl<'a> Lines<'a> {
    /// `state` is that of `events`.
    pub(super) fn of(events: &'a [Event], state: &'a RunState) -> Self {
        let mut replayed = RunState::default();
        let mut stages: Vec<StageLines> = Vec::new();
        for (index, event) in events.iter().enumerate() {
            replayed.apply(event);
            if replayed.stages.len() > stages.len() {
                stages.push(StageLines { began: index, ..StageLines::default() });
            }
            let place = replayed.stages.iter().rposition(|run| run.lane == event.lane);
            let Some(place) = place.filter(|place| *place < stages.len()) else { continue };
            let (run, lines) = (&replayed.stages[place], &mut stages[place]);
            if run.acts.len() > lines.acts.len() {
                lines.acts.push((index, None));
            }
            for (act, (_, end)) in run.acts.iter().zip(&mut lines.acts) {
                if act.ended_at.is_some() {
                    end.get_or_insert(index);
                }
            }
            if run.ended_at.is_some() {
                lines.ended.get_or_insert(index);
            }
        }
        Self { events, state, stages }
    }

    /// The line of the plan.
    pub(super) fn plan(&self) -> Vec<EvidenceLine> {
        self.last_of(|kind| matches!(kind, EventKind::Planned { .. }))
    }

    /// The last line that is of that kind.
    pub(super) fn last_of(&self, is_wanted: impl Fn(&EventKind) -> bool) -> Vec<EvidenceLine> {
        let place = self.events.iter().rposition(|event| is_wanted(&event.kind));
        place.and_then(|place| self.line(place)).into_iter().collect()
    }

    /// The last line there is.
    pub(super) fn last(&self) -> Vec<EvidenceLine> {
        self.last_of(|_| true)
    }

    /// Where a stage began and where it ended.
    pub(super) fn of_stage(&self, run: &StageRun) -> Vec<EvidenceLine> {
        let Some(lines) = self.stage(run) else {
            return Vec::new();
        };
        [Some(lines.began), lines.ended]
            .into_iter()
            .flatten()
            .filter_map(|at| self.line(at))
            .collect()
    }

    /// Where a stage ended; where it began, should it have no end.
    pub(super) fn end_of(&self, run: &StageRun) -> Vec<EvidenceLine> {
        self.of_stage(run).pop().into_iter().collect()
    }

    /// What an act brought; where it began, should it have no end.
    pub(super) fn of_act(&self, act: &ActRun) -> Vec<EvidenceLine> {
        let found = self.state.stages.iter().enumerate().find_map(|(nth, run)| {
            let place = run.acts.iter().position(|other| std::ptr::eq(other, act))?;
            self.stages.get(nth)?.acts.get(place)
        });
        found.and_then(|(began, ended)| self.line(ended.unwrap_or(*began))).into_iter().collect()
    }

    fn stage(&self, run: &StageRun) -> Option<&StageLines> {
        let nth = self.state.stages.iter().position(|other| std::ptr::eq(other, run))?;
        self.stages.get(nth)
    }

    fn line(&self, index: usize) -> Option<EvidenceLine> {
        let event = self.events.get(index)?;
        let line = u64::try_from(index + 1).unwrap_or(u64::MAX);
        Some(EvidenceLine { line, at: event.at, says: essence(&event.kind) })
    }
}
