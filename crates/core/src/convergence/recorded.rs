//! Timelines recorded on a real Swarm (Engine 20.10), look by look: what was said then is said
//! now, and the simulated Swarm goes through the same phases (CONV-5).
//!
//! Recorded by `cargo xtask record-timeline`.

use std::collections::BTreeSet;
use std::time::Duration;

use cc_ci_model::compose::{FailureAction, RestartCondition, ServiceMode};
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState, UpdateState};
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{Behaviour, Exit, Health, Life, ServiceBuilder, Timeline, service, stack};
use serde::Deserialize;

use super::{Convergence, Hold, Wanted, WantedService, recall};

/// A look as it was recorded; times count from the first one.
#[derive(Deserialize)]
struct Look {
    asked_ms: u64,
    answered_ms: u64,
    answer: String,
    facts: StackFacts,
}

/// Each scene: its name, what was recorded, how it ended.
const RECORDED: [(&str, &str, &str); 11] = [
    ("start-first", include_str!("../../../../fixtures/timelines/start-first.json"), "converged"),
    ("stop-first", include_str!("../../../../fixtures/timelines/stop-first.json"), "converged"),
    ("pause", include_str!("../../../../fixtures/timelines/pause.json"), "failed"),
    ("rollback", include_str!("../../../../fixtures/timelines/rollback.json"), "failed"),
    ("one-shot", include_str!("../../../../fixtures/timelines/one-shot.json"), "converged"),
    ("job", include_str!("../../../../fixtures/timelines/job.json"), "converged"),
    ("job-fails", include_str!("../../../../fixtures/timelines/job-fails.json"), "failed"),
    ("crash-loop", include_str!("../../../../fixtures/timelines/crash-loop.json"), "failed"),
    ("gives-up", include_str!("../../../../fixtures/timelines/gives-up.json"), "failed"),
    (
        "no-suitable-node",
        include_str!("../../../../fixtures/timelines/no-suitable-node.json"),
        "failed",
    ),
    ("no-image", include_str!("../../../../fixtures/timelines/no-image.json"), "failed"),
];

fn looks(text: &str) -> Vec<Look> {
    serde_json::from_str(text).expect("a recording reads as looks")
}

fn wanted(starts_again: bool) -> Wanted {
    let service = WantedService { name: "app".into(), must_stay_up: None, starts_again };
    Wanted { services: vec![service], stability: Duration::from_secs(3) }
}

fn word(said: &Convergence) -> &'static str {
    match said {
        Convergence::Converged { .. } => "converged",
        Convergence::NotYet { .. } => "not yet",
        Convergence::Failed { .. } => "failed",
        Convergence::Undecidable { .. } => "undecidable",
    }
}

#[test]
fn recorded_timelines_are_judged_as_they_were() {
    let epoch = Timestamp::default();
    for (name, text, end) in RECORDED {
        let starts_again = !["one-shot", "job", "job-fails", "gives-up"].contains(&name);
        let (wanted, mut hold) = (wanted(starts_again), Hold::new(epoch));
        let mut known = StackFacts::default();
        let looks = looks(text);
        assert_eq!(looks.last().map(|look| look.answer.as_str()), Some(end), "{name}");
        for look in looks {
            let at = |ms| epoch.plus(Duration::from_millis(ms));
            known = recall(&known, look.facts, at(look.answered_ms));
            let said = hold.take(&wanted, &known, at(look.asked_ms), at(look.answered_ms));
            assert_eq!(word(&said), look.answer, "{name} after {} ms: {said:?}", look.asked_ms);
        }
    }
}

/// What a stack is doing, coarsely enough to be the same whenever it is looked at.
fn phase(facts: &StackFacts) -> String {
    use UpdateState::{RollbackCompleted, RollbackStarted};
    let update = facts.services.first().map(|service| {
        let is_back = matches!(service.update, RollbackStarted | RollbackCompleted);
        if is_back { "rolled back".to_owned() } else { format!("{:?}", service.update) }
    });
    let tasks: BTreeSet<String> = facts.tasks.iter().filter_map(doing).collect();
    let tasks: Vec<String> = tasks.into_iter().collect();
    format!("{}: {}", update.unwrap_or_default(), tasks.join(", "))
}

