//! The truth table of failing fast (CONV-4): what is hopeless, and what only looks like it.

use std::time::Duration;

use cc_ci_model::compose::{RestartCondition, ServiceMode};
use cc_ci_model::stack::{TaskState, UpdateState};
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{FactsBuilder, TaskBuilder};

use super::{Convergence, Wanted, WantedService, judge};

/// What is said of services that were all submitted, `at` seconds after the epoch.
fn said(facts: FactsBuilder, at: i64) -> Convergence {
    let facts = facts.build();
    let services = facts.services.iter().map(|service| {
        let may_end = service.restart.is_some_and(|r| r.condition != RestartCondition::Any);
        let starts_again = !may_end && !service.mode.is_job();
        WantedService { name: service.name.clone(), must_stay_up: None, starts_again }
    });
    let wanted = Wanted { services: services.collect(), stability: Duration::from_secs(3) };
    judge(&wanted, &facts, Duration::from_hours(1), Timestamp::from_millis(at * 1000))
}

#[track_caller]
fn contains(why: &str, words: &[&str]) {
    for word in words {
        assert!(why.contains(word), "{word:?} is not in: {why}");
    }
}

#[track_caller]
fn fails(facts: FactsBuilder, at: i64, words: &[&str]) {
    let said = said(facts, at);
    let Convergence::Failed { why } = said else { panic!("{said:?}") };
    contains(&why, words);
}

#[track_caller]
fn waits(facts: FactsBuilder, at: i64, words: &[&str]) {
    let said = said(facts, at);
    let Convergence::NotYet { why } = said else { panic!("{said:?}") };
    contains(&why, words);
}

fn app() -> FactsBuilder {
    FactsBuilder::new().replicated("app", 1)
}

fn task(state: TaskState) -> TaskBuilder {
    TaskBuilder::new(state)
}

fn next() -> TaskBuilder {
    task(TaskState::Ready).desired(TaskState::Ready)
}

/// `count` tasks that ended like that, the first one seen `from` seconds after the epoch, then one
/// every `every` seconds.
fn dying(
    facts: FactsBuilder,
    count: i64,
    (from, every): (i64, i64),
    end: impl Fn() -> TaskBuilder,
) -> FactsBuilder {
    (0..count).fold(facts, |facts, nth| facts.task(end().since(from + nth * every)))
}

fn crashed() -> TaskBuilder {
    TaskBuilder::failed(1)
}

/// Stopped for being unhealthy, exits 0, is started again.
fn sick() -> TaskBuilder {
    TaskBuilder::complete().health("unhealthy", 3)
}

#[test]
fn a_crash_loop_fails_once_it_is_one() {
    waits(dying(app(), 4, (10, 6), crashed).task(next()), 60, &["exit code 1"]);
    let looping = || dying(app(), 5, (10, 6), crashed);
    fails(looping().task(next()), 60, &["service app", "crash loop: 5 tasks", "exit code 1"]);
    // Up again is up.
    let up = said(looping().task(TaskBuilder::up()), 60);
    assert!(matches!(up, Convergence::Converged { .. }), "{up:?}");
    waits(dying(app(), 9, (10, 6), || crashed().old()).task(next()), 90, &[]);
    let oom = || TaskBuilder::failed(137).container().oom();
    fails(dying(app(), 5, (10, 6), oom).task(next()), 60, &["out of memory"]);
    // Logs of earlier versions do not say when: nothing is concluded.
    let undated = (0..12).fold(app(), |facts, _| facts.task(crashed()));
    waits(undated.task(next()), 60, &[]);
}

#[test]
fn a_crash_loop_takes_time_however_many_tasks_it_burns() {
    waits(dying(app(), 19, (10, 1), crashed).task(next()), 60, &[]);
    fails(dying(app(), 21, (10, 1), crashed).task(next()), 60, &["crash loop: 21 tasks"]);
}

#[test]
fn three_ends_for_failing_health_checks_are_a_loop() {
    waits(dying(app(), 2, (10, 20), sick).task(next()), 60, &["never became healthy"]);
    let words = ["crash loop: 3 tasks", "never became healthy", "connection refused"];
    fails(dying(app(), 3, (10, 10), sick).task(next()), 60, &words);
    waits(dying(app(), 3, (10, 9), sick).task(next()), 60, &[]);
}

