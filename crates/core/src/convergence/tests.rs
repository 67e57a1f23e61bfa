//! The truth table of convergence (CONV-1 to CONV-4), and what must hold for any observation.

use std::time::Duration;

use cc_ci_model::compose::{DeclaredStack, RestartCondition, ServiceMode};
use cc_ci_model::name::StackName;
use cc_ci_model::stack::{StackFacts, TaskState, UpdateState};
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{FactsBuilder, ServiceBuilder, TaskBuilder, service, stack};
use proptest::prelude::*;

use super::{Convergence, Wanted, WantedService, fingerprint, judge, recall, window};

const LONG: Duration = Duration::from_hours(1);

/// When every look happens.
fn now() -> Timestamp {
    Timestamp::from_millis(3_600_000)
}

/// The stability window of every case: the configured minimum beats the monitor period.
const STABILITY: Duration = Duration::from_secs(3);

/// How a case is expected to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Converged,
    /// With a warning of that code.
    Warned(&'static str),
    /// Taken for a one-shot.
    OneShot,
    NotYet,
    Failed,
    Undecidable,
}
use Expected::{Failed, NotYet, OneShot, Undecidable, Warned};

fn wanted(name: &str) -> WantedService {
    WantedService { name: name.into(), must_stay_up: None, starts_again: true }
}

/// A service that Swarm does not start again when it ended with exit code 0.
fn ending(name: &str) -> WantedService {
    WantedService { starts_again: false, ..wanted(name) }
}

fn routed(name: &str) -> WantedService {
    WantedService { must_stay_up: Some("it has a router label".into()), ..ending(name) }
}

/// Judges an observation of that one service that has held for an hour, and looks for all
/// `words` in what is said.
#[track_caller]
fn check(wanted: WantedService, facts: FactsBuilder, expected: Expected, words: &[&str]) {
    let wanted = Wanted { services: vec![wanted], stability: STABILITY };
    check_all(&wanted, &facts.build(), LONG, &expected, words);
}

