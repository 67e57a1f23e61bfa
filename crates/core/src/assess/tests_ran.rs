//! The pack's tests (TEST-2, TEST-5): exit code 0 passes, 77 skips, everything else fails; a TAP
//! that plans nothing ran nothing. One that cannot be started is an error in the pack.

use cc_ci_model::backup::{TapSeen, TestSeen};
use cc_ci_model::outcome::Outcome;

use super::{Assessment, Check, Context};
use crate::text::count;

/// The exit code by which a test says that it does not apply.
const SKIP: i32 = 77;

/// What a shell ends with when a program is there and cannot be executed (POSIX, 2.8.2).
const NOT_EXECUTABLE: i32 = 126;

/// What a shell ends with when there is no such program (POSIX, 2.8.2).
const NOT_FOUND: i32 = 127;

pub(super) fn assess(context: Context<'_>, tests: &[TestSeen]) -> Assessment {
    let mut assessment = Assessment::default();
    for planned in context.plan.tests_of(context.run.stage) {
        let check = match tests.iter().find(|test| test.name == planned.name) {
            Some(test) => Check::new(&test.name, judge(test), detail(test)),
            None => Check::with(&planned.name, Outcome::errored("it was not run")),
        };
        assessment.checks.push(check);
    }
    // Incident F2-11. Skipped checks count only if none passed, and the closing look does pass.
    if assessment.checks.iter().all(|check| matches!(check.outcome, Outcome::Skipped { .. })) {
        let tests = count(assessment.checks.len(), "test");
        let reason = format!("nothing was tested: of {tests} every one says it does not apply");
        assessment.checks.push(Check::with("tests", Outcome::unverified(reason)));
    }
    assessment
}

/// An error in the pack, if that is what kept a test from being run.
pub(crate) fn pack_error(test: &TestSeen) -> Option<String> {
    let why = test.unfit.as_ref()?;
    Some(format!("test {} can not be run: {why}", test.name))
}

/// What one test says.
fn judge(test: &TestSeen) -> Outcome {
    if let Some(error) = pack_error(test) {
        return Outcome::errored(error);
    }
    if let Some(problem) = &test.problem {
        return Outcome::errored(format!("test {} could not be run: {problem}", test.name));
    }
    if test.expired {
        return Outcome::failed(format!("test {} did not end in time", test.name));
    }
    match (test.code, &test.tap) {
        (Some(SKIP), _) => Outcome::Skipped {
            reason: format!("test {} says that it does not apply", test.name),
            intended: false,
        },
        (Some(0), Some(tap)) => judge_tap(&test.name, tap),
        (Some(0), None) => Outcome::Passed,
        (Some(code @ (NOT_EXECUTABLE | NOT_FOUND)), _) => Outcome::errored(format!(
            "test {} ended with exit code {code}, a shell's word for a program that could not be run: is what it calls \
             installed where cc-ci runs? {}",
            test.name,
            last_line(&test.said)
        )),
        (Some(code), _) => Outcome::failed(format!(
            "test {} ended with exit code {code}: {}",
            test.name,
            last_line(&test.said)
        )),
        (None, _) => Outcome::failed(format!("test {} was ended by a signal", test.name)),
    }
}

fn judge_tap(name: &str, tap: &TapSeen) -> Outcome {
    let ran = tap.passed + tap.failed + tap.skipped + tap.todo;
    if tap.failed > 0 {
        return Outcome::failed(format!("test {name}: {} of {ran} assertions failed", tap.failed));
    }
    if tap.planned.is_some_and(|planned| planned > ran) {
        return Outcome::failed(format!(
            "test {name} planned {} assertions and ran {ran}",
            tap.planned.unwrap_or_default()
        ));
    }
    match (tap.passed, tap.skipped) {
        (0, 0) => Outcome::unverified(format!("test {name} ran no assertion")),
        (0, _) => Outcome::Skipped {
            reason: format!("test {name} skipped every assertion"),
            intended: false,
        },
        (_, _) => Outcome::Passed,
    }
}

fn detail(test: &TestSeen) -> String {
    let code = test.code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
    format!("{code} after {} ms", test.duration_ms)
}

fn last_line(said: &str) -> &str {
    said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_ci_model::outcome::Status;

    fn test(code: Option<i32>) -> TestSeen {
        TestSeen {
            name: "tests/a.sh".into(),
            code,
            expired: false,
            duration_ms: 1,
            said: String::new(),
            tap: None,
            problem: None,
            unfit: None,
        }
    }

    #[track_caller]
    fn tap(planned: Option<u64>, passed: u64, failed: u64, skipped: u64, expected: Status) {
        let mut seen = test(Some(0));
        seen.tap = Some(TapSeen { planned, passed, failed, skipped, todo: 0 });
        assert_eq!(judge(&seen).status(), expected);
    }

    #[test]
    fn exit_codes() {
        assert_eq!(judge(&test(Some(0))).status(), Status::Passed);
        assert_eq!(judge(&test(Some(77))).status(), Status::Skipped);
        assert_eq!(judge(&test(Some(1))).status(), Status::Failed);
        assert_eq!(judge(&test(None)).status(), Status::Failed);
        // A missing `curl` says nothing about the app.
        assert_eq!(judge(&test(Some(126))).status(), Status::Errored);
        assert_eq!(judge(&test(Some(127))).status(), Status::Errored);
        assert_eq!(judge(&TestSeen { expired: true, ..test(None) }).status(), Status::Failed);
        let broken = TestSeen { problem: Some("permission denied".into()), ..test(None) };
        assert_eq!(judge(&broken).status(), Status::Errored);
        let unfit = TestSeen { unfit: Some("no interpreter".into()), ..test(None) };
        assert_eq!(judge(&unfit).status(), Status::Errored);
    }

    #[test]
    fn incident_skip_only_test_file_green_a_tap_without_assertions_is_not_passed() {
        tap(Some(0), 0, 0, 0, Status::Unverified);
        tap(None, 0, 0, 0, Status::Unverified);
        tap(Some(2), 0, 0, 2, Status::Skipped);
        tap(Some(2), 1, 0, 1, Status::Passed);
        tap(Some(3), 2, 0, 0, Status::Failed);
        tap(Some(2), 1, 1, 0, Status::Failed);
    }
}
