//! Runs a plan in a fake world, and what must be true after every run.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use cc_ci_core::results::results;
use cc_ci_core::state::RunState;
use cc_ci_engine::ports::{Place, Ports};
use cc_ci_model::diagnosis::Diagnosis;
use cc_ci_model::event::{EventKind, Tool};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::results::Results;
use cc_ci_model::stage::Rung;
use cc_ci_testkit::{FakeHost, PlanBuilder, World, service, stack};
use futures_util::FutureExt;

/// Longer than any run may take, in virtual time.
const FOR_EVER: Duration = Duration::from_hours(48);

/// A run that is over.
pub(crate) struct Ended {
    pub(crate) world: World,
    /// The results, or why there are none.
    pub(crate) outcome: Result<Results, String>,
    /// How long it took, in virtual time.
    pub(crate) took: Duration,
}

/// One service, `app`, behind a proxy, with a volume, a secret and a config.
pub(crate) fn one_service() -> PlanBuilder {
    PlanBuilder::new(stack([rich("app")]))
}

/// A service that uses everything a service can use.
pub(crate) fn rich(name: &str) -> cc_ci_testkit::ServiceBuilder {
    service(name)
        .routed(80)
        .network("proxy")
        .network("internal")
        .volume("data", "/data")
        .secret("password")
        .config("settings")
}

/// The ports of a world.
pub(crate) fn ports(world: &World) -> Ports {
    let swarm = std::sync::Arc::new(world.swarm.clone());
    Ports {
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        recipes: world.recipes.clone(),
        deployer: world.deployer.clone(),
        commands: world.commands.clone(),
        stacks: swarm.clone(),
        objects: swarm.clone(),
        files: swarm.clone(),
        exec: swarm.clone(),
        restarts: swarm.clone(),
        images: swarm,
        volumes: world.volumes.clone(),
        snapshots: world.snapshots.clone(),
        host: std::sync::Arc::new(FakeHost::new()),
        place: Place {
            run_directory: "/run/directory".into(),
            pack: Some("/packs/recipe".into()),
            path: "/bin".into(),
            ..Place::default()
        },
        probe: world.probe.clone(),
        processes: world.processes.clone(),
        signals: world.signals.clone(),
        store: world.store.clone(),
        listener: world.recorder.clone(),
    }
}

/// Runs a plan in a world that `arrange` has changed before.
pub(crate) async fn run(builder: &PlanBuilder, arrange: impl FnOnce(&World)) -> Ended {
    let world = World::of(builder);
    arrange(&world);
    go(world).await
}

/// Runs the plan of a world.
pub(crate) async fn go(world: World) -> Ended {
    let tool = Tool { version: "0.0.0".into(), commit: None };
    let running = cc_ci_engine::run::run(ports(&world), world.plan.clone(), tool);
    let running = AssertUnwindSafe(running).catch_unwind();
    let outcome = tokio::time::timeout(FOR_EVER, running).await;
    let Ok(outcome) = outcome else {
        let calls = world.faults.calls();
        panic!(
            "the run never ends; fault: {:?}; last calls: {:?}",
            world.faults.fired(),
            calls.last()
        );
    };
    let outcome = match outcome {
        Ok(told) => told.map_err(|error| error.to_string()),
        Err(_) => Err("panic".to_owned()),
    };
    Ended { took: world.clock.elapsed(), world, outcome }
}

impl Ended {
    #[track_caller]
    pub(crate) fn results(&self) -> &Results {
        self.outcome.as_ref().expect("the log could be kept")
    }

    /// The exit code the conditions ask for.
    #[track_caller]
    pub(crate) fn exit(&self) -> ExitKind {
        let kinds: Vec<ExitKind> =
            self.results().conditions.iter().map(|condition| condition.kind).collect();
        ExitKind::first_of(&kinds)
    }

    /// What the conditions say, in one text.
    #[track_caller]
    pub(crate) fn said(&self) -> String {
        let said = self.results().conditions.iter().map(|condition| condition.message.clone());
        said.collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    pub(crate) fn status(&self, rung: Rung) -> Status {
        self.results().rungs[&rung].status
    }

    /// What must be true after every run.
    #[track_caller]
    pub(crate) fn check(&self) {
        assert_eq!(self.world.unannounced(), [], "created without an intent");
        assert_eq!(self.world.commands.running(), 0, "a child process still runs");
        self.check_leftovers();
        let events = self.world.store.events();
        if let Ok(told) = &self.outcome {
            let state = RunState::of(&events);
            assert_eq!(state.damage, None);
            assert_eq!(results(&self.world.plan, &state), *told, "the log alone tells the same");
            told.diagnosis.iter().for_each(check_diagnosis);
            check_classes(told);
            cc_ci_testkit::check_trace(&events);
            assert!(matches!(
                events.last().map(|event| &event.kind),
                Some(EventKind::Sealed { .. })
            ));
            assert_eq!(self.begun_acts(), self.ended_acts(), "every act that began has ended");
        }
    }

    #[track_caller]
    fn check_leftovers(&self) {
        let left = self.world.swarm.left();
        let Ok(told) = &self.outcome else {
            return;
        };
        if told.cleanup.complete && !self.world.plan.keep {
            assert_eq!(left, [], "results say that nothing is left");
        }
        let is_told = |object| told.cleanup.left.contains(object) || !told.cleanup.complete;
        let untold: Vec<_> = left.iter().filter(|object| !is_told(object)).collect();
        assert!(untold.is_empty(), "left and not told: {untold:?}");
    }

    fn begun_acts(&self) -> usize {
        let events = self.world.store.events();
        events.iter().filter(|event| matches!(event.kind, EventKind::ActBegan { .. })).count()
    }

    fn ended_acts(&self) -> usize {
        let is_end = |kind: &EventKind| {
            matches!(kind, EventKind::ActEnded { .. } | EventKind::ActErrored { .. })
        };
        self.world.store.events().iter().filter(|event| is_end(&event.kind)).count()
    }

    /// It ended like that, and everything else is in order.
    #[track_caller]
    pub(crate) fn expect(&self, verdict: Verdict, exit: ExitKind) {
        assert_eq!((self.results().verdict, self.exit()), (verdict, exit), "{}", self.said());
        self.check();
    }
}

/// Every red says why, what to try, and how to have it again (RES-7).
#[track_caller]
fn check_diagnosis(one: &Diagnosis) {
    assert!(!one.message.is_empty() && !one.next.is_empty(), "{one:?}");
    assert!(one.reproduce.starts_with("cc-ci run "), "{one:?}");
    assert!(one.evidence.iter().all(|line| !line.contains('\n')), "{one:?}");
}

/// Every red rung has a class, unless somebody stopped the run.
#[track_caller]
fn check_classes(results: &Results) {
    for (rung, result) in &results.rungs {
        let is_red = matches!(result.status, Status::Failed | Status::Errored);
        let may_have = is_red || result.status == Status::Unverified;
        assert!(result.class.is_none() || may_have, "{rung}: {result:?}");
        let is_due = is_red && results.verdict != Verdict::Cancelled;
        assert!(!is_due || result.class.is_some(), "{rung}: {result:?}");
    }
}