#[track_caller]
fn check_all(
    wanted: &Wanted,
    facts: &StackFacts,
    held: Duration,
    expected: &Expected,
    words: &[&str],
) {
    let (got, said) = match judge(wanted, facts, held, now()) {
        Convergence::Converged { warnings, one_shots } => {
            match (warnings.first(), one_shots.first()) {
                (Some(finding), _) => (Warned(code(&finding.code)), finding.message.clone()),
                (None, Some(name)) => (OneShot, name.clone()),
                (None, None) => (Expected::Converged, String::new()),
            }
        }
        Convergence::NotYet { why } => (NotYet, why),
        Convergence::Failed { why } => (Failed, why),
        Convergence::Undecidable { why } => (Undecidable, why),
    };
    assert_eq!(got, *expected, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

fn code(text: &str) -> &'static str {
    match text {
        "update_paused" => "update_paused",
        _ => "another",
    }
}

fn app(replicas: u64) -> FactsBuilder {
    FactsBuilder::new().replicated("app", replicas)
}

fn up() -> TaskBuilder {
    TaskBuilder::up()
}

fn task(state: TaskState) -> TaskBuilder {
    TaskBuilder::new(state)
}

fn failed(code: i64) -> TaskBuilder {
    TaskBuilder::failed(code)
}

#[test]
fn a_replicated_service_needs_every_task_on_its_current_spec() {
    check(wanted("app"), app(1).task(up()), Expected::Converged, &[]);
    check(wanted("app"), app(1), NotYet, &["it has no task yet"]);
    check(wanted("app"), FactsBuilder::new(), NotYet, &["service app", "does not list it yet"]);
    check(wanted("app"), app(2).task(up()), NotYet, &["1 of 2"]);
    check(wanted("app"), app(2).task(up()).task(up().slot(2)), Expected::Converged, &[]);
    check(wanted("app"), app(1).task(up().old()), NotYet, &["old task t1"]);
    check(wanted("app"), app(1).task(up()).task(up().slot(2)), NotYet, &["2 tasks run, 1 wanted"]);
}

#[test]
fn a_task_on_its_way_is_not_there_yet() {
    let ways = [
        TaskState::New,
        TaskState::Allocated,
        TaskState::Pending,
        TaskState::Assigned,
        TaskState::Accepted,
        TaskState::Preparing,
        TaskState::Ready,
        TaskState::Starting,
    ];
    for state in ways {
        check(wanted("app"), app(1).task(task(state)), NotYet, &["in slot 1"]);
    }
    // F2-12: a new version in its start period is `starting`.
    check(
        wanted("app"),
        app(1).task(task(TaskState::Starting).health("starting", 0)),
        NotYet,
        &["starting"],
    );
}

/// Found by a timeline: a process that takes its time to end is called running all the while.
#[test]
fn a_running_task_that_is_unhealthy_is_about_to_end() {
    let sick = || app(1).task(up().health("unhealthy", 3));
    check(wanted("app"), sick(), NotYet, &["task t1 in slot 1 is running, unhealthy"]);
    let heard = app(1).task(up().health("unhealthy", 0).unhealthy_seen());
    check(wanted("app"), heard, NotYet, &["unhealthy"]);
    // Failures that do not reach the number of retries are no end.
    check(wanted("app"), app(1).task(up().health("healthy", 2)), Expected::Converged, &[]);
    let prints = [sick(), app(1).task(up().health("healthy", 2))];
    let [sick, well] = prints.map(|facts| fingerprint(&facts.build()));
    assert_ne!(sick, well, "what was unhealthy has not held");
}

#[test]
fn replicas_zero_needs_nothing_but_that_old_tasks_are_gone() {
    check(wanted("app"), app(0), Expected::Converged, &[]);
    check(
        wanted("app"),
        app(0).task(up().desired(TaskState::Shutdown)),
        NotYet,
        &["wanted shutdown"],
    );
    let stopped = task(TaskState::Shutdown).desired(TaskState::Shutdown);
    check(wanted("app"), app(0).task(stopped), Expected::Converged, &[]);
}

#[test]
fn a_global_service_needs_a_task_on_every_eligible_node() {
    let global = |nodes| {
        FactsBuilder::new().service("app", ServiceMode::Global).with(|s| s.desired_tasks = nodes)
    };
    let on = |node| up().on_node(node);
    check(wanted("app"), global(2).task(on("a")).task(on("b")), Expected::Converged, &[]);
    check(wanted("app"), global(2).task(on("a")), NotYet, &["1 of 2"]);
    // The engine counts the tasks it has made: right after the deploy that is none.
    check(wanted("app"), global(0), NotYet, &["0 of 1"]);
    // Nor does it count a node whose task ended for good: 1 of 1, says `docker service ls`.
    let ended = |node| TaskBuilder::complete().on_node(node).container();
    check(routed("app"), global(1).task(on("a")).task(ended("b")), Failed, &["meant to stay up"]);
    check(ending("app"), global(0).task(ended("a")).task(ended("b")), OneShot, &[]);
    let before = ended("b").old();
    check(ending("app"), global(1).task(on("a")).task(before), NotYet, &["1 of 2"]);
    let drained = task(TaskState::Shutdown).desired(TaskState::Shutdown).on_node("b");
    check(routed("app"), global(1).task(on("a")).task(drained), Expected::Converged, &[]);
}

#[test]
fn jobs_need_their_completions() {
    let job = |completed| {
        let mode = ServiceMode::ReplicatedJob { completions: 2 };
        FactsBuilder::new().service("app", mode).with(|s| s.completed_tasks = completed)
    };
    let running = || task(TaskState::Running).desired(TaskState::Complete);
    check(ending("app"), job(2).task(TaskBuilder::complete()), Expected::Converged, &[]);
    check(ending("app"), job(2), Expected::Converged, &[]);
    check(
        ending("app"),
        job(1).task(TaskBuilder::complete()).task(running()),
        NotYet,
        &["job app"],
    );
    check(ending("app"), job(0).task(failed(1)), NotYet, &["0 of 2", "exit code 1"]);
    let global = |completed| {
        FactsBuilder::new()
            .service("app", ServiceMode::GlobalJob)
            .with(|s| (s.completed_tasks, s.desired_tasks) = (completed, 0))
    };
    check(ending("app"), global(1), Expected::Converged, &[]);
    check(ending("app"), global(0), NotYet, &["0 of 1"]);
}

/// Incident 238: the update was accepted and had not begun: the engine shows the old task 1/1 and
/// no update state. The wait passed and the task died under the backup.
#[test]
fn incident_238_stop_first_update_registered_but_not_begun() {
    check(
        wanted("app"),
        app(1).update(UpdateState::None).task(up().old()),
        NotYet,
        &["old task t1"],
    );
}

#[test]
fn an_update_under_way_is_waited_for_whatever_the_tasks_say() {
    check(
        wanted("app"),
        app(1).update(UpdateState::Updating).task(up()),
        NotYet,
        &["update is under way"],
    );
    check(
        wanted("app"),
        app(1).update(UpdateState::Completed).task(up()),
        Expected::Converged,
        &[],
    );
    check(
        wanted("app"),
        app(1).update(UpdateState::Unknown("new".into())).task(up()),
        Expected::Converged,
        &[],
    );
}

#[test]
fn a_start_first_update_with_both_tasks_up_is_not_over() {
    let both = app(1).task(up().old()).task(up());
    check(wanted("app"), both, NotYet, &["old task t1"]);
    let leaving = app(1).task(up().old().desired(TaskState::Shutdown)).task(up());
    check(wanted("app"), leaving, NotYet, &["old task t1", "wanted shutdown"]);
}

#[test]
fn an_old_task_in_its_stop_grace_occupies_its_slot() {
    let grace = app(1)
        .update(UpdateState::Updating)
        .task(up().old().desired(TaskState::Shutdown))
        .task(task(TaskState::Ready).desired(TaskState::Ready));
    check(wanted("app"), grace, NotYet, &[]);
    // Also when the update was paused meanwhile: it is going, so nothing is stuck.
    let paused = app(1)
        .update(UpdateState::Paused)
        .task(up().old().desired(TaskState::Shutdown))
        .task(task(TaskState::Ready).desired(TaskState::Ready));
    check(wanted("app"), paused, NotYet, &["old task t1"]);
}

/// Incident 241: a flicker left `paused` for ever on a healthy service, and every wait ran to its
/// deadline.
#[test]
fn incident_241_paused_for_ever_on_a_healthy_service() {
    let flickered = app(1).update(UpdateState::Paused).task(failed(1)).task(up());
    check(wanted("app"), flickered, Warned("update_paused"), &["service app", "paused"]);
}

#[test]
fn paused_with_an_old_task_that_is_still_wanted_has_failed_at_once() {
    let stuck = app(2)
        .update(UpdateState::Paused)
        .with(|s| s.update_message = Some("update paused due to failure".into()))
        .task(failed(3))
        .task(up().old().slot(2));
    check(
        wanted("app"),
        stuck,
        Failed,
        &["service app", "t2", "update paused due to failure", "exit code 3"],
    );
    let stuck = app(2).update(UpdateState::Paused).task(up()).task(up().old().slot(2));
    let wanted = Wanted { services: vec![wanted("app")], stability: STABILITY };
    check_all(&wanted, &stuck.build(), Duration::ZERO, &Failed, &[]);
}

#[test]
fn paused_neither_blocks_nor_passes_while_a_new_task_is_on_its_way() {
    for state in [TaskState::Starting, TaskState::Preparing] {
        let coming = app(1).update(UpdateState::Paused).task(failed(1)).task(task(state));
        check(wanted("app"), coming, NotYet, &["t2"]);
    }
    let waiting = task(TaskState::Ready).desired(TaskState::Ready);
    check(
        wanted("app"),
        app(1).update(UpdateState::Paused).task(failed(1)).task(waiting),
        NotYet,
        &["wanted ready"],
    );
}

/// CONV-3, on any service and in whatever state the rollback is.
#[test]
fn a_rollback_is_a_failed_update() {
    let states = [
        (UpdateState::RollbackStarted, "is rolling it back"),
        (UpdateState::RollbackPaused, "got stuck"),
        (UpdateState::RollbackCompleted, "rolled it back"),
    ];
    for (state, words) in states {
        let back = app(1).update(state).task(failed(7).old()).task(up());
        check(wanted("app"), back, Failed, &[words, "exit code 7"]);
    }
    let other = FactsBuilder::new()
        .replicated("app", 1)
        .task(up())
        .replicated("db", 1)
        .update(UpdateState::RollbackCompleted)
        .task(up());
    let wanted = Wanted { services: vec![wanted("app"), wanted("db")], stability: STABILITY };
    check_all(&wanted, &other.build(), LONG, &Failed, &["service db"]);
}

/// Found in the lab: a one-shot exits within the monitor period, so an update of it is rolled
/// back, and the old spec is back.
#[test]
fn incident_one_shot_rolled_back_is_told_how_to_be_written() {
    let back = app(1)
        .update(UpdateState::RollbackCompleted)
        .task(TaskBuilder::complete().old().container());
    check(ending("app"), back, Failed, &["replicated-job", "restart_policy.condition", "monitor"]);
    // A service that Swarm stopped for being unhealthy is none, though it ended the same.
    let sick = TaskBuilder::complete().old().health("unhealthy", 3);
    let back = app(1).update(UpdateState::RollbackCompleted).task(sick).task(up());
    check(wanted("app"), back, Failed, &["never became healthy", "connection refused"]);
}

/// A one-shot under a paused update has run to its end all the same.
#[test]
fn a_one_shot_whose_update_was_paused_is_fine() {
    let paused = app(1).update(UpdateState::Paused).task(TaskBuilder::complete().container());
    let words = ["the task ended while it was still being watched", "replicated-job"];
    check(ending("app"), paused, Warned("update_paused"), &words);
}

#[test]
fn a_one_shot_is_known_by_its_container() {
    // facts B.4, column "one-shot, no healthcheck"
    check(ending("app"), app(1).task(TaskBuilder::complete().container()), OneShot, &["app"]);
    // column "one-shot with healthcheck, exit 0": the status is `unhealthy` too, the streak is 0
    check(ending("app"), app(1).task(TaskBuilder::complete().health("unhealthy", 0)), OneShot, &[]);
    check(ending("app"), app(1).task(TaskBuilder::complete().health("unhealthy", 2)), OneShot, &[]);
}

/// facts B.4, column "unhealthy service": identical to a one-shot but for streak or event.
#[test]
fn incident_never_healthy_looks_like_a_finished_one_shot() {
    let ended = || TaskBuilder::complete();
    check(
        ending("app"),
        app(1).task(ended().health("unhealthy", 3)),
        Failed,
        &["never became healthy", "connection refused"],
    );
    check(ending("app"), app(1).task(ended().health("unhealthy", 9)), Failed, &["9 health checks"]);
    check(ending("app"), app(1).task(ended().health("unhealthy", 0).unhealthy_seen()), Failed, &[]);
    check(ending("app"), app(1).task(ended().container().unhealthy_seen()), Failed, &[]);
}

#[test]
fn a_container_that_is_gone_tells_nothing() {
    check(
        ending("app"),
        app(1).task(TaskBuilder::complete()),
        Undecidable,
        &["container was gone"],
    );
    check(ending("app"), app(1).task(TaskBuilder::complete()).gap(), Undecidable, &[]);
    // Whatever its container would have said: this one is meant to stay up.
    check(routed("app"), app(1).task(TaskBuilder::complete()), Failed, &["it has a router label"]);
}

#[test]
fn what_is_meant_to_stay_up_is_no_one_shot() {
    check(
        routed("app"),
        app(1).task(TaskBuilder::complete().container()),
        Failed,
        &["meant to stay up", "router label"],
    );
}

#[test]
fn restart_any_starts_it_again_and_on_failure_does_not() {
    let ended = || app(1).task(TaskBuilder::complete().container());
    check(wanted("app"), ended(), NotYet, &["0 of 1"]);
    check(ending("app"), ended(), OneShot, &[]);
    // `on-failure` after a failure: another task follows.
    let again = app(1).task(failed(1)).task(task(TaskState::Ready).desired(TaskState::Ready));
    check(ending("app"), again, NotYet, &[]);
    check(ending("app"), app(1).task(failed(1)), NotYet, &["exit code 1"]);
}

#[test]
fn every_replica_of_a_one_shot_must_have_finished() {
    let done = |slot| TaskBuilder::complete().slot(slot).container();
    check(ending("app"), app(2).task(done(1)).task(done(2)), OneShot, &[]);
    check(ending("app"), app(2).task(done(1)), NotYet, &["0 of 2"]);
    let one_sick = TaskBuilder::complete().slot(2).health("unhealthy", 3);
    check(ending("app"), app(2).task(done(1)).task(one_sick), Failed, &[]);
    // An old one that finished says nothing about the new spec.
    check(ending("app"), app(1).task(TaskBuilder::complete().old().container()), NotYet, &[]);
}

#[test]
fn every_service_counts_at_once() {
    let facts = app(1).task(up()).replicated("db", 1).task(task(TaskState::Starting)).build();
    let both = Wanted { services: vec![wanted("app"), wanted("db")], stability: STABILITY };
    check_all(&both, &facts, LONG, &NotYet, &["service db"]);
    // One the revision does not have is nobody's concern: an upgrade leaves it running.
    let only = Wanted { services: vec![wanted("app")], stability: STABILITY };
    check_all(&only, &facts, LONG, &Expected::Converged, &[]);
}

#[test]
fn it_has_to_hold_for_the_larger_of_monitor_and_minimum() {
    let only = Wanted { services: vec![wanted("app")], stability: STABILITY };
    let held = |facts: &StackFacts, millis, expected| {
        check_all(&only, facts, Duration::from_millis(millis), &expected, &[]);
    };
    let brief = app(1).with(|s| s.monitor_ms = 1000).task(up()).build();
    held(&brief, 2999, NotYet);
    held(&brief, 3000, Expected::Converged);
    let long = app(1).with(|s| s.monitor_ms = 5000).task(up()).build();
    held(&long, 4999, NotYet);
    held(&long, 5000, Expected::Converged);
    assert_eq!(window(&only, &long), Duration::from_secs(5));
    // Nothing is waited for once it has failed.
    let back = app(1).update(UpdateState::RollbackCompleted).task(up()).build();
    held(&back, 0, Failed);
}

#[test]
fn what_holds_is_tasks_states_and_specs() {
    let base = || app(1).task(up().id("a"));
    let print = |facts: FactsBuilder| fingerprint(&facts.build());
    let same = print(base());
    assert_eq!(print(base().gap()), same);
    assert_ne!(print(app(1).task(up().id("b"))), same, "another task");
    assert_ne!(print(base().with(|s| s.version_index = 11)), same, "another spec");
    assert_ne!(print(base().update(UpdateState::Completed)), same, "another update state");
    assert_ne!(print(app(1).task(up().id("a").old())), same, "not current any more");
    assert_ne!(
        print(app(1).task(up().id("a").desired(TaskState::Shutdown))),
        same,
        "to be stopped"
    );
    assert_eq!(
        print(app(1).task(failed(1).id("z")).task(up().id("a"))),
        same,
        "history is no change"
    );
    let done = print(app(1).task(TaskBuilder::complete().id("z").container()));
    assert_ne!(print(app(1)), done, "a one-shot that came and went is");
    let just_ended = task(TaskState::Failed).id("z");
    assert_ne!(
        print(app(1).task(just_ended).task(up().id("a"))),
        same,
        "an end that nobody has acted on is"
    );
}

#[test]
fn what_was_seen_once_is_not_forgotten() {
    let earlier = app(1)
        .task(failed(1).id("old").container())
        .task(TaskBuilder::complete().id("done").container());
    let fresh = app(1).task(TaskBuilder::complete().id("done")).task(up().id("new"));
    let known = recall(&earlier.gap().build(), fresh.build(), now());
    let ids: Vec<&str> = known.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["old", "done", "new"], "oldest first");
    assert!(known.tasks[1].container.is_some(), "its container is remembered");
    assert!(known.events_gap);
    // A task that was running and has vanished is not remembered as running.
    let gone = recall(&app(1).task(up().id("a")).build(), app(1).build(), now());
    assert!(gone.tasks.is_empty());
}

