//! What happens to an app while it is tested: `[[during]]` of an entry, and when its moment has come.
//!
//! A moment is a place in the run's own log, not a time on a clock. Pure; [`super::inject`] does it.
//!
//! Tests: at the end of this file.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cc_ci_model::stage::Stage;
use serde::Deserialize;
use serde_json::Value;

/// One thing that happens to an app, once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct During {
    /// The moment in the run's log.
    pub when: Moment,
    /// Which of several such moments, from 1.
    #[serde(default = "first")]
    pub nth: u32,
    /// It happens that long after it.
    #[serde(default)]
    pub after_ms: u64,
    /// What happens.
    #[serde(flatten)]
    pub incident: Incident,
}

/// What happens. Only ever to the run's own stack, or to cc-ci itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Incident {
    /// A signal to the containers of a service.
    Kill {
        /// The service.
        service: String,
        /// The signal's name.
        #[serde(default = "kill")]
        signal: String,
    },
    /// Somebody restarts a service, with new tasks.
    Restart {
        /// The service.
        service: String,
    },
    /// The containers of a service stand still for a while.
    Pause {
        /// The service.
        service: String,
        /// How long.
        for_ms: u64,
    },
    /// A program runs in the containers of a service.
    Exec {
        /// The service.
        service: String,
        /// The program and its arguments.
        command: Vec<String>,
    },
    /// A signal to cc-ci.
    Signal {
        /// The signal's name.
        signal: String,
    },
}

fn first() -> u32 {
    1
}

fn kill() -> String {
    "KILL".to_owned()
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { service, signal } => write!(f, "{signal} to {service}"),
            Self::Restart { service } => write!(f, "restart of {service}"),
            Self::Pause { service, for_ms } => write!(f, "pause of {service} for {for_ms} ms"),
            Self::Exec { service, command } => write!(f, "{} in {service}", command.join(" ")),
            Self::Signal { signal } => write!(f, "{signal} to cc-ci"),
        }
    }
}

impl During {
    /// Whether it can be done at all.
    pub fn check(&self) -> Result<()> {
        ensure!(self.nth > 0, "`nth` counts from 1");
        match &self.incident {
            Incident::Exec { command, .. } => ensure!(!command.is_empty(), "`command` is empty"),
            Incident::Pause { for_ms, .. } => ensure!(*for_ms > 0, "`for_ms` is nothing"),
            Incident::Kill { .. } | Incident::Restart { .. } | Incident::Signal { .. } => {}
        }
        Ok(())
    }

    /// How long after its moment it happens.
    pub fn after(&self) -> Duration {
        Duration::from_millis(self.after_ms)
    }
}

/// An act of a stage begins or ends: `backup backup began`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Moment {
    stage: String,
    act: String,
    has_ended: bool,
}

impl TryFrom<String> for Moment {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [stage, act, edge] = words[..] else {
            bail!("`{text}` is not `STAGE ACT began` or `STAGE ACT ended`");
        };
        let is_known = Stage::ALL.iter().any(|known| known.as_str() == stage);
        ensure!(is_known, "`{text}`: there is no stage `{stage}`");
        let has_ended = match edge {
            "began" => false,
            "ended" => true,
            _ => bail!("`{text}`: an act `began` or `ended`"),
        };
        Ok(Self { stage: stage.to_owned(), act: act.to_owned(), has_ended })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edge = if self.has_ended { "ended" } else { "began" };
        write!(f, "{} {} {edge}", self.stage, self.act)
    }
}

/// Reads a run's log as it grows, and says whose moment has come.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    waiting: Vec<&'a During>,
    /// Moments that came, and how often.
    came: Vec<(Moment, u32)>,
    /// Stacks by the app's id.
    stacks: BTreeMap<String, String>,
    stage: String,
    stack: String,
    act: String,
}

impl<'a> Follower<'a> {
    /// At the beginning of a log.
    pub(super) fn new(during: &'a [During]) -> Self {
        Self {
            waiting: during.iter().collect(),
            came: Vec::new(),
            stacks: BTreeMap::new(),
            stage: String::new(),
            stack: String::new(),
            act: String::new(),
        }
    }

    /// Takes the next line; what is due by it, and the stack it is about.
    pub(super) fn take(&mut self, line: &str) -> Result<Vec<(&'a During, String)>> {
        let event: Value = serde_json::from_str(line).context("a line of the log is no JSON")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let has_ended = match event["event"].as_str().unwrap_or_default() {
            "planned" => {
                let apps = event["plan"]["apps"].as_array().cloned().unwrap_or_default();
                self.stacks.extend(apps.iter().map(|app| (text(&app["id"]), text(&app["stack"]))));
                return Ok(Vec::new());
            }
            "stage_began" => {
                self.stage = text(&event["stage"]);
                self.stack = self.stacks.get(&text(&event["app"])).cloned().unwrap_or_default();
                return Ok(Vec::new());
            }
            "act_began" => {
                self.act = text(&event["act"]["act"]);
                false
            }
            "act_ended" | "act_errored" => true,
            _ => return Ok(Vec::new()),
        };
        let (stage, act) = (self.stage.clone(), self.act.clone());
        let now = Moment { stage, act, has_ended };
        let nth = self.count(&now);
        let is_due = |during: &&During| during.when == now && during.nth == nth;
        let due = self.waiting.extract_if(.., |during| is_due(during));
        Ok(due.map(|during| (during, self.stack.clone())).collect())
    }

