//! What programs read: `results.json`, `cleanup.json`, a plan, what doctor says. Indented, with a line break at the
//! end.

use cc_ci_model::doctor::DoctorReport;
use cc_ci_model::explain::Trace;
use cc_ci_model::plan::Plan;
use cc_ci_model::results::{Cleanup, Results};

/// The results of a run.
pub fn results(results: &Results) -> String {
    pretty(results)
}

/// What a later cleanup left.
pub fn cleanup(cleanup: &Cleanup) -> String {
    pretty(cleanup)
}

/// The trace of a run.
pub fn trace(trace: &Trace) -> String {
    pretty(trace)
}

/// A plan.
pub fn plan(plan: &Plan) -> String {
    pretty(plan)
}

/// What doctor says.
pub fn doctor(report: &DoctorReport) -> String {
    pretty(report)
}

fn pretty(value: &impl serde::Serialize) -> String {
    // Published types have text for keys and no floating-point numbers: JSON can say them all.
    let mut text = serde_json::to_string_pretty(value).expect("a published type is valid JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_is_written_can_be_read_again() {
        for sample in [samples::green(), samples::red(), samples::error(), samples::cancelled()] {
            let text = results(&sample);
            assert!(text.ends_with("}\n"), "{text}");
            assert!(text.contains("\n  \"final\": "), "{text}");
            assert_eq!(serde_json::from_str::<Results>(&text).unwrap(), sample);
        }
    }
}
