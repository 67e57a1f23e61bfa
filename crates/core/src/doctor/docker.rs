//! The docker CLI, the engine and its Swarm.

use cc_ci_model::doctor::{Finding, FindingId};

use super::Facts;
use crate::ports::{EngineError, EngineState, Node, SwarmState};

/// The oldest docker CLI whose flags are enough (IN-7), and the oldest engine cc-ci is tried on.
const OLDEST: (u32, u32) = (20, 10);

pub(super) fn cli(facts: &Facts) -> Finding {
    let place = "`docker` on PATH";
    let install = "install the docker CLI, 20.10 or newer (Debian: `apt-get install docker.io`)";
    let said = match &facts.cli.said {
        Ok(said) => said.trim(),
        Err(why) => {
            return Finding::new(FindingId::CliMissing, format!("cannot be run: {why}"), place)
                .next(install);
        }
    };
    // `Docker version 20.10.24+dfsg1, build 297e128`
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_numeric()));
    let version = version.map(|version| version.trim_end_matches(','));
    match version.and_then(|version| Some((version, numbers(version)?))) {
        Some((version, found)) if found >= OLDEST => Finding::new(FindingId::Cli, version, place),
        Some((version, _)) => {
            let what = format!("{version} is too old: cc-ci needs 20.10 or newer");
            Finding::new(FindingId::CliOld, what, place).next(install)
        }
        None => {
            let what = format!("`docker --version` does not tell a version: {said}");
            Finding::new(FindingId::CliUnreadable, what, place).next(
                "put the docker CLI first on PATH: what is called `docker` there is something else",
            )
        }
    }
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub(super) fn engine(facts: &Facts) -> Finding {
    let place = facts.docker_host.clone();
    let engine = match &facts.engine {
        Ok(engine) => engine,
        Err(error) => return silent(error, place),
    };
    let what = format!("{}, API {}", engine.version, engine.api_version);
    if numbers(&engine.version).is_some_and(|found| found < OLDEST) {
        let what = format!("{what}: cc-ci is not tried on engines before 20.10");
        return Finding::new(FindingId::EngineOld, what, place).next("update Docker");
    }
    Finding::new(FindingId::Engine, what, place)
}

fn silent(error: &EngineError, place: String) -> Finding {
    let message = match error {
        EngineError::Unreachable { message, .. } => message.clone(),
        EngineError::Refused { .. } => error.to_string(),
    };
    let known = ["unix://", "tcp://", "http://"];
    if !known.iter().any(|scheme| place.starts_with(scheme)) {
        return Finding::new(FindingId::EngineAddress, "cc-ci cannot use this address", place)
            .next("set DOCKER_HOST to unix://PATH or tcp://HOST:PORT");
    }
    let unseen = "Swarm, network and volumes could not be looked at";
    if message.to_lowercase().contains("permission denied") {
        let what = format!("this user may not use it; {unseen}");
        return Finding::new(FindingId::EngineDenied, what, place)
            .next("run cc-ci as root: it reads the files of volumes too");
    }
    let what = format!("does not answer: {message}; {unseen}");
    Finding::new(FindingId::EngineSilent, what, place)
        .next("start Docker (`systemctl start docker`), or set DOCKER_HOST to an engine that runs")
}

/// One finding, or one for each thing that keeps a manager from being enough.
pub(super) fn swarm(engine: &EngineState) -> Vec<Finding> {
    let here = "this engine";
    let one = match &engine.swarm {
        SwarmState::Inactive => Finding::new(FindingId::SwarmNone, "in no Swarm", here).next(
            "docker swarm init (on a laptop: `docker swarm init --advertise-addr 127.0.0.1`)",
        ),
        SwarmState::Locked => Finding::new(FindingId::SwarmLocked, "the Swarm is locked", here)
            .next("docker swarm unlock"),
        SwarmState::Unready { state, message } => {
            let what = format!("not ready ({state}): {message}");
            Finding::new(FindingId::SwarmUnready, what.trim_end_matches([':', ' ']), here)
                .next("look at `docker info`; `docker swarm leave`, then join or init again")
        }
        SwarmState::Worker => {
            Finding::new(FindingId::SwarmWorker, "a worker: it cannot deploy stacks", here).next(
                "run cc-ci on a manager, or make this node one: `docker node promote NODE` there",
            )
        }
        SwarmState::Manager { nodes: Err(message), .. } => Finding::new(
            FindingId::SwarmLeaderless,
            format!("its nodes cannot be listed: {message}"),
            here,
        )
        .next("bring back enough managers, or `docker swarm init --force-new-cluster`"),
        SwarmState::Manager { node, nodes: Ok(nodes) } => return manager(node, nodes),
    };
    vec![one]
}

fn manager(own: &str, nodes: &[Node]) -> Vec<Finding> {
    let (own, others): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| node.id == own);
    let mut found = Vec::new();
    for node in own.iter().filter(|node| node.availability != "active") {
        let what = format!("this node takes no tasks (availability {})", node.availability);
        let next = format!("docker node update --availability active {}", node.id);
        found.push(Finding::new(FindingId::NodeDrained, what, node.name.clone()).next(next));
    }
    for node in others.iter().filter(|node| node.availability == "active" && node.state != "down") {
        let what = "another node takes tasks too: cc-ci reaches tasks and volumes of its own node \
                    only, so a verdict would depend on where tasks happen to land";
        let next = format!(
            "use a Swarm of one node for cc-ci, or `docker node update --availability drain {}`",
            node.id
        );
        found.push(Finding::new(FindingId::NodesSeveral, what, node.name.clone()).next(next));
    }
    if found.is_empty() {
        let what = match others.len() {
            0 => "manager, the only node".to_owned(),
            1 => "manager; the other node takes no tasks".to_owned(),
            more => format!("manager; the other {more} nodes take no tasks"),
        };
        let name = own.first().map_or("this engine", |node| node.name.as_str());
        found.push(Finding::new(FindingId::Swarm, what, name));
    }
    found
}
