//! Findings: a host on which all is well, and one change to it for each other finding.

use std::collections::BTreeSet;

use cc_ci_model::doctor::{Finding, FindingId, Level};
use cc_ci_model::event::{Event, EventKind, Tool};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::host::Tried;
use cc_ci_model::intent::{Object, ObjectKind, ProcessId};
use cc_ci_model::plan::Plan;
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::minimal_plan;

use super::*;
use crate::ports::{Node, SwarmState, Trace};

const RUN: &str = "20261124T053000-a-0a1b2c";
const GIB: u64 = 1 << 30;

fn kernel(release: &str) -> Kernel {
    Kernel { release: release.into(), memory_bytes: 16 * GIB }
}

fn node(id: &str, availability: &str, state: &str) -> Node {
    Node {
        id: id.into(),
        name: format!("host-{id}"),
        availability: availability.into(),
        state: state.into(),
    }
}

fn program(name: &str) -> Program {
    Program { name: name.into(), said: Ok(format!("{name} 1")) }
}

fn engine() -> EngineState {
    EngineState {
        id: "ID".into(),
        version: "28.2.2".into(),
        api_version: "1.50".into(),
        kernel: kernel("6.1.0"),
        root: Some("/var/lib/docker".into()),
        swarm: manager(vec![node("n1", "active", "ready")]),
    }
}

fn manager(nodes: Vec<Node>) -> SwarmState {
    SwarmState::Manager { node: "n1".into(), nodes: Ok(nodes) }
}

/// A host on which all is well.
fn well() -> Facts {
    Facts {
        docker_host: "unix:///var/run/docker.sock".into(),
        cli: Program {
            name: "docker".into(),
            said: Ok("Docker version 20.10.24+dfsg1, build 297e128\n".into()),
        },
        programs: ["git", "bash", "curl"].map(program).into(),
        engine: Ok(engine()),
        reach: Reach {
            gateway: "172.18.0.1".parse().ok(),
            gateway_is_own: true,
            answered: Some(true),
        },
        has_ip_vs: true,
        kernel: kernel("6.1.0"),
        volumes: Some(("/var/lib/docker/volumes".into(), Ok(()))),
        state_folder: "/var/lib/cc-ci".into(),
        state_writable: Ok(()),
        disks: vec![Disk {
            what: "images",
            folder: "/var/lib/docker".into(),
            free_bytes: 50 * GIB,
        }],
        memory_available_bytes: Some(4 * GIB),
        open_files: Some(1024),
        runs: Ok(Vec::new()),
        marked: Some(Ok(Vec::new())),
    }
}

fn with(change: impl FnOnce(&mut Facts)) -> Facts {
    let mut facts = well();
    change(&mut facts);
    facts
}

fn swarm(state: SwarmState) -> Facts {
    with(|facts| facts.engine = Ok(EngineState { swarm: state, ..engine() }))
}

fn silent(message: &str) -> Facts {
    with(|facts| {
        facts.engine = Err(EngineError::Unreachable {
            operation: "read the engine's state".into(),
            message: message.into(),
        });
        facts.marked = None;
    })
}

fn cli(said: Result<&str, &str>) -> Facts {
    with(|facts| facts.cli.said = said.map(str::to_owned).map_err(str::to_owned))
}

fn without(name: &str) -> Facts {
    with(|facts| {
        for program in facts.programs.iter_mut().filter(|program| program.name == name) {
            program.said = Err("not found".into());
        }
    })
}

fn disk(free_bytes: u64) -> Facts {
    with(|facts| facts.disks[0].free_bytes = free_bytes)
}

fn memory(bytes: Option<u64>) -> Facts {
    with(|facts| facts.memory_available_bytes = bytes)
}

fn traced(trace: Trace) -> Facts {
    with(|facts| {
        let path = format!("/var/lib/cc-ci/runs/{RUN}");
        facts.runs = Ok(vec![RunTrace { name: RUN.into(), path, trace }]);
    })
}

fn object(run: &str) -> Object {
    Object {
        kind: ObjectKind::Network,
        id: "x".into(),
        name: "a_net".into(),
        stack: None,
        run: Some(run.into()),
    }
}

