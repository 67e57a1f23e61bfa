//! What [`Deployer`] promises.

use async_trait::async_trait;
use cc_ci_core::compose::ComposeText;
use cc_ci_core::ports::{DeployAnswer, DeployRequest, Deployer};
use cc_ci_model::intent::ObjectKind;
use cc_ci_model::name::StackName;

use crate::build::stack::{StackBuilder, service, stack};

super::contract!(Deployer: [
    what_was_declared_is_there_when_it_returns,
    files_are_merged_in_their_order,
    the_same_again_changes_nothing,
    a_service_that_is_declared_no_more_stays,
    a_stack_that_misses_a_secret_stops_half_way,
    an_external_network_has_to_be_there,
    at_the_deadline_it_is_ended,
    a_checkout_that_is_not_there_is_refused,
    a_deployer_that_cannot_be_run_is_an_error,
]);

/// An engine with a stack of a test's own, empty at first.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn deployer(&self) -> &dyn Deployer;

    /// One whose program is not there.
    fn missing(&self) -> Box<dyn Deployer>;

    /// The stack, which nothing of is there.
    fn stack(&self) -> &StackName;

    /// A checkout that declares that. The request has no overlay but an empty one, the fixture's
    /// image and a minute's time.
    async fn checkout(&self, declares: StackBuilder) -> DeployRequest;

    /// A request whose checkout is not there.
    fn nowhere(&self) -> DeployRequest;

    /// The same request with a deadline that comes while it is at work.
    fn in_a_hurry(&self, request: DeployRequest) -> DeployRequest;

    /// The names of the stack's objects of a kind, sorted.
    async fn names(&self, kind: ObjectKind) -> Vec<String>;

    /// A label of a service, by the service's full name.
    async fn label(&self, service: &str, key: &str) -> Option<String>;

    /// What tasks of a service are made from, as the engine holds it.
    async fn template(&self, service: &str) -> String;
}

async fn deploy<S: Stage>(stage: &S, request: &DeployRequest) -> DeployAnswer {
    stage.deployer().deploy(request).await.expect("docker can be run")
}

fn full<S: Stage>(stage: &S, name: &str) -> String {
    format!("{}_{name}", stage.stack())
}

async fn deployed<S: Stage>(stage: &S, declares: StackBuilder) -> DeployRequest {
    let request = stage.checkout(declares).await;
    let answer = deploy(stage, &request).await;
    assert_eq!(answer.exit_code, Some(0), "{}", answer.said);
    request
}

async fn what_was_declared_is_there_when_it_returns<S: Stage>(stage: &S) {
    let app = service("app").unchecked().config("settings").network("internal");
    let request = deployed(stage, stack([app, service("db").unchecked().label("a", "b")])).await;
    let services = [full(stage, "app"), full(stage, "db")];
    assert_eq!(stage.names(ObjectKind::Service).await, services);
    let networks = [full(stage, "default"), full(stage, "internal")];
    assert_eq!(stage.names(ObjectKind::Network).await, networks);
    assert_eq!(stage.names(ObjectKind::Config).await, [full(stage, "settings_v1")]);
    assert_eq!(stage.label(&services[1], "a").await.as_deref(), Some("b"));
    let namespace = stage.label(&services[0], "com.docker.stack.namespace").await;
    assert_eq!(namespace.as_deref(), Some(request.stack.as_str()));
}

/// A compose file that says only who wrote a label of the service `app`.
fn writes(label: &str, who: &str) -> String {
    format!(
        "version: \"3.8\"\nservices:\n  app:\n    deploy:\n      labels:\n        \
         coop-cloud.contract.{label}: {who}\n"
    )
}

