//! What the reports for people have in common: which rows there are, what was said already, and
//! the sentences that several results make together.

use std::collections::BTreeSet;

use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::intent::Object;
use cc_ci_model::outcome::Status;
use cc_ci_model::plan::Adaptation;
use cc_ci_model::results::{Obligation, Results, RungResult, StageResult};
use cc_ci_model::stage::Rung;

use crate::closer::{Around, quoted};
use crate::words;

/// A line of the ladder.
pub(crate) struct Row {
    pub(crate) rung: Rung,
    /// `L1` to `L4`; empty for optional rungs.
    pub(crate) label: String,
    pub(crate) status: Status,
    pub(crate) reason: Option<String>,
}

/// The ladder; optional rungs that do not apply have nothing to say and are left out.
pub(crate) fn ladder(results: &Results) -> Vec<Row> {
    let told = |rung: &Rung| {
        let is_essential = Rung::ESSENTIAL.contains(rung);
        let result = results.rungs.get(rung)?;
        (is_essential || result.status != Status::NotApplicable).then(|| row(*rung, result))
    };
    Rung::ALL.iter().filter_map(told).collect()
}

fn row(rung: Rung, result: &RungResult) -> Row {
    let level = Rung::ESSENTIAL.iter().position(|essential| *essential == rung);
    let reason = match (&result.by, result.intended) {
        (Some(by), _) => Some(blocked(by)),
        (None, Some(intended)) => {
            let kind = if intended { "expected" } else { "gap" };
            Some(format!("{} ({kind})", result.reason.as_deref().unwrap_or("no reason given")))
        }
        (None, None) => result.reason.clone(),
    };
    Row {
        rung,
        label: level.map(|level| format!("L{}", level + 1)).unwrap_or_default(),
        status: result.status,
        reason,
    }
}

/// `by install`; what is no name is a sentence already.
fn blocked(by: &str) -> String {
    if by.contains(' ') { by.to_owned() } else { format!("by {by}") }
}

/// `level 2 of 4, capped by backup_restore`, and whether something passed only at another try.
pub(crate) fn level(results: &Results) -> String {
    let of = format!("level {} of {}", results.level, Rung::ESSENTIAL.len());
    let flaky = if results.flaky.is_empty() { "" } else { ", flaky" };
    match results.level_cap_rung {
        Some(rung) => format!("{of}, capped by {rung}{flaky}"),
        None => format!("{of}{flaky}"),
    }
}

/// VER-7: what passed only when it was tried again.
pub(crate) fn flaky(results: &Results) -> Vec<String> {
    let told = results.flaky.iter().map(|flaky| {
        format!(
            "{} of stage {} passed at attempt {}; before that: {}",
            flaky.check, flaky.stage, flaky.attempt, flaky.reason
        )
    });
    told.collect()
}

/// What attempts that were made again said; what is flaky says it already.
pub(crate) fn earlier<'a>(
    results: &'a Results,
    stage: &'a StageResult,
) -> impl Iterator<Item = String> + 'a {
    let is_told = |reason: &str| results.flaky.iter().any(|flaky| flaky.reason == reason);
    let bad = stage.earlier.iter().filter_map(|one| Some((one.attempt, one.reason.as_deref()?)));
    bad.filter(move |(_, reason)| !is_told(reason))
        .map(|(attempt, reason)| format!("attempt {attempt}: {reason}"))
}

/// Recipe and version.
pub(crate) fn subject(results: &Results) -> String {
    let version = results.head.version.as_deref().unwrap_or("without a version");
    words::harmless(&format!("{} {version}", results.recipe))
}

/// What was tested, and what it was compared with.
pub(crate) fn origin(results: &Results) -> String {
    let head = &results.head;
    let from = match &head.dirty_of {
        Some(commit) => format!("{}, uncommitted changes on {}", head.reference, commit.short()),
        None => head.reference.clone(),
    };
    let base = results
        .base
        .as_ref()
        .map(|base| format!(", base {} {}", base.version, base.commit.short()));
    let is_restored =
        results.stages.iter().any(|stage| stage.name == "restore" && stage.started_at.is_some());
    let restored = match results.restore_mode {
        RestoreMode::Disaster if is_restored => ", restored after a disaster",
        RestoreMode::Disaster | RestoreMode::InPlace => "",
    };
    let base = base.unwrap_or_default();
    words::harmless(&format!("head {} ({from}){base}{restored}", head.commit.short()))
}

/// What a reader must know before believing the rest.
pub(crate) fn reservations(results: &Results) -> Vec<&'static str> {
    let interim = (!results.is_final).then_some("interim: the run has not come to its end");
    let partial = results.partial.then_some("partial: not every essential stage was asked for");
    interim.into_iter().chain(partial).collect()
}

