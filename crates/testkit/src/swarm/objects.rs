//! Single objects of the simulated engine: what there is of a scope, and what may be removed.

use cc_ci_core::ports::{EngineError, Removal, Scope};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::name::RunId;

use super::behaviour::Answer;
use super::sim::{Sim, Thing};

impl Sim {
    /// Everything that was not there before.
    pub(super) fn left(&self) -> Vec<Object> {
        let things =
            self.things.iter().filter(|thing| !thing.foreign).map(|thing| thing.object.clone());
        self.of_services().chain(things).collect()
    }

    fn of_services(&self) -> impl Iterator<Item = Object> {
        let services = self.services.iter().map(super::sim::Service::object);
        let tasks = self
            .tasks
            .iter()
            .filter(|task| !task.state.is_terminal())
            .map(super::sim::Task::object);
        services.chain(tasks).chain(self.containers.iter().map(super::sim::Container::object))
    }

    /// What belongs to a scope.
    pub(super) fn inventory(&self, scope: &Scope) -> Vec<Object> {
        let of_stack = |stack: &Option<String>| {
            stack
                .as_ref()
                .is_some_and(|name| scope.stacks.iter().any(|known| known.as_str() == name))
        };
        let is_ours = |thing: &&Thing| {
            let Object { name, stack, run, .. } = &thing.object;
            let of_run =
                scope.run.as_ref().is_some_and(|known| run.as_deref() == Some(known.as_str()));
            let claims_another =
                (stack.is_some() && !of_stack(stack)) || (run.is_some() && !of_run);
            // A fixed name alone proves nothing: it could be a stranger's.
            let is_telling = is_anonymous(name)
                || scope.stacks.iter().any(|known| name.starts_with(&format!("{known}_")));
            let by_name = scope.names.contains(name) && !claims_another && is_telling;
            of_stack(stack) || of_run || by_name
        };
        let anonymous = self
            .containers
            .iter()
            .filter(|container| of_stack(&Some(container.stack.clone())))
            .flat_map(|container| &container.anonymous);
        let anonymous: Vec<&str> = anonymous.map(|volume| volume.name.as_str()).collect();
        let in_container = |thing: &&Thing| anonymous.contains(&thing.object.name.as_str());
        let things = self.things.iter().filter(|thing| is_ours(thing) || in_container(thing));
        // An anonymous volume is its container's, which is the stack's.
        let claimed = |thing: &Thing| {
            let mut object = thing.object.clone();
            if in_container(&thing) {
                object.stack = scope.stacks.first().map(ToString::to_string);
            }
            object
        };
        let mut all: Vec<Object> = self
            .of_services()
            .filter(|object| of_stack(&object.stack))
            .chain(things.map(claimed))
            .collect();
        all.sort();
        all
    }

    /// Removes one object, unless something uses it.
    pub(super) fn remove(&mut self, object: &Object) -> Removal {
        match object.kind {
            ObjectKind::Service => {
                self.remove_service(&object.id);
                return Removal::Gone;
            }
            ObjectKind::Container => return self.remove_container(&object.id),
            ObjectKind::Task => {
                let message = "a task cannot be removed: it ends with its service".to_owned();
                return Removal::InUse { message };
            }
            ObjectKind::Network | ObjectKind::Secret | ObjectKind::Config | ObjectKind::Volume => {}
        }
        let Some(place) = self
            .things
            .iter()
            .position(|thing| thing.object.kind == object.kind && thing.object.id == object.id)
        else {
            return Removal::Gone;
        };
        if let Some(message) = self.user_of(object) {
            return Removal::InUse { message };
        }
        self.things.remove(place);
        if !self.outliving.contains(&object.name) {
            self.files.retain(|(owner, _), _| owner != &object.name);
        }
        self.announce();
        Removal::Gone
    }

    /// One that runs is killed first, and takes its task along.
    fn remove_container(&mut self, id: &str) -> Removal {
        if let Some(container) = self.containers.iter().find(|container| container.id == id) {
            let task = container.task.clone();
            self.exit(&task, 137);
            self.reap(id);
        }
        Removal::Gone
    }

