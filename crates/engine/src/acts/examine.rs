//! Gathers what may tell why an act before did not go well (RES-7): the stack with the history
//! of its tasks, the last lines of its logs, the host. Best effort and bounded: what can not be
//! had is told, and is never an error of the run (RES-6).

use std::path::Path;
use std::time::Duration;

use cc_ci_core::convergence::recall;
use cc_ci_core::diagnosis::trouble_first;
use cc_ci_core::ports::Clock;
use cc_ci_model::diagnosis::{ExamineSeen, LogSeen};
use cc_ci_model::evidence::Evidence;
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::stack::StackFacts;
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand};

/// Lines kept of each service, and characters of each line.
const LINES: u32 = 25;
const LINE_CHARACTERS: usize = 400;

/// Services whose logs are kept.
const SERVICES: usize = 20;

/// How long the look at the stack may take, and the log of one service.
const LOOK: Duration = Duration::from_secs(5);
const LOG: Duration = Duration::from_secs(4);

pub(super) async fn examine(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Evidence {
    let mut seen = ExamineSeen::default();
    host(hand, &mut seen);
    if hand.journal.with(|state| state.was_touched(&app.id)) {
        stack(hand, app, deadline, &mut seen).await;
        logs(hand, app, deadline, &mut seen).await;
    }
    Evidence::Examined(seen)
}

/// Room where the engine keeps everything, and memory.
fn host(hand: &Stagehand, seen: &mut ExamineSeen) {
    let root = hand.plan.host.volume_root.as_deref().map(Path::new);
    let folder = root.unwrap_or(&hand.ports.place.run_directory);
    match hand.ports.host.free_bytes(folder) {
        Ok(free) => seen.free_bytes = Some(free),
        Err(why) => seen.missing.push(format!("room left in `{}`: {why}", folder.display())),
    }
    seen.memory_available_bytes = hand.ports.host.memory_available_bytes();
    if seen.memory_available_bytes.is_none() {
        seen.missing.push("memory left: the kernel does not say".to_owned());
    }
}

/// A fresh look, with everything that earlier ones knew. Without one the earlier ones stand.
async fn stack(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
    seen: &mut ExamineSeen,
) {
    let clock = hand.ports.clock.clone();
    let looked = within(clock.as_ref(), deadline, LOOK, async {
        let watched = hand.watch(&app.id, &app.stack).await?;
        let fresh = watched.watch.observe().await.map_err(ActError::broken)?;
        watched.known = recall(&watched.known, fresh, clock.now());
        Ok::<StackFacts, ActError>(watched.known.clone())
    });
    match looked.await {
        Some(Ok(facts)) => seen.facts = Some(facts),
        Some(Err(error)) => seen.missing.push(format!("a look at the stack: {error}")),
        None => seen.missing.push("a look at the stack: it took too long".to_owned()),
    }
}

/// The last lines of each service, those first that are in trouble.
async fn logs(hand: &Stagehand, app: &PlannedApp, deadline: Timestamp, seen: &mut ExamineSeen) {
    let earlier = hand.watches.get(&app.id).map(|watched| &watched.known);
    let Some(facts) = seen.facts.as_ref().or(earlier) else {
        return;
    };
    let clock = hand.ports.clock.as_ref();
    for service in trouble_first(facts).into_iter().take(SERVICES) {
        let tail = hand.ports.stacks.log_tail(&app.stack, service, LINES);
        match within(clock, deadline, LOG, tail).await {
            Some(Ok(text)) => {
                let lines = last_lines(&hand.journal.scrub(&text));
                seen.logs.push(LogSeen { service: service.to_owned(), lines });
            }
            Some(Err(error)) => seen.missing.push(format!("the log of service {service}: {error}")),
            None => seen.missing.push(format!("the log of service {service}: it took too long")),
        }
    }
}

/// What a future gives within `limit` and before the deadline.
async fn within<T>(
    clock: &dyn Clock,
    deadline: Timestamp,
    limit: Duration,
    doing: impl Future<Output = T>,
) -> Option<T> {
    let until = deadline.min(clock.now().plus(limit));
    tokio::select! {
        biased;
        done = doing => Some(done),
        () = clock.sleep_until(until) => None,
    }
}

/// The end of what was written, each line cut short. Only of what was scrubbed: half a secret
/// would not be found any more.
fn last_lines(text: &str) -> Vec<String> {
    let cut = |line: &str| line.trim_end().chars().take(LINE_CHARACTERS).collect::<String>();
    let all: Vec<String> = text.lines().map(cut).filter(|line| !line.is_empty()).collect();
    let start = all.len().saturating_sub(LINES as usize);
    all[start..].to_vec()
}
