//! Keeps account of when the engine was away while something was waited for (VER-2).

use std::time::Duration;

use cc_ci_model::evidence::Absence;
use cc_ci_model::time::Timestamp;

/// A shorter one is an engine at work.
const LEAST: Duration = Duration::from_secs(1);

/// Absences that are told apart; what comes after them is part of the last one.
const KEPT: usize = 100;

/// Times in which the engine did not answer.
#[derive(Debug, Default)]
pub(super) struct Absences {
    /// Since when it has been asked without an answer.
    since: Option<Timestamp>,
    all: Vec<Absence>,
}

impl Absences {
    /// It is asked. A look that is broken off was one without an answer.
    pub(super) fn asked(&mut self, now: Timestamp) {
        self.since.get_or_insert(now);
    }

    /// It has answered what it was asked last.
    pub(super) fn answered(&mut self, now: Timestamp) {
        let Some(from) = self.since.take().filter(|from| now.since(*from) >= LEAST) else {
            return;
        };
        if self.all.len() < KEPT {
            self.all.push(Absence { from, until: now });
        } else if let Some(last) = self.all.last_mut() {
            last.until = now;
        }
    }

    /// It does not answer now.
    pub(super) fn is_away(&self) -> bool {
        self.since.is_some()
    }

    /// All of them, in order.
    pub(super) fn into_all(self) -> Vec<Absence> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn an_absence_begins_with_the_first_question_without_an_answer() {
        let mut absences = Absences::default();
        for (asked, answered) in [(0, Some(20)), (1000, None), (1500, None), (2000, Some(9000))] {
            absences.asked(at(asked));
            if let Some(answered) = answered {
                absences.answered(at(answered));
            }
            assert_eq!(absences.is_away(), answered.is_none());
        }
        assert_eq!(absences.into_all(), [Absence { from: at(1000), until: at(9000) }]);
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut absences = Absences::default();
        for n in 0..300 {
            absences.asked(at(n * 10_000));
            absences.answered(at(n * 10_000 + 5_000));
        }
        let all = absences.into_all();
        assert_eq!((all.len(), all[99].until), (KEPT, at(2_995_000)));
    }
}
