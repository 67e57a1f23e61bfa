//! How outcomes add up (VER-1): checks to a stage, stages to a rung.

use cc_ci_model::outcome::{Outcome, Status};

/// The outcome of a whole from those of its parts: failed > errored > unverified > blocked >
/// skipped > passed. A skipped part counts only if none passed. A whole without parts showed
/// nothing.
pub fn combine<'a>(parts: impl IntoIterator<Item = &'a Outcome>) -> Outcome {
    let mut worst: Option<&Outcome> = None;
    let mut passed = false;
    for part in parts {
        passed |= part.is_passed();
        if worst.is_none_or(|known| rank(part) > rank(known)) {
            worst = Some(part);
        }
    }
    match worst {
        None => Outcome::unverified("nothing was checked"),
        Some(Outcome::Skipped { .. } | Outcome::NotApplicable { .. }) if passed => Outcome::Passed,
        Some(worst) => worst.clone(),
    }
}

fn rank(outcome: &Outcome) -> u8 {
    match outcome.status() {
        Status::Passed => 0,
        Status::NotApplicable => 1,
        Status::Skipped => 2,
        Status::Blocked => 3,
        Status::Unverified => 4,
        Status::Errored => 5,
        Status::Failed => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped() -> Outcome {
        Outcome::Skipped { reason: "no tests".into(), intended: false }
    }

    fn blocked() -> Outcome {
        Outcome::Blocked { by: "install".into() }
    }

    #[test]
    fn the_worst_part_decides_in_the_documented_order() {
        let ascending = [
            Outcome::Passed,
            skipped(),
            blocked(),
            Outcome::unverified("u"),
            Outcome::errored("e"),
            Outcome::failed("f"),
        ];
        for (low, worse) in ascending.iter().enumerate() {
            for (high, other) in ascending.iter().enumerate() {
                let expected = &ascending[low.max(high)];
                let got = combine([worse, other]);
                if expected.status() == Status::Skipped && low.min(high) == 0 {
                    assert_eq!(got, Outcome::Passed, "a skipped check beside a passed one");
                } else {
                    assert_eq!(got, *expected);
                }
            }
        }
    }

    #[test]
    fn nothing_checked_is_not_passed() {
        assert_eq!(combine([]).status(), Status::Unverified);
    }
}
