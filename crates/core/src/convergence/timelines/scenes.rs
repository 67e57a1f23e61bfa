//! Random scenes: what is deployed, how it behaves, and what else happens.

use std::time::Duration;

use cc_ci_model::compose::{FailureAction, RestartCondition, ServiceMode};
use cc_ci_testkit::{
    Behaviour, EventStream, Exit, Health, Life, Obstacle, ServiceBuilder, StackBuilder, service,
    stack,
};
use proptest::prelude::*;

/// One timeline, before it is played.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) services: Vec<Actor>,
    /// The base runs that long before the head is submitted; `None`: nothing ran.
    pub(super) base_for: Option<Duration>,
    pub(super) nodes: usize,
    pub(super) stream: EventStream,
    pub(super) latency: Duration,
    /// The engine does not answer between those times, counted from the submission.
    pub(super) away: Option<(Duration, Duration)>,
    /// What happens when, counted from there.
    pub(super) deeds: Vec<(Duration, Deed)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    /// A process of that service is killed.
    Kill(usize),
    /// The last node is drained.
    Drain,
    /// It is back.
    Return,
}

/// A service, as it was and as it is to be.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) mode: ServiceMode,
    pub(super) restart: RestartCondition,
    pub(super) stays: bool,
    pub(super) changes: bool,
    pub(super) update: Update,
    pub(super) base: Behaviour,
    pub(super) head: Behaviour,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Update {
    start_first: bool,
    action: FailureAction,
    monitor_ms: u64,
    parallelism: u64,
}

pub(super) const NAMES: [&str; 3] = ["app", "db", "web"];
pub(super) const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

impl Scene {
    /// One service of one replica that is updated stop-first; nothing else happens.
    pub(super) fn of(base_for: Duration, base: Behaviour, head: Behaviour) -> Self {
        let update = Update {
            start_first: false,
            action: FailureAction::Pause,
            monitor_ms: 5000,
            parallelism: 1,
        };
        let (mode, restart) = (ServiceMode::Replicated { replicas: 1 }, RestartCondition::Any);
        let actor = Actor { mode, restart, stays: true, changes: true, update, base, head };
        Self {
            services: vec![actor],
            base_for: Some(base_for),
            nodes: 1,
            stream: EventStream::Good,
            latency: Duration::ZERO,
            away: None,
            deeds: Vec::new(),
        }
    }

    /// What is submitted first, and last.
    pub(super) fn revision(&self, is_head: bool) -> StackBuilder {
        stack(self.services.iter().zip(NAMES).map(|(actor, name)| actor.declared(name, is_head)))
    }

    /// Services that cannot be one-shots.
    pub(super) fn stay(&self) -> Vec<&'static str> {
        let stays = self.services.iter().zip(NAMES).filter(|(actor, _)| actor.stays);
        stays.map(|(_, name)| name).collect()
    }
}

impl Actor {
    pub(super) fn image(&self, name: &str, is_head: bool) -> String {
        let version = if is_head && self.changes { 2 } else { 1 };
        format!("registry.test/{name}:{version}")
    }

    fn declared(&self, name: &str, is_head: bool) -> ServiceBuilder {
        let declared = service(name)
            .image(&self.image(name, is_head))
            .mode(self.mode)
            .restart(self.restart)
            .on_failure(self.update.action)
            .monitor_ms(self.update.monitor_ms)
            .parallelism(self.update.parallelism);
        if self.update.start_first { declared.start_first() } else { declared }
    }
}

fn millis(range: std::ops::Range<u64>) -> impl Strategy<Value = Duration> {
    range.prop_map(|tens| Duration::from_millis(tens * 10))
}

pub(super) fn any_scene() -> impl Strategy<Value = Scene> {
    let stream = prop_oneof![
        6 => Just(EventStream::Good),
        1 => Just(EventStream::Doubled),
        1 => Just(EventStream::Deaf),
        2 => (2_u64..4).prop_map(EventStream::LosesEvery),
    ];
    let away = (millis(0..2000), millis(10..3000)).prop_map(|(from, lasts)| (from, from + lasts));
    let deed = prop_oneof![
        2 => Just(vec![]),
        1 => (millis(0..3000), 0_usize..3).prop_map(|(at, who)| vec![(at, Deed::Kill(who))]),
        1 => (millis(0..2000), millis(1..4000))
            .prop_map(|(at, lasts)| vec![(at, Deed::Drain), (at + lasts, Deed::Return)]),
    ];
    (
        prop::collection::vec(any_actor(), 1..4),
        prop::option::weighted(0.7, millis(0..4000)),
        1_usize..4,
        stream,
        millis(0..40),
        prop::option::weighted(0.2, away),
        deed,
    )
        .prop_map(|(services, base_for, nodes, stream, latency, away, mut deeds)| {
            // What jobs and global services do on a node that goes is a matter of its own.
            let moves = |actor: &Actor| matches!(actor.mode, ServiceMode::Replicated { .. });
            if !services.iter().all(moves) {
                deeds.retain(|(_, deed)| matches!(deed, Deed::Kill(_)));
            }
            Scene { services, base_for, nodes, stream, latency, away, deeds }
        })
}

