//! Whether the fresh head may be installed while the base is (STG-2).
//!
//! Tests: `planning/tests.rs`.

use cc_ci_model::compose::{DeclaredStack, MountKind};
use cc_ci_model::host::Capacity;
use cc_ci_model::plan::{AppRole, Plan, PlannedApp, Revision};

use crate::app::fixed_names;

/// A node with less has enough to do with one app.
const LEAST: Capacity = Capacity { cpus: 2, memory_bytes: 4 << 30 };

/// Both are wanted, nothing the two apps want is there only once, and the node has room for both.
pub(super) fn may_be(plan: &Plan) -> bool {
    let has_room = plan
        .host
        .capacity
        .is_some_and(|has| has.cpus >= LEAST.cpus && has.memory_bytes >= LEAST.memory_bytes);
    let mut apps = plan.apps.iter().filter(|app| !app.contingent);
    let is_upgraded = apps.clone().any(|app| app.role == AppRole::Upgraded);
    plan.fresh_head && is_upgraded && has_room && !apps.any(|app| clashes(plan, app))
}

fn clashes(plan: &Plan, app: &PlannedApp) -> bool {
    let all = [Revision::Base, Revision::Head].map(|revision| plan.declared(app.role, revision));
    let mut all = all.into_iter().flatten();
    // The base is declared for the upgraded app: the fresh one never runs it.
    let is_its_own = |declared: &&DeclaredStack| fixed_names(declared, app).is_empty();
    let own = plan.declared(app.role, Revision::Head);
    all.any(wants_what_is_there_once) || !own.iter().all(is_its_own)
}

/// A port of the host or of the ingress mesh, a folder of the host to write to, or a share of the
/// node's resources, which Swarm keeps for one task and so may lack for the other.
fn wants_what_is_there_once(declared: &DeclaredStack) -> bool {
    declared.services.iter().any(|service| {
        let mut mounts = service.mounts.iter();
        let writes = mounts.any(|mount| mount.kind == MountKind::Bind && !mount.read_only);
        let mut paths = service.template.keys();
        let reserves = paths.any(|path| path.starts_with("deploy.resources.reservations"));
        writes || reserves || !service.ports.is_empty()
    })
}
