//! A run that is killed, and one cleanup after it (TEAR-2, JAN-3).

use std::time::Duration;

use cc_ci_core::cleanup::scope;
use cc_ci_core::ports::Clock;
use cc_ci_core::state::RunState;
use cc_ci_core::verdict::verdict;
use cc_ci_engine::cleanup::{Swept, sweep};
use cc_ci_model::event::Tool;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::host::process;
use cc_ci_testkit::{Fault, PlanBuilder, World};

use crate::harness::{one_service, ports, run};

/// Runs a plan and drops it at that time, as a SIGKILL would.
async fn killed_after(builder: &PlanBuilder, time: Duration) -> World {
    let world = World::of(builder);
    let tool = Tool { version: "0.0.0".into(), commit: None };
    let running = cc_ci_engine::run::run(ports(&world), world.plan.clone(), tool);
    drop(tokio::time::timeout(time, running).await);
    world
}

/// What `cc-ci cleanup RUN` does: everything from the log.
async fn clean_up(world: &World) -> Swept {
    let state = RunState::of(&world.store.events());
    let scope = scope(&world.plan.run_id, &state.intents);
    let deadline = world.clock.now().plus(Duration::from_mins(5));
    sweep(&ports(world).sweeper(), &scope, &state.processes, deadline).await
}

#[tokio::test(start_paused = true)]
async fn one_cleanup_after_a_kill_at_any_time_leaves_nothing() {
    let length = run(&one_service(), |_| {}).await.took;
    let (mut killed, mut clean) = (0, 0);
    for at in (0..u64::try_from(length.as_millis()).unwrap()).step_by(70) {
        let world = killed_after(&one_service(), Duration::from_millis(at)).await;
        let state = RunState::of(&world.store.events());
        let told = verdict(&world.plan, &state);
        assert_eq!(told.verdict, Verdict::Error, "killed at {at} ms: a log without its seal");
        let swept = clean_up(&world).await;
        assert!(swept.complete && swept.left.is_empty(), "killed at {at} ms: {swept:?}");
        killed += 1;
        clean += usize::from(world.swarm.left().is_empty());
    }
    println!("{clean} of {killed} clean");
    assert_eq!(clean, killed);
}

/// Twice does no harm, and neither does a cleanup of a run that ended well.
#[tokio::test(start_paused = true)]
async fn a_cleanup_may_be_repeated() {
    let world = killed_after(&one_service(), Duration::from_secs(5)).await;
    clean_up(&world).await;
    let again = clean_up(&world).await;
    assert!(again.complete && again.left.is_empty() && again.refusals.is_empty(), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn children_of_a_dead_run_are_ended_first() {
    let world = World::of(&one_service());
    world.processes.with_orphan(77, false);
    world.processes.with_orphan(78, true);
    let scope = scope(&world.plan.run_id, &[]);
    let deadline = world.clock.now().plus(Duration::from_mins(1));
    let dead = [process(77), process(78)];
    let swept = sweep(&ports(&world).sweeper(), &scope, &dead, deadline).await;
    let alive =
        |pid| cc_ci_core::ports::Processes::is_alive(world.processes.as_ref(), &process(pid));
    assert!(!alive(77) && alive(78));
    assert_eq!(swept.refusals.len(), 1, "{swept:?}");
    assert!(swept.refusals[0].contains("78"));
}

/// Each call of a cleanup goes wrong in turn: it ends, and where it could not remove something it
/// says so; the next one leaves nothing.
#[tokio::test(start_paused = true)]
async fn any_call_of_a_cleanup_may_go_wrong() {
    for fault in [Fault::Fail, Fault::LoseAnswer, Fault::Hang, Fault::HangAfter] {
        let mut hit = 0;
        for nth in 1.. {
            let world = killed_after(&one_service(), Duration::from_secs(5)).await;
            assert_ne!(world.swarm.left(), [], "there is something to clean up");
            world.processes.with_orphan(77, false);
            let before = world.faults.calls().len();
            world.faults.arm(before + nth, fault);
            let state = RunState::of(&world.store.events());
            let mut dead = state.processes.clone();
            dead.push(process(77));
            let scope = scope(&world.plan.run_id, &state.intents);
            let deadline = world.clock.now().plus(Duration::from_mins(5));
            let sweeper = ports(&world).sweeper();
            let sweeping = sweep(&sweeper, &scope, &dead, deadline);
            let swept = tokio::time::timeout(Duration::from_hours(1), sweeping).await;
            let Some(call) = world.faults.fired() else { break };
            let swept = swept.unwrap_or_else(|_| panic!("{fault:?} {call}: it never ends"));
            assert_eq!(swept.complete && swept.left.is_empty(), world.swarm.left().is_empty());
            clean_up(&world).await;
            assert_eq!(world.swarm.left(), [], "{fault:?} {call}");
            hit += 1;
        }
        assert!(hit > 10, "{hit} calls");
        println!("{fault:?}: each of {hit} calls");
    }
}
