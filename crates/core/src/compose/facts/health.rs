//! What a compose file says about the health of a service.

use cc_ci_model::compose::HealthCheck;

use crate::compose::tree::Node;

/// The health check of a service.
pub(super) fn check(service: &Node) -> HealthCheck {
    let Some(check) = service.get(&["healthcheck"]) else {
        return HealthCheck::Undeclared;
    };
    let words: Vec<&str> = check
        .get(&["test"])
        .map_or(&[][..], Node::items)
        .iter()
        .filter_map(Node::as_text)
        .collect();
    let is_disabled = check.text_at(&["disable"]) == Some("true");
    match words.as_slice() {
        _ if is_disabled => HealthCheck::Disabled,
        ["NONE", ..] => HealthCheck::Disabled,
        [] => HealthCheck::Undeclared,
        [first, rest @ ..] => HealthCheck::Command {
            test: if matches!(*first, "CMD" | "CMD-SHELL") {
                rest.join(" ")
            } else {
                words.join(" ")
            },
            cannot_fail: cannot_fail(first, rest),
            retries: check.text_at(&["retries"]).and_then(|retries| retries.parse().ok()),
            start_period_ms: check.text_at(&["start_period"]).and_then(milliseconds),
        },
    }
}

/// Nanoseconds as milliseconds; never negative.
pub(super) fn milliseconds(nanoseconds: &str) -> Option<u64> {
    let nanoseconds: i64 = nanoseconds.parse().ok()?;
    u64::try_from(nanoseconds / 1_000_000).ok()
}

fn cannot_fail(first: &str, rest: &[&str]) -> bool {
    match (first, rest) {
        ("CMD-SHELL", [script, ..]) => script_cannot_fail(script),
        ("CMD", [shell, options @ .., script]) if is_shell(shell) => {
            options.iter().any(|option| option.starts_with('-') && option.ends_with('c'))
                && script_cannot_fail(script)
        }
        ("CMD", [program]) => is_true(program),
        _ => false,
    }
}

fn is_shell(program: &str) -> bool {
    matches!(program.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash"))
}

/// Whether the last command of a script succeeds whatever happened before.
fn script_cannot_fail(script: &str) -> bool {
    let script = script.trim().trim_end_matches(';').trim_end();
    let last = script.rsplit(['|', ';', '&', '\n']).next().unwrap_or(script).trim();
    let before = script.len() - script.rsplit(['|', ';', '&', '\n']).next().map_or(0, str::len);
    // `a && true` fails when `a` does, and a single `|` ends a pipe, whose last command counts.
    is_true(last) && !script[..before].ends_with("&&")
}

fn is_true(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        [":"] | ["exit", "0"] => true,
        [program] => program.rsplit('/').next() == Some("true"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_that_cannot_fail_are_seen() {
        for (script, expected) in [
            ("curl x || true", true),
            ("curl x || exit 0", true),
            ("curl x || :", true),
            ("curl x; exit 0;", true),
            ("true", true),
            ("/bin/true", true),
            ("curl x || exit 1", false),
            ("curl x && true", false),
            ("curl x && exit 0 || exit 1", false),
            ("curl x | true", true),
            ("", false),
            ("ä||true", true),
        ] {
            assert_eq!(cannot_fail("CMD-SHELL", &[script]), expected, "{script}");
            assert_eq!(cannot_fail("CMD", &["/bin/sh", "-ec", script]), expected, "{script}");
        }
        assert!(cannot_fail("CMD", &["true"]));
        assert!(!cannot_fail("CMD", &["curl", "true"]));
        assert!(!cannot_fail("CMD", &["sh", "check.sh"]));
        assert!(!cannot_fail("CMD-SHELL", &[]));
    }
}