/// An app that exits until its database is up is not at fault while the database is not.
#[test]
fn a_crash_loop_is_forgiven_while_another_service_is_not_up() {
    let looping = || dying(app(), 40, (10, 6), crashed).task(next()).replicated("db", 1);
    waits(looping().task(task(TaskState::Starting).since(5)), 260, &["service app"]);
    // The ends before the database was up do not count, nor does one seen together with it.
    let checked = |at| TaskBuilder::up().health("healthy", 0).since(at);
    waits(looping().task(checked(220)), 260, &["service app"]);
    fails(looping().task(checked(219)), 260, &["crash loop: 5 tasks"]);
    // Without a health check nobody knows whether it is ready: it may be on its first start.
    let unchecked = |at| TaskBuilder::up().container().since(at);
    waits(looping().task(unchecked(125)), 260, &[]);
    fails(looping().task(unchecked(124)), 260, &["crash loop: 20 tasks"]);
}

#[test]
fn ends_are_counted_for_each_slot() {
    let two = |each| {
        let facts = dying(FactsBuilder::new().replicated("app", 2), each, (10, 6), crashed);
        let second = || crashed().slot(2);
        dying(facts, 4, (10, 6), second).task(next()).task(next().slot(2))
    };
    waits(two(4), 60, &[]);
    fails(two(5), 60, &["crash loop: 5 tasks"]);
    let global = |node: &str| {
        let on_node = || crashed().on_node(node);
        let facts = FactsBuilder::new().service("app", ServiceMode::Global);
        let facts = dying(facts.with(|s| s.desired_tasks = 2), 4, (10, 6), on_node);
        facts.task(crashed().on_node("a").since(40)).task(next().on_node("a"))
    };
    waits(global("b"), 60, &[]);
    fails(global("a"), 60, &["crash loop: 5 tasks"]);
}

/// Two that wait for each other, or for the same missing setting, wait for ever.
#[test]
fn services_that_all_loop_are_not_waiting_for_each_other() {
    let two = |ends| {
        let app = dying(app(), 6, (10, 6), crashed).task(next());
        dying(app.replicated("worker", 1), ends, (10, 6), || TaskBuilder::failed(2)).task(next())
    };
    fails(two(5), 60, &["service app: crash loop", "; and service worker", "exit code 2"]);
    waits(two(4), 60, &[]);
}

#[test]
fn an_image_that_is_not_there_fails_at_the_first_refusal() {
    let refused = || {
        let task = task(TaskState::Rejected).desired(TaskState::Shutdown);
        task.error("No such image: registry.test/app:1.0.0")
    };
    fails(app().task(refused()).task(next()), 60, &["refused its task once", "No such image"]);
    waits(app().task(refused().old()).task(next()), 60, &[]);
    // An update that fails is about to be paused or rolled back, which says more.
    waits(app().update(UpdateState::Updating).task(refused()).task(next()), 60, &[]);
    let up = said(app().task(refused()).task(TaskBuilder::up()), 60);
    assert!(matches!(up, Convergence::Converged { .. }), "{up:?}");
}

#[test]
fn a_node_that_refuses_again_and_again_has_failed() {
    let refused = || {
        let task = task(TaskState::Rejected).desired(TaskState::Shutdown);
        task.error("invalid mount config: bind source path does not exist: /x")
    };
    let times = |count| dying(app(), count, (10, 6), refused).task(task(TaskState::Preparing));
    waits(times(2), 60, &[]);
    fails(times(3), 60, &["service app", "refused its task 3 times", "does not exist: /x"]);
}

#[test]
fn no_suitable_node_fails_after_a_grace_in_the_engines_words() {
    let pending = |reasons: &str| {
        task(TaskState::Pending).error(&format!("no suitable node ({reasons})")).since(100)
    };
    let port = || app().task(pending("host-mode port already in use on 1 node"));
    waits(port(), 114, &["host-mode port already in use", "slot 1"]);
    fails(port(), 115, &["service app", "t1", "host-mode port already in use on 1 node"]);
    // An update that is under way will be so for ever.
    fails(port().update(UpdateState::Updating), 115, &["host-mode port already in use"]);
    let constraint = app()
        .with(|s| {
            s.template.insert("Placement.Constraints.0".into(), "node.labels.disk == ssd".into());
        })
        .task(pending("scheduling constraints not satisfied on 1 node"));
    fails(constraint, 115, &["scheduling constraints", "it asks for node.labels.disk == ssd"]);
    let memory = || {
        let memory = "Resources.Reservations.MemoryBytes";
        let facts = app().with(|s| {
            s.template.insert(memory.into(), "64000000000".into());
        });
        facts.task(pending("insufficient resources on 1 node"))
    };
    waits(memory(), 159, &[]);
    fails(memory(), 160, &["insufficient resources", "MemoryBytes 64000000000"]);
    // Nodes that take no tasks at all are nobody's fault, and may come back.
    waits(app().task(pending("1 node not available for new tasks")), 900, &["not available"]);
    let mixed =
        "scheduling constraints not satisfied on 1 node; 1 node not available for new tasks";
    waits(app().task(pending(mixed)), 900, &[]);
    let other = task(TaskState::Pending).error("waiting for network").since(100);
    waits(app().task(other), 900, &[]);
    waits(app().task(pending("insufficient resources on 1 node").old()), 900, &["old task"]);
}