fn declared(services: impl IntoIterator<Item = ServiceBuilder>) -> DeclaredStack {
    let name: StackName = "x".parse().unwrap();
    stack(services).declared(&name)
}

#[track_caller]
fn check_wanted(head: ServiceBuilder, base: Option<ServiceBuilder>, must_stay_up: bool) {
    let base = base.map(|service| declared([service]));
    let wanted = Wanted::of(&declared([head]), base.as_ref(), STABILITY);
    assert_eq!(wanted.services[0].must_stay_up.is_some(), must_stay_up, "{wanted:?}");
}

#[test]
fn what_must_stay_up_is_told_by_ports_routers_and_the_base() {
    let shot = || service("app").restart(RestartCondition::OnFailure);
    check_wanted(shot(), None, false);
    check_wanted(shot().routed(80), None, true);
    check_wanted(shot().publishes(80), None, true);
    check_wanted(shot(), Some(shot()), false);
    check_wanted(shot(), Some(service("app")), true);
    check_wanted(shot(), Some(shot().routed(80)), true);
    check_wanted(shot(), Some(service("other")), false);
    let job = service("app").mode(ServiceMode::ReplicatedJob { completions: 1 });
    check_wanted(shot(), Some(job), false);
}

#[test]
fn restart_conditions_say_what_starts_again() {
    let starts = |service: ServiceBuilder| {
        Wanted::of(&declared([service]), None, STABILITY).services[0].starts_again
    };
    assert!(starts(service("app")));
    assert!(!starts(service("app").restart(RestartCondition::OnFailure)));
    assert!(!starts(service("app").restart(RestartCondition::None)));
    assert!(!starts(service("app").mode(ServiceMode::GlobalJob)));
}

