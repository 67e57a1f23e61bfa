//! Why a revision that can be read is not deployed all the same, though nothing is wrong with it:
//! its storage is not the run's own (ISO-4), or this host's docker CLI is too old for it (IN-7).
//!
//! Tests: `planning/tests.rs`.

use cc_ci_model::compose::{DeclaredStack, ServiceMode};

use crate::host_paths;

/// What keeps a revision from being deployed on a host with that docker CLI.
pub(super) fn why(declared: &DeclaredStack, cli: &str) -> Option<String> {
    host_paths::refused(declared).or_else(|| too_new(declared, cli))
}

/// What a newer CLI would take: 23 reads a missing `version:` as the newest format (20.10 as 1.0,
/// which a version in an overlay does not mend; measured), and knows modes of jobs in a stack
/// (docker/cli 2907; 20.10: `Unknown mode`; measured).
fn too_new(declared: &DeclaredStack, cli: &str) -> Option<String> {
    if !is_old(cli) {
        return None;
    }
    if declared.format.is_none() {
        return Some(format!(
            "the compose files have no `version:`, which docker CLI {cli} reads as format 1; a newer CLI would take them: \
             use one, or add `version: \"3.8\"`"
        ));
    }
    let job = declared.services.iter().find(|service| is_job(service.mode))?;
    Some(format!(
        "service {} is a job (`deploy.mode`), which docker CLI {cli} cannot deploy in a stack; CLI 23 and newer can: use one",
        job.name
    ))
}

fn is_job(mode: ServiceMode) -> bool {
    matches!(mode, ServiceMode::ReplicatedJob { .. } | ServiceMode::GlobalJob)
}

/// A version that can not be read is taken for a new one: docker itself will say.
fn is_old(cli: &str) -> bool {
    let major = cli.split('.').next().and_then(|major| major.parse::<u32>().ok());
    major.is_some_and(|major| major < 23)
}
