//! The lines a diagnosis stands on, as few as will do.

use cc_ci_model::diagnosis::{CauseClass, ExamineSeen};
use cc_ci_model::evidence::Evidence;
use cc_ci_model::plan::AdaptationKind;
use cc_ci_model::stack::{StackFacts, TaskFacts};

use super::tasks::{ended, is_in_trouble, trouble_first};
use super::{Cause, Red};
use crate::convergence::describe_end;
use crate::text::count;

/// Ways to end that are told of, outputs of health checks, and lines of a log: of the service it
/// is about, and of another one in trouble.
const TASKS: usize = 3;
const CHECKS: usize = 3;
const LINES: usize = 10;
const LINES_OF_OTHERS: usize = 3;

/// Services beside the one it is about.
const OTHERS: usize = 2;

/// The longest line, in characters.
const WIDTH: usize = 300;

/// The lines, the service it is about first, the host last.
pub(super) fn lines(red: &Red<'_>, cause: &Cause) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(facts) = red.facts.filter(|_| is_about_services(cause.class)) {
        let own = cause.service.as_deref();
        if let Some(own) = own {
            of_service(red, facts, own, LINES, &mut all);
        }
        let others = trouble_first(facts).into_iter().filter(|name| Some(*name) != own);
        for other in others.filter(|name| is_in_trouble(facts, name)).take(OTHERS) {
            of_service(red, facts, other, LINES_OF_OTHERS, &mut all);
        }
    }
    all.extend(said(red));
    all.extend(adapted(red, cause.class));
    all.extend(red.examined.and_then(host));
    let missing = red.examined.map(|seen| seen.missing.as_slice()).unwrap_or_default();
    all.extend(missing.iter().map(|what| format!("could not be had: {what}")));
    let broken = red.run.acts.iter().flat_map(|act| &act.warnings);
    let broken = broken.filter(|finding| finding.code == "not_examined");
    all.extend(broken.map(|finding| format!("could not be had: {}", finding.message)));
    let mut kept: Vec<String> = Vec::new();
    let lines = all.iter().flat_map(|text| text.lines());
    for line in lines.map(cut).filter(|line| !line.is_empty()) {
        if !kept.contains(&line) {
            kept.push(line);
        }
    }
    kept
}

/// Whether tasks and logs say anything about it. What a registry or docker itself refused was
/// refused before any task ran.
fn is_about_services(class: CauseClass) -> bool {
    !matches!(class, CauseClass::Registry | CauseClass::Compose | CauseClass::ConfigVersion)
}

fn of_service(red: &Red<'_>, facts: &StackFacts, name: &str, lines: usize, all: &mut Vec<String>) {
    let Some(service) = facts.service(name) else {
        return;
    };
    all.extend(endings(name, &ended(service, facts)));
    let live = facts.tasks_of(name).filter(|task| task.current && !task.state.is_terminal());
    all.extend(live.filter_map(|task| {
        let error = task.error.as_ref()?;
        Some(format!("service {name}: task {} waits: {error}", task.id))
    }));
    let newest = facts.tasks_of(name).filter_map(|task| task.container.as_ref()?.health.as_ref());
    if let Some(health) = newest.last().filter(|health| health.failing_streak > 0) {
        let start = health.log.len().saturating_sub(CHECKS);
        let said = health.log[start..].iter().map(|text| first_line(text));
        all.extend(said.map(|line| format!("health check of {name}: {line}")));
    }
    let log = red.log(name);
    let start = log.len().saturating_sub(lines);
    all.extend(log[start..].iter().map(|line| format!("{name} | {line}")));
    if log.is_empty() && red.examined.is_some_and(|seen| seen.facts.is_some()) {
        all.push(format!("{name} | (it wrote nothing)"));
    }
}

/// A check may print a whole page of help.
pub(super) fn first_line(text: &str) -> &str {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing")
}

