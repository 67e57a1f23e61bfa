//! What the answers to a catalogue come to: false greens and false reds first, the confusion
//! table, causes. Pure.
//!
//! Tests: at the end of this file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::trial::Trial;

const PASS: &str = "pass";

/// What an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// A fault was published as a pass.
    FalseGreen,
    /// Weather was published as anything but a pass.
    FalseRed,
    /// The verdict's colour is right; the place, the reason or the class is not.
    WrongReason,
    /// Exactly what was expected.
    Right,
}

impl Reading {
    /// Reads an answer: its verdict, if it gave one, and how it differs from what was expected.
    pub fn of(expected: &str, got: Option<&str>, is_different: bool) -> Self {
        match (expected == PASS, got == Some(PASS)) {
            (false, true) => Self::FalseGreen,
            (true, false) => Self::FalseRed,
            _ if is_different => Self::WrongReason,
            _ => Self::Right,
        }
    }

    /// As a word for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::FalseGreen => "FALSE GREEN",
            Self::FalseRed => "FALSE RED",
            Self::WrongReason => "wrong reason",
            Self::Right => "right",
        }
    }
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// So many.
    pub right: usize,
    /// Of so many.
    pub of: usize,
}

/// All answers together.
#[derive(Debug, Serialize)]
pub struct Table<'a> {
    /// How the order was made; the same seed gives the same order.
    pub seed: u64,
    /// How often each entry was to run.
    pub repeat: usize,
    /// Trials that were asked for; fewer ran when it was stopped at the first that was not right.
    pub asked: usize,
    /// Answers that were exactly what was expected.
    pub right: usize,
    /// Names of entries, once for each trial.
    pub false_greens: Vec<&'a str>,
    /// The same.
    pub false_reds: Vec<&'a str>,
    /// The same.
    pub wrong_reasons: Vec<&'a str>,
    /// Expected verdict, verdict, how many.
    pub confusion: BTreeMap<&'a str, BTreeMap<&'a str, usize>>,
    /// Cause classes, where an entry names one.
    pub classes: Share,
    /// Each trial, in the order in which they ended.
    pub trials: &'a [Trial],
}

impl<'a> Table<'a> {
    /// Counts.
    pub fn of(seed: u64, repeat: usize, asked: usize, trials: &'a [Trial]) -> Self {
        let named = |reading| {
            let those = trials.iter().filter(move |trial| trial.reading == reading);
            let mut names: Vec<&str> = those.map(|trial| trial.name.as_str()).collect();
            names.sort_unstable();
            names
        };
        let mut confusion: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        let mut classes = Share::default();
        for trial in trials {
            let row = confusion.entry(trial.expected_verdict.as_str()).or_default();
            *row.entry(trial.verdict.as_deref().unwrap_or("no answer")).or_default() += 1;
            if let Some(class) = &trial.expected_class {
                classes.of += 1;
                classes.right += usize::from(trial.class.as_ref() == Some(class));
            }
        }
        Self {
            seed,
            repeat,
            asked,
            right: trials.iter().filter(|trial| trial.reading == Reading::Right).count(),
            false_greens: named(Reading::FalseGreen),
            false_reds: named(Reading::FalseRed),
            wrong_reasons: named(Reading::WrongReason),
            confusion,
            classes,
            trials,
        }
    }

    /// Whether every trial that was asked for ran, and gave exactly what was expected.
    pub fn is_all_right(&self) -> bool {
        self.right == self.asked
    }