/// Stop-first with a port of the host: the old task has it until its stop grace is over.
#[test]
fn what_leaves_may_give_back_what_is_missing() {
    let pending = task(TaskState::Pending)
        .desired(TaskState::Ready)
        .error("no suitable node (host-mode port already in use on 1 node)")
        .since(100);
    let old = |state| task(state).old().desired(TaskState::Shutdown);
    let facts = |state| app().update(UpdateState::Updating).task(old(state)).task(pending.clone());
    waits(facts(TaskState::Running), 400, &[]);
    fails(facts(TaskState::Shutdown), 400, &["already in use"]);
}

#[test]
fn nothing_starts_it_again_fails_at_once() {
    let never = || app().restarts(RestartCondition::None, 0);
    let ended = |at| crashed().since(at);
    waits(never().task(ended(100)), 101, &["exit code 1"]);
    fails(
        never().task(ended(100)),
        102,
        &["service app", "exit code 1", "restart condition is `none`"],
    );
    let twice = || app().restarts(RestartCondition::OnFailure, 2);
    let used_up = twice().task(ended(90)).task(ended(95)).task(ended(100));
    fails(used_up, 102, &["t3", "`max_attempts: 2`"]);
    waits(twice().task(ended(90)).task(next()), 200, &[]);
    waits(app().restarts(RestartCondition::OnFailure, 0).task(ended(100)), 200, &[]);
    // Swarm has not dealt with it yet.
    waits(never().task(ended(100).desired(TaskState::Running)), 200, &[]);
    waits(never().task(ended(100).old()), 200, &[]);
    waits(never().update(UpdateState::Updating).task(ended(100)), 200, &[]);
    fails(never().update(UpdateState::Paused).task(ended(100)), 200, &["nothing starts it again"]);
    // `any` with a limit: exit code 0 uses it up too.
    let any = app().restarts(RestartCondition::Any, 1);
    fails(any.task(TaskBuilder::complete().since(100)), 102, &["exit code 0", "`max_attempts: 1`"]);
}

#[test]
fn only_what_is_still_missing_can_be_given_up() {
    // The slot went when the service was scaled down.
    let scaled = app()
        .restarts(RestartCondition::OnFailure, 3)
        .task(TaskBuilder::up())
        .task(crashed().slot(2).since(10));
    assert!(matches!(said(scaled, 60), Convergence::Converged { .. }));
    let global = FactsBuilder::new()
        .service("app", ServiceMode::Global)
        .with(|s| s.desired_tasks = 2)
        .restarts(RestartCondition::None, 0)
        .task(TaskBuilder::up().on_node("a"))
        .task(crashed().on_node("b").since(10));
    fails(global, 60, &["nothing starts it again"]);
}

#[test]
fn a_job_that_has_used_its_attempts_up_has_failed() {
    let job = |completed| {
        FactsBuilder::new()
            .service("app", ServiceMode::ReplicatedJob { completions: 2 })
            .with(|s| s.completed_tasks = completed)
            .restarts(RestartCondition::OnFailure, 1)
    };
    let failed = |slot| TaskBuilder::failed(3).slot(slot).since(100);
    fails(job(1).task(failed(1)).task(failed(1)), 102, &["exit code 3", "`max_attempts: 1`"]);
    let again = task(TaskState::Running).desired(TaskState::Complete);
    waits(job(1).task(failed(1)).task(again), 102, &["job app"]);
    // It had failed before it completed.
    let done = || TaskBuilder::complete();
    let completed = job(2).task(failed(1)).task(done()).task(done().slot(2));
    assert!(matches!(said(completed, 200), Convergence::Converged { .. }));
}

/// What health checks said is told, each thing once, the last ones only.
#[test]
fn the_last_words_of_health_checks_are_told() {
    let facts = dying(app(), 3, (10, 10), sick).task(next());
    let mut facts = facts.build();
    for task in &mut facts.tasks {
        let health = task.container.as_mut().and_then(|container| container.health.as_mut());
        if let Some(health) = health {
            let lines = ["first", "no route", "refused\n", "", "refused", "timed out"];
            health.log = lines.map(str::to_owned).to_vec();
        }
    }
    let wanted = Wanted {
        services: vec![WantedService {
            name: "app".into(),
            must_stay_up: None,
            starts_again: true,
        }],
        stability: Duration::from_secs(3),
    };
    let said = judge(&wanted, &facts, Duration::ZERO, Timestamp::from_millis(60_000));
    let Convergence::Failed { why } = said else { panic!("{said:?}") };
    assert!(why.ends_with("the last check said: no route | refused | timed out"), "{why}");
}
