//! What became of a check, a stage or a rung (VER-1), and of a run (VER-2).

use std::fmt;

/// What became of a check, a stage or a rung.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// It was shown.
    Passed,
    /// The recipe is at fault.
    Failed {
        /// What a maintainer has to know.
        reason: String,
    },
    /// We could not tell.
    Errored {
        /// What kept us from telling.
        reason: String,
    },
    /// Attempted or due, but the proof is missing.
    Unverified {
        /// What is missing.
        reason: String,
    },
    /// It could not run.
    Blocked {
        /// The stage or check that stands in the way.
        by: String,
    },
    /// It was not attempted.
    Skipped {
        /// Why.
        reason: String,
        /// Whether the pack declares that it does not apply.
        intended: bool,
    },
    /// Optional rungs only: there is nothing to try.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

/// The kind of an [`Outcome`], without its reason.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// See [`Outcome::Passed`].
    Passed,
    /// See [`Outcome::NotApplicable`].
    NotApplicable,
    /// See [`Outcome::Skipped`].
    Skipped,
    /// See [`Outcome::Blocked`].
    Blocked,
    /// See [`Outcome::Unverified`].
    Unverified,
    /// See [`Outcome::Errored`].
    Errored,
    /// See [`Outcome::Failed`].
    Failed,
}

impl Outcome {
    /// The kind of outcome.
    pub fn status(&self) -> Status {
        match self {
            Outcome::Passed => Status::Passed,
            Outcome::Failed { .. } => Status::Failed,
            Outcome::Errored { .. } => Status::Errored,
            Outcome::Unverified { .. } => Status::Unverified,
            Outcome::Blocked { .. } => Status::Blocked,
            Outcome::Skipped { .. } => Status::Skipped,
            Outcome::NotApplicable { .. } => Status::NotApplicable,
        }
    }

    /// The reason, where there is one.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Outcome::Failed { reason }
            | Outcome::Errored { reason }
            | Outcome::Unverified { reason }
            | Outcome::Skipped { reason, .. }
            | Outcome::NotApplicable { reason } => Some(reason),
            Outcome::Passed | Outcome::Blocked { .. } => None,
        }
    }

    /// Whether it was shown.
    pub fn is_passed(&self) -> bool {
        matches!(self, Outcome::Passed)
    }

    /// The recipe is at fault.
    pub fn failed(reason: impl Into<String>) -> Self {
        Outcome::Failed { reason: reason.into() }
    }

    /// We could not tell.
    pub fn errored(reason: impl Into<String>) -> Self {
        Outcome::Errored { reason: reason.into() }
    }

    /// The proof is missing.
    pub fn unverified(reason: impl Into<String>) -> Self {
        Outcome::Unverified { reason: reason.into() }
    }
}

impl Status {
    /// The name in published formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::NotApplicable => "not_applicable",
            Status::Skipped => "skipped",
            Status::Blocked => "blocked",
            Status::Unverified => "unverified",
            Status::Errored => "errored",
            Status::Failed => "failed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a run says about the recipe at its head. Ordered: a later one wins (VER-2).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that had to be shown was shown.
    Pass,
    /// Nothing failed, but something that had to be proven was not.
    Unverified,
    /// Infrastructure or cc-ci itself.
    Error,
    /// The recipe is at fault.
    Fail,
    /// Somebody stopped the run.
    Cancelled,
}

impl Verdict {
    /// The name in published formats.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Unverified => "unverified",
            Verdict::Error => "error",
            Verdict::Fail => "fail",
            Verdict::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