    /// For a person: the worst first, the sum last.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        let misses = [
            ("false greens", &self.false_greens),
            ("false reds", &self.false_reds),
            ("right colour, wrong reason", &self.wrong_reasons),
        ];
        for (what, names) in misses {
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            lines.push(format!("{what}: {names}"));
        }
        lines.push(String::new());
        lines.extend(self.confusion_lines());
        lines.push(String::new());
        if self.classes.of > 0 {
            let Share { right, of } = self.classes;
            lines.push(format!("cause class right in {right} of {of}"));
        }
        let ran = self.trials.len();
        let rest = if ran < self.asked {
            format!(" ({} not run)", self.asked - ran)
        } else {
            String::new()
        };
        lines.push(format!("right {} of {}{rest}; seed {}", self.right, self.asked, self.seed));
        lines.join("\n")
    }

    /// A row for each expected verdict, a column for each verdict there was.
    fn confusion_lines(&self) -> Vec<String> {
        let mut columns: Vec<&str> =
            self.confusion.values().flat_map(BTreeMap::keys).copied().collect();
        columns.sort_unstable();
        columns.dedup();
        let line = |first: &str, cells: Vec<String>| {
            let cells = cells.iter().zip(&columns);
            let cells =
                cells.map(|(cell, name)| format!("{cell:>size$}", size = name.len().max(4)));
            [vec![format!("{first:10}")], cells.collect()].concat().join("  ")
        };
        let head = columns.iter().map(|name| (*name).to_owned()).collect();
        let mut lines = vec![line("expected", head)];
        for (expected, row) in &self.confusion {
            let counts = columns.iter().map(|name| row.get(name).copied().unwrap_or(0));
            lines.push(line(expected, counts.map(|count| count.to_string()).collect()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn readings() {
        let table = [
            ("fail", Some("fail"), false, Reading::Right),
            ("fail", Some("fail"), true, Reading::WrongReason),
            ("fail", Some("unverified"), true, Reading::WrongReason),
            ("fail", Some("pass"), true, Reading::FalseGreen),
            ("unverified", Some("pass"), true, Reading::FalseGreen),
            ("cancelled", Some("pass"), true, Reading::FalseGreen),
            ("fail", None, true, Reading::WrongReason),
            ("pass", Some("pass"), false, Reading::Right),
            ("pass", Some("pass"), true, Reading::WrongReason),
            ("pass", Some("fail"), true, Reading::FalseRed),
            ("pass", Some("error"), true, Reading::FalseRed),
            ("pass", None, true, Reading::FalseRed),
        ];
        for (expected, got, is_different, reading) in table {
            assert_eq!(Reading::of(expected, got, is_different), reading, "{expected} {got:?}");
        }
    }

    fn trial(name: &str, expected: &str, got: Option<&str>, classes: [Option<&str>; 2]) -> Trial {
        let [expected_class, class] = classes.map(|class| class.map(str::to_owned));
        let is_different = got != Some(expected) || expected_class != class;
        Trial {
            name: name.to_owned(),
            expected: String::new(),
            expected_verdict: expected.to_owned(),
            expected_class,
            got: String::new(),
            verdict: got.map(str::to_owned),
            class,
            took_ms: 1,
            differences: if is_different { vec!["x".to_owned()] } else { Vec::new() },
            reading: Reading::of(expected, got, is_different),
            folder: PathBuf::new(),
        }
    }

    #[test]
    fn the_worst_comes_first_and_everything_is_counted() {
        let trials = [
            trial("calm", "pass", Some("pass"), [None; 2]),
            trial("storm", "pass", Some("fail"), [None; 2]),
            trial("empty", "fail", Some("pass"), [Some("data"), None]),
            trial("sick", "fail", Some("fail"), [Some("health"), Some("health")]),
            trial("sore", "fail", Some("fail"), [Some("health"), Some("port")]),
            trial("mute", "unverified", None, [None; 2]),
        ];
        let table = Table::of(7, 1, 8, &trials);
        assert!(!table.is_all_right());
        assert_eq!(
            table.text(),
            "false greens: empty\n\
             false reds: storm\n\
             right colour, wrong reason: mute, sore\n\
             \n\
             expected    fail  no answer  pass\n\
             fail           2          0     1\n\
             pass           1          0     1\n\
             unverified     0          1     0\n\
             \n\
             cause class right in 1 of 3\n\
             right 2 of 8 (2 not run); seed 7"
        );
        assert!(Table::of(7, 1, 1, &trials[..1]).is_all_right());
        assert!(!Table::of(7, 1, 2, &trials[..1]).is_all_right());
    }
}
