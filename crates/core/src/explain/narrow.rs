//! A trace of one thing only.

use cc_ci_model::explain::{Decision, DecisionKind, Trace};
use cc_ci_model::stage::Rung;

/// Everything a trace can be narrowed to, each name once, in the order of the trace.
pub fn names(trace: &Trace) -> Vec<String> {
    let mut all = Vec::new();
    for decision in &trace.decisions {
        collect(decision, &mut all);
    }
    all
}

fn collect(decision: &Decision, all: &mut Vec<String>) {
    let name = own_name(decision).to_owned();
    // Places of conditions are names of something else already.
    if decision.kind != DecisionKind::Condition && !all.contains(&name) {
        all.push(name);
    }
    for part in &decision.parts {
        collect(part, all);
    }
}

/// The decisions of that name with their parts, each below what it is a part of; `None` when
/// nothing is called so. Capitals do not count, a space, `-` and `_` are the same, and `L2` is a
/// rung.
pub fn narrowed(trace: &Trace, what: &str) -> Option<Trace> {
    let wanted = plain(what);
    let level = Rung::ESSENTIAL.iter().zip(1..).find(|(_, level)| wanted == format!("l{level}"));
    let wanted = level.map_or(wanted, |(rung, _)| plain(rung.as_str()));
    let decisions: Vec<Decision> =
        trace.decisions.iter().filter_map(|decision| pruned(decision, &wanted)).collect();
    (!decisions.is_empty()).then(|| Trace { decisions, ..trace.clone() })
}

fn pruned(decision: &Decision, wanted: &str) -> Option<Decision> {
    if decision.kind != DecisionKind::Condition && plain(own_name(decision)) == wanted {
        return Some(decision.clone());
    }
    let parts: Vec<Decision> =
        decision.parts.iter().filter_map(|part| pruned(part, wanted)).collect();
    (!parts.is_empty()).then(|| Decision { parts, ..decision.clone() })
}

/// The verdict is called so, whatever it is.
fn own_name(decision: &Decision) -> &str {
    match decision.kind {
        DecisionKind::Verdict => "verdict",
        DecisionKind::Condition
        | DecisionKind::Rung
        | DecisionKind::Stage
        | DecisionKind::Attempt
        | DecisionKind::Check
        | DecisionKind::Diagnosis
        | DecisionKind::Obligation
        | DecisionKind::Choice => &decision.name,
    }
}

fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace(['-', '_'], " ")
}
