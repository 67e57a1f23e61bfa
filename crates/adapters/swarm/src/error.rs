//! Errors of the transport, told as errors of the port.

use bollard::errors::Error;
use cc_ci_core::ports::EngineError;

/// Tells what went wrong while cc-ci tried to `operation`.
pub(crate) fn engine_error(operation: &str, error: &Error) -> EngineError {
    if let Error::DockerResponseServerError { status_code, message } = error {
        return EngineError::Refused {
            operation: operation.to_owned(),
            status: *status_code,
            message: message.clone(),
        };
    }
    unreachable(operation, &chain(error))
}

/// An engine that did not answer, or broke off.
pub(crate) fn unreachable(operation: &str, message: &str) -> EngineError {
    EngineError::Unreachable { operation: operation.to_owned(), message: message.to_owned() }
}

/// An error and its causes in one line. Some of them repeat their cause in their own text; a
/// part that is said already is left out.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}
