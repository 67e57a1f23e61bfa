//! Finding everything of a run.
//!
//! What counts as a run's (ISO-4, TEAR-1):
//! - what carries the namespace label of one of its stacks, or the run's own label;
//! - anonymous volumes in its containers;
//! - a volume, network, secret or config of exactly a name that was asked for, if it claims
//!   nobody else and its name cannot be a stranger's: it begins with one of the run's stack
//!   names, which are unique, or is an anonymous volume's, which is. `docker stack deploy`
//!   labels everything it makes; without a label are volumes that something else made under
//!   such a name, e.g. `docker run -v <stack>_data:…` before the first deploy: Swarm then
//!   mounts them as they are.
//!
//! A fixed name alone proves nothing: such an object stays where it is.
//!
//! Tests: at the end of this file, and against a real engine in `tests/it/main.rs`.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_core::ports::{EngineError, NAMESPACE_LABEL, RUN_LABEL, Scope};
use cc_ci_model::intent::{Object, ObjectKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::Swarm;
use crate::containers::MountPoint;
use crate::raw::with_filters;
use crate::tasks;

type Labels = BTreeMap<String, String>;

/// Finds everything of `scope`, sorted, each thing once.
pub(crate) async fn take(swarm: &Swarm, scope: &Scope) -> Result<Vec<Object>, EngineError> {
    let mut found = BTreeSet::new();
    for label in labels(scope) {
        let filter = ("label", std::slice::from_ref(&label));
        for kind in [Kind::Service, Kind::Network, Kind::Secret, Kind::Config, Kind::Volume] {
            found.extend(list(swarm, kind, &[filter]).await?);
        }
        for container in containers(swarm, &[filter]).await? {
            found.extend(container.volumes());
            found.insert(container.object());
        }
    }
    for stack in &scope.stacks {
        let tasks = tasks::list(&swarm.endpoint, stack).await?;
        found.extend(tasks.iter().filter(|task| !task.is_over()).map(task_object));
    }
    found.extend(by_name(swarm, scope).await?);
    Ok(found.into_iter().collect())
}

/// Everything that carries the run label, whichever run's.
pub(crate) async fn marked(swarm: &Swarm) -> Result<Vec<Object>, EngineError> {
    let label = [RUN_LABEL.to_owned()];
    let filter = ("label", label.as_slice());
    let mut found = BTreeSet::new();
    for kind in [Kind::Service, Kind::Network, Kind::Secret, Kind::Config, Kind::Volume] {
        found.extend(list(swarm, kind, &[filter]).await?);
    }
    let containers = containers(swarm, &[filter]).await?;
    found.extend(containers.iter().map(Container::object));
    Ok(found.into_iter().collect())
}

fn labels(scope: &Scope) -> Vec<String> {
    let stacks = scope.stacks.iter().map(|stack| format!("{NAMESPACE_LABEL}={stack}"));
    stacks.chain(scope.run.iter().map(|run| format!("{RUN_LABEL}={run}"))).collect()
}

/// Looks names up. The API matches parts of names, so they are compared again here.
async fn by_name(swarm: &Swarm, scope: &Scope) -> Result<Vec<Object>, EngineError> {
    let mut found = Vec::new();
    if scope.names.is_empty() {
        return Ok(found);
    }
    for kind in [Kind::Network, Kind::Secret, Kind::Config, Kind::Volume] {
        let objects = list(swarm, kind, &[("name", &scope.names)]).await?;
        found.extend(objects.into_iter().filter(|object| {
            scope.names.contains(&object.name) && may_be_taken_by_name(object, scope)
        }));
    }
    Ok(found)
}

/// The object of that kind and exact name, whoever's it is. Tasks and containers are not looked
/// up by name.
pub(crate) async fn find(
    swarm: &Swarm,
    kind: ObjectKind,
    name: &str,
) -> Result<Option<Object>, EngineError> {
    let listed = match kind {
        ObjectKind::Service => Kind::Service,
        ObjectKind::Network => Kind::Network,
        ObjectKind::Secret => Kind::Secret,
        ObjectKind::Config => Kind::Config,
        ObjectKind::Volume => Kind::Volume,
        ObjectKind::Task | ObjectKind::Container => return Ok(None),
    };
    let objects = list(swarm, listed, &[("name", &[name.to_owned()])]).await?;
    Ok(objects.into_iter().find(|object| object.name == name))
}

fn may_be_taken_by_name(object: &Object, scope: &Scope) -> bool {
    let claims_another = object
        .stack
        .as_ref()
        .is_some_and(|claimed| !scope.stacks.iter().any(|stack| stack.as_str() == claimed))
        || object
            .run
            .as_deref()
            .is_some_and(|claimed| scope.run.as_ref().is_none_or(|run| run.as_str() != claimed));
    let is_of_a_stack = scope.stacks.iter().any(|stack| {
        object.name.strip_prefix(stack.as_str()).is_some_and(|rest| rest.starts_with('_'))
    });
    let is_nobodys =
        object.kind == ObjectKind::Volume && crate::containers::is_anonymous(&object.name);
    !claims_another && (is_of_a_stack || is_nobodys)
}

/// Kinds that are listed alike.
#[derive(Clone, Copy)]
enum Kind {
    Service,
    Network,
    Secret,
    Config,
    Volume,
}

async fn list(
    swarm: &Swarm,
    kind: Kind,
    filters: &[(&str, &[String])],
) -> Result<Vec<Object>, EngineError> {
    match kind {
        Kind::Service => specified(swarm, ObjectKind::Service, "/services", filters).await,
        Kind::Secret => specified(swarm, ObjectKind::Secret, "/secrets", filters).await,
        Kind::Config => specified(swarm, ObjectKind::Config, "/configs", filters).await,
        Kind::Network => {
            let networks: Vec<Network> = get(swarm, "/networks", filters).await?;
            Ok(networks.into_iter().map(Network::object).collect())
        }
        Kind::Volume => {
            let volumes: Volumes = get(swarm, "/volumes", filters).await?;
            let volumes = volumes.volumes.unwrap_or_default();
            Ok(volumes.into_iter().map(Volume::object).collect())
        }
    }
}

async fn specified(
    swarm: &Swarm,
    kind: ObjectKind,
    path: &str,
    filters: &[(&str, &[String])],
) -> Result<Vec<Object>, EngineError> {
    let objects: Vec<Specified> = get(swarm, path, filters).await?;
    Ok(objects.into_iter().map(|found| found.object(kind)).collect())
}

async fn containers(
    swarm: &Swarm,
    filters: &[(&str, &[String])],
) -> Result<Vec<Container>, EngineError> {
    get(swarm, "/containers/json?all=1", filters).await
}

async fn get<T: DeserializeOwned>(
    swarm: &Swarm,
    path: &str,
    filters: &[(&str, &[String])],
) -> Result<T, EngineError> {
    let what = path.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    let operation = format!("list {what}");
    swarm.endpoint.get(&operation, &with_filters(path, filters)).await
}

fn object(kind: ObjectKind, id: String, name: String, labels: Option<&Labels>) -> Object {
    let label = |key| labels.and_then(|labels| labels.get(key)).cloned();
    Object { kind, id, name, stack: label(NAMESPACE_LABEL), run: label(RUN_LABEL) }
}

fn task_object(task: &tasks::Task) -> Object {
    let slot = task.slot.map_or_else(String::new, |slot| format!(".{slot}"));
    Object {
        kind: ObjectKind::Task,
        id: task.id.clone(),
        name: format!("{}{slot}", task.id),
        stack: task.stack().map(str::to_owned),
        run: None,
    }
}

#[derive(Deserialize)]
struct Specified {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Spec")]
    spec: Named,
}

impl Specified {
    fn object(self, kind: ObjectKind) -> Object {
        object(kind, self.id, self.spec.name, self.spec.labels.as_ref())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    name: String,
    labels: Option<Labels>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Network {
    id: String,
    name: String,
    labels: Option<Labels>,
}

impl Network {
    fn object(self) -> Object {
        object(ObjectKind::Network, self.id, self.name, self.labels.as_ref())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volumes {
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Volume {
    name: String,
    labels: Option<Labels>,
}

impl Volume {
    fn object(self) -> Object {
        object(ObjectKind::Volume, self.name.clone(), self.name, self.labels.as_ref())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    labels: Option<Labels>,
    #[serde(default)]
    mounts: Vec<MountPoint>,
}

impl Container {
    fn object(&self) -> Object {
        let name = self.names.first().map_or(self.id.as_str(), |name| name.trim_start_matches('/'));
        object(ObjectKind::Container, self.id.clone(), name.to_owned(), self.labels.as_ref())
    }

    /// Volumes in it that nobody named: they carry no label of ours, so they are told as
    /// belonging where the container does.
    fn volumes(&self) -> impl Iterator<Item = Object> {
        self.mounts.iter().filter_map(MountPoint::anonymous_volume).map(|volume| {
            object(ObjectKind::Volume, volume.name.clone(), volume.name, self.labels.as_ref())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            run: Some("20261124T053000-a-0a1b2c".parse().unwrap()),
            stacks: vec!["a-0a1b2c_test".parse().unwrap()],
            names: Vec::new(),
        }
    }

    #[track_caller]
    fn check(name: &str, labels: &[(&str, &str)], expected: bool) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let found = object(ObjectKind::Volume, name.into(), name.into(), Some(&labels));
        assert_eq!(may_be_taken_by_name(&found, &scope()), expected, "{found:?}");
    }

    /// ISO-4: what is not provably ours is nobody's to remove.
    #[test]
    fn a_name_alone_takes_nothing_from_strangers() {
        check("shared-data", &[], false);
        check("shared-data", &[(NAMESPACE_LABEL, "other")], false);
        check("a-0a1b2c_test_data", &[(NAMESPACE_LABEL, "other")], false);
        check("a-0a1b2c_test_data", &[(RUN_LABEL, "20261124T053000-a-ffffff")], false);
        check("a-0a1b2c_testing", &[], false);
        check("a-0a1b2c_test_data", &[], true);
        check("a-0a1b2c_test_data", &[(NAMESPACE_LABEL, "a-0a1b2c_test")], true);
        check(&"0f".repeat(32), &[], true);
    }
}
