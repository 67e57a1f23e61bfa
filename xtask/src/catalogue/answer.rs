//! What cc-ci should say about an entry, what it said, and how the two differ.
//!
//! Reads `results.json` as any other reader of the published format would, not with our own
//! types.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Deserialize;

/// What cc-ci should say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The verdict.
    pub verdict: String,
    /// The exit code.
    pub exit: i32,
    /// The rung that tells, and whose reason is looked at.
    pub rung: Option<String>,
    /// The stage that tells; its reason is looked at when there is no rung.
    pub stage: Option<String>,
    /// What becomes of that rung and of that stage.
    pub status: Option<String>,
    /// The cause class of that rung (RES-7).
    pub class: Option<String>,
    /// Texts the reason contains, all of them.
    #[serde(default)]
    pub reason_contains: Vec<String>,
}

/// What cc-ci said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The exit code; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// Its standard output, which should be `results.json` and nothing else.
    pub stdout: String,
}

#[derive(Debug, Deserialize)]
struct Seen {
    #[serde(rename = "final")]
    is_final: bool,
    verdict: String,
    rungs: BTreeMap<String, Part>,
    stages: Vec<Stage>,
    cleanup: Cleanup,
}

#[derive(Debug, Deserialize)]
struct Part {
    status: String,
    reason: Option<String>,
    #[serde(default)]
    class: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stage {
    name: String,
    #[serde(flatten)]
    part: Part,
}

#[derive(Debug, Deserialize)]
struct Cleanup {
    complete: bool,
    left: Vec<Left>,
}

#[derive(Debug, Deserialize)]
struct Left {
    kind: String,
    name: String,
}

impl Expected {
    /// Whether it can be compared at all.
    pub fn check(&self) -> Result<()> {
        let has_place = self.rung.is_some() || self.stage.is_some();
        ensure!(
            self.status.is_none() && self.reason_contains.is_empty() || has_place,
            "`expected` has a status or a reason, but neither `rung` nor `stage`"
        );
        ensure!(
            self.class.is_none() || self.rung.is_some(),
            "`expected` has a class, but no `rung`"
        );
        Ok(())
    }

    /// In a few words, for a line of a table.
    pub fn brief(&self) -> String {
        let place = self.rung.as_ref().or(self.stage.as_ref());
        let place =
            place.map(|place| format!(", {place} {}", self.status.as_deref().unwrap_or("any")));
        format!("{} ({}){}", self.verdict, self.exit, place.unwrap_or_default())
    }

    /// The same for what was said instead.
    pub fn brief_of(&self, answer: &Answer) -> String {
        let code = answer.exit.map_or_else(|| "signal".to_owned(), |code| code.to_string());
        let Ok(seen) = answer.seen() else {
            return format!("no results ({code})");
        };
        let place = match (&self.rung, &self.stage) {
            (Some(rung), _) => seen.rungs.get(rung).map(|part| (rung, part)),
            (None, Some(stage)) => seen.stage(stage).map(|part| (stage, part)),
            (None, None) => None,
        };
        let place = place.map(|(name, part)| format!(", {name} {}", part.status));
        format!("{} ({code}){}", seen.verdict, place.unwrap_or_default())
    }

    /// The cause class that was given to the rung that tells.
    pub fn class_of(&self, answer: &Answer) -> Option<String> {
        let seen = answer.seen().ok()?;
        seen.rungs.get(self.rung.as_ref()?)?.class.clone()
    }

    /// How an answer differs from what is expected; empty when it does not.
    pub fn differences(&self, answer: &Answer) -> Vec<String> {
        let mut found = Differences::default();
        let code = answer.exit.map_or_else(|| "a signal".to_owned(), |code| code.to_string());
        found.compare("exit code", &self.exit.to_string(), &code);
        match answer.seen() {
            Err(why) => found.0.push(why),
            Ok(seen) => self.compare(&seen, &mut found),
        }
        found.0
    }

    fn compare(&self, seen: &Seen, found: &mut Differences) {
        found.compare("verdict", &self.verdict, &seen.verdict);
        let rung = self.rung.as_ref().map(|rung| (format!("rung {rung}"), seen.rungs.get(rung)));
        let stage = self.stage.as_ref().map(|stage| (format!("stage {stage}"), seen.stage(stage)));
        let first = rung.iter().chain(&stage).next().and_then(|(_, part)| *part);
        for (what, part) in rung.iter().chain(&stage) {
            match (part, &self.status) {
                (None, _) => found.0.push(format!("{what}: it is not in the results")),
                (Some(part), Some(status)) => found.compare(what, status, &part.status),
                (Some(_), None) => {}
            }
        }
        if let (Some(expected), Some((what, Some(part)))) = (&self.class, &rung) {
            let got = part.class.as_deref().unwrap_or("none");
            found.compare(&format!("class of {what}"), expected, got);
        }
        let reason = first.and_then(|part| part.reason.as_deref()).unwrap_or_default();
        for text in self.reason_contains.iter().filter(|text| !reason.contains(*text)) {
            found.0.push(format!("reason: expected it to contain {text:?}, got {reason:?}"));
        }
        found.cleanup(seen);
    }
}

impl Answer {
    /// The verdict, if there is one.
    pub fn verdict(&self) -> Option<String> {
        self.seen().ok().map(|seen| seen.verdict)
    }

