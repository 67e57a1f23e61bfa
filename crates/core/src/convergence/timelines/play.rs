//! Plays one scene, waits as the engine does, and looks over the shoulder of the wait.

use std::time::Duration;

use cc_ci_model::compose::RestartCondition;
use cc_ci_model::stack::StackFacts;
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{Timeline, Truth};

use super::scenes::{Deed, NAMES, NODES, Scene};
use crate::convergence::{Convergence, POLL, Wanted, WantedService, recall, window};

/// As the engine's: events come in bursts, and a silent engine is asked again.
const BURST: Duration = Duration::from_millis(50);
const RETRY: Duration = Duration::from_millis(500);

/// The budget of a wait.
const BUDGET: Duration = Duration::from_mins(4);

/// For so long nothing comes of what was given up.
const HORIZON: Duration = Duration::from_mins(2);

/// What stays up that long has settled, though others end later and for good.
const LASTING: Duration = Duration::from_mins(1);

/// The least stability window.
const STABILITY: Duration = Duration::from_secs(3);

/// Who says what a look means.
pub(super) trait Judging {
    fn take(
        &mut self,
        wanted: &Wanted,
        facts: &StackFacts,
        asked: Timestamp,
        answered: Timestamp,
    ) -> Convergence;
    fn look_again(&self, wanted: &Wanted, facts: &StackFacts, now: Timestamp) -> Timestamp;
}

/// How it went.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) end: &'static str,
    pub(super) looks: u64,
    pub(super) took: Duration,
    /// What went against the rules.
    pub(super) against: Option<String>,
}

pub(super) fn play(scene: &Scene, judging: &mut dyn Judging) -> Played {
    Play::begin(scene).run(judging)
}

/// A look, and what was true then.
struct Look {
    answered: Timestamp,
    heard: u64,
    truth: Truth,
    since: Timestamp,
    /// How long that had been so.
    held: Duration,
    /// How long it has to be.
    needed: Duration,
}

impl Look {
    fn too_soon(&self) -> Option<String> {
        let is_so = self.truth.is_settled() && self.held >= self.needed;
        let Look { held, needed, truth, .. } = self;
        (!is_so).then(|| format!("converged too soon: after {held:?} of {needed:?}: {truth:?}"))
    }
}

struct Play<'a> {
    scene: &'a Scene,
    timeline: Timeline,
    wanted: Wanted,
    stay: Vec<&'static str>,
    submitted: Timestamp,
    deeds: Vec<(Timestamp, Deed)>,
    known: StackFacts,
    /// What runs, and since when it is all there is.
    truth: Truth,
    since: Timestamp,
    changes: u64,
    looks: u64,
}

impl<'a> Play<'a> {
    fn begin(scene: &'a Scene) -> Self {
        let dawn = Timestamp::from_millis(1_000_000);
        let mut timeline = Timeline::new("x", &NODES[..scene.nodes], dawn);
        for (actor, name) in scene.services.iter().zip(NAMES) {
            timeline.behave(&actor.image(name, false), actor.base.clone());
            if actor.changes {
                timeline.behave(&actor.image(name, true), actor.head.clone());
            }
        }
        timeline.events(scene.stream);
        if let Some(base_for) = scene.base_for {
            timeline.submit(&scene.revision(false));
            timeline.advance(dawn.plus(base_for));
        }
        timeline.submit(&scene.revision(true));
        let submitted = timeline.now();
        let mut deeds: Vec<_> =
            scene.deeds.iter().map(|(after, deed)| (submitted.plus(*after), *deed)).collect();
        deeds.reverse();
        let stay = scene.stay();
        let truth = timeline.truth(&stay);
        Self {
            scene,
            timeline,
            wanted: wanted(scene),
            stay,
            submitted,
            deeds,
            known: StackFacts::default(),
            truth,
            since: submitted,
            changes: 0,
            looks: 0,
        }
    }

    fn run(mut self, judging: &mut dyn Judging) -> Played {
        let deadline = self.submitted.plus(BUDGET);
        loop {
            let asked = self.timeline.now();
            if asked > deadline {
                return self.end("time ran out", None);
            }
            if self.is_away(asked) {
                self.go_to(asked.plus(RETRY));
                continue;
            }
            let look = self.look(asked);
            match judging.take(&self.wanted, &self.known, asked, look.answered) {
                Convergence::Converged { .. } => {
                    let against = look.too_soon();
                    return self.end("converged", against);
                }
                Convergence::Failed { why } => return self.hopeless("failed", &why),
                Convergence::Undecidable { why } => return self.hopeless("undecidable", &why),
                Convergence::NotYet { why } => {
                    if let Some(against) = self.missed(&look) {
                        return self.end("not seen", Some(format!("{against}: {why}")));
                    }
                }
            }
            let at_latest = judging.look_again(&self.wanted, &self.known, look.answered);
            self.sleep(look.heard, at_latest);
        }
    }

