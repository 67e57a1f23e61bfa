//! Words and marks that every report uses, and text from outside made harmless.

use cc_ci_model::outcome::{Status, Verdict};

/// One character that tells a status apart without colour.
pub(crate) fn mark(status: Status) -> char {
    match status {
        Status::Passed => '✓',
        Status::NotApplicable => ' ',
        Status::Skipped => '–',
        Status::Blocked => '·',
        Status::Unverified => '?',
        Status::Errored => '!',
        Status::Failed => '✗',
    }
}

/// A status as people say it.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::NotApplicable => "not applicable",
        Status::Passed
        | Status::Skipped
        | Status::Blocked
        | Status::Unverified
        | Status::Errored
        | Status::Failed => status.as_str(),
    }
}

/// A verdict at the head of a report.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Unverified => "UNVERIFIED",
        Verdict::Error => "ERROR",
        Verdict::Fail => "FAIL",
        Verdict::Cancelled => "CANCELLED",
    }
}

/// A number with its noun: `1 check`, `2 checks`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// A duration at the precision people care for.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, _) if ms < 1000 => format!("{ms} ms"),
        (0, 0, _) if ms % 1000 < 100 => format!("{} s", ms / 1000),
        (0, 0, _) => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Text from outside without what would move a cursor, colour a screen or turn a line around.
/// Line breaks stay, tabs become spaces.
pub(crate) fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.peek() == Some(&'[') => {
                // A control sequence: it ends with a letter or one of a few signs.
                rest.next();
                while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\n' => clean.push('\n'),
            '\t' => clean.push_str("    "),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\r' => {}
            c if c.is_control() => clean.push('\u{fffd}'),
            c => clean.push(c),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_get_coarser_as_they_grow() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (1_100, "1.1 s"),
            (59_499, "59.4 s"),
            (59_700, "1 min"),
            (60_000, "1 min"),
            (192_400, "3 min 12 s"),
            (600_000, "10 min"),
            (3_600_000, "1 h 0 min"),
            (7_384_000, "2 h 3 min"),
        ] {
            assert_eq!(duration(ms), text, "{ms}");
        }
    }

    #[test]
    fn text_from_outside_cannot_drive_a_terminal() {
        assert_eq!(
            harmless("a\u{1b}[31mred\u{1b}[0m\r\n\tb\u{7}\u{202e}c"),
            "ared\n    b\u{fffd}c"
        );
        assert_eq!(harmless("\u{1b}[2"), "");
        assert_eq!(harmless("\u{1b}]0;title\u{7}ä"), "\u{fffd}]0;title\u{fffd}ä");
    }
}