/// The overlay's first part, the recipe, the pack's files, the overlay: what comes later wins.
async fn files_are_merged_in_their_order<S: Stage>(stage: &S) {
    let label = |name: &str| format!("coop-cloud.contract.{name}");
    let app = service("app").unchecked();
    let app = ["b", "c", "d"].iter().fold(app, |app, name| app.label(&label(name), "recipe"));
    let mut request = stage.checkout(stack([app])).await;
    let text = |label| ComposeText { name: format!("{label}.yml"), text: writes(label, "pack") };
    request.overlay_before = Some(writes("a", "before"));
    request.overlays = vec![text("c"), text("d")];
    request.overlay = writes("d", "overlay");
    let answer = deploy(stage, &request).await;
    assert_eq!(answer.exit_code, Some(0), "{}", answer.said);
    let app = full(stage, "app");
    for (name, who) in [("a", "before"), ("b", "recipe"), ("c", "pack"), ("d", "overlay")] {
        assert_eq!(stage.label(&app, &label(name)).await.as_deref(), Some(who), "{name}");
    }
    request.overlay_before = Some(writes("b", "before"));
    let answer = deploy(stage, &request).await;
    assert_eq!(answer.exit_code, Some(0), "{}", answer.said);
    assert_eq!(stage.label(&app, &label("b")).await.as_deref(), Some("recipe"));
}

async fn the_same_again_changes_nothing<S: Stage>(stage: &S) {
    let request = deployed(stage, stack([service("app").unchecked()])).await;
    let before = stage.template(&full(stage, "app")).await;
    assert_eq!(deploy(stage, &request).await.exit_code, Some(0));
    assert_eq!(stage.names(ObjectKind::Service).await, [full(stage, "app")]);
    assert_eq!(stage.names(ObjectKind::Network).await, [full(stage, "default")]);
    let after = stage.template(&full(stage, "app")).await;
    assert_eq!(after, before, "no new tasks");
}

async fn a_service_that_is_declared_no_more_stays<S: Stage>(stage: &S) {
    deployed(stage, stack([service("app").unchecked(), service("old").unchecked()])).await;
    deployed(stage, stack([service("app").unchecked(), service("new").unchecked()])).await;
    let expected = ["app", "new", "old"].map(|name| full(stage, name));
    assert_eq!(stage.names(ObjectKind::Service).await, expected);
}

/// Measured: what it made before it came to the service stays.
async fn a_stack_that_misses_a_secret_stops_half_way<S: Stage>(stage: &S) {
    let app = service("app").unchecked().config("settings").secret("password");
    let request = stage.checkout(stack([app])).await;
    let answer = deploy(stage, &request).await;
    assert_eq!(answer.exit_code, Some(1), "{}", answer.said);
    assert!(answer.said.contains("secret not found"), "{}", answer.said);
    assert!(answer.said.contains(&full(stage, "password_v1")), "{}", answer.said);
    assert_eq!(stage.names(ObjectKind::Service).await, [""; 0]);
    assert_eq!(stage.names(ObjectKind::Network).await, [full(stage, "default")]);
    assert_eq!(stage.names(ObjectKind::Config).await, [full(stage, "settings_v1")]);
}

async fn an_external_network_has_to_be_there<S: Stage>(stage: &S) {
    let request = stage.checkout(stack([service("app").unchecked().network("proxy")])).await;
    let answer = deploy(stage, &request).await;
    assert_eq!(answer.exit_code, Some(1), "{}", answer.said);
    let told = "is declared as external, but could not be found";
    assert!(answer.said.contains(told), "{}", answer.said);
    for kind in [ObjectKind::Service, ObjectKind::Network] {
        assert_eq!(stage.names(kind).await, [""; 0], "nothing was made");
    }
}

async fn at_the_deadline_it_is_ended<S: Stage>(stage: &S) {
    let request = stage.checkout(stack([service("app").unchecked()])).await;
    let answer = deploy(stage, &stage.in_a_hurry(request)).await;
    assert_eq!(answer.exit_code, None, "{}", answer.said);
}

async fn a_checkout_that_is_not_there_is_refused<S: Stage>(stage: &S) {
    let error = stage.deployer().deploy(&stage.nowhere()).await;
    let error = error.expect_err("there is nothing to deploy");
    assert_eq!(error.program, "docker");
    assert_eq!(stage.names(ObjectKind::Service).await, [""; 0]);
}

async fn a_deployer_that_cannot_be_run_is_an_error<S: Stage>(stage: &S) {
    let request = stage.checkout(stack([service("app").unchecked()])).await;
    let error = stage.missing().deploy(&request).await.expect_err("it is not there");
    assert!(error.to_string().starts_with("cannot run `docker`: "), "{error}");
    assert_eq!(stage.names(ObjectKind::Service).await, [""; 0]);
}
