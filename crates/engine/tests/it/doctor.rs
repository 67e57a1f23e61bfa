//! Finding out about a host: what is asked, what is remembered, and that nothing that does not
//! answer keeps anything else from being asked.

use std::sync::Arc;

use cc_ci_core::doctor::{findings, level};
use cc_ci_core::ports::{CommandOutput, EngineError, EngineView, Remembered, SwarmState};
use cc_ci_engine::doctor::{Doctor, Surroundings, Trying, Ways};
use cc_ci_model::doctor::{FindingId, Level};
use cc_ci_model::host::Tried;
use cc_ci_testkit::{FakeCommands, FakeEngine, FakeHost, FakeState, Fault, Faults, VirtualClock};

/// A host on which all is well, and someone to look at it.
struct Practice {
    faults: Arc<Faults>,
    commands: Arc<FakeCommands>,
    engine: Arc<FakeEngine>,
    host: Arc<FakeHost>,
    state: Arc<FakeState>,
    doctor: Doctor,
}

fn practice() -> Practice {
    let faults = Arc::new(Faults::none());
    let clock = Arc::new(VirtualClock::new());
    let commands = Arc::new(FakeCommands::new(clock.clone(), faults.clone()));
    let stdout = b"Docker version 20.10.24+dfsg1, build 297e128\n".to_vec();
    let said = CommandOutput { code: Some(0), expired: false, stdout, stderr: Vec::new() };
    commands.answer("docker", said);
    let engine = Arc::new(FakeEngine::new(faults.clone()));
    let (host, state) = (Arc::new(FakeHost::new()), Arc::new(FakeState::new()));
    let view: Arc<dyn EngineView> = engine.clone();
    let doctor = Doctor {
        clock,
        commands: commands.clone(),
        engine: Ok(view),
        host: host.clone(),
        state: state.clone(),
        surroundings: Surroundings {
            docker_host: "unix:///var/run/docker.sock".into(),
            search_path: "/usr/bin".into(),
            directory: "/".into(),
        },
    };
    Practice { faults, commands, engine, host, state, doctor }
}

fn works() -> Ways {
    Ways { vips: Tried::Works, task_addresses: Tried::Works }
}

fn asked(practice: &Practice) -> usize {
    practice.host.asked.lock().map_or(0, |asked| asked.len())
}

#[tokio::test(start_paused = true)]
async fn a_host_on_which_all_is_well() {
    let practice = practice();
    let found = findings(&practice.doctor.look().await);
    assert_eq!(level(&found), Level::Ok, "{found:#?}");
    let ran: Vec<_> = practice.commands.ran().into_iter().map(|ran| ran.program).collect();
    assert_eq!(ran, ["docker", "git", "bash", "curl"]);
    assert_eq!(practice.doctor.ways(Trying::Forbidden).await, works(), "it is remembered");
}

/// PLAN-1: a plan tries nothing; the first run does, and remembers it for the next.
#[tokio::test(start_paused = true)]
async fn what_was_tried_once_is_not_tried_again() {
    let practice = practice();
    let before = practice.doctor.ways(Trying::Forbidden).await;
    assert_eq!(before, Ways { task_addresses: Tried::Unknown, ..works() });
    assert_eq!(asked(&practice), 0);
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, works());
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, works());
    assert_eq!(practice.doctor.ways(Trying::Forbidden).await, works());
    assert_eq!(asked(&practice), 1);
}

/// What was tried holds for one boot, one network and one engine.
#[tokio::test(start_paused = true)]
async fn another_boot_or_engine_is_another_host() {
    let practice = practice();
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, works());
    practice.host.odd.lock().unwrap().world = "another".into();
    let unknown = Ways { task_addresses: Tried::Unknown, ..works() };
    assert_eq!(practice.doctor.ways(Trying::Forbidden).await, unknown);
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, works());
    practice.engine.state.lock().unwrap().id = "ANOTHER".into();
    assert_eq!(practice.doctor.ways(Trying::Forbidden).await, unknown);
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_is_tried_again() {
    let practice = practice();
    practice.host.odd.lock().unwrap().is_away = true;
    let fails = Ways { task_addresses: Tried::Fails, ..works() };
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, fails);
    assert_eq!(practice.doctor.ways(Trying::Forbidden).await, fails);
    practice.host.odd.lock().unwrap().is_away = false;
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, works());
    let remembered = practice.state.remembered.lock().unwrap().clone();
    assert_eq!(remembered.map(|tried: Remembered| tried.task_addresses), Some(Tried::Works));
}

/// Each call fails and hangs once: the others are asked all the same, and nothing that was not
/// seen is called well.
#[tokio::test(start_paused = true)]
async fn any_question_may_stay_without_an_answer() {
    for fault in [Fault::Fail, Fault::Hang] {
        for nth in 1.. {
            let practice = practice();
            practice.faults.arm(nth, fault);
            // Programs have a deadline of their own, which this fake does not keep.
            if fault == Fault::Hang && (3..7).contains(&nth) {
                continue;
            }
            let found = findings(&practice.doctor.look().await);
            let Some(fired) = practice.faults.fired() else {
                assert!(nth > 6, "only {nth} calls");
                break;
            };
            assert!(level(&found) > Level::Ok, "{fault:?} {fired}: {found:#?}");
            let topics = ["state folder", "disk", "memory", "programs", "leftovers"];
            for topic in topics {
                let is_told = found.iter().any(|finding| finding.id.topic() == topic);
                assert!(is_told, "{fault:?} {fired}: nothing about {topic}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_engine_the_rest_is_looked_at() {
    let mut practice = practice();
    practice.doctor.engine = Err(EngineError::Unreachable {
        operation: "connect".into(),
        message: "Socket not found".into(),
    });
    let found = findings(&practice.doctor.look().await);
    let problems: Vec<_> =
        found.iter().filter(|finding| finding.level > Level::Ok).map(|one| one.id).collect();
    assert_eq!(problems, [FindingId::EngineSilent]);
    let unknown = Ways { vips: Tried::Unknown, task_addresses: Tried::Unknown };
    assert_eq!(practice.doctor.ways(Trying::Allowed).await, unknown);
}

/// A worker cannot list what is on the Swarm: it is not asked, and that is said.
#[tokio::test(start_paused = true)]
async fn only_a_manager_is_asked_for_leftovers() {
    let practice = practice();
    practice.engine.state.lock().unwrap().swarm = SwarmState::Worker;
    let facts = practice.doctor.look().await;
    assert!(facts.marked.is_none());
    assert!(!practice.faults.calls().contains(&"look for leftovers".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_user_who_may_nothing_is_told_what_he_may_not() {
    let practice = practice();
    practice.host.odd.lock().unwrap().denied = Some("Permission denied".into());
    let found = findings(&practice.doctor.look().await);
    let problems: Vec<_> =
        found.iter().filter(|finding| finding.level > Level::Ok).map(|one| one.id).collect();
    assert_eq!(problems, [FindingId::VolumesUnreadable, FindingId::StateFolderReadonly]);
}