fn any_actor() -> impl Strategy<Value = Actor> {
    let mode = prop_oneof![
        8 => (0_u64..4).prop_map(|replicas| ServiceMode::Replicated { replicas }),
        2 => Just(ServiceMode::Global),
        1 => (1_u64..3).prop_map(|completions| ServiceMode::ReplicatedJob { completions }),
        1 => Just(ServiceMode::GlobalJob),
    ];
    let restart = prop_oneof![
        4 => Just(RestartCondition::Any),
        2 => Just(RestartCondition::OnFailure),
        1 => Just(RestartCondition::None),
    ];
    (
        mode,
        restart,
        any::<bool>(),
        prop::bool::weighted(0.8),
        any_update(),
        any_conduct(),
        any_conduct(),
    )
        .prop_map(|(mode, restart, stays, changes, update, base, head)| {
            // Docker refuses a job with `any`.
            let is_refused = mode.is_job() && restart == RestartCondition::Any;
            let restart = if is_refused { RestartCondition::OnFailure } else { restart };
            Actor { mode, restart, stays, changes, update, base, head }
        })
}

fn any_update() -> impl Strategy<Value = Update> {
    let action = prop_oneof![
        Just(FailureAction::Pause),
        Just(FailureAction::Continue),
        Just(FailureAction::Rollback),
    ];
    (any::<bool>(), action, 1_u64..60, 0_u64..4).prop_map(
        |(start_first, action, monitor, parallelism)| Update {
            start_first,
            action,
            monitor_ms: monitor * 100,
            parallelism,
        },
    )
}

/// At most two lives that end badly come before the one that repeats: fewer than a loop takes.
fn any_conduct() -> impl Strategy<Value = Behaviour> {
    (
        prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(any_false_start(), 1..3)],
        any_life(),
        (millis(0..200), millis(10..600), millis(0..600)),
        (millis(50..200), millis(100..1500)),
        prop_oneof![3 => Just(0_u64), 1 => 1_u64..4],
    )
        .prop_map(
            |(mut lives, last, (appears, restarts, begins), (every, grace), attempts)| {
                lives.push(last);
                Behaviour {
                    appears_after: appears,
                    restart_delay: restarts,
                    update_begins_after: begins,
                    check_every: every,
                    stop_grace: grace,
                    max_attempts: attempts,
                    ..Behaviour::lives(lives)
                }
            },
        )
}

fn any_false_start() -> impl Strategy<Value = Life> {
    let crash = (millis(1..400), 0_i64..3).prop_map(|(after, code)| Life::ending(after, code));
    let falls = millis(0..500).prop_map(|until| Life::with_health(Health::Until(until)));
    (prop_oneof![3 => crash, 1 => falls], any_stop())
        .prop_map(|(life, on_term)| Life { on_term, ..life })
}

fn any_life() -> impl Strategy<Value = Life> {
    let health = prop_oneof![
        12 => millis(0..1000).prop_map(Health::From),
        4 => Just(Health::Unchecked),
        1 => (millis(100..900), millis(10..500)).prop_map(|(from, lasts)| Health::Except(from, from + lasts)),
        1 => Just(Health::Never),
        1 => millis(100..1500).prop_map(Health::Until),
    ];
    let refused = prop_oneof![
        Just(Obstacle::Refused("No such image: registry.test/app:2".into())),
        Just(Obstacle::Refused("invalid mount config".into())),
        Just(Obstacle::NoNode("no suitable node (host-mode port already in use on 1 node)".into())),
        Just(Obstacle::NoNode("no suitable node (insufficient resources on 1 node)".into())),
    ];
    let life = prop_oneof![
        24 => health.prop_map(Life::with_health),
        3 => (millis(1..1500), prop_oneof![3 => Just(0_i64), 1 => Just(1)])
            .prop_map(|(after, code)| Life::ending(after, code)),
        1 => refused.prop_map(Life::stopped_by),
    ];
    (life, millis(1..800), any_stop()).prop_map(|(life, starts_after, on_term)| Life {
        starts_after,
        on_term,
        ..life
    })
}

fn any_stop() -> impl Strategy<Value = Exit> {
    (millis(0..1200), prop_oneof![Just(0_i64), Just(143)])
        .prop_map(|(after, code)| Exit { after, code })
}
