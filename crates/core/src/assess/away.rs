//! Whether a time that ran out was the recipe's (VER-2, ADR 8): an engine that did not answer may
//! not have let the app come up either.
//!
//! Tests: at the end of this file.

use std::time::Duration;

use cc_ci_model::evidence::{Absence, Evidence};

use super::Context;

/// A shorter absence is a slow answer. A restart of an engine takes longer.
const NOTICEABLE: Duration = Duration::from_secs(5);

/// Why a time that ran out says nothing about the recipe; `None` when it does. `absences` are
/// those of the wait that ends; what was waited for before it within the same budget counts too.
pub(super) fn excuse(context: Context<'_>, absences: &[Absence]) -> Option<String> {
    let deadline = context.act.deadline;
    let sharing = context.run.acts.iter().filter(|act| act.deadline == deadline);
    let began = sharing.clone().map(|act| act.began_at).min()?;
    let earlier = sharing.flat_map(|act| match &act.evidence {
        Some(Evidence::Settled(seen)) => seen.absences.as_slice(),
        Some(Evidence::Answered(seen)) => seen.absences.as_slice(),
        Some(_) | None => &[],
    });
    let budget = Budget { waited: deadline.since(began), until: deadline.as_millis() };
    let absences: Vec<Absence> = earlier.chain(absences).copied().collect();
    budget.excuse(&absences)
}

/// A time that has run out.
struct Budget {
    waited: Duration,
    /// When it ran out, milliseconds since the epoch.
    until: i64,
}

impl Budget {
    /// The recipe had its time if the engine answered without a break for at least half of it at
    /// its end. What was up before an absence may have had to start again after it.
    fn excuse(&self, absences: &[Absence]) -> Option<String> {
        let length = |absence: &Absence| absence.until.since(absence.from);
        let noticed: Vec<&Absence> =
            absences.iter().filter(|absence| length(absence) >= NOTICEABLE).collect();
        let last = noticed.iter().map(|absence| absence.until.as_millis()).max()?;
        let steady = Duration::from_millis(u64::try_from(self.until - last).unwrap_or(0));
        if steady * 2 >= self.waited {
            return None;
        }
        let away: Duration = noticed.into_iter().map(length).sum();
        Some(format!(
            "the engine did not answer for {} of the {} s that cc-ci waited, and then without a break only for the last {} s: \
             that time was not the app's alone",
            away.as_secs(),
            self.waited.as_secs(),
            steady.as_secs()
        ))
    }
}

#[cfg(test)]
mod tests {
    use cc_ci_model::time::Timestamp;

    use super::*;

    /// Absences in seconds of a wait of 600 s; whether they excuse the recipe.
    #[track_caller]
    fn check(absences: &[(i64, i64)], expected: bool) {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let absences: Vec<Absence> = absences
            .iter()
            .map(|(from, until)| Absence { from: at(*from), until: at(*until) })
            .collect();
        let budget = Budget { waited: Duration::from_mins(10), until: 600_000 };
        assert_eq!(budget.excuse(&absences).is_some(), expected, "{absences:?}");
    }

    /// The truth table of ADR 8.
    #[test]
    fn a_time_that_ran_out_is_the_recipes_if_the_engine_was_there_for_half_of_it() {
        check(&[], false);
        // Slow answers are answers.
        check(&[(590, 594)], false);
        check(&[(0, 4), (10, 14), (595, 599)], false);
        // It was away at first, and then there for half of the time, or not.
        check(&[(0, 290)], false);
        check(&[(0, 300)], false);
        check(&[(0, 301)], true);
        // It answered the last look alone.
        check(&[(5, 599)], true);
        // A restart late in the wait: everything may have begun anew.
        check(&[(560, 570)], true);
        check(&[(100, 110)], false);
        // Again and again: the last one counts.
        check(&[(10, 20), (200, 210), (500, 505)], true);
        // Beyond the end.
        check(&[(590, 604)], true);
    }
}