fn planned(keep: bool) -> EventKind {
    let plan = Plan { keep, ..minimal_plan() };
    EventKind::Planned {
        schema_version: 1,
        tool: Tool { version: "0".into(), commit: None },
        owner: ProcessId { pid: 1, started_ticks: 1, boot_id: "b".into() },
        plan: Box::new(plan),
    }
}

fn log(kinds: Vec<EventKind>) -> Facts {
    let at = Timestamp::from_millis(0);
    let numbered = kinds.into_iter().zip(1..);
    traced(Trace::Log(
        numbered
            .map(|(kind, seq)| Event { seq, at, lane: cc_ci_model::event::Lane::Main, kind })
            .collect(),
    ))
}

fn ended(plan: EventKind, left: Result<Vec<Object>, ()>) -> Facts {
    let complete = left.is_ok();
    let looked = EventKind::InventoryTaken { left: left.unwrap_or_default(), complete };
    log(vec![plan, looked, EventKind::Sealed { sha256: "0".into() }])
}

fn marked(mut facts: Facts, run: &str) -> Facts {
    facts.marked = Some(Ok(vec![object(run)]));
    facts
}

/// Every finding but those of a host on which all is well, with what leads to it.
fn table() -> Vec<(FindingId, Facts)> {
    [docker_rows(), swarm_rows(), network_rows(), host_rows(), leftover_rows()]
        .into_iter()
        .flatten()
        .collect()
}

fn docker_rows() -> Vec<(FindingId, Facts)> {
    use FindingId as Id;
    let mut elsewhere = silent("expected unix://… or tcp://…");
    elsewhere.docker_host = "ssh://elsewhere".into();
    let old = EngineState { version: "19.03.15".into(), ..engine() };
    vec![
        (Id::CliMissing, cli(Err("not found on its PATH"))),
        (Id::CliOld, cli(Ok("Docker version 19.03.15, build 99e3ed8919"))),
        (Id::CliUnreadable, cli(Ok("podman, emulating"))),
        (Id::EngineSilent, silent("Connection refused (os error 111)")),
        (Id::EngineDenied, silent("Permission denied (os error 13)")),
        (Id::EngineAddress, elsewhere),
        (Id::EngineOld, with(|facts| facts.engine = Ok(old))),
    ]
}

fn swarm_rows() -> Vec<(FindingId, Facts)> {
    use FindingId as Id;
    let failing = SwarmState::Unready { state: "error".into(), message: "no manager".into() };
    let leaderless =
        SwarmState::Manager { node: "n1".into(), nodes: Err("it has no leader".into()) };
    let two =
        |state: &str| manager(vec![node("n1", "active", "ready"), node("n2", "active", state)]);
    vec![
        (Id::SwarmNone, swarm(SwarmState::Inactive)),
        (Id::SwarmWorker, swarm(SwarmState::Worker)),
        (Id::SwarmLocked, swarm(SwarmState::Locked)),
        (Id::SwarmUnready, swarm(failing)),
        (Id::SwarmLeaderless, swarm(leaderless)),
        (Id::NodeDrained, swarm(manager(vec![node("n1", "drain", "ready")]))),
        (Id::NodesSeveral, swarm(two("ready"))),
        // It may come back in the middle of a run.
        (Id::NodesSeveral, swarm(two("disconnected"))),
    ]
}

fn network_rows() -> Vec<(FindingId, Facts)> {
    use FindingId as Id;
    let remote = |facts: &mut Facts| facts.kernel = kernel("6.9.9");
    let reach = |gateway_is_own, answered| {
        with(|facts| facts.reach = Reach { gateway_is_own, answered, ..facts.reach })
    };
    vec![
        (Id::VipsSilent, with(|facts| facts.has_ip_vs = false)),
        (Id::VipsUnknown, with(remote)),
        (Id::TaskAddressesSilent, reach(false, Some(false))),
        (Id::TaskAddressesUnknown, with(remote)),
        (Id::TaskAddressesUnknown, reach(true, Some(false))),
        (Id::TaskAddressesUnknown, reach(false, None)),
        (Id::TaskAddressesUnknown, reach(false, Some(true))),
        (Id::TaskAddressesUnknown, with(|facts| facts.reach = Reach::default())),
    ]
}

