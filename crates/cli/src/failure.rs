//! What a command that could not do its job says: what is wrong, why, and what to do now.

use std::io::Write as _;
use std::process::ExitCode;

use cc_ci_core::planning::Refusal;
use cc_ci_model::exit::ExitKind;

/// A command that could not do its job.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ExitKind,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: ExitKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// Infrastructure, or a bug of ours.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::new(ExitKind::Error, message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says it on standard error.
    pub(crate) fn print(&self) -> ExitCode {
        let mut text = format!("error: {}\n", self.message);
        if let Some(hint) = &self.hint {
            text = format!("{text}\nhint: {hint}\n");
        }
        drop(std::io::stderr().write_all(text.as_bytes()));
        ExitCode::from(self.kind.code())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { kind: refusal.kind, message: refusal.message, hint: refusal.hint }
    }
}

/// An error with its causes, outermost first.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
