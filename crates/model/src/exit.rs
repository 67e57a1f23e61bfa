//! Exit codes (VER-8): one table, one exhaustive mapping.

use serde::{Deserialize, Serialize};

/// Why a command ends as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExitKind {
    /// 0: everything that had to be shown was shown.
    Pass,
    /// 1: the recipe is at fault.
    Fail,
    /// 2: the command line, a ref that does not exist, or a path that is no repository.
    Usage,
    /// 3: something that had to be proven was not.
    Unverified,
    /// 4: infrastructure, or a bug of ours.
    Error,
    /// 5: a lock could not be had in time.
    Lock,
    /// 6: bad configuration or pack.
    Config,
    /// 7: somebody stopped the run.
    Cancelled,
    /// 8: the verdict is pass, but something could not be removed.
    CleanupIncomplete,
}

impl ExitKind {
    /// All kinds in the order in which they win when several apply.
    pub const PRECEDENCE: [ExitKind; 9] = [
        ExitKind::Usage,
        ExitKind::Cancelled,
        ExitKind::Config,
        ExitKind::Lock,
        ExitKind::Fail,
        ExitKind::Error,
        ExitKind::Unverified,
        ExitKind::CleanupIncomplete,
        ExitKind::Pass,
    ];

    /// The process exit code.
    pub fn code(self) -> u8 {
        match self {
            ExitKind::Pass => 0,
            ExitKind::Fail => 1,
            ExitKind::Usage => 2,
            ExitKind::Unverified => 3,
            ExitKind::Error => 4,
            ExitKind::Lock => 5,
            ExitKind::Config => 6,
            ExitKind::Cancelled => 7,
            ExitKind::CleanupIncomplete => 8,
        }
    }

    /// The one of several that a command ends with; [`ExitKind::Pass`] when there is none.
    pub fn first_of(kinds: &[ExitKind]) -> ExitKind {
        Self::PRECEDENCE.into_iter().find(|kind| kinds.contains(kind)).unwrap_or(ExitKind::Pass)
    }
}

/// One reason for the exit code, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Condition {
    /// The exit code it asks for.
    pub code: u8,
    /// Its kind.
    pub kind: ExitKind,
    /// What a reader has to know.
    pub message: String,
    /// File, stage, check or object it is about.
    pub place: Option<String>,
}

impl Condition {
    /// A condition of that kind.
    pub fn new(kind: ExitKind, message: impl Into<String>, place: Option<String>) -> Self {
        Self { code: kind.code(), kind, message: message.into(), place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones_and_win_in_order() {
        let codes: Vec<u8> = ExitKind::PRECEDENCE.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes, [2, 7, 6, 5, 1, 4, 3, 8, 0]);
        assert_eq!(
            ExitKind::first_of(&[ExitKind::Error, ExitKind::Fail, ExitKind::Unverified]),
            ExitKind::Fail
        );
        assert_eq!(ExitKind::first_of(&[]), ExitKind::Pass);
    }
}
