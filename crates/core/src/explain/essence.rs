//! What a line of the log says, in a few words: facts, never what they mean.

use cc_ci_model::backup::{HookSeen, KeptMarker, SnapshotSeen, TestSeen};
use cc_ci_model::diagnosis::ExamineSeen;
use cc_ci_model::event::EventKind;
use cc_ci_model::evidence::{
    AnswerSeen, DeploySeen, Evidence, ImageFound, ImageSeen, MarkerSeen, PageSeen, SettleSeen,
};
use cc_ci_model::integrity::{UndeploySeen, VerifySeen};
use cc_ci_model::intent::Object;
use cc_ci_model::marker::DataSeen;
use cc_ci_model::meter::MeterSeen;
use cc_ci_model::stack::{StackFacts, TaskState};

use crate::meter;
use crate::text::count;

/// The essence of an event.
pub(super) fn essence(kind: &EventKind) -> String {
    match kind {
        EventKind::Planned { plan, .. } => {
            format!("the plan of run {}, head {}", plan.run_id, plan.head.commit.short())
        }
        EventKind::StageBegan { stage, app } => match app {
            Some(app) => format!("stage {stage} begins, app {app}"),
            None => format!("stage {stage} begins"),
        },
        EventKind::ActBegan { act, .. } => format!("act {} begins", act.as_str()),
        EventKind::ActEnded { evidence } => of_evidence(evidence),
        EventKind::ActErrored { message } => format!("the act could not be carried out: {message}"),
        EventKind::StageEnded => "the stage ends".to_owned(),
        EventKind::Intended { .. } => "something is about to be created".to_owned(),
        EventKind::ProcessStarted { process } => format!("process {} started", process.pid),
        EventKind::ProcessEnded { process } => format!("process {} ended", process.pid),
        EventKind::Noted { finding } => format!("note: {}", finding.message),
        EventKind::CancelRequested { signals } => {
            format!("{} asked the run to stop", count(usize::from(*signals), "signal"))
        }
        EventKind::InventoryTaken { left, complete } => inventory(left, *complete),
        EventKind::Sealed { .. } => "the log is sealed".to_owned(),
    }
}

fn inventory(left: &[Object], complete: bool) -> String {
    match (left.is_empty(), complete) {
        (_, false) => "the engine could not be asked what is left".to_owned(),
        (true, true) => "the engine lists nothing of the run any more".to_owned(),
        (false, true) => format!("the engine lists {}", names(left)),
    }
}

fn names(left: &[Object]) -> String {
    left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::too_many_lines, reason = "a match that only hands on")]
fn of_evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Images { images } => images_there(images),
        Evidence::Deployed(seen) => deployed(seen),
        Evidence::Settled(seen) => settled(seen),
        Evidence::Answered(seen) => answered(seen),
        Evidence::Metered { seen } => metered(seen.as_ref()),
        Evidence::Page(seen) => page(seen),
        Evidence::Planted { markers, data } => {
            format!("planted {}{}", markers_found(markers), values(data))
        }
        Evidence::Sought { markers, data } => {
            format!("looked for {}{}", markers_found(markers), values(data))
        }
        Evidence::Marked { markers, data, .. } => {
            format!("written: {}{}", files_found(markers), values(data))
        }
        Evidence::BackedUp(seen) => match &seen.snapshot {
            Some(id) => format!("{}snapshot {}", hooks(&seen.hooks), head(id)),
            None => format!("{}no snapshot", hooks(&seen.hooks)),
        },
        Evidence::Snapshot(seen) => snapshot(seen),
        Evidence::Disturbed { markers, data, .. } => {
            format!("after the loss: {}{}", files_found(markers), values(data))
        }
        Evidence::Verified(seen) => verified(seen),
        Evidence::Undeployed(seen) => undeployed(seen),
        Evidence::Restored(seen) => {
            let end = if seen.problem.is_some() { "not put back" } else { "put back" };
            format!("{}snapshot {} {end}", hooks(&seen.hooks), head(&seen.snapshot))
        }
        Evidence::Restarted { services } => format!("restarted {}", services.join(", ")),
        Evidence::Recalled { markers, data } => {
            format!("after the restore: {}{}", files_found(markers), values(data))
        }
        Evidence::Tested { tests } => tested(tests),
        Evidence::Examined(seen) => examined(seen),
        Evidence::Observed(seen) => match &seen.facts {
            Some(facts) => format!("the stack: {}", stack(facts)),
            None => "the engine did not answer".to_owned(),
        },
        Evidence::Dismantled { left, refusals } => dismantled(left, refusals),
    }
}

fn verified(seen: &VerifySeen) -> String {
    match seen.code {
        Some(code) => format!("`backup.verify` in {}: exit code {code}", seen.service),
        None => format!("`backup.verify` in {}: no exit code", seen.service),
    }
}

fn undeployed(seen: &UndeploySeen) -> String {
    let (left, volumes) = (count(seen.left.len(), "thing"), count(seen.volumes.len(), "volume"));
    format!("{left} left behind; before, there were {volumes}")
}

fn examined(seen: &ExamineSeen) -> String {
    let lines: usize = seen.logs.iter().map(|log| log.lines.len()).sum();
    let stack = seen.facts.as_ref().map_or("nothing of the stack".to_owned(), stack);
    let missing = match seen.missing.len() {
        0 => String::new(),
        many => format!("; {} could not be had", count(many, "thing")),
    };
    format!("gathered: {stack}; {} of logs{missing}", count(lines, "line"))
}