    /// Who uses a thing, in the engine's words.
    fn user_of(&self, object: &Object) -> Option<String> {
        let name = &object.name;
        match object.kind {
            ObjectKind::Secret | ObjectKind::Config => {
                let uses = |service: &&super::sim::Service| {
                    service.spec.secrets.contains(name) || service.spec.configs.contains(name)
                };
                let user = self.services.iter().find(uses)?;
                let kind = object.kind.as_str();
                Some(format!("{kind} '{name}' is in use by the following service: {}", user.name))
            }
            ObjectKind::Network => {
                let uses = |spec: &super::sim::Spec| spec.networks.contains(name);
                let task =
                    self.tasks.iter().find(|task| !task.state.is_terminal() && uses(&task.spec));
                let container =
                    self.containers.iter().find(|c| c.running && c.networks.contains(name));
                let user = task.map(|task| task.id.as_str()).or(container.map(|c| c.id.as_str()))?;
                Some(format!("network {name} is in use by task {user}"))
            }
            ObjectKind::Volume if self.held.contains(name) => {
                Some(format!("remove {name}: volume is in use - [a stranger's]"))
            }
            ObjectKind::Volume => {
                // Stopped containers count too.
                let uses = |container: &&super::sim::Container| {
                    container.volumes.iter().any(|(volume, _)| volume == name)
                        || container.anonymous.iter().any(|v| v.name == *name)
                };
                let user = self.containers.iter().find(uses)?;
                Some(format!("remove {name}: volume is in use - [{}]", user.id))
            }
            ObjectKind::Service | ObjectKind::Task | ObjectKind::Container => None,
        }
    }

    /// Creates a secret or network that must not be there yet.
    pub(super) fn create_new(
        &mut self,
        kind: ObjectKind,
        name: &str,
        stack: Option<&str>,
        run: &RunId,
    ) -> Result<(), EngineError> {
        if self.things.iter().any(|thing| thing.object.kind == kind && thing.object.name == name) {
            return Err(EngineError::Refused {
                operation: format!("create {} {name}", kind.as_str()),
                status: 409,
                message: format!(
                    "rpc error: code = AlreadyExists desc = {} {name} already exists",
                    kind.as_str()
                ),
            });
        }
        self.create_thing(kind, name, stack, Some(run.as_str()));
        Ok(())
    }

    /// Creates something of a stack, unless it is there.
    pub(crate) fn create_thing_of(&mut self, kind: ObjectKind, name: &str, stack: &str) {
        self.create_thing(kind, name, Some(stack), None);
    }

    /// What the process at that address and port answers next; `None` when none listens there.
    pub(crate) fn answer(&mut self, address: std::net::IpAddr, port: u16) -> Option<Answer> {
        let place = |container: &&super::sim::Container| {
            container.running && address == std::net::Ipv4Addr::new(172, 18, 0, container.address)
        };
        let container = self.containers.iter().find(place)?;
        let task = self.task(&container.task)?;
        let behaviour = self.behaviour(&task.spec.declared).clone();
        let listens = self.now >= container.started.plus(task.life.listens_after);
        if !listens || behaviour.port != port {
            return None;
        }
        let asked = self.requests.entry(task.spec.declared.image.clone()).or_default();
        let last = behaviour.answers.len().saturating_sub(1);
        let answer = behaviour.answers.get((*asked).min(last)).cloned();
        *asked += 1;
        answer
    }

    /// The service, network, secret, config or volume of that name, whoever's it is.
    pub(super) fn find(&self, kind: ObjectKind, name: &str) -> Option<Object> {
        let services = self.services.iter().map(super::sim::Service::object);
        let things = self.things.iter().map(|thing| thing.object.clone());
        services.chain(things).find(|object| object.kind == kind && object.name == name)
    }

    /// Whether there is a network or secret of that name.
    pub(crate) fn has(&self, kind: ObjectKind, name: &str) -> bool {
        self.things.iter().any(|thing| thing.object.kind == kind && thing.object.name == name)
    }

    /// Networks that cc-ci made itself and whose names the text mentions.
    pub(crate) fn networks_in(&self, text: &str) -> Vec<String> {
        let made = self.things.iter().map(|thing| &thing.object).filter(|object| {
            object.kind == ObjectKind::Network
                && object.run.is_some()
                && text.contains(&object.name)
        });
        made.map(|object| object.name.clone()).collect()
    }
}

/// The engine's name of a volume that nobody named.
fn is_anonymous(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
