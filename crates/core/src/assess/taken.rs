//! A port of the host that somebody else has: no fault of the recipe (ISO-2, VER-2).
//!
//! What the engine says of it was measured (Engine 20.10): it refuses the service when another one
//! publishes that number, leaves its task pending when another stack's task holds it, and fails to
//! start it when a program of the host does.

use cc_ci_model::compose::{DeclaredService, DeclaredStack, ServiceMode};
use cc_ci_model::evidence::Act;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{AdaptationKind, AppRole, Revision};
use cc_ci_model::stage::Stage;

use super::Context;
use crate::vips::shown;

/// What a refusal of docker says, if it is about a port that another stack has.
pub(super) fn refused(context: Context<'_>, said: &str) -> Option<Outcome> {
    let (_, rest) = said.split_once("port '")?;
    let (port, rest) = rest.split_once("' is already in use by service '")?;
    let (holder, _) = rest.split_once('\'')?;
    let stack = context.plan.app(context.app()?)?.stack.as_str();
    let is_own = holder.strip_prefix(stack).is_some_and(|rest| rest.starts_with('_'));
    (!is_own).then(|| {
        Outcome::errored(format!(
            "port {port} of this host is taken by service `{holder}`, which is not this app's: run again when it is gone"
        ))
    })
}

/// What a stack that does not settle says, if it is about a port that nobody in it can have.
pub(super) fn unsettled(context: Context<'_>, why: &str) -> Option<Outcome> {
    let is_pending = why.contains("host-mode port already in use");
    let is_refused = why.contains("driver failed programming external connectivity")
        && (why.contains("address already in use") || why.contains("port is already allocated"));
    let declared = context.declared()?;
    let published = declared.services.iter().flat_map(|service| &service.ports);
    let numbered = published.filter(|port| port.published.is_some());
    let ports: Vec<String> = numbered.map(shown).collect();
    let is_about_a_port = (is_pending || is_refused) && !ports.is_empty();
    if !is_about_a_port || clashes_with_itself(context, declared) {
        return None;
    }
    Some(Outcome::errored(format!(
        "a port of this host that the recipe publishes ({}) is taken by somebody else: free it, or run again when it is free; {why}",
        ports.join(", ")
    )))
}

/// Whether the stack wants one port of a host twice: then it is the recipe that is at fault.
fn clashes_with_itself(context: Context<'_>, declared: &DeclaredStack) -> bool {
    let services = || declared.services.iter().chain(orphans(context, declared));
    let ports = |service| host_ports(context, service);
    services().any(|service| {
        let others = services().filter(|other| other.name != service.name);
        let is_shared = others.flat_map(ports).any(|other| ports(service).any(|own| own == other));
        let is_wanted_twice = wants_several(service) || keeps_the_old_one(context, service);
        is_shared || ports(service).next().is_some() && is_wanted_twice
    })
}

/// Services of the base that the head dropped: an upgrade leaves them running (STG-3b), with
/// their ports.
fn orphans<'a>(
    context: Context<'a>,
    declared: &'a DeclaredStack,
) -> impl Iterator<Item = &'a DeclaredService> {
    let was_upgraded = context
        .plan
        .apps
        .iter()
        .any(|app| Some(&app.id) == context.app() && app.role == AppRole::Upgraded);
    let base = context.plan.declared(AppRole::Upgraded, Revision::Base).filter(|_| was_upgraded);
    let services = base.into_iter().flat_map(|base| &base.services);
    services.filter(|service| declared.services.iter().all(|kept| kept.name != service.name))
}