    fn count(&mut self, now: &Moment) -> u32 {
        if let Some((_, count)) = self.came.iter_mut().find(|(known, _)| known == now) {
            *count += 1;
            return *count;
        }
        self.came.push((now.clone(), 1));
        1
    }

    /// Those whose moment never came.
    pub(super) fn left(&self) -> impl Iterator<Item = &'a During> {
        self.waiting.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn during(text: &str) -> During {
        toml::from_str(text).unwrap()
    }

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let read: Result<During, _> = toml::from_str(text);
        let error = match read {
            Ok(during) => during.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn an_incident_is_read_whole_or_refused() {
        let read =
            during("when = 'backup backup began'\nafter_ms = 20\ndo = 'kill'\nservice = 'app'");
        assert_eq!(read.incident.to_string(), "KILL to app");
        assert_eq!((read.when.to_string(), read.after_ms), ("backup backup began".to_owned(), 20));
        during("when = 'upgrade converge ended'\ndo = 'signal'\nsignal = 'INT'").check().unwrap();
        refused(
            "when = 'backup began'\ndo = 'restart'\nservice = 'app'",
            "is not `STAGE ACT began`",
        );
        refused("when = 'later backup began'\ndo = 'restart'\nservice = 'app'", "no stage `later`");
        refused(
            "when = 'backup backup begins'\ndo = 'restart'\nservice = 'app'",
            "`began` or `ended`",
        );
        refused("when = 'backup backup began'\ndo = 'drain'", "unknown variant");
        refused("when = 'backup backup began'\ndo = 'restart'", "missing field `service`");
        let nth = "when = 'backup backup began'\nnth = 0\ndo = 'restart'\nservice = 'app'";
        refused(nth, "counts from 1");
        let more = "when = 'backup backup began'\ndo = 'restart'\nservice = 'app'\nsignal = 'INT'";
        refused(more, "unknown field `signal`");
        let exec = "when = 'backup backup began'\ndo = 'exec'\nservice = 'app'\ncommand = []";
        refused(exec, "is empty");
        let pause = "when = 'backup backup began'\ndo = 'pause'\nservice = 'app'\nfor_ms = 0";
        refused(pause, "is nothing");
    }

    /// A log in short form: stage and app, act, or the end of an act.
    const LOG: &[&str] = &[
        r#"{"event":"planned","plan":{"apps":[{"id":"fresh","stack":"st_f"},{"id":"upgraded","stack":"st_u"}]}}"#,
        r#"{"event":"stage_began","stage":"install","app":"fresh"}"#,
        r#"{"event":"act_began","act":{"act":"converge"}}"#,
        r#"{"event":"act_ended","evidence":{}}"#,
        r#"{"event":"stage_began","stage":"upgrade","app":"upgraded"}"#,
        r#"{"event":"act_began","act":{"act":"converge"}}"#,
        r#"{"event":"act_errored","message":"x"}"#,
        r#"{"event":"act_began","act":{"act":"converge"}}"#,
        r#"{"event":"act_ended","evidence":{}}"#,
    ];

    /// The lines after which a moment comes, with the stack.
    fn moments(when: &str, nth: u32) -> (Vec<(usize, String)>, usize) {
        let text = format!("when = '{when}'\nnth = {nth}\ndo = 'restart'\nservice = 'app'");
        let all = [during(&text)];
        let mut follower = Follower::new(&all);
        let mut found = Vec::new();
        for (index, line) in LOG.iter().enumerate() {
            found.extend(follower.take(line).unwrap().into_iter().map(|(_, stack)| (index, stack)));
        }
        (found, follower.left().count())
    }

    #[test]
    fn a_moment_comes_once_and_at_its_place() {
        assert_eq!(moments("install converge began", 1), (vec![(2, "st_f".to_owned())], 0));
        assert_eq!(moments("install converge ended", 1), (vec![(3, "st_f".to_owned())], 0));
        assert_eq!(moments("upgrade converge began", 1), (vec![(5, "st_u".to_owned())], 0));
        assert_eq!(moments("upgrade converge ended", 1), (vec![(6, "st_u".to_owned())], 0));
        assert_eq!(moments("upgrade converge ended", 2), (vec![(8, "st_u".to_owned())], 0));
        assert_eq!(moments("upgrade converge ended", 3), (vec![], 1));
        assert_eq!(moments("backup backup began", 1), (vec![], 1));
        assert!(Follower::new(&[]).take("torn").is_err());
    }
}
