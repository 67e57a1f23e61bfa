//! What is gathered after an act that did not go well (RES-7), and that it changes nothing.

use std::time::Duration;

use cc_ci_model::diagnosis::CauseClass;
use cc_ci_model::event::EventKind;
use cc_ci_model::evidence::{Act, Evidence};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_model::stage::Rung;
use cc_ci_testkit::{Behaviour, Fault, Life, World};

use crate::harness::{Ended, go, one_service, run};

/// Dies for its memory again and again; the last words hold its password.
fn dying(world: &World) {
    let life = Life { oom: true, ..Life::ending(Duration::from_secs(1), 137) };
    world.swarm.behave("app", Behaviour::lives([life]));
}

async fn with(nth: usize, fault: Fault) -> Ended {
    let world = World::of(&one_service());
    dying(&world);
    world.faults.arm(nth, fault);
    go(world).await
}

#[tokio::test(start_paused = true)]
async fn a_red_brings_the_last_lines_of_its_services_without_secrets() {
    let ended = run(&one_service(), dying).await;
    ended.expect(Verdict::Fail, ExitKind::Fail);
    let results = ended.results();
    assert_eq!(results.rungs[&Rung::Install].class, Some(CauseClass::Oom));
    let [told] = results.diagnosis.as_slice() else {
        panic!("one stage is red: {:?}", results.diagnosis);
    };
    let said = told.evidence.join("\n");
    assert!(said.contains("app | last words of app; the password is [secret]"), "{said}");
    assert!(said.contains("exit code 137, out of memory"), "{said}");
    assert!(said.contains("host: 100.0 GiB free on disk, 8.0 GiB of memory available"), "{said}");
}

/// A green run gathers nothing, nor does one that somebody stopped.
#[tokio::test(start_paused = true)]
async fn only_a_red_is_examined() {
    let examines = |ended: &Ended| {
        let events = ended.world.store.events();
        let is_it =
            |kind: &EventKind| matches!(kind, EventKind::ActBegan { act: Act::Examine, .. });
        events.iter().filter(|event| is_it(&event.kind)).count()
    };
    let green = run(&one_service(), |_| {}).await;
    assert_eq!((examines(&green), green.results().diagnosis.len()), (0, 0));
    assert_eq!(examines(&run(&one_service(), dying).await), 1);
    let stopped = run(&one_service(), |world: &World| {
        dying(world);
        world.signals.raise_after(Duration::from_secs(12));
    })
    .await;
    stopped.expect(Verdict::Cancelled, ExitKind::Cancelled);
    assert_eq!((examines(&stopped), stopped.results().diagnosis.len()), (0, 0));
}

/// Whatever goes wrong while it is gathered, the verdict and its reasons stand, and what is missing
/// is told.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_gathered_is_told_and_changes_nothing() {
    let healthy = run(&one_service(), dying).await;
    let calls = healthy.world.faults.calls();
    let log = calls.iter().position(|call| call == "read logs").expect("a log is read") + 1;
    let look = log - 1;
    assert_eq!(calls[look - 1], "look at a stack");
    for nth in [look, log] {
        for fault in [Fault::Fail, Fault::LoseAnswer, Fault::Hang, Fault::HangAfter, Fault::Panic] {
            let ended = with(nth, fault).await;
            ended.check();
            let (told, expected) = (ended.results(), healthy.results());
            assert_eq!(told.verdict, expected.verdict, "{fault:?} {nth}");
            assert_eq!(told.rungs, expected.rungs, "{fault:?} {nth}");
            assert_eq!(told.conditions, expected.conditions, "{fault:?} {nth}");
            let evidence = &told.diagnosis[0].evidence;
            let is_told = evidence.iter().any(|line| line.starts_with("could not be had: "));
            assert!(is_told, "{fault:?} {nth}: {evidence:?}");
            let more = ended.took.saturating_sub(healthy.took);
            assert!(more <= Duration::from_secs(15), "{fault:?} {nth}: {more:?}");
        }
    }
}

/// Nothing was deployed: the host is looked at all the same.
#[tokio::test(start_paused = true)]
async fn a_run_that_deployed_nothing_is_examined_without_a_stack() {
    use cc_ci_model::evidence::ImageFound;
    let ended = run(&one_service(), |world: &World| {
        let message = "write /x: no space left on device".to_owned();
        world.swarm.image("registry.test/app:1.0.0", ImageFound::Unreachable { message });
    })
    .await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert_eq!(ended.results().rungs[&Rung::Install].class, Some(CauseClass::Resources));
    let events = ended.world.store.events();
    let seen = events.iter().find_map(|event| match &event.kind {
        EventKind::ActEnded { evidence } => match evidence.as_ref() {
            Evidence::Examined(seen) => Some(seen.clone()),
            _ => None,
        },
        _ => None,
    });
    let seen = seen.expect("it was examined");
    assert_eq!((seen.facts, seen.logs.len(), seen.missing.len()), (None, 0, 0));
    assert!(seen.free_bytes.is_some());
}
