//! What the pack itself says of a backup (STG-4): its command, and the paths it expects.

use cc_ci_model::integrity::{ExpectedPath, ExpectedSeen, VerifySeen};
use cc_ci_model::outcome::Outcome;

use super::backup::last_lines;
use super::{Assessment, Check};

/// Exit code 0 says that the backup is good.
pub(super) fn assess(seen: &VerifySeen) -> Assessment {
    let service = &seen.service;
    let said = last_lines(&seen.said);
    let outcome = match (cannot_run(seen), seen.code) {
        (Some(why), _) => Outcome::errored(why),
        (None, Some(0)) => {
            let detail = format!("`backup.verify` in service {service} ended with exit code 0");
            return Assessment::of(Check::passed("verify", detail));
        }
        (None, Some(code)) => Outcome::failed(format!(
            "the backup is not good: `backup.verify` in service {service} ended with exit code {code}: {said}"
        )),
        (None, None) => Outcome::failed(format!(
            "`backup.verify` in service {service} did not end in time, or could not be run: {said}"
        )),
    };
    Assessment::of(Check::with("verify", outcome))
}

/// Why the command is no command of that service's image: an error in the pack. What a shell makes
/// of a missing program is the command's own word.
pub(crate) fn cannot_run(seen: &VerifySeen) -> Option<String> {
    let is_not_there =
        ["executable file not found", "no such file or directory", "permission denied"]
            .iter()
            .any(|words| seen.said.contains(words));
    let is_engines = seen.said.contains("OCI runtime exec failed")
        && matches!(seen.code, None | Some(126 | 127));
    (is_engines && is_not_there).then(|| {
        format!(
            "`backup.verify` of the pack can not be run in service {}: {}",
            seen.service,
            last_lines(&seen.said)
        )
    })
}

/// Every path the pack expects must be in the snapshot, and hold something.
pub(super) fn assess_expected(expected: &[ExpectedPath], seen: &[ExpectedSeen]) -> Vec<Check> {
    let judged = expected.iter().map(|path| {
        let path = path.to_string();
        let outcome = match seen.iter().find(|seen| seen.path == path) {
            None => Outcome::errored(format!("nobody looked for {path} in the snapshot")),
            Some(ExpectedSeen { there: false, .. }) => Outcome::failed(format!(
                "the pack expects {path} in the snapshot, and it is not there"
            )),
            Some(ExpectedSeen { bytes: 0, .. }) => Outcome::failed(format!(
                "the pack expects {path} in the snapshot, and it is empty there"
            )),
            Some(ExpectedSeen { bytes, .. }) => {
                return Check::passed(
                    "expect",
                    format!("{path} is in the snapshot, {bytes} bytes"),
                );
            }
        };
        Check::with("expect", outcome)
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: Option<i64>, said: &str, expected: &str) {
        let seen = VerifySeen { service: "db".into(), code, said: said.into() };
        let told = assess(&seen).checks;
        let [check] = told.as_slice() else { panic!("one check: {told:?}") };
        let word = format!("{} {}", check.outcome.status().as_str(), check.detail);
        assert!(word.starts_with(expected), "{word}");
    }

    #[test]
    fn the_command_of_a_pack_decides_by_its_exit_code() {
        check(Some(0), "", "passed `backup.verify` in service db");
        let bad = "failed the backup is not good: `backup.verify` in service db ended with exit code 1: a; b";
        check(Some(1), "first\na\nb\n", bad);
        check(None, "", "failed `backup.verify` in service db did not end in time");
        // A shell's word for a program it does not find is the command's own.
        check(Some(127), "sh: 1: gunzip: not found", "failed the backup is not good");
    }

    #[test]
    fn a_command_the_image_does_not_have_is_an_error_in_the_pack() {
        let said = "OCI runtime exec failed: exec failed: container_linux.go:380: starting container process caused: exec: \"mysql\": \
                    executable file not found in $PATH: unknown";
        let expected = "errored `backup.verify` of the pack can not be run in service db";
        check(Some(126), said, expected);
        check(Some(127), said, expected);
        check(None, said, expected);
        check(Some(1), said, "failed the backup is not good");
    }

    #[test]
    fn expected_paths_are_there_and_hold_something() {
        let paths: Vec<ExpectedPath> =
            ["db/dump.sql", "db/conf"].map(|path| path.parse().unwrap()).into();
        let seen = |there, bytes| ExpectedSeen { path: "db/dump.sql".into(), there, bytes };
        let told = |seen: &[ExpectedSeen]| {
            let checks = assess_expected(&paths[..1], seen);
            let told = checks.iter();
            let told = told.map(|check| format!("{} {}", check.outcome.status(), check.detail));
            told.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(told(&[seen(true, 7)]), "passed db/dump.sql is in the snapshot, 7 bytes");
        assert!(told(&[seen(false, 0)]).starts_with(
            "failed the pack expects db/dump.sql in the snapshot, and it is not there"
        ));
        assert!(told(&[seen(true, 0)]).ends_with("it is empty there"));
        assert_eq!(told(&[]), "errored nobody looked for db/dump.sql in the snapshot");
        assert_eq!(assess_expected(&paths, &[seen(true, 7)]).len(), 2);
    }
}