fn images_there(images: &[ImageSeen]) -> String {
    let is_there = |found: &ImageFound| {
        matches!(found, ImageFound::Present { .. } | ImageFound::LocalOnly { .. })
    };
    let there = images.iter().filter(|image| is_there(&image.found)).count();
    format!("{there} of {} there", count(images.len(), "image"))
}

fn metered(seen: Option<&MeterSeen>) -> String {
    let Some(seen) = seen else { return "not one request was made".to_owned() };
    let (failed, down) = (meter::failed(seen), meter::seconds(meter::down_ms(seen)));
    format!("{failed} of {} requests failed, down for {down} s", seen.samples)
}

fn snapshot(seen: &SnapshotSeen) -> String {
    let found = seen.markers.iter().filter(|marker| marker.found).count();
    let files: u64 = seen.paths.iter().map(|path| path.files).sum();
    format!(
        "snapshot {}: {files} files, {found} of {} in its bytes{}",
        head(&seen.snapshot),
        count(seen.markers.len(), "nonce"),
        values_in(seen)
    )
}

fn dismantled(left: &[Object], refusals: &[String]) -> String {
    match (left.is_empty(), refusals.last()) {
        (true, _) => "nothing is left of the app".to_owned(),
        (false, None) => format!("left of the app: {}", names(left)),
        (false, Some(why)) => format!("left of the app: {} ({why})", names(left)),
    }
}

fn deployed(seen: &DeploySeen) -> String {
    let end = match seen.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "it had to be ended".to_owned(),
    };
    let services = count(seen.services.len(), "service");
    let said = seen.said.lines().rev().find(|line| !line.trim().is_empty());
    let said = said.filter(|_| seen.exit_code != Some(0)).map(|line| format!("; it said: {line}"));
    format!(
        "`docker stack deploy` of the {}: {end}; the engine holds {services}{}",
        seen.revision,
        said.unwrap_or_default()
    )
}

fn settled(seen: &SettleSeen) -> String {
    let held = seen.looked_at.since(seen.held_since).as_secs_f64();
    let late = if seen.expired { "; time ran out" } else { "" };
    let away = if seen.engine_answers { "" } else { "; the engine did not answer the last look" };
    format!("last look: {}, unchanged for {held:.1} s{late}{away}", stack(&seen.facts))
}

/// Services, what runs of each, and how ended tasks ended.
fn stack(facts: &StackFacts) -> String {
    let each = facts.services.iter().map(|service| {
        let tasks = || facts.tasks_of(&service.name);
        let running = tasks().filter(|task| task.current && task.state == TaskState::Running);
        let ended = tasks().filter(|task| task.state.is_terminal()).count();
        let ended = if ended == 0 { String::new() } else { format!(", {ended} ended") };
        format!("{} {} running{ended}", service.name, running.count())
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "no service".to_owned() } else { each.join("; ") }
}

fn answered(seen: &AnswerSeen) -> String {
    let last = match (&seen.problem, &seen.last) {
        (Some(problem), _) => problem.clone(),
        (None, Some(last)) => format!("status {}", last.status),
        (None, None) => "nothing".to_owned(),
    };
    let late = if seen.expired { "; time ran out" } else { "" };
    format!(
        "{} made, {} good in a row, the last: {last}{late}",
        count(seen.attempts as usize, "request"),
        seen.in_a_row
    )
}

fn page(seen: &PageSeen) -> String {
    match (&seen.answer, &seen.problem) {
        (Some(answer), _) => {
            format!("{} answers {}, {} bytes", answer.url, answer.status, answer.bytes)
        }
        (None, Some(problem)) => format!("no answer: {problem}"),
        (None, None) => "not asked for".to_owned(),
    }
}

fn markers_found(markers: &[MarkerSeen]) -> String {
    let found = markers.iter().filter(|marker| marker.found.as_deref() == Some(&*marker.nonce));
    format!("{}: {} found as planted", count(markers.len(), "marker"), found.count())
}

fn files_found(markers: &[KeptMarker]) -> String {
    let same = |marker: &&KeptMarker| {
        marker.file.as_ref().is_some_and(|file| file.content == marker.nonce)
    };
    let same = markers.iter().filter(same).count();
    format!("{same} of {} hold their nonce", count(markers.len(), "marker"))
}

fn hooks(hooks: &[HookSeen]) -> String {
    let each = hooks.iter().map(|hook| {
        let code = hook.code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
        format!("{} of {}: {code}; ", hook.when.label(), hook.service)
    });
    each.collect::<Vec<_>>().concat()
}

fn tested(tests: &[TestSeen]) -> String {
    let each = tests.iter().map(|test| {
        let end = match (test.code, test.expired) {
            (_, true) => "time ran out".to_owned(),
            (Some(code), false) => format!("exit code {code}"),
            (None, false) => "no exit code".to_owned(),
        };
        format!("{}: {end}", test.name)
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "no test ran".to_owned() } else { each.join("; ") }
}

fn head(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// Values of databases and the like in a snapshot, if any were looked for.
fn values_in(seen: &SnapshotSeen) -> String {
    let found = seen.data.iter().filter(|value| value.found).count();
    if seen.data.is_empty() {
        return String::new();
    }
    format!("; {found} of {} of databases", count(seen.data.len(), "value"))
}

/// Values in databases and the like, if there are any.
fn values(data: &[DataSeen]) -> String {
    let there = data.iter().filter(|seen| seen.is_there()).count();
    if data.is_empty() {
        return String::new();
    }
    format!("; {there} of {} as planted", count(data.len(), "value"))
}
