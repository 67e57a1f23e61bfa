//! The simulated Swarm.

use std::time::Duration;

use cc_ci_core::ports::{
    Clock, DeployAnswer, DeployRequest, Deployer, EngineError, Files, Objects, Removal, Scope,
    StackView, StackWatch, Wake,
};
use cc_ci_model::compose::{FailureAction, RestartCondition, ServiceMode};
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::name::CommitSha;
use cc_ci_model::secret::Secret;
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState, UpdateState};
use cc_ci_testkit::build::plan::{base_commit, head_commit};
use cc_ci_testkit::{
    Behaviour, EventStream, Exit, FakeRecipes, Life, Outage, PlanBuilder, ServiceBuilder, World,
    service, stack,
};

const HEAD: &str = "registry.test/app:1.1.0";

/// A world whose base and head are those services.
fn world(base: ServiceBuilder, head: ServiceBuilder) -> World {
    World::of(&PlanBuilder::new(stack([head])).base(stack([base])))
}

fn app() -> ServiceBuilder {
    service("app")
}

struct Watching<'a> {
    world: &'a World,
    watch: Box<dyn StackWatch>,
}

async fn watch(world: &World) -> Watching<'_> {
    let watch = world.swarm.watch(&world.plan.apps[0].stack).await.expect("the engine answers");
    Watching { world, watch }
}

impl Watching<'_> {
    async fn after(&mut self, later: Duration) -> StackFacts {
        let clock = &self.world.clock;
        clock.sleep_until(clock.now().plus(later)).await;
        self.watch.observe().await.expect("the engine answers")
    }

    async fn after_ms(&mut self, millis: u64) -> StackFacts {
        self.after(Duration::from_millis(millis)).await
    }

    async fn after_s(&mut self, seconds: u64) -> StackFacts {
        self.after(Duration::from_secs(seconds)).await
    }
}

async fn deploy(world: &World, commit: CommitSha) -> DeployAnswer {
    let request = DeployRequest {
        overlays: Vec::new(),
        stack: world.plan.apps[0].stack.clone(),
        directory: FakeRecipes::directory(&commit),
        compose_files: vec!["compose.yml".into()],
        overlay_before: None,
        overlay: world.plan.apps[0].network.clone(),
        env: std::collections::BTreeMap::default(),
        deadline: world.clock.now().plus(Duration::from_mins(1)),
    };
    world.deployer.deploy(&request).await.expect("docker can be run")
}

/// State, desired state and whether it is current, oldest first.
fn tasks(facts: &StackFacts) -> Vec<(TaskState, TaskState, bool)> {
    facts.tasks.iter().map(|task| (task.state, task.desired, task.current)).collect()
}

fn update(facts: &StackFacts) -> UpdateState {
    facts.services[0].update.clone()
}

const UP: (TaskState, TaskState, bool) = (TaskState::Running, TaskState::Running, true);

/// Base deployed and settled, then the head submitted.
async fn upgrade(world: &World) -> Watching<'_> {
    let mut watching = watch(world).await;
    assert_eq!(deploy(world, base_commit()).await.exit_code, Some(0));
    assert_eq!(tasks(&watching.after_s(20).await), [UP]);
    assert_eq!(deploy(world, head_commit()).await.exit_code, Some(0));
    watching
}

#[tokio::test(start_paused = true)]
async fn a_first_deploy_has_a_service_before_it_has_a_task() {
    let world = world(app(), app());
    let mut watching = watch(&world).await;
    deploy(&world, base_commit()).await;
    let facts = watching.watch.observe().await.unwrap();
    assert_eq!((facts.services.len(), facts.tasks.len()), (1, 0));
    let facts = watching.after_ms(100).await;
    assert_eq!(facts.tasks[0].state, TaskState::New);
    let facts = watching.after_ms(1100).await;
    assert_eq!(facts.tasks[0].state, TaskState::Starting, "not healthy yet");
    assert_eq!(tasks(&watching.after_ms(1100).await), [UP]);
    assert_eq!(update(&facts), UpdateState::None);
}

#[tokio::test(start_paused = true)]
async fn the_same_spec_again_changes_nothing() {
    let world = world(app(), app());
    let mut watching = watch(&world).await;
    deploy(&world, base_commit()).await;
    let before = watching.after_s(20).await;
    deploy(&world, base_commit()).await;
    assert_eq!(watching.after_s(20).await, before);
}

