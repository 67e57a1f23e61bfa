//! Timelines: a simulated Swarm plays thousands of random ones in virtual time, and a wait that
//! keeps the same books as the engine's ([`Hold`], [`recall`], [`judge`]) looks at each (CONV-5).
//!
//! What must hold for every one of them, against what really runs:
//! - *converged* is never said while a task of an old spec runs or something submitted is not up,
//!   nor before all of it has held for the stability window;
//! - it is always said soon after that is so;
//! - *failed* is never said of what would still have settled.

mod play;
mod scenes;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use cc_ci_model::stack::{StackFacts, TaskState};
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{Behaviour, Life};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::{Convergence, Hold, POLL, Wanted, judge};
use play::{Judging, Played, play};
use scenes::{Scene, any_scene};

const TIMELINES: u32 = 10_000;

/// The same timelines in every run: a red can be had again.
fn runner(cases: u32, half: u8) -> TestRunner {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[half; 32]))
}

/// Plays timelines until one goes against a rule (any, where none is named); says how they ended,
/// and against which.
fn play_all(
    cases: u32,
    half: u8,
    rule: &str,
    judging: impl Fn() -> Box<dyn Judging>,
) -> (Tally, Option<String>) {
    let tally = RefCell::new(Tally::default());
    let outcome = runner(cases, half).run(&any_scene(), |scene: Scene| {
        let played = play(&scene, judging().as_mut());
        tally.borrow_mut().count(&played);
        match played.against {
            Some(against) if against.starts_with(rule) => Err(TestCaseError::fail(against)),
            Some(_) | None => Ok(()),
        }
    });
    let against = match outcome {
        Ok(()) => None,
        Err(TestError::Fail(rule, scene)) => Some(format!("{rule}\n{scene:?}")),
        Err(TestError::Abort(why)) => Some(format!("aborted: {why}")),
    };
    (tally.into_inner(), against)
}

#[derive(Debug, Default)]
struct Tally {
    ends: BTreeMap<&'static str, u32>,
    looks: u64,
    virtual_time: Duration,
}

impl Tally {
    fn count(&mut self, played: &Played) {
        *self.ends.entry(played.end).or_default() += 1;
        self.looks += played.looks;
        self.virtual_time += played.took;
    }

    fn tell(&self) {
        let played: u32 = self.ends.values().sum();
        let ends: Vec<String> = self.ends.iter().map(|(end, n)| format!("{n} {end}")).collect();
        let told = format!(
            "timelines: {played} played: {}; {} looks, {} hours of a Swarm's life\n",
            ends.join(", "),
            self.looks,
            self.virtual_time.as_secs() / 3600
        );
        let _nobody_listens = std::io::stderr().write_all(told.as_bytes());
    }
}

/// What the engine's wait does.
struct Kept(Hold);

impl Judging for Kept {
    fn take(
        &mut self,
        wanted: &Wanted,
        facts: &StackFacts,
        asked: Timestamp,
        answered: Timestamp,
    ) -> Convergence {
        self.0.take(wanted, facts, asked, answered)
    }

    fn look_again(&self, wanted: &Wanted, facts: &StackFacts, now: Timestamp) -> Timestamp {
        self.0.look_again(wanted, facts, now)
    }
}

/// A half of them: tests run beside each other.
fn check_half(half: u8) {
    let (tally, against) = play_all(TIMELINES / 2, half, "", || Box::new(Kept(Hold::default())));
    tally.tell();
    assert!(against.is_none(), "{}", against.unwrap_or_default());
    assert_eq!(tally.ends.values().sum::<u32>(), TIMELINES / 2);
    // Timelines that all end alike show little.
    for end in ["converged", "failed", "time ran out"] {
        assert!(tally.ends.get(end).is_some_and(|n| *n >= TIMELINES / 100), "{end}: {tally:?}");
    }
}

#[test]
fn no_timeline_fools_the_wait() {
    check_half(1);
}

#[test]
fn no_other_timeline_fools_the_wait() {
    check_half(2);
}

/// Incident (lasuite-drive): the head was submitted while the base was still booting.
#[test]
fn incident_redeploy_lands_on_a_booting_service() {
    let boots = |seconds| {
        let starts_after = Duration::from_secs(seconds);
        Behaviour::lives([Life { starts_after, ..Life::steady() }])
    };
    for base_for_ms in [0, 100, 500, 1200, 3000, 8000, 9000, 12_000] {
        let scene = Scene::of(Duration::from_millis(base_for_ms), boots(8), boots(20));
        let played = play(&scene, &mut Kept(Hold::default()));
        assert_eq!((played.end, played.against), ("converged", None), "{base_for_ms} ms");
        assert!(played.took > Duration::from_secs(25), "{base_for_ms} ms: {:?}", played.took);
    }
}

/// A judge that believes something it should not.
struct Naive(Belief, Hold);

#[derive(Clone, Copy)]
enum Belief {
    /// `docker service ls` says N/N.
    Counts,
    /// A task is current if it runs.
    NoSpecs,
    /// What is so now will stay so.
    NoWindow,
    /// Nothing ever settles.
    Never,
    /// The first failed task is the end.
    Impatient,
}

impl Judging for Naive {
    fn take(
        &mut self,
        wanted: &Wanted,
        facts: &StackFacts,
        asked: Timestamp,
        answered: Timestamp,
    ) -> Convergence {
        let mut facts = facts.clone();
        match self.0 {
            Belief::Counts => return counts(wanted, &facts),
            Belief::NoSpecs => facts.tasks.iter_mut().for_each(|task| task.current = true),
            Belief::NoWindow => return judge(wanted, &facts, Duration::from_hours(1), asked),
            Belief::Never => return Convergence::NotYet { why: "who knows".into() },
            Belief::Impatient => {
                if facts.tasks.iter().any(|task| task.state == TaskState::Failed) {
                    return Convergence::Failed { why: "a task failed".into() };
                }
            }
        }
        self.1.take(wanted, &facts, asked, answered)
    }

    fn look_again(&self, wanted: &Wanted, facts: &StackFacts, now: Timestamp) -> Timestamp {
        match self.0 {
            Belief::NoSpecs | Belief::Impatient => self.1.look_again(wanted, facts, now),
            Belief::Counts | Belief::NoWindow | Belief::Never => now.plus(POLL),
        }
    }
}

fn counts(wanted: &Wanted, facts: &StackFacts) -> Convergence {
    let is_whole = |name: &str| {
        let running = facts.tasks_of(name).filter(|task| task.state == TaskState::Running).count();
        facts.service(name).is_some_and(|service| running as u64 == service.desired_tasks)
    };
    if wanted.services.iter().all(|service| is_whole(&service.name)) {
        Convergence::Converged { warnings: Vec::new(), one_shots: Vec::new() }
    } else {
        Convergence::NotYet { why: "N/N".into() }
    }
}

/// The rules above can be broken: each of these beliefs is caught, and by the rule it breaks.
#[test]
fn naive_judges_are_caught() {
    for (belief, rule) in [
        (Belief::Counts, "converged too soon"),
        (Belief::NoSpecs, "converged too soon"),
        (Belief::NoWindow, "converged too soon"),
        (Belief::Never, "not seen"),
        (Belief::Impatient, "failed, and yet it settled"),
    ] {
        let naive = || -> Box<dyn Judging> { Box::new(Naive(belief, Hold::default())) };
        let (tally, against) = play_all(TIMELINES / 5, 1, rule, naive);
        assert!(against.is_some(), "{rule:?} never came up: {tally:?}");
    }
}
