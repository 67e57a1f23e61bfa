//! The Test Anything Protocol (versions 13 and 14, <https://testanything.org>), as much of it as
//! says whether anything ran.

use cc_ci_model::backup::TapSeen;

/// Sums up a TAP stream; `None` when the text holds neither a plan nor a test line.
pub fn read(text: &str) -> Option<TapSeen> {
    let mut seen = TapSeen::default();
    let mut is_tap = false;
    for line in text.lines() {
        if let Some(planned) = plan(line) {
            seen.planned = Some(planned);
            is_tap = true;
        } else if let Some(result) = result(line) {
            match result {
                Line::Passed => seen.passed += 1,
                Line::Failed => seen.failed += 1,
                Line::Skipped => seen.skipped += 1,
                Line::Todo => seen.todo += 1,
            }
            is_tap = true;
        } else if line.starts_with("Bail out!") {
            seen.failed += 1;
            is_tap = true;
        }
    }
    is_tap.then_some(seen)
}

/// `1..N`, alone or before a comment.
fn plan(line: &str) -> Option<u64> {
    let count = line.strip_prefix("1..")?;
    count.split('#').next()?.trim().parse().ok()
}

enum Line {
    Passed,
    Failed,
    Skipped,
    Todo,
}

fn result(line: &str) -> Option<Line> {
    let (failed, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (true, rest),
        None => (false, line.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let directive = rest.split_once('#').map(|(_, directive)| directive.trim().to_lowercase());
    let is = |word: &str| directive.as_ref().is_some_and(|directive| directive.starts_with(word));
    Some(match failed {
        _ if is("skip") => Line::Skipped,
        _ if is("todo") => Line::Todo,
        true => Line::Failed,
        false => Line::Passed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Option<u64>, u64, u64, u64)>) {
        let got = read(text).map(|seen| (seen.planned, seen.passed, seen.failed, seen.skipped));
        assert_eq!(got, expected, "{text:?}");
    }

    #[test]
    fn streams_are_summed_up() {
        check("TAP version 13\n1..2\nok 1 - a\nnot ok 2 - b\n", Some((Some(2), 1, 1, 0)));
        check("ok\nok 2 # SKIP no network\n1..2\n", Some((Some(2), 1, 0, 1)));
        check("not ok 1 # TODO later\n1..1\n", Some((Some(1), 0, 0, 0)));
        check("1..0 # SKIP nothing here\n", Some((Some(0), 0, 0, 0)));
        check("ok 1\nBail out! database gone\n", Some((None, 1, 1, 0)));
        check("everything is okay\nokay\n", None);
        check("", None);
    }
}
