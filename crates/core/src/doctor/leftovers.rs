//! What dead runs left in the state folder and on the engine. Nothing is removed here: each
//! finding names the command that does it.

use std::collections::BTreeMap;

use cc_ci_model::doctor::{Finding, FindingId};
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::intent::Object;
use cc_ci_model::plan::Plan;

use super::Facts;
use crate::ports::{RUN_LABEL, RunTrace, Trace};

/// Objects that are named; of more, the number is told.
const NAMED: usize = 3;

pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut marked = by_run(facts.marked.as_ref().and_then(|marked| marked.as_ref().ok()));
    let mut found: Vec<Finding> = facts
        .runs
        .iter()
        .flatten()
        .filter_map(|run| of_run(run, &marked.remove(run.name.as_str()).unwrap_or_default()))
        .collect();
    found.extend(marked.iter().map(|(run, objects)| unknown(run, objects, &facts.docker_host)));
    if let Some(Err(error)) = &facts.marked {
        found.push(
            Finding::new(FindingId::LeftoversUnknown, error.to_string(), facts.docker_host.clone())
                .next("ask again when the engine answers"),
        );
    }
    if let Err(why) = &facts.runs {
        let what = format!("runs cannot be listed: {why}");
        let next = "run cc-ci as the user whose runs they are";
        found.push(
            Finding::new(FindingId::LeftoversUnknown, what, facts.state_folder.clone()).next(next),
        );
    }
    if found.is_empty() {
        let what = match facts.marked {
            Some(_) => "nothing of a dead run, here and on the engine",
            None => "nothing of a dead run here; the engine was not asked",
        };
        found.push(Finding::new(FindingId::LeftoversNone, what, facts.state_folder.clone()));
    }
    found
}

fn by_run(marked: Option<&Vec<Object>>) -> BTreeMap<&str, Vec<&Object>> {
    let mut runs: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for object in marked.into_iter().flatten() {
        if let Some(run) = &object.run {
            runs.entry(run).or_default().push(object);
        }
    }
    runs
}

/// What one run left, with what of it is on the engine.
fn of_run(run: &RunTrace, objects: &[&Object]) -> Option<Finding> {
    let place = run.path.clone();
    let cleanup = format!("cc-ci cleanup {}", run.name);
    let events = match &run.trace {
        Trace::Alive => return None,
        Trace::Cleaned => return left(objects, place, cleanup),
        Trace::Unreadable(why) => {
            let what = format!("the log of run {} cannot be read: {why}", run.name);
            let next = format!("{cleanup}, with the cc-ci that wrote it");
            return Some(Finding::new(FindingId::RunUnreadable, what, place).next(next));
        }
        Trace::Log(events) => events,
    };
    let Some(plan) = plan(events) else {
        let what = format!("run {} ended before it had a plan: only its folder is left", run.name);
        return Some(
            Finding::new(FindingId::RunUnplanned, what, &*place).next(format!("rm -r '{place}'")),
        );
    };
    if !events.iter().any(|event| matches!(event.kind, EventKind::Sealed { .. })) {
        let what = format!("run {} died before its end{}", run.name, on_the_engine(objects));
        return Some(Finding::new(FindingId::RunDied, what, place).next(cleanup));
    }
    let (announced, complete) = inventory(events);
    let announced: Vec<&Object> = announced.iter().collect();
    let objects = if objects.is_empty() { announced.as_slice() } else { objects };
    if plan.keep && !objects.is_empty() {
        let what = format!("an app is kept, as asked{}", on_the_engine(objects));
        let next = format!("{cleanup}, when it is not needed any more");
        return Some(Finding::new(FindingId::RunKept, what, place).next(next));
    }
    if !complete {
        let what = "what the run left is not known: the engine did not answer at its end";
        return Some(Finding::new(FindingId::RunLeft, what, place).next(cleanup));
    }
    left(objects, place, cleanup)
}

fn left(objects: &[&Object], place: String, cleanup: String) -> Option<Finding> {
    if objects.is_empty() {
        return None;
    }
    let what = format!("the run is over, but something is left{}", on_the_engine(objects));
    Some(Finding::new(FindingId::RunLeft, what, place).next(cleanup))
}

/// It may be alive and kept elsewhere: that cannot be told from here.
fn unknown(run: &str, objects: &[&Object], engine: &str) -> Finding {
    let what = format!("run {run} is not known here{}", on_the_engine(objects));
    let kind = objects.first().map_or("network", |object| object.kind.as_str());
    let next = format!(
        "nothing, if it is alive with another state folder or `--out`; else `cc-ci cleanup DIR` with \
         its run directory, or by hand: `docker {kind} ls --filter label={RUN_LABEL}={run}`"
    );
    Finding::new(FindingId::RunUnknown, what, engine).next(next)
}

fn plan(events: &[Event]) -> Option<&Plan> {
    events.iter().find_map(|event| {
        if let EventKind::Planned { plan, .. } = &event.kind { Some(&**plan) } else { None }
    })
}

/// What the last look found, and whether the engine could be asked.
fn inventory(events: &[Event]) -> (&[Object], bool) {
    let look = events.iter().rev().find_map(|event| {
        if let EventKind::InventoryTaken { left, complete } = &event.kind {
            Some((left.as_slice(), *complete))
        } else {
            None
        }
    });
    look.unwrap_or((&[], true))
}

/// `; on the engine: network x, volume y and 2 more`.
fn on_the_engine(objects: &[&Object]) -> String {
    if objects.is_empty() {
        return String::new();
    }
    let named: Vec<String> = objects.iter().take(NAMED).map(ToString::to_string).collect();
    let more = objects.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("; on the engine: {}{more}", named.join(", "))
}