/// Incident 238: accepted and not begun; then `updating`, then watched for the monitor period.
#[tokio::test(start_paused = true)]
async fn an_update_begins_later_than_it_is_accepted() {
    let world = world(app(), app().image(HEAD));
    let mut watching = upgrade(&world).await;
    let facts = watching.watch.observe().await.unwrap();
    assert_eq!(update(&facts), UpdateState::None);
    assert_eq!(
        tasks(&facts),
        [(TaskState::Running, TaskState::Running, false)],
        "the old task, still wanted"
    );
    let facts = watching.after_ms(250).await;
    assert_eq!(update(&facts), UpdateState::Updating);
    assert_eq!(
        tasks(&facts)[0],
        (TaskState::Running, TaskState::Shutdown, false),
        "in its stop grace"
    );
    let facts = watching.after_s(4).await;
    assert_eq!((update(&facts), tasks(&facts)[1]), (UpdateState::Updating, UP));
    assert_eq!(update(&watching.after_s(6).await), UpdateState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_start_first_update_runs_both_for_a_while() {
    let world = world(app(), app().image(HEAD).start_first());
    let mut watching = upgrade(&world).await;
    let facts = watching.after_ms(1000).await;
    assert_eq!(tasks(&facts)[0], (TaskState::Running, TaskState::Running, false));
    assert!(!tasks(&facts)[1].0.is_terminal());
    let facts = watching.after_s(10).await;
    assert_eq!(tasks(&facts), [(TaskState::Shutdown, TaskState::Shutdown, false), UP]);
}

/// Incident 241.
#[tokio::test(start_paused = true)]
async fn a_flicker_within_the_monitor_period_pauses_an_update_for_ever() {
    let world = world(app(), app().image(HEAD));
    let flicker = Life::ending(Duration::from_secs(1), 1);
    world.swarm.behave(HEAD, Behaviour::lives([flicker, Life::steady()]));
    let mut watching = upgrade(&world).await;
    for _ in 0..3 {
        let facts = watching.after_s(30).await;
        assert_eq!(update(&facts), UpdateState::Paused);
        assert_eq!(tasks(&facts).last(), Some(&UP), "and the service is healthy");
    }
}

/// One that completes within the monitor period counts as failed too.
#[tokio::test(start_paused = true)]
async fn a_one_shot_under_an_update_is_rolled_back() {
    let once = || app().unchecked().restart(RestartCondition::OnFailure);
    let world = world(once(), once().image(HEAD).on_failure(FailureAction::Rollback));
    world.swarm.behave(HEAD, Behaviour::one_shot(Duration::from_secs(1)));
    let mut watching = upgrade(&world).await;
    let facts = watching.after_ms(3000).await;
    assert_eq!(update(&facts), UpdateState::RollbackStarted);
    let facts = watching.after_s(30).await;
    assert_eq!(update(&facts), UpdateState::RollbackCompleted);
    assert_eq!(facts.services[0].image, "registry.test/app:1.0.0", "the old spec is back");
}

#[tokio::test(start_paused = true)]
async fn a_missing_image_rejects_the_task_and_the_deploy_does_not_notice() {
    let world = world(app(), app().image(HEAD).on_failure(FailureAction::Rollback));
    world.swarm.image(HEAD, ImageFound::NotFound { message: "manifest unknown".into() });
    let mut watching = upgrade(&world).await;
    let facts = watching.after_s(3).await;
    let rejected = facts.tasks.iter().find(|task| task.state == TaskState::Rejected).unwrap();
    assert_eq!(rejected.error.as_deref(), Some("No such image: registry.test/app:1.1.0"));
    assert_eq!(update(&facts), UpdateState::RollbackStarted);
}

async fn ended(base: ServiceBuilder, behaviour: Behaviour) -> TaskFacts {
    let world = world(base.restart(RestartCondition::OnFailure), app());
    world.swarm.behave("app", behaviour);
    let mut watching = watch(&world).await;
    deploy(&world, base_commit()).await;
    let facts = watching.after_s(60).await;
    assert_eq!(facts.tasks.len(), 1, "nothing starts it again");
    facts.tasks[0].clone()
}

/// A service that never became healthy, a one-shot, and a one-shot with a health check: the same
/// task, three different containers.
#[tokio::test(start_paused = true)]
async fn only_the_container_tells_a_sick_service_from_a_one_shot() {
    let sick = ended(app(), Behaviour::never_healthy(0)).await;
    let shot = ended(app().unchecked(), Behaviour::one_shot(Duration::from_secs(2))).await;
    let exit = Exit { after: Duration::from_millis(1500), code: 0 };
    let healthy_shot = Behaviour::lives([Life { ends: Some(exit), ..Life::steady() }]);
    let checked = ended(app(), healthy_shot).await;
    for task in [&sick, &shot, &checked] {
        assert_eq!(
            (
                task.state,
                task.desired,
                task.exit_code,
                task.message.as_str(),
                task.error.as_deref()
            ),
            (TaskState::Complete, TaskState::Shutdown, Some(0), "finished", None)
        );
    }
    let health = |task: &TaskFacts| {
        let container = task.container.clone().unwrap();
        let health = container.health.map(|health| (health.status, health.failing_streak));
        (health, container.unhealthy_seen)
    };
    assert_eq!(health(&sick), (Some(("unhealthy".into(), 3)), true));
    assert_eq!(health(&shot), (None, false));
    assert_eq!(health(&checked), (Some(("unhealthy".into(), 0)), false));
}

#[tokio::test(start_paused = true)]
async fn ended_tasks_are_forgotten_and_a_watch_remembers_their_containers() {
    let world = world(app(), app());
    world.swarm.behave("app", Behaviour::crash_loop());
    let mut watching = watch(&world).await;
    deploy(&world, base_commit()).await;
    let facts = watching.after_s(120).await;
    let ended = facts.tasks.iter().filter(|task| task.state == TaskState::Failed).count();
    assert_eq!(ended, 5, "the engine keeps five");
}

fn everything(world: &World) -> Scope {
    Scope { run: None, stacks: vec![world.plan.apps[0].stack.clone()], names: Vec::new() }
}

async fn objects(world: &World) -> Vec<Object> {
    world.swarm.inventory(&everything(world)).await.expect("the engine answers")
}

fn kinds(objects: &[Object]) -> Vec<ObjectKind> {
    objects.iter().map(|object| object.kind).collect()
}

fn refusal(removal: Result<Removal, EngineError>) -> String {
    match removal {
        Ok(Removal::InUse { message }) => message,
        other => panic!("not refused: {other:?}"),
    }
}

/// One of a kind.
fn only(objects: &[Object], kind: ObjectKind) -> Object {
    objects.iter().find(|object| object.kind == kind).expect("there is one").clone()
}

/// Services go at once, tasks when their processes have ended, containers a little later, and
/// until then everything they use is refused in the engine's words.
#[tokio::test(start_paused = true)]
async fn removal_takes_its_time_and_refuses_what_is_in_use() {
    let rich = || app().volume("data", "/data").network("internal");
    let world = world(rich(), rich());
    let (swarm, mut watching) = (&world.swarm, watch(&world).await);
    deploy(&world, base_commit()).await;
    watching.after_s(20).await;
    let all = objects(&world).await;
    let (service, network) = (only(&all, ObjectKind::Service), only(&all, ObjectKind::Network));
    let volume = only(&all, ObjectKind::Volume);
    assert!(refusal(swarm.remove(&volume).await).contains("volume is in use - ["));
    assert_eq!(swarm.remove(&service).await, Ok(Removal::Gone));
    assert!(refusal(swarm.remove(&network).await).contains("in use by task"));
    watching.after_s(1).await;
    let left = kinds(&objects(&world).await);
    assert!(left.contains(&ObjectKind::Container) && !left.contains(&ObjectKind::Task), "{left:?}");
    assert!(refusal(swarm.remove(&volume).await).contains("in use"), "a stopped one counts");
    watching.after_s(5).await;
    assert_eq!(kinds(&objects(&world).await), [ObjectKind::Network, ObjectKind::Volume]);
    assert_eq!(swarm.remove(&volume).await, Ok(Removal::Gone));
    assert_eq!(swarm.remove(&volume).await, Ok(Removal::Gone), "it was not there");
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_made_once_and_stays_while_a_service_uses_it() {
    let world = world(app().secret("password"), app());
    let (stack, run) = (&world.plan.apps[0].stack, &world.plan.run_id);
    let name = format!("{stack}_password_v1");
    let value = Secret::new("x");
    assert_eq!(world.swarm.create_secret(run, stack, &name, &value).await, Ok(()));
    let again = world.swarm.create_secret(run, stack, &name, &value).await;
    assert!(matches!(again, Err(EngineError::Refused { status: 409, .. })), "{again:?}");
    deploy(&world, base_commit()).await;
    let all = objects(&world).await;
    let secret = only(&all, ObjectKind::Secret);
    let said = refusal(world.swarm.remove(&secret).await);
    assert_eq!(said, format!("secret '{name}' is in use by the following service: app"));
    world.swarm.remove(&only(&all, ObjectKind::Service)).await.expect("the engine answers");
    assert_eq!(world.swarm.remove(&secret).await, Ok(Removal::Gone));
}

/// moby 44312: the container of a finished job outlives its service; it can be removed.
#[tokio::test(start_paused = true)]
async fn the_container_of_a_finished_job_stays() {
    let job = || app().unchecked().mode(ServiceMode::ReplicatedJob { completions: 1 });
    let world = world(job(), job());
    world.swarm.behave("app", Behaviour::one_shot(Duration::from_secs(1)));
    let mut watching = watch(&world).await;
    deploy(&world, base_commit()).await;
    assert_eq!(watching.after_s(20).await.services[0].completed_tasks, 1);
    let service = only(&objects(&world).await, ObjectKind::Service);
    assert_eq!(world.swarm.remove(&service).await, Ok(Removal::Gone));
    watching.after_s(3600).await;
    let left = objects(&world).await;
    assert_eq!(kinds(&left), [ObjectKind::Container, ObjectKind::Network]);
    assert_eq!(world.swarm.remove(&left[0]).await, Ok(Removal::Gone));
    assert_eq!(kinds(&objects(&world).await), [ObjectKind::Network]);
}

/// Measured: the config had already been created, and stays.
#[tokio::test(start_paused = true)]
async fn a_deploy_that_misses_a_secret_stops_half_way() {
    let world = world(app().config("settings").secret("password"), app());
    let answer = deploy(&world, base_commit()).await;
    assert_eq!(answer.exit_code, Some(1));
    assert!(answer.said.contains("secret not found"), "{}", answer.said);
    let left = kinds(&objects(&world).await);
    assert_eq!(left, [ObjectKind::Network, ObjectKind::Config]);
}

#[tokio::test(start_paused = true)]
async fn an_external_network_has_to_be_there() {
    let world = world(app().network("proxy"), app());
    let answer = deploy(&world, base_commit()).await;
    assert_eq!(answer.exit_code, Some(1));
    assert!(answer.said.contains("network \"proxy\" is declared as external"), "{}", answer.said);
}

/// What is below a mount outlives the container; what is beside it does not.
#[tokio::test(start_paused = true)]
async fn only_volumes_outlive_a_container() {
    let world = world(app().volume("data", "/data"), app().image(HEAD).volume("data", "/srv"));
    let mut watching = watch(&world).await;
    deploy(&world, base_commit()).await;
    let facts = watching.after_s(20).await;
    let container = |facts: &StackFacts| {
        let up = facts.tasks.iter().find(|task| task.state == TaskState::Running).unwrap();
        up.container.clone().unwrap().id
    };
    let old = container(&facts);
    world.swarm.put(&old, "/data", "kept", b"a").await.unwrap();
    world.swarm.put(&old, "/tmp", "lost", b"b").await.unwrap();
    deploy(&world, head_commit()).await;
    let new = container(&watching.after_s(30).await);
    assert_ne!(old, new);
    assert_eq!(world.swarm.get(&new, "/srv/kept").await.unwrap(), Some(b"a".to_vec()));
    assert_eq!(world.swarm.get(&new, "/tmp/lost").await.unwrap(), None);
    assert!(world.swarm.get("no-such", "/x").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn watchers_are_woken_by_changes_and_by_nothing_else() {
    let world = world(app(), app());
    let mut watching = watch(&world).await;
    let quiet = tokio::time::timeout(Duration::from_mins(1), watching.watch.changed()).await;
    assert!(quiet.is_err(), "nothing happens");
    deploy(&world, base_commit()).await;
    assert_eq!(watching.watch.changed().await, Wake::Changed);
    watching.after_s(60).await;
    let quiet = tokio::time::timeout(Duration::from_mins(1), watching.watch.changed()).await;
    assert!(quiet.is_err(), "a look takes everything in");
    world.swarm.break_events_after(Duration::from_secs(1));
    assert_eq!(watching.watch.changed().await, Wake::Gap);
    assert!(watching.watch.observe().await.unwrap().events_gap);
    world.swarm.events(EventStream::Deaf);
    world.swarm.kill_after(Duration::from_secs(1), "app", 1);
    let deaf = tokio::time::timeout(Duration::from_mins(1), watching.watch.changed()).await;
    assert!(deaf.is_err(), "the event is lost");
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_is_away_refuses_or_hangs() {
    let world = world(app(), app());
    let outage = |after, hangs| Outage {
        after: Duration::from_secs(after),
        lasts: Duration::from_secs(10),
        hangs,
    };
    world.swarm.outage(outage(0, false));
    world.swarm.outage(outage(20, true));
    assert!(!world.swarm.answers().await);
    world.clock.sleep_until(world.clock.now().plus(Duration::from_secs(15))).await;
    assert!(world.swarm.answers().await);
    world.clock.sleep_until(world.clock.now().plus(Duration::from_secs(5))).await;
    assert!(world.swarm.answers().await, "once it is back");
    assert_eq!(world.clock.elapsed(), Duration::from_secs(30));
}