fn any_state() -> impl Strategy<Value = TaskState> {
    prop::sample::select(vec![
        TaskState::New,
        TaskState::Pending,
        TaskState::Preparing,
        TaskState::Ready,
        TaskState::Starting,
        TaskState::Running,
        TaskState::Running,
        TaskState::Running,
        TaskState::Complete,
        TaskState::Shutdown,
        TaskState::Failed,
        TaskState::Rejected,
    ])
}

fn any_task() -> impl Strategy<Value = TaskBuilder> {
    let desired = prop::sample::select(vec![
        TaskState::Running,
        TaskState::Running,
        TaskState::Ready,
        TaskState::Shutdown,
    ]);
    (any_state(), desired, any::<bool>(), 1_u64..4, prop::option::of(0_u64..5)).prop_map(
        |(state, desired, old, slot, streak)| {
            let task = task(state).desired(desired).slot(slot);
            let task = if old { task.old() } else { task };
            match streak {
                Some(streak) => task.health("unhealthy", streak),
                None => task,
            }
        },
    )
}

fn any_update() -> impl Strategy<Value = UpdateState> {
    prop::sample::select(vec![
        UpdateState::None,
        UpdateState::None,
        UpdateState::Updating,
        UpdateState::Paused,
        UpdateState::Completed,
        UpdateState::RollbackStarted,
        UpdateState::RollbackPaused,
        UpdateState::RollbackCompleted,
    ])
}