fn host_rows() -> Vec<(FindingId, Facts)> {
    use FindingId as Id;
    let denied = || Err("Permission denied".to_owned());
    vec![
        (Id::VolumesUnreadable, with(|facts| facts.volumes = Some(("/v".into(), denied())))),
        (Id::StateFolderReadonly, with(|facts| facts.state_writable = denied())),
        (Id::DiskLow, disk(5 * GIB - 1)),
        (Id::DiskLow, disk(GIB)),
        (Id::DiskFull, disk(GIB - 1)),
        (Id::MemoryLow, memory(Some(GIB - 1))),
        (Id::MemoryLow, memory(Some(GIB / 4))),
        (Id::MemoryShort, memory(Some(GIB / 4 - 1))),
        (Id::MemoryUnknown, memory(None)),
        (Id::OpenFilesLow, with(|facts| facts.open_files = Some(1023))),
        (Id::ToolMissing, without("git")),
        (Id::ToolWanted, without("curl")),
    ]
}

fn leftover_rows() -> Vec<(FindingId, Facts)> {
    use FindingId as Id;
    let refused =
        EngineError::Refused { operation: "list".into(), status: 500, message: "x".into() };
    vec![
        (Id::RunDied, log(vec![planned(false)])),
        (Id::RunDied, marked(log(vec![planned(true)]), RUN)),
        (Id::RunUnplanned, log(Vec::new())),
        (Id::RunUnreadable, traced(Trace::Unreadable("line 3 is no event".into()))),
        (Id::RunLeft, ended(planned(false), Ok(vec![object(RUN)]))),
        (Id::RunLeft, ended(planned(false), Err(()))),
        (Id::RunLeft, marked(ended(planned(false), Ok(Vec::new())), RUN)),
        (Id::RunLeft, marked(traced(Trace::Cleaned), RUN)),
        (Id::RunKept, ended(planned(true), Ok(vec![object(RUN)]))),
        (Id::RunUnknown, marked(well(), RUN)),
        (Id::LeftoversUnknown, with(|facts| facts.marked = Some(Err(refused)))),
        (Id::LeftoversUnknown, with(|facts| facts.runs = Err("Permission denied".into()))),
    ]
}

fn ids(findings: &[Finding]) -> Vec<FindingId> {
    findings.iter().map(|finding| finding.id).collect()
}

#[test]
fn every_finding_has_facts_that_lead_to_it_and_a_next_step() {
    let all_well = findings(&well());
    let mut seen: BTreeSet<FindingId> = ids(&all_well).into_iter().collect();
    for (id, facts) in table() {
        let all = findings(&facts);
        let found: Vec<&Finding> = all.iter().filter(|finding| finding.id == id).collect();
        assert_eq!(found.len(), 1, "{id:?}: {all:#?}");
        assert!(found[0].next.is_some(), "{:?} has no next step", found[0]);
        assert!(!found[0].what.is_empty() && !found[0].place.is_empty(), "{:?}", found[0]);
        seen.insert(id);
    }
    let all: BTreeSet<FindingId> = FindingId::ALL.iter().copied().collect();
    let missing: Vec<_> = all.difference(&seen).collect();
    assert!(missing.is_empty(), "nothing leads to {missing:?}");
}

/// One change, one finding: nothing else of the host is talked about in another way.
#[test]
fn what_is_well_stays_well_beside_a_finding() {
    let well: BTreeSet<FindingId> = ids(&findings(&well())).into_iter().collect();
    for (id, facts) in table() {
        let is_far = matches!(id, FindingId::VipsUnknown | FindingId::TaskAddressesUnknown);
        let others = findings(&facts);
        let odd: Vec<&Finding> = others
            .iter()
            .filter(|finding| finding.id.topic() != id.topic() && !well.contains(&finding.id))
            .collect();
        assert!(odd.is_empty() || is_far, "{id:?}: {odd:#?}");
    }
}

