//! When a stack has settled, and when it never will (CONV-1 to CONV-4): a pure function of what
//! an engine said.
//!
//! [`judge`] looks at one observation and at how long it has held. It says *converged* only if
//! every service, at once, runs what its current spec wants, nothing else occupies a slot, no
//! update is under way, and all that has held for the stability window. Every "not yet" and
//! every "failed" names the service, the task and the field it rests on.
//!
//! [`Hold`] is what a wait keeps between two looks; [`recall`] keeps what the engine forgets.
//!
//! Tests: `convergence/tests.rs`, `convergence/hopeless_tests.rs`, `convergence/timelines.rs`.

#[cfg(test)]
mod hopeless_tests;
mod looks;
mod loops;
mod one_shot;
#[cfg(test)]
mod recorded;
mod service;
mod stuck;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timelines;
mod wanted;

use std::time::Duration;

use cc_ci_model::plan::Finding;
use cc_ci_model::stack::StackFacts;
use cc_ci_model::time::Timestamp;

pub use looks::{Fingerprint, Hold, POLL, fingerprint, recall, window};
pub use service::describe_end;
pub use wanted::{Wanted, WantedService};

/// What [`judge`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Convergence {
    /// It has settled.
    Converged {
        /// What a reader should know about it, e.g. an update left `paused`.
        warnings: Vec<Finding>,
        /// Services that ended with exit code 0 and are taken for one-shots though nothing
        /// declares them as such.
        one_shots: Vec<String>,
    },
    /// It may still settle.
    NotYet {
        /// What is missing: service, task, field.
        why: String,
    },
    /// It will not settle by itself.
    Failed {
        /// What is wrong.
        why: String,
    },
    /// What happened can no longer be told.
    Undecidable {
        /// What is missing.
        why: String,
    },
}

/// What [`judge`] says of one service; the window is not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Settled { warning: Option<Finding>, assumed_one_shot: bool },
    NotYet(String),
    Failed(String),
    Undecidable(String),
}

/// Judges one observation that has held for `held`, as of `now` (by the clock that stamped it).
pub fn judge(wanted: &Wanted, facts: &StackFacts, held: Duration, now: Timestamp) -> Convergence {
    let mut warnings = Vec::new();
    let mut one_shots = Vec::new();
    let mut waiting: Vec<&WantedService> = Vec::new();
    let mut not_yet = None;
    for service in &wanted.services {
        match service::stand(service, facts, now) {
            Standing::Settled { warning, assumed_one_shot } => {
                warnings.extend(warning);
                if assumed_one_shot {
                    one_shots.push(service.name.clone());
                }
            }
            Standing::NotYet(why) => {
                waiting.push(service);
                not_yet.get_or_insert(why);
            }
            Standing::Failed(why) => return Convergence::Failed { why },
            Standing::Undecidable(why) => return Convergence::Undecidable { why },
        }
    }
    if let Some(why) = loops::crash_loop(&waiting, facts) {
        return Convergence::Failed { why };
    }
    if let Some(why) = not_yet {
        return Convergence::NotYet { why };
    }
    let window = window(wanted, facts);
    if held < window {
        let why = format!(
            "everything runs; it has held for {} of {} ms",
            held.as_millis(),
            window.as_millis()
        );
        return Convergence::NotYet { why };
    }
    Convergence::Converged { warnings, one_shots }
}