fn any_mode() -> impl Strategy<Value = ServiceMode> {
    prop_oneof![
        (0_u64..4).prop_map(|replicas| ServiceMode::Replicated { replicas }),
        Just(ServiceMode::Global),
        (1_u64..3).prop_map(|completions| ServiceMode::ReplicatedJob { completions }),
        Just(ServiceMode::GlobalJob),
    ]
}

fn any_service(name: &'static str) -> impl Strategy<Value = (WantedService, FactsBuilder)> {
    let tasks = prop::collection::vec(any_task(), 0..6);
    (any_mode(), any_update(), tasks, any::<bool>(), any::<bool>(), 0_u64..4).prop_map(
        move |(mode, update, tasks, starts_again, stays, completed)| {
            let facts = FactsBuilder::new()
                .service(name, mode)
                .update(update)
                .with(|service| service.completed_tasks = completed);
            let facts = tasks.into_iter().fold(facts, FactsBuilder::task);
            let must_stay_up = stays.then(|| "it has a router label".to_owned());
            (WantedService { name: name.into(), must_stay_up, starts_again }, facts)
        },
    )
}

/// Whether one service may count as settled, said in another way than the code under test does.
fn may_be_settled(wanted: &WantedService, facts: &StackFacts) -> bool {
    let service = facts.service(&wanted.name).expect("it is there");
    let tasks: Vec<_> = facts.tasks_of(&wanted.name).collect();
    let live: Vec<_> = tasks.iter().filter(|task| !task.state.is_terminal()).collect();
    let moving = matches!(
        service.update,
        UpdateState::Updating
            | UpdateState::RollbackStarted
            | UpdateState::RollbackPaused
            | UpdateState::RollbackCompleted
    );
    let up = live.iter().filter(|task| {
        let health = task.container.as_ref().and_then(|container| container.health.as_ref());
        (task.state, task.desired, task.current) == (TaskState::Running, TaskState::Running, true)
            && health.is_none_or(|health| health.failing_streak < 3)
    });
    let up = up.count() as u64;
    let finished = tasks.iter().filter(|task| {
        let streak =
            task.container.as_ref().and_then(|c| c.health.as_ref()).map_or(9, |h| h.failing_streak);
        task.current && task.state == TaskState::Complete && streak < 3
    });
    let may_end = !wanted.starts_again && wanted.must_stay_up.is_none();
    let finished = if may_end { finished.count() as u64 } else { 0 };
    let enough = match service.mode {
        ServiceMode::Replicated { replicas } => {
            up == replicas || up < replicas && up + finished >= replicas
        }
        ServiceMode::Global => up >= 1 || up + finished >= 1,
        ServiceMode::ReplicatedJob { completions } => {
            live.is_empty() && service.completed_tasks >= completions
        }
        ServiceMode::GlobalJob => live.is_empty() && service.completed_tasks >= 1,
    };
    !moving && enough && live.len() as u64 == if service.mode.is_job() { 0 } else { up }
}

