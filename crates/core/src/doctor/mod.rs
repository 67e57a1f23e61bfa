//! What is well on a host and what is not, and what to do about it: a pure function of facts.
//!
//! A finding that stands for a run that could not work, or could not be believed, is a problem;
//! everything else a run gets along with. Each thing that was looked at has exactly one finding,
//! what is well too; what a silent engine could have told has none, and the engine's says so.
//!
//! Tests: `doctor/tests.rs`, one row for each finding.

mod docker;
mod host;
mod leftovers;
mod network;
#[cfg(test)]
mod tests;

use cc_ci_model::doctor::{Finding, Level};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::intent::Object;

use crate::ports::{EngineError, EngineState, Kernel, RunTrace};

pub use network::{Reach, task_addresses, vips};

/// Everything `cc-ci doctor` found out.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The engine's address, as it was given.
    pub docker_host: String,
    /// `docker`.
    pub cli: Program,
    /// Other programs that cc-ci or tests call.
    pub programs: Vec<Program>,
    /// The engine, or why it did not answer.
    pub engine: Result<EngineState, EngineError>,
    /// What was tried with the tasks' addresses.
    pub reach: Reach,
    /// The kernel of this process has `ip_vs`.
    pub has_ip_vs: bool,
    /// The kernel of this process.
    pub kernel: Kernel,
    /// The folder of the engine's volumes and whether its entries can be read; `None` while the
    /// engine does not say where it is.
    pub volumes: Option<(String, Result<(), String>)>,
    /// Where runs are kept.
    pub state_folder: String,
    /// Whether something can be written there.
    pub state_writable: Result<(), String>,
    /// Room on disks, for each folder that can be measured from here.
    pub disks: Vec<Disk>,
    /// Memory that can be had now, in bytes.
    pub memory_available_bytes: Option<u64>,
    /// How many files this process may open at once; `None` without a limit.
    pub open_files: Option<u64>,
    /// Runs in the state folder, or why they cannot be listed.
    pub runs: Result<Vec<RunTrace>, String>,
    /// Everything on the engine with a run's label; `None` where it was not asked.
    pub marked: Option<Result<Vec<Object>, EngineError>>,
}

/// A program that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What it says of its version, or why it does not.
    pub said: Result<String, String>,
}

/// Room on the disk of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// What the folder is for.
    pub what: &'static str,
    /// The folder.
    pub folder: String,
    /// Room, in bytes.
    pub free_bytes: u64,
}

/// Everything there is to say about a host, in the order in which it is to be mended.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![docker::cli(facts), docker::engine(facts)];
    if let Ok(engine) = &facts.engine {
        all.extend(docker::swarm(engine));
        all.extend(network::findings(facts, engine));
        all.extend(host::volumes(facts));
    }
    all.push(host::state_folder(facts));
    all.extend(facts.disks.iter().map(host::disk));
    all.push(host::memory(facts));
    all.push(host::open_files(facts));
    all.extend(host::programs(facts));
    all.extend(leftovers::findings(facts));
    all
}

/// The worst of them.
pub fn level(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
}

/// What `cc-ci doctor` ends with: warnings are no error.
pub fn exit(level: Level) -> ExitKind {
    match level {
        Level::Ok | Level::Warning => ExitKind::Pass,
        Level::Problem => ExitKind::Error,
    }
}
