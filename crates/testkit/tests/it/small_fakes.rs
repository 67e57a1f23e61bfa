//! The counter of faults, time and chance, and what the builders say.

use std::sync::Arc;
use std::time::Duration;

use cc_ci_core::app::{about, prepare};
use cc_ci_core::ports::{Clock, Entropy, Signals};
use cc_ci_model::compose::{
    DeclaredObject, DeclaredService, DeclaredStack, FailureAction, RestartCondition, ServiceMode,
};
use cc_ci_model::plan::Revision;
use cc_ci_testkit::clock::dawn;
use cc_ci_testkit::{
    FakeSignals, Fate, Fault, Faults, PlanBuilder, SeededEntropy, StackBuilder, VirtualClock,
    service, stack,
};

#[tokio::test(start_paused = true)]
async fn the_clock_moves_only_when_everybody_waits() {
    let clock = VirtualClock::new();
    assert_eq!(clock.now(), dawn());
    let later = dawn().plus(Duration::from_hours(1));
    clock.sleep_until(later).await;
    assert_eq!(clock.now(), later);
    clock.sleep_until(dawn()).await;
    assert_eq!(clock.now(), later, "what is over is not waited for");
}

#[test]
fn chance_is_the_same_every_time() {
    let draw = |seed| {
        let mut bytes = [0; 32];
        SeededEntropy::new(seed).fill(&mut bytes);
        bytes
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8 << 20));
    assert_ne!(draw(7)[..16], draw(7)[16..]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_the_call_it_is_meant_for() {
    let faults = Arc::new(Faults::none());
    faults.arm(2, Fault::Fail);
    assert_eq!(faults.enter("one").await, Fate::Go);
    assert_eq!(faults.fired(), None);
    assert_eq!(faults.enter("two").await, Fate::Fail);
    assert_eq!(faults.enter_now("three"), Fate::Go);
    assert_eq!(faults.fired(), Some("call 2: two".into()));
    assert_eq!(faults.calls(), ["one", "two", "three"]);
    faults.arm(4, Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_mins(1), faults.enter("four")).await;
    assert!(hung.is_err());
    // A synchronous call can not hang: it is not hit at all.
    faults.arm(5, Fault::Hang);
    assert_eq!(faults.enter_now("five"), Fate::Go);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_has_had_its_effect() {
    let faults = Faults::none();
    faults.arm(1, Fault::LoseAnswer);
    let mut done = 0;
    let answer: Result<(), String> = faults
        .around(
            "call",
            |why| why,
            || {
                done += 1;
                Ok(())
            },
        )
        .await;
    assert_eq!((done, answer), (1, Err("injected failure of `call`".into())));
}

#[tokio::test(start_paused = true)]
async fn signals_come_when_they_are_due() {
    let clock = Arc::new(VirtualClock::new());
    let signals = FakeSignals::new(clock.clone());
    signals.raise_after(Duration::from_secs(5));
    signals.raise_after(Duration::from_secs(9));
    assert_eq!(signals.count(), 0);
    assert_eq!(signals.more_than(0).await, 1);
    assert_eq!(clock.elapsed(), Duration::from_secs(5));
    assert_eq!(signals.more_than(1).await, 2);
    signals.raise();
    assert_eq!(signals.more_than(2).await, 3);
}

/// Everything a builder can say.
fn everything() -> StackBuilder {
    let app = service("app")
        .routed(8080)
        .network("proxy")
        .network("internal")
        .volume("data", "/data")
        .volume("", "/cache")
        .secret("db_password")
        .config("nginx_conf")
        .env("TZ", "UTC")
        .publishes(2222)
        .start_period(30_000)
        .start_first()
        .on_failure(FailureAction::Rollback)
        .monitor_ms(7000);
    let job = service("job").unchecked().mode(ServiceMode::ReplicatedJob { completions: 2 });
    let db = service("db").replicas(3).restart(RestartCondition::OnFailure).backed_up();
    let agent = service("agent").mode(ServiceMode::Global);
    stack([app, job, db, agent]).fixed_volume("data", "shared")
}

/// What both must say alike of a service: the flattened template is the parser's own.
fn comparable(service: &DeclaredService) -> DeclaredService {
    let mut service = service.clone();
    service.networks.sort();
    service.template.clear();
    service.policy.clear();
    service
}

/// What a builder declares is what the parsers read from the files it writes.
#[test]
fn builders_and_parsers_agree() {
    let head = everything();
    let plan = PlanBuilder::new(head.clone()).build();
    let prepared = prepare(&head.tree(), &about(&plan, &plan.apps[0], Revision::Head)).unwrap();
    let (read, built) = (prepared.declared, plan.head.declared);
    let services = |stack: &DeclaredStack| -> Vec<DeclaredService> {
        stack.services.iter().map(comparable).collect()
    };
    assert_eq!(services(&read), services(&built));
    let names = |objects: &[DeclaredObject]| -> Vec<(String, String, bool)> {
        objects.iter().map(|o| (o.name.to_string(), o.object.clone(), o.external)).collect()
    };
    assert_eq!(names(&read.volumes), names(&built.volumes));
    assert_eq!(names(&read.secrets), names(&built.secrets));
    assert_eq!(names(&read.configs), names(&built.configs));
    assert_eq!(read.networks, built.networks);
    assert!(prepared.undeclared_secrets.is_empty());
    assert_eq!(prepared.secrets.len(), 1);
}
