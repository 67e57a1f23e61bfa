//! How an app could be reached while it was upgraded (STG-3).

use serde::{Deserialize, Serialize};

use crate::name::AppId;
use crate::time::Timestamp;

/// What the meter saw, from just before the head was submitted until the app had answered.
///
/// A sample is one moment: every running task of the service is asked, and it fails only if none
/// of them gives an answer that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MeterSeen {
    /// The service that was asked.
    pub service: String,
    /// Milliseconds between two samples.
    pub interval_ms: u64,
    /// When the first sample was taken.
    pub from: Timestamp,
    /// When the last sample was taken.
    pub until: Timestamp,
    /// Samples taken.
    pub samples: u32,
    /// Samples of which the engine did not say where the tasks are: neither good nor failed.
    pub unknown: u32,
    /// The times without an answer, in order; the first hundred.
    pub gaps: Vec<Gap>,
    /// Times without an answer beyond those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_gaps: u32,
}

/// A time in which the app gave no answer that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Gap {
    /// The first sample that failed.
    pub from: Timestamp,
    /// The next one that did not, or the end of the measurement.
    pub until: Timestamp,
    /// Samples that failed.
    pub failed: u32,
    /// What the first of them met.
    pub why: String,
}

impl Gap {
    /// How long it was, milliseconds.
    pub fn length_ms(&self) -> u64 {
        u64::try_from(self.until.since(self.from).as_millis()).unwrap_or(u64::MAX)
    }
}

/// How an app could be reached while it was upgraded, as published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Availability {
    /// The app.
    pub app: AppId,
    /// The service that was asked.
    pub service: String,
    /// Samples taken, one each `interval_ms`.
    pub samples: u32,
    /// Milliseconds between two samples.
    pub interval_ms: u64,
    /// Samples that failed.
    pub failed: u32,
    /// Samples nobody can tell anything about: the engine did not answer.
    pub unknown: u32,
    /// Milliseconds without an answer, all gaps together.
    pub down_ms: u64,
    /// The longest gap, milliseconds.
    pub longest_gap_ms: u64,
    /// The budget the pack sets (`upgrade.downtime_budget`), milliseconds.
    pub budget_ms: Option<u64>,
    /// In a sentence, with the update policy that is the cause.
    pub told: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