/// What a task is doing; nothing when it was stopped.
fn doing(task: &TaskFacts) -> Option<String> {
    let age = if task.current { "new" } else { "old" };
    let doing = if matches!(task.state, TaskState::Complete | TaskState::Failed) {
        "ended"
    } else if task.state.is_terminal() {
        return None;
    } else if task.desired > TaskState::Complete {
        "leaving"
    } else if task.state == TaskState::Running {
        "up"
    } else {
        "coming"
    };
    Some(format!("{age} {doing}"))
}

/// Phases, each once as long as it lasts.
fn phases<'a>(looks: impl IntoIterator<Item = &'a StackFacts>) -> Vec<String> {
    let mut phases: Vec<String> = looks.into_iter().map(phase).collect();
    phases.dedup();
    phases
}

/// The simulated Swarm, looked at after every change from the submission of the head on.
fn simulated(
    base: Option<ServiceBuilder>,
    head: ServiceBuilder,
    life: Life,
    attempts: u64,
) -> Vec<String> {
    let dawn = Timestamp::default();
    let mut timeline = Timeline::new("x", &["node-1"], dawn);
    let behaviour = |life| Behaviour {
        restart_delay: Duration::from_secs(1),
        update_begins_after: Duration::ZERO,
        max_attempts: attempts,
        ..Behaviour::lives([life])
    };
    timeline.behave("registry.test/app:1", behaviour(served()));
    timeline.behave("registry.test/app:2", behaviour(life));
    if let Some(base) = base {
        timeline.submit(&stack([base.image("registry.test/app:1")]));
        timeline.advance(dawn.plus(Duration::from_secs(20)));
    }
    timeline.submit(&stack([head.image("registry.test/app:2")]));
    let until = timeline.now().plus(Duration::from_secs(12));
    let mut seen = Vec::new();
    while let Some(next) = timeline.next_change().filter(|next| *next < until) {
        timeline.advance(next);
        seen.push(timeline.look());
    }
    seen.retain(|facts| !facts.tasks.is_empty());
    phases(&seen)
}

/// What the recorded ones ran: a server that is killed when its grace of three seconds is over.
fn served() -> Life {
    let on_term = Exit { after: Duration::from_millis(3200), code: 137 };
    Life { on_term, ..Life::with_health(Health::From(Duration::from_millis(500))) }
}

/// One that ends with that code soon after its start.
fn falls(code: i64) -> Life {
    Life::ending(Duration::from_millis(1500), code)
}

/// The first `n` phases of a recording are those of the simulated Swarm, in that order; of what it
/// shows, a real look may miss a phase that is short.
#[track_caller]
fn agree(name: &str, n: usize, simulated: &[String]) {
    let (_, text, _) = RECORDED.iter().find(|(known, _, _)| *known == name).expect("a recording");
    let looks = looks(text);
    let recorded = phases(looks.iter().map(|look| &look.facts));
    assert!(recorded.len() >= n && n > 2, "{name}: {recorded:#?}");
    let mut rest = simulated.iter().enumerate();
    for (place, phase) in recorded[..n].iter().enumerate() {
        let found = rest.by_ref().find(|(_, simulated)| *simulated == phase);
        let is_close = found.is_some_and(|(at, _)| at <= place + 1);
        assert!(is_close, "{name}: {phase:?} of {recorded:#?} in {simulated:#?}");
    }
}

#[test]
fn the_simulated_swarm_goes_through_the_recorded_phases() {
    let app = || service("app").monitor_ms(1000);
    let rolls_back = || app().on_failure(FailureAction::Rollback);
    let updated = |head: ServiceBuilder, life| simulated(Some(app()), head, life, 0);
    agree("start-first", 4, &updated(app().start_first(), served()));
    agree("stop-first", 4, &updated(app(), served()));
    agree("pause", 5, &updated(app().start_first().monitor_ms(3000), falls(3)));
    let checked = Life { health: Health::From(Duration::ZERO), ..falls(3) };
    agree("rollback", 4, &updated(rolls_back().monitor_ms(3000), checked));

    let fresh = |head: ServiceBuilder, life| simulated(None, head, life, 0);
    let on_failure = || app().restart(RestartCondition::OnFailure);
    let job = || {
        app().mode(ServiceMode::ReplicatedJob { completions: 1 }).restart(RestartCondition::None)
    };
    agree("one-shot", 3, &fresh(on_failure(), falls(0)));
    agree("job", 3, &fresh(job(), falls(0)));
    agree("job-fails", 3, &fresh(job(), falls(3)));
    agree("crash-loop", 4, &fresh(app(), falls(3)));
    agree("gives-up", 5, &simulated(None, on_failure(), falls(3), 1));
}