    fn seen(&self) -> Result<Seen, String> {
        serde_json::from_str(&self.stdout)
            .map_err(|error| format!("standard output is no results.json: {error}"))
    }
}

impl Seen {
    /// The last one of that name: earlier ones were tried again.
    fn stage(&self, name: &str) -> Option<&Part> {
        self.stages.iter().rev().find(|stage| stage.name == name).map(|stage| &stage.part)
    }
}

#[derive(Debug, Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, what: &str, expected: &str, got: &str) {
        if expected != got {
            self.0.push(format!("{what}: expected {expected}, got {got}"));
        }
    }

    fn cleanup(&mut self, seen: &Seen) {
        if !seen.is_final {
            self.0.push("final: expected true, got false".to_owned());
        }
        let left: Vec<String> =
            seen.cleanup.left.iter().map(|left| format!("{} {}", left.kind, left.name)).collect();
        if !left.is_empty() {
            self.0.push(format!("cleanup: expected nothing to be left, got {}", left.join(", ")));
        } else if !seen.cleanup.complete {
            self.0
                .push("cleanup: expected it to be complete; what is left is not known".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        toml::from_str(
            "verdict = 'fail'\nexit = 1\nrung = 'install'\nstage = 'install'\nstatus = 'failed'\nclass = 'health'\nreason_contains = ['healthy']",
        )
        .unwrap()
    }

    fn answer(exit: i32, verdict: &str, status: &str, reason: &str, left: &str) -> Answer {
        let class = if status == "failed" { r#", "class": "health""# } else { "" };
        let stdout = format!(
            r#"{{"final": true, "verdict": "{verdict}", "rungs": {{"install": {{"status": "{status}", "reason": "{reason}"{class}}}}},
            "stages": [{{"name": "install", "status": "{status}", "reason": null, "attempts": 1}}],
            "cleanup": {{"complete": {}, "left": [{left}]}}, "more": 1}}"#,
            left.is_empty()
        );
        Answer { exit: Some(exit), stdout }
    }

    #[test]
    fn the_right_red_for_the_right_reason_is_caught() {
        let caught = answer(1, "fail", "failed", "never healthy", "");
        assert_eq!(expected().differences(&caught), [""; 0]);
        assert_eq!(expected().brief(), "fail (1), install failed");
        assert_eq!(expected().brief_of(&caught), "fail (1), install failed");
    }

    #[test]
    fn every_difference_is_told() {
        let left = r#"{"kind": "volume", "name": "x_data", "id": "x"}"#;
        assert_eq!(
            expected().differences(&answer(0, "pass", "passed", "", left)),
            [
                "exit code: expected 1, got 0",
                "verdict: expected fail, got pass",
                "rung install: expected failed, got passed",
                "stage install: expected failed, got passed",
                "class of rung install: expected health, got none",
                "reason: expected it to contain \"healthy\", got \"\"",
                "cleanup: expected nothing to be left, got volume x_data",
            ]
        );
    }

    #[test]
    fn a_cause_is_compared_where_one_is_expected() {
        let mut caught = answer(1, "fail", "failed", "never healthy", "");
        assert_eq!(expected().class_of(&caught).as_deref(), Some("health"));
        caught.stdout = caught.stdout.replacen("\"class\": \"health\"", "\"class\": \"oom\"", 1);
        let told = ["class of rung install: expected health, got oom"];
        assert_eq!(expected().differences(&caught), told);
        let any = Expected { class: None, ..expected() };
        assert_eq!(any.differences(&caught), [""; 0]);
    }

    #[test]
    fn no_results_are_a_miss() {
        let silent = Answer { exit: None, stdout: String::new() };
        let differences = expected().differences(&silent);
        assert_eq!(differences[0], "exit code: expected 1, got a signal");
        assert!(
            differences[1].starts_with("standard output is no results.json"),
            "{differences:?}"
        );
        assert_eq!(expected().brief_of(&silent), "no results (signal)");
    }

    #[test]
    fn a_reason_needs_a_place() {
        let placeless: Expected =
            toml::from_str("verdict = 'fail'\nexit = 1\nreason_contains = ['x']").unwrap();
        assert!(placeless.check().is_err());
        let rungless: Expected =
            toml::from_str("verdict = 'fail'\nexit = 1\nstage = 'install'\nclass = 'x'").unwrap();
        assert!(rungless.check().is_err());
        assert!(expected().check().is_ok());
    }
}