    /// Looks; the engine says what is so half-way between question and answer.
    fn look(&mut self, asked: Timestamp) -> Look {
        self.go_to(asked.plus(self.scene.latency / 2));
        let (fresh, heard) = (self.timeline.look(), self.timeline.heard());
        let (truth, held) = (self.truth.clone(), self.timeline.now().since(self.since));
        let since = self.since;
        self.go_to(asked.plus(self.scene.latency));
        let answered = self.timeline.now();
        self.known = recall(&self.known, fresh, answered);
        self.looks += 1;
        let needed = window(&self.wanted, &self.known);
        Look { answered, heard, truth, since, held, needed }
    }

    /// It has settled for so long that it should have been said.
    fn missed(&self, look: &Look) -> Option<String> {
        let bound = look.needed + POLL + BURST + self.scene.latency * 3;
        let back = self.scene.away.map(|(_, until)| self.submitted.plus(until + RETRY));
        let was_away = back.is_some_and(|back| back > look.since);
        let is_due = look.truth.is_settled() && look.truth.moving.is_empty() && look.held > bound;
        (is_due && !was_away).then(|| format!("not seen for {:?}", look.held))
    }

    /// Waits for an event, or until then.
    fn sleep(&mut self, heard: u64, at_latest: Timestamp) {
        while self.timeline.heard() == heard {
            match self.next_step() {
                Some(next) if next < at_latest => self.step_to(next),
                Some(_) | None => return self.go_to(at_latest),
            }
        }
        self.go_to(self.timeline.now().plus(BURST));
    }

    fn is_away(&self, now: Timestamp) -> bool {
        let since = now.since(self.submitted);
        self.scene.away.is_some_and(|(from, until)| from <= since && since < until)
    }

    fn next_step(&self) -> Option<Timestamp> {
        let deed = self.deeds.last().map(|(at, _)| *at);
        let next = self.timeline.next_change();
        deed.into_iter().chain(next).min()
    }

    /// Lets time pass, step by step: the truth of each is looked at.
    fn go_to(&mut self, until: Timestamp) {
        while let Some(next) = self.next_step().filter(|next| *next <= until) {
            self.step_to(next);
        }
        self.timeline.advance(until);
    }

    fn step_to(&mut self, next: Timestamp) {
        self.timeline.advance(next);
        while let Some((_, deed)) = self.deeds.pop_if(|(at, _)| *at <= next) {
            self.act(deed);
        }
        if self.timeline.changes() == self.changes {
            return;
        }
        self.changes = self.timeline.changes();
        let truth = self.timeline.truth(&self.stay);
        if truth != self.truth {
            self.truth = truth;
            self.since = self.timeline.now();
        }
    }

    fn act(&mut self, deed: Deed) {
        let nodes = &NODES[..self.scene.nodes];
        match deed {
            Deed::Kill(who) => self.timeline.kill(NAMES[who], 137),
            Deed::Drain => self.timeline.nodes(&nodes[..nodes.len() - 1]),
            Deed::Return => self.timeline.nodes(nodes),
        }
    }

    /// It was given up: then nothing may come of it any more.
    fn hopeless(mut self, end: &'static str, why: &str) -> Played {
        self.deeds.retain(|(_, deed)| matches!(deed, Deed::Return));
        let until = self.timeline.now().plus(HORIZON);
        let window = window(&self.wanted, &self.known);
        let mut against = None;
        while let Some(next) = self.next_step().filter(|next| *next <= until) {
            let held = next.since(self.since);
            if self.truth.is_settled()
                && self.truth.moving.is_empty()
                && held >= window.max(LASTING)
            {
                against = Some(format!("{end}, and yet it settled at {:?}: {why}", self.since));
                break;
            }
            self.step_to(next);
        }
        // CONV-2: at once, though an old task that dies later is replaced by a new one after all.
        let is_ruled = why.contains("its update is paused and old task");
        if end == "undecidable" || is_ruled {
            against = None;
        } else if self.next_step().is_none() && self.truth.is_settled() {
            against = Some(format!("{end}, and yet it settled in the end: {why}"));
        }
        self.end(end, against)
    }

    fn end(self, end: &'static str, against: Option<String>) -> Played {
        let took = self.timeline.now().since(self.submitted);
        Played { end, looks: self.looks, took, against }
    }
}

fn wanted(scene: &Scene) -> Wanted {
    let services = scene.services.iter().zip(NAMES).map(|(actor, name)| WantedService {
        name: name.to_owned(),
        must_stay_up: actor.stays.then(|| "it publishes a port".to_owned()),
        starts_again: actor.restart == RestartCondition::Any && !actor.mode.is_job(),
    });
    Wanted { services: services.collect(), stability: STABILITY }
}