/// How tasks ended, each way once, with the newest that ended so.
fn endings(name: &str, ended: &[&TaskFacts]) -> Vec<String> {
    let mut ways: Vec<(&TaskFacts, usize)> = Vec::new();
    for task in ended {
        let is_alike = |other: &TaskFacts| {
            (other.state, other.exit_code, &other.error)
                == (task.state, task.exit_code, &task.error)
        };
        match ways.iter_mut().find(|(other, _)| is_alike(other)) {
            Some((_, times)) => *times += 1,
            None => ways.push((*task, 1)),
        }
    }
    let told = ways.into_iter().take(TASKS).map(|(task, times)| {
        let before = match times {
            1 => String::new(),
            times => format!(" ({} before it ended alike)", count(times - 1, "task")),
        };
        format!("service {name}: {}{before}", describe_end(task))
    });
    told.collect()
}

/// What the failed act itself was told, where the reason keeps only the end of it.
fn said(red: &Red<'_>) -> Vec<String> {
    let evidence = red.act.and_then(|act| act.evidence.as_ref());
    let text = match evidence {
        Some(Evidence::Deployed(seen)) if seen.exit_code != Some(0) => Some(&seen.said),
        Some(Evidence::Answered(seen)) => {
            seen.last.as_ref().filter(|_| seen.problem.is_none()).map(|last| &last.excerpt)
        }
        Some(Evidence::BackedUp(seen)) => {
            seen.hooks.iter().find(|hook| hook.code != Some(0)).map(|hook| &hook.said)
        }
        Some(Evidence::Restored(seen)) => {
            seen.hooks.iter().find(|hook| hook.code != Some(0)).map(|hook| &hook.said)
        }
        Some(Evidence::Tested { tests }) => {
            tests.iter().find(|test| test.code != Some(0)).map(|test| &test.said)
        }
        Some(_) | None => None,
    };
    let lines: Vec<&str> = text.map(|text| text.lines().collect()).unwrap_or_default();
    let lines: Vec<&str> =
        lines.into_iter().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let start = match evidence {
        // A page says what it is at its beginning.
        Some(Evidence::Answered(_)) => 0,
        _ => lines.len().saturating_sub(LINES),
    };
    lines[start..].iter().take(LINES).map(|line| format!("said: {line}")).collect()
}

/// What cc-ci changed about the recipe, where that can be what failed.
fn adapted(red: &Red<'_>, class: CauseClass) -> Vec<String> {
    let may_matter = match class {
        CauseClass::Port
        | CauseClass::Dns
        | CauseClass::Health
        | CauseClass::CrashLoop
        | CauseClass::Readiness
        | CauseClass::Update
        | CauseClass::Timeout
        | CauseClass::Hook
        | CauseClass::Test => true,
        CauseClass::Image
        | CauseClass::Registry
        | CauseClass::Compose
        | CauseClass::ConfigVersion
        | CauseClass::Secret
        | CauseClass::Resources
        | CauseClass::Start
        | CauseClass::Oom
        | CauseClass::Migration
        | CauseClass::Backup
        | CauseClass::Data
        | CauseClass::Infrastructure => false,
    };
    let of_kind = |kind| match kind {
        AdaptationKind::Network => matches!(class, CauseClass::Readiness | CauseClass::Test),
        AdaptationKind::EndpointMode => class != CauseClass::Port,
        AdaptationKind::HostPorts => true,
    };
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in red.plan.adaptations.iter().filter(|one| may_matter && of_kind(one.kind)) {
        match all.iter_mut().find(|(why, _)| *why == one.why) {
            Some((_, subjects)) => subjects.push(&one.subject),
            None => all.push((&one.why, vec![&one.subject])),
        }
    }
    let told = all.into_iter();
    told.map(|(why, of)| format!("changed for this host: {}: {why}", of.join(", "))).collect()
}

fn host(seen: &ExamineSeen) -> Option<String> {
    let free = seen.free_bytes.map(|bytes| format!("{} free on disk", size(bytes)));
    let memory = seen.memory_available_bytes;
    let memory = memory.map(|bytes| format!("{} of memory available", size(bytes)));
    let all: Vec<String> = [free, memory].into_iter().flatten().collect();
    (!all.is_empty()).then(|| format!("host: {}", all.join(", ")))
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = UNITS.into_iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(
        || count(usize::try_from(bytes).unwrap_or(usize::MAX), "byte"),
        |(name, unit)| {
            let tenths = bytes / (unit / 10);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

fn cut(line: &str) -> String {
    let line = line.trim_end();
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
