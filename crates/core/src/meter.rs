//! From single samples to the times in which an app could not be reached, and what made them
//! (STG-3).
//!
//! Tests: at the end of this file, and the engine's scenarios.

use cc_ci_model::meter::{Gap, MeterSeen};
use cc_ci_model::plan::{AdaptationKind, AppRole, Plan, Revision};
use cc_ci_model::time::Timestamp;

/// Gaps that are written down.
const GAPS: usize = 100;

/// One moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When it was taken.
    pub at: Timestamp,
    /// What came of it.
    pub got: Got,
}

/// What came of a [`Sample`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// At least one task gave an answer that counts.
    Answer,
    /// None did.
    Nothing {
        /// What the last one met.
        why: String,
    },
    /// The engine did not say where the tasks are.
    Unknown,
}

/// The samples of one measurement, in any order, as the log keeps them. `None` without any.
pub fn seen(service: &str, interval_ms: u64, mut samples: Vec<Sample>) -> Option<MeterSeen> {
    samples.sort_by_key(|sample| sample.at);
    let (from, until) = (samples.first()?.at, samples.last()?.at);
    let mut gaps: Vec<Gap> = Vec::new();
    let mut open: Option<Gap> = None;
    let mut unknown = 0;
    for sample in &samples {
        match (&sample.got, &mut open) {
            (Got::Unknown, _) => unknown += 1,
            (Got::Answer, None) => {}
            (Got::Answer, Some(_)) => {
                gaps.extend(open.take().map(|gap| Gap { until: sample.at, ..gap }));
            }
            (Got::Nothing { .. }, Some(gap)) => gap.failed += 1,
            (Got::Nothing { why }, None) => {
                let (from, why) = (sample.at, why.clone());
                open = Some(Gap { from, until: from, failed: 1, why });
            }
        }
    }
    gaps.extend(open.map(|gap| Gap { until, ..gap }));
    let more_gaps = u32::try_from(gaps.len().saturating_sub(GAPS)).unwrap_or(u32::MAX);
    gaps.truncate(GAPS);
    let samples = u32::try_from(samples.len()).unwrap_or(u32::MAX);
    let service = service.to_owned();
    Some(MeterSeen { service, interval_ms, from, until, samples, unknown, gaps, more_gaps })
}

/// Samples that failed.
pub fn failed(seen: &MeterSeen) -> u32 {
    seen.gaps.iter().map(|gap| gap.failed).sum()
}

/// Milliseconds without an answer, all gaps together.
pub fn down_ms(seen: &MeterSeen) -> u64 {
    seen.gaps.iter().map(Gap::length_ms).sum()
}

/// The longest gap, milliseconds.
pub fn longest_ms(seen: &MeterSeen) -> u64 {
    seen.gaps.iter().map(Gap::length_ms).max().unwrap_or(0)
}

/// How the upgrade replaces the tasks of a service, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The old task stops first: the recipe says so, or says nothing, which is the same.
    StopFirst,
    /// The old task stops first because cc-ci moved a port to the host, which one task can have.
    StopFirstByUs,
    /// The new task starts first.
    StartFirst,
}

/// How the upgrade of this plan replaces the tasks of a service.
pub fn order(plan: &Plan, service: &str) -> Order {
    let is_ours = plan.adaptations.iter().any(|adaptation| {
        adaptation.kind == AdaptationKind::HostPorts && adaptation.subject == service
    });
    let head = plan.declared(AppRole::Upgraded, Revision::Head);
    let declared = head.and_then(|stack| stack.service(service));
    let starts_first = declared.is_some_and(|service| service.update.start_first);
    match (starts_first, is_ours) {
        (true, true) => Order::StopFirstByUs,
        (true, false) => Order::StartFirst,
        (false, _) => Order::StopFirst,
    }
}

/// In a sentence.
pub fn told(plan: &Plan, seen: &MeterSeen) -> String {
    let MeterSeen { service, samples, .. } = seen;
    let unknown = match seen.unknown {
        0 => String::new(),
        some => format!("; of {some} nobody can tell, the engine did not answer"),
    };
    let failed = failed(seen);
    if failed == 0 {
        return format!("service {service} answered all {samples} requests{unknown}");
    }
    let gaps = seen.gaps.len();
    let longest = match gaps {
        1 => "in one go".to_owned(),
        _ => format!("{gaps} times, {} s at the longest", seconds(longest_ms(seen))),
    };
    let why = match order(plan, service) {
        Order::StopFirst => {
            "its update policy stops the old task first (`update_config.order: stop-first`, the default)"
        }
        Order::StopFirstByUs => {
            "its old task is stopped first, since cc-ci published its port on the host, which one task can have; \
             the recipe says `start-first`"
        }
        Order::StartFirst => {
            "though its update policy starts the new task first: it is taken for running before it answers; \
             a health check that asks what users ask mends that"
        }
    };
    let cause = seen.gaps.first().map(|gap| format!(" ({})", gap.why)).unwrap_or_default();
    format!(
        "service {service} was down for {} s, {longest}: {failed} of {samples} requests failed{cause}; {why}{unknown}",
        seconds(down_ms(seen))
    )
}

/// Seconds with one digit after the point.
pub fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn samples(text: &str) -> Vec<Sample> {
        let got = |letter| match letter {
            'a' => Got::Answer,
            '?' => Got::Unknown,
            _ => Got::Nothing { why: "connection refused".into() },
        };
        let at = |number: u64| Timestamp::from_millis(0).plus(Duration::from_millis(250 * number));
        text.chars().zip(0..).map(|(letter, n)| Sample { at: at(n), got: got(letter) }).collect()
    }

    #[track_caller]
    fn told(text: &str) -> (u32, u32, u64, u64, usize) {
        let seen = seen("web", 250, samples(text)).unwrap();
        (failed(&seen), seen.unknown, down_ms(&seen), longest_ms(&seen), seen.gaps.len())
    }

    #[test]
    fn a_gap_lasts_from_its_first_failure_to_the_next_answer() {
        assert_eq!(told("aaaa"), (0, 0, 0, 0, 0));
        assert_eq!(told("axxa"), (2, 0, 500, 500, 1));
        assert_eq!(told("axaxxxa"), (4, 0, 1000, 750, 2));
        // It was down at the end: what came after is not known.
        assert_eq!(told("axxx"), (3, 0, 500, 500, 1));
        assert_eq!(told("xxaa"), (2, 0, 500, 500, 1));
        // The engine was away in the middle of it, or beside it.
        assert_eq!(told("ax?xa"), (2, 1, 750, 750, 1));
        assert_eq!(told("a??a"), (0, 2, 0, 0, 0));
        assert_eq!(seen("web", 250, Vec::new()), None);
    }

    #[test]
    fn samples_that_end_late_are_put_in_order() {
        let mut mixed = samples("axxaa");
        mixed.reverse();
        assert_eq!(seen("web", 250, mixed), seen("web", 250, samples("axxaa")));
    }

    #[test]
    fn a_flapping_app_does_not_fill_the_log() {
        let seen = seen("web", 250, samples(&"ax".repeat(150))).unwrap();
        assert_eq!((seen.gaps.len(), seen.more_gaps, seen.samples), (100, 50, 300));
    }

    #[test]
    fn seconds_have_one_digit() {
        let all = [0, 99, 100, 7049, 60_000].map(seconds);
        assert_eq!(all, ["0.0", "0.0", "0.1", "7.0", "60.0"]);
    }
}