/// One thing that keeps a stack from having settled.
#[derive(Debug, Clone)]
enum Amiss {
    /// The task of a slot is in that state.
    State(TaskState),
    /// It is wanted in that state.
    Desired(TaskState),
    /// It was made from an old spec.
    Old,
    /// It is not there.
    Gone,
    /// There is one more, in that state.
    More(TaskState, bool),
    Update(UpdateState),
}

fn any_amiss() -> impl Strategy<Value = Amiss> {
    let live = || {
        prop::sample::select(vec![
            TaskState::New,
            TaskState::Pending,
            TaskState::Preparing,
            TaskState::Ready,
            TaskState::Starting,
        ])
    };
    prop_oneof![
        any_state()
            .prop_filter("amiss", |state| *state != TaskState::Running)
            .prop_map(Amiss::State),
        prop::sample::select(vec![TaskState::Ready, TaskState::Shutdown, TaskState::Remove])
            .prop_map(Amiss::Desired),
        Just(Amiss::Old),
        Just(Amiss::Gone),
        (live(), any::<bool>()).prop_map(|(state, old)| Amiss::More(state, old)),
        any::<bool>().prop_map(|old| Amiss::More(TaskState::Running, old)),
        prop::sample::select(vec![
            UpdateState::Updating,
            UpdateState::RollbackStarted,
            UpdateState::RollbackPaused,
            UpdateState::RollbackCompleted,
        ])
        .prop_map(Amiss::Update),
    ]
}

