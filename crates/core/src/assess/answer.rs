//! The end of a wait for an answer over HTTP (CONV-6).

use cc_ci_model::evidence::{AnswerSeen, HttpSeen};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::HttpGate;

use crate::text::count;

use super::{Assessment, Check, Context, away};

/// Whether one answer counts for the gate.
pub fn is_good(gate: &HttpGate, answer: &HttpSeen) -> bool {
    gate.statuses.contains(&answer.status)
}

pub(super) fn assess(context: Context<'_>, seen: &AnswerSeen) -> Assessment {
    let Some(gate) = &context.plan.gate else {
        return Assessment::of(Check::with(
            "answer",
            Outcome::errored("the plan has no HTTP gate"),
        ));
    };
    let last_is_good = seen.last.as_ref().is_some_and(|last| is_good(gate, last));
    if seen.in_a_row >= gate.successes && seen.problem.is_none() && last_is_good {
        let status = seen.last.as_ref().map(|last| last.status).unwrap_or_default();
        let detail = format!(
            "{} answers {status} on {} ({} in a row, {})",
            gate.service,
            gate.path,
            seen.in_a_row,
            requests(seen)
        );
        return Assessment::of(Check::passed("answer", detail));
    }
    let last = describe(gate, seen);
    let outcome = if !seen.expired {
        Outcome::errored(format!("the wait for an answer was broken off: {last}"))
    } else if let Some(excuse) = away::excuse(context, &seen.absences) {
        Outcome::errored(format!("{excuse}: {last}"))
    } else {
        Outcome::failed(format!("time ran out: {last}"))
    };
    Assessment::of(Check::with("answer", outcome))
}

fn describe(gate: &HttpGate, seen: &AnswerSeen) -> String {
    let asked = format!("service {} on port {}, path {}", gate.service, gate.port, gate.path);
    match (&seen.problem, &seen.last) {
        (Some(problem), _) => format!("{asked}: {problem} ({})", requests(seen)),
        (None, Some(HttpSeen { status, location: Some(location), redirects, .. }))
            if *redirects > 0 =>
        {
            format!(
                "{asked}: after {redirects} redirects it answers {status} and still points to {location}"
            )
        }
        (None, Some(HttpSeen { status, location: Some(location), .. })) => {
            format!("{asked}: it answers {status} and points to {location}, which is not this app")
        }
        (None, Some(last)) if is_good(gate, last) => format!(
            "{asked}: it answers {}, but only {} times in a row, {} are needed",
            last.status, seen.in_a_row, gate.successes
        ),
        (None, Some(last)) => format!(
            "{asked}: it answers {}, which is none of the statuses that count (2xx, 401 unless the pack says otherwise)",
            last.status
        ),
        (None, None) => format!("{asked}: it was never asked"),
    }
}

fn requests(seen: &AnswerSeen) -> String {
    count(usize::try_from(seen.attempts).unwrap_or(usize::MAX), "request")
}