#[test]
fn a_host_on_which_all_is_well_needs_nothing() {
    let all = findings(&well());
    assert_eq!((level(&all), exit(level(&all))), (Level::Ok, ExitKind::Pass));
    assert!(all.iter().all(|finding| finding.next.is_none()), "{all:#?}");
    assert_eq!(all[0].what, "20.10.24+dfsg1");
}

#[test]
fn only_a_problem_ends_with_an_error() {
    for (id, facts) in table() {
        let worst = level(&findings(&facts));
        assert!(worst >= id.level(), "{id:?}: {worst:?}");
        let expected = if worst == Level::Problem { ExitKind::Error } else { ExitKind::Pass };
        assert_eq!(exit(worst), expected, "{id:?}");
    }
    assert!(Level::Ok < Level::Warning && Level::Warning < Level::Problem);
}

/// What only a silent engine could have told has no finding of its own, and nothing is guessed.
#[test]
fn a_silent_engine_is_one_finding_and_says_what_was_not_looked_at() {
    let all = findings(&silent("Connection refused"));
    let topics: Vec<&str> = all.iter().map(|finding| finding.id.topic()).collect();
    assert!(!topics.contains(&"Swarm") && !topics.contains(&"service VIPs"), "{topics:?}");
    let engine = all.iter().find(|finding| finding.id == FindingId::EngineSilent).unwrap();
    assert!(engine.what.contains("could not be looked at"), "{engine:?}");
    let leftovers = all.iter().find(|finding| finding.id == FindingId::LeftoversNone).unwrap();
    assert!(leftovers.what.contains("the engine was not asked"), "{leftovers:?}");
}

/// A run that lives is nobody's leftover, and neither is what it has on the engine.
#[test]
fn a_living_run_is_left_alone() {
    let all = findings(&marked(traced(Trace::Alive), RUN));
    assert_eq!(all.last().map(|finding| finding.id), Some(FindingId::LeftoversNone));
    let nodes = vec![
        node("n1", "active", "ready"),
        node("n2", "drain", "ready"),
        node("n3", "active", "down"),
    ];
    let all = findings(&swarm(manager(nodes)));
    let swarm = all.iter().find(|finding| finding.id == FindingId::Swarm).unwrap();
    assert_eq!(swarm.what, "manager; the other 2 nodes take no tasks");
}

#[test]
fn what_is_left_is_named_with_the_command_that_removes_it() {
    let all = findings(&marked(log(vec![planned(false)]), RUN));
    let died = all.iter().find(|finding| finding.id == FindingId::RunDied).unwrap();
    assert_eq!(died.what, format!("run {RUN} died before its end; on the engine: network a_net"));
    assert_eq!(died.next, Some(format!("cc-ci cleanup {RUN}")));
}

#[test]
fn an_answer_counts_only_from_an_engine_of_this_kernel() {
    let (own, other) = (kernel("6.1.0"), kernel("6.1.0-other"));
    let more_memory = Kernel { memory_bytes: 1, ..own.clone() };
    let reach = |gateway_is_own, answered| Reach { gateway: None, gateway_is_own, answered };
    for (engine, gateway_is_own, answered, expected) in [
        (&own, true, Some(true), Tried::Works),
        (&own, false, Some(true), Tried::Unknown),
        (&own, true, None, Tried::Works),
        (&own, true, Some(false), Tried::Unknown),
        (&own, false, None, Tried::Unknown),
        (&own, false, Some(false), Tried::Fails),
        (&other, false, Some(false), Tried::Fails),
        (&other, true, Some(true), Tried::Unknown),
        (&other, false, Some(true), Tried::Unknown),
        (&other, true, Some(false), Tried::Unknown),
        (&other, false, None, Tried::Unknown),
        (&more_memory, true, Some(true), Tried::Unknown),
    ] {
        let seen = task_addresses(engine, &own, &reach(gateway_is_own, answered));
        assert_eq!(seen, expected, "{engine:?} {gateway_is_own} {answered:?}");
    }
    assert_eq!(vips(&own, &own, true), Tried::Works);
    assert_eq!(vips(&own, &own, false), Tried::Fails);
    assert_eq!(vips(&other, &own, true), Tried::Unknown);
    assert_eq!(vips(&other, &own, false), Tried::Unknown);
}