/// What a service publishes on the host itself, by the recipe or because we moved it there.
fn host_ports<'a>(
    context: Context<'_>,
    service: &'a DeclaredService,
) -> impl Iterator<Item = (u16, &'a str)> + use<'a> {
    let is_moved = is_moved(context, service);
    let on_host = service.ports.iter().filter(move |port| port.host_mode || is_moved);
    on_host.filter_map(|port| Some((port.published?, port.protocol.as_str())))
}

/// Whether cc-ci publishes its mesh ports on the host (which also turns `start-first` round).
fn is_moved(context: Context<'_>, service: &DeclaredService) -> bool {
    context.plan.adaptations.iter().any(|adaptation| {
        adaptation.kind == AdaptationKind::HostPorts && adaptation.subject == service.name.as_str()
    })
}

fn wants_several(service: &DeclaredService) -> bool {
    match service.mode {
        ServiceMode::Replicated { replicas: tasks }
        | ServiceMode::ReplicatedJob { completions: tasks } => tasks > 1,
        ServiceMode::Global | ServiceMode::GlobalJob => false,
    }
}

/// Whether an update starts the new task while the old one still has the port.
fn keeps_the_old_one(context: Context<'_>, service: &DeclaredService) -> bool {
    let is_upgrade = context.run.stage == Stage::Upgrade && context.revision() == Revision::Head;
    let is_update = is_upgrade || context.run.act(Act::Restart).is_some();
    is_update && service.update.start_first && !is_moved(context, service)
}

#[cfg(test)]
mod tests {
    use cc_ci_model::evidence::{DeploySeen, Evidence, SettleSeen};
    use cc_ci_model::plan::{Adaptation, Plan};
    use cc_ci_model::stack::TaskState;
    use cc_ci_model::time::Timestamp;
    use cc_ci_testkit::{FactsBuilder, PlanBuilder, ServiceBuilder, TaskBuilder, service, stack};

    use super::super::scene::Scene;
    use super::*;

    const PENDING: &str = "no suitable node (host-mode port already in use on 1 node)";
    const REFUSED: &str = "starting container failed: container 21: endpoint join on GW Network failed: driver failed programming \
                           external connectivity on endpoint gateway_b5: Error starting userland proxy: listen tcp4 0.0.0.0:45403: \
                           bind: address already in use";

    /// What an install says when docker refuses it with those words.
    fn deployed(said: &str) -> String {
        let plan = PlanBuilder::new(stack([service("app").routed(80)])).build();
        let seen = DeploySeen {
            revision: Revision::Head,
            exit_code: Some(1),
            said: said.to_owned(),
            engine_answers: true,
            services: Vec::new(),
        };
        let deploy = Act::Deploy { revision: Revision::Head };
        Scene::of(plan)
            .stage(Stage::Install, [(deploy, Evidence::Deployed(seen))])
            .told()
            .join("\n")
    }

    #[test]
    fn a_port_of_another_stack_is_no_fault_of_the_recipe() {
        let said = |holder: &str| {
            format!(
                "failed to create service x_app: Error response from daemon: rpc error: code = InvalidArgument desc = port '45402' \
                 is already in use by service '{holder}' (esyxe9b29ixbzjc9c7vz6cjnm) as an ingress port"
            )
        };
        let told = deployed(&said("other_web"));
        assert!(told.starts_with("errored deploy: ") && told.contains("port '45402'"), "{told}");
        let own = deployed(&said("recipe-0a1b2c_ccci_test_web"));
        assert!(own.starts_with("failed deploy: "), "{own}");
        let alike = deployed(&said("recipe-0a1b2c_ccci_test2_web"));
        assert!(alike.starts_with("errored deploy: "), "{alike}");
    }

    fn publishing(name: &str) -> ServiceBuilder {
        service(name).publishes_on_host(8080)
    }

    /// What a wait says that ends with a task of `app` in that state, with that error.
    #[track_caller]
    fn check(head: impl IntoIterator<Item = ServiceBuilder>, error: &str, status: &str) {
        let told = settled(PlanBuilder::new(stack(head)).build(), error, &[]);
        assert!(told.starts_with(&format!("{status} converge: ")), "{told}");
        assert_eq!(told.contains("(8080/tcp"), status == "errored", "{told}");
    }

    /// What is told of an install that does not settle, with those acts before the wait.
    fn settled(plan: Plan, error: &str, before: &[(Act, Evidence)]) -> String {
        let mut facts = FactsBuilder::new();
        for service in &plan.head.declared.services {
            let task = TaskBuilder::new(TaskState::Pending).error(error);
            facts = facts.replicated(service.name.as_str(), 1).task(task);
        }
        let seen = SettleSeen {
            facts: facts.build(),
            held_since: Timestamp::default(),
            looked_at: Timestamp::default(),
            engine_answers: true,
            expired: true,
            absences: Vec::new(),
        };
        let deployed = DeploySeen {
            revision: Revision::Head,
            exit_code: Some(0),
            said: String::new(),
            engine_answers: true,
            services: Vec::new(),
        };
        let deploy = Act::Deploy { revision: Revision::Head };
        let mut acts = vec![(deploy, Evidence::Deployed(deployed))];
        acts.extend(before.iter().cloned());
        acts.push((Act::Converge, Evidence::Settled(seen)));
        Scene::of(plan).stage(Stage::Install, acts).told().join("\n")
    }

    #[test]
    fn a_port_that_is_taken_is_told_from_one_the_recipe_wants_twice() {
        check([publishing("app")], PENDING, "errored");
        check([publishing("app")], REFUSED, "errored");
        check([service("app").publishes(8080)], PENDING, "errored");
        check(
            [publishing("app")],
            "task: non-zero exit (1): bind: address already in use",
            "failed",
        );
        check([publishing("app"), publishing("web")], PENDING, "failed");
        check([publishing("app"), service("web").publishes_on_host(8081)], PENDING, "errored");
        check([publishing("app").replicas(2)], PENDING, "failed");
    }

    /// Both go to the host where the mesh does not answer, and there they meet.
    #[test]
    fn ports_that_were_moved_to_the_host_can_meet_there() {
        let both = || [service("app").publishes(8080), service("web").publishes(8080)];
        check(both(), PENDING, "errored");
        let moved = |name: &str| Adaptation {
            kind: AdaptationKind::HostPorts,
            subject: name.into(),
            why: "so".into(),
        };
        let mut plan = PlanBuilder::new(stack(both())).build();
        plan.adaptations = vec![moved("app"), moved("web")];
        let told = settled(plan, PENDING, &[]);
        assert!(told.starts_with("failed converge: "), "{told}");
    }

    #[test]
    fn a_forced_update_that_keeps_the_old_task_blocks_itself() {
        let blocked = || PlanBuilder::new(stack([publishing("app").start_first()])).build();
        let restarted = [(Act::Restart, Evidence::Restarted { services: Vec::new() })];
        let told = settled(blocked(), PENDING, &restarted);
        assert!(told.contains("failed converge: "), "{told}");
        let told = settled(blocked(), PENDING, &[]);
        assert!(told.starts_with("errored converge: "), "{told}");
    }
}