impl Amiss {
    fn of(&self, facts: FactsBuilder, slot: u64) -> StackFacts {
        let mut facts = match self {
            Amiss::Update(state) => facts.update(state.clone()),
            Amiss::More(state, true) => facts.task(task(*state).slot(slot).old()),
            Amiss::More(state, false) => facts.task(task(*state).slot(slot)),
            Amiss::State(_) | Amiss::Desired(_) | Amiss::Old | Amiss::Gone => facts,
        }
        .build();
        if matches!(self, Amiss::Gone) {
            facts.tasks.retain(|task| task.slot != Some(slot));
        }
        let hit = facts.tasks.iter_mut().find(|task| task.slot == Some(slot));
        match (self, hit) {
            (Amiss::State(state), Some(task)) => task.state = *state,
            (Amiss::Desired(desired), Some(task)) => task.desired = *desired,
            (Amiss::Old, Some(task)) => task.current = false,
            _ => {}
        }
        facts
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Never converged while a task of an old spec lives, another one is on its way or on its way
    /// out, or a wanted one does not run.
    #[test]
    fn converged_means_that_everything_wanted_runs(
        (app, facts) in any_service("app"), held_ms in 0_u64..8000,
    ) {
        let facts = facts.replicated("db", 1).task(up()).build();
        let services = vec![app, wanted("db")];
        let held = Duration::from_millis(held_ms);
        if let Convergence::Converged { .. } = judge(&Wanted { services: services.clone(), stability: STABILITY }, &facts, held, now()) {
            prop_assert!(held >= STABILITY);
            let old = facts.tasks.iter().find(|task| !task.current && !task.state.is_terminal());
            prop_assert_eq!(old, None);
            for service in &services {
                prop_assert!(may_be_settled(service, &facts), "{:?}", facts);
            }
        }
    }

    /// From an observation that has settled, with anything of what settles it taken away.
    #[test]
    fn one_thing_amiss_is_enough(replicas in 1_u64..4, slot in 1_u64..4, amiss in any_amiss()) {
        let slot = slot.min(replicas);
        let facts = (1..=replicas).fold(app(replicas), |facts, slot| facts.task(up().slot(slot)));
        let wanted = Wanted { services: vec![wanted("app")], stability: STABILITY };
        let settled = judge(&wanted, &facts.clone().build(), LONG, now());
        prop_assert!(matches!(settled, Convergence::Converged { .. }), "{settled:?}");
        let facts = amiss.of(facts, slot);
        let said = judge(&wanted, &facts, LONG, now());
        prop_assert!(!matches!(said, Convergence::Converged { .. }), "{amiss:?}: {said:?}");
    }

    /// Time alone never changes anything but "hold on" into "converged".
    #[test]
    fn holding_longer_only_ever_completes_a_wait((app, facts) in any_service("app"), held_ms in 0_u64..8000) {
        let facts = facts.build();
        let wanted = Wanted { services: vec![app], stability: STABILITY };
        let soon = judge(&wanted, &facts, Duration::from_millis(held_ms), now());
        let later = judge(&wanted, &facts, LONG, now());
        if let Convergence::NotYet { .. } = soon {
            let is_open = matches!(later, Convergence::NotYet { .. } | Convergence::Converged { .. });
            prop_assert!(is_open, "{later:?}");
        } else {
            prop_assert_eq!(soon, later);
        }
    }
}