/// From the beginning of the first stage to the end of the last.
pub(crate) fn took_ms(results: &Results) -> Option<u64> {
    let spans =
        results.stages.iter().filter_map(|stage| Some((stage.started_at?, stage.duration_ms?)));
    let began = spans.clone().map(|(began, _)| began).min()?;
    spans
        .map(|(start, ms)| {
            u64::try_from(start.since(began).as_millis()).unwrap_or(u64::MAX).saturating_add(ms)
        })
        .max()
}

/// `6 checks passed`, or how many of how many did; and how often it was tried.
pub(crate) fn checks(stage: &StageResult) -> String {
    let all = stage.checks.len();
    let passed = stage.checks.iter().filter(|check| check.status == Status::Passed).count();
    let checks = match (passed, all) {
        (_, 0) => String::new(),
        _ if passed == all => format!("{} passed", words::count(all, "check")),
        _ => format!("{passed} of {all} checks passed"),
    };
    let tries = (stage.attempts > 1).then(|| words::count(stage.attempts as usize, "attempt"));
    [Some(checks).filter(|checks| !checks.is_empty()), tries]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// What is still to be proven of rungs that were attempted without a failure.
pub(crate) fn unproven(results: &Results) -> impl Iterator<Item = &Obligation> {
    let is_open = |rung: Rung| {
        results.rungs.get(&rung).is_some_and(|result| result.status == Status::Unverified)
    };
    results.obligations.iter().filter(move |due| !due.met && is_open(due.rung))
}

/// Submissions that were not as planned.
pub(crate) fn odd_deploys(results: &Results) -> Vec<String> {
    let odd = results.deploys.iter().filter(|count| count.planned != count.actual);
    odd.map(|count| {
        format!("app {} was deployed {} times, {} planned", count.app, count.actual, count.planned)
    })
    .collect()
}

/// Tasks that were replaced without our doing.
pub(crate) fn restarts(results: &Results) -> Vec<String> {
    let restarted = results.services.iter().filter(|service| service.restarts > 0);
    restarted
        .map(|service| {
            format!(
                "service {} of app {}: {}",
                service.name,
                service.app,
                words::count(service.restarts as usize, "task") + " replaced"
            )
        })
        .collect()
}

/// Adaptations that what is not proven does not tell already.
pub(crate) fn adaptations(results: &Results) -> impl Iterator<Item = &Adaptation> {
    let is_told = |one: &Adaptation| {
        results
            .does_not_prove
            .iter()
            .any(|text| text.contains(&one.subject) && text.contains(&one.why))
    };
    results.adaptations.iter().filter(move |one| !is_told(one))
}

/// What became of everything the run created, and the command that does something about it.
pub(crate) fn cleanup(results: &Results, around: Option<&Around>) -> (String, Option<String>) {
    let left: Vec<String> = results.cleanup.left.iter().map(Object::to_string).collect();
    let left = left.join(", ");
    let (text, what_for) = match (results.cleanup.complete, left.is_empty()) {
        (true, true) => return ("nothing is left of the run".to_owned(), None),
        (true, false) => (format!("kept as asked: {left}"), "to remove it"),
        (false, false) => (format!("left behind: {left}"), "to try again"),
        (false, true) => ("what is left of the run is not known".to_owned(), "to look again"),
    };
    let command = around.and_then(|around| {
        let (program, run) = (quoted(&around.program)?, quoted(&around.run)?);
        Some(format!("{program} cleanup {run}"))
    });
    let command = command.unwrap_or_else(|| format!("cc-ci cleanup {}", results.run_id));
    (text, Some(format!("{what_for}: {command}")))
}

/// Texts that a report holds already: the same reason travels from check to stage to rung to
/// condition, and is read once.
#[derive(Default)]
pub(crate) struct Said(BTreeSet<String>);

impl Said {
    /// Remembers a text.
    pub(crate) fn say(&mut self, text: &str) {
        self.0.insert(text.trim().to_owned());
    }

    /// Remembers what a row of the ladder says, in every form it is repeated in.
    pub(crate) fn say_rung(&mut self, rung: Rung, result: &RungResult) {
        for text in result.reason.iter().chain(&result.by) {
            self.say(text);
            self.say(&format!("by {text}"));
            self.say(&format!("{rung}: {text}"));
        }
    }

    /// Whether a text was said.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.0.contains(text.trim())
    }

    /// Whether a text is new; it is not from now on.
    pub(crate) fn is_new(&mut self, text: &str) -> bool {
        !text.trim().is_empty() && self.0.insert(text.trim().to_owned())
    }
}
