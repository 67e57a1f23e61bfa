//! Values after an upgrade: read in the head, where they were planted in the base.

use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::marker::{DataMarker, DataSeen};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;

use super::super::{Assessment, Check, Context};
use super::{is_backed_up, list};
use crate::data_markers::{successor, told};

/// Adds what became of the values in an upgrade.
pub(super) fn add_sought(context: Context<'_>, data: &[DataSeen], to: &mut Assessment) {
    let planted = planted(context);
    let standing: Vec<&DataSeen> = planted.iter().filter(|seen| seen.is_there()).collect();
    let mut found = Vec::new();
    for known in &standing {
        match judge_sought(context, known, data) {
            Sought::There => found.push(*known),
            Sought::Bad(outcome) => to.checks.push(Check::with("data", outcome)),
            Sought::Replaceable(finding) => to.warnings.push(finding),
        }
    }
    let is_missing = |marker: &&DataMarker| !planted.iter().any(|seen| seen.marker == marker.name);
    for marker in context.plan.data.base.iter().filter(is_missing) {
        let why = format!("nothing was planted in {} before the upgrade", marker.name);
        to.checks.push(Check::with("data", Outcome::unverified(why)));
    }
    if !found.is_empty() && found.len() == standing.len() {
        to.checks.push(Check::passed("data", format!("still in {}", list(found.into_iter()))));
    }
}

enum Sought {
    There,
    Bad(Outcome),
    /// Lost from what the recipe itself does not back up, and may be a cache.
    Replaceable(Finding),
}

fn judge_sought(context: Context<'_>, known: &DataSeen, data: &[DataSeen]) -> Sought {
    let what = told(known);
    let Some(head) = successor(context.plan, &known.marker) else {
        return Sought::Bad(Outcome::unverified(format!(
            "the head has no service for {what} any more: whether its data was carried elsewhere is not known"
        )));
    };
    let Some(seen) = data.iter().find(|seen| seen.is_of(known)) else {
        return Sought::Bad(Outcome::unverified(format!("nobody looked for the value in {what}")));
    };
    if seen.found.as_ref() == Some(&known.nonce) && seen.problem.is_none() {
        return Sought::There;
    }
    if let Some(problem) = &seen.problem {
        return Sought::Bad(Outcome::unverified(format!(
            "{what} could not be read after the upgrade: {problem}"
        )));
    }
    let lost = match &seen.found {
        None => format!("data lost: what was planted in {what} before the upgrade is gone"),
        Some(_) => {
            format!("data changed: {what} does not hold what was planted in it before the upgrade")
        }
    };
    if head.may_be_cache && !is_backed_up(context, head) {
        let message = format!("{lost}; the recipe does not back it up either");
        return Sought::Replaceable(Finding::new(
            "unsaved_data_lost",
            message,
            Some(head.service.to_string()),
        ));
    }
    Sought::Bad(Outcome::failed(lost))
}

/// What this stage planted before the head was deployed.
fn planted(context: Context<'_>) -> &[DataSeen] {
    match context.run.act(Act::Plant).and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Planted { data, .. }) => data,
        Some(_) | None => &[],
    }
}
