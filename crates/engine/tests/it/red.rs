//! Runs in which the recipe is at fault.

use std::time::Duration;

use cc_ci_model::compose::RestartCondition;
use cc_ci_model::evidence::ImageFound;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::stage::{Rung, Stage};
use cc_ci_testkit::deployer::Reply;
use cc_ci_testkit::{
    Answer, Behaviour, Exit, Health, Life, Obstacle, PlanBuilder, World, service, stack,
};

use crate::harness::{Ended, one_service, rich, run};

/// The run failed, install is red, and what is said contains all of `words`.
#[track_caller]
fn check(ended: &Ended, words: &[&str]) {
    ended.expect(Verdict::Fail, ExitKind::Fail);
    assert_eq!(ended.results().level, 0);
    assert_eq!(ended.status(Rung::Install), Status::Failed);
    for word in words {
        assert!(ended.said().contains(word), "{word:?} is not in: {}", ended.said());
    }
}

async fn with(behaviour: Behaviour) -> Ended {
    run(&one_service(), |world: &World| world.swarm.behave("app", behaviour)).await
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_becomes_healthy_fails() {
    let ended = with(Behaviour::never_healthy(143)).await;
    check(&ended, &["service app", "unhealthy container"]);
}

/// What was changed about the recipe may be what failed, and whoever reads the reason should know.
#[tokio::test(start_paused = true)]
async fn a_failed_stage_names_what_was_changed() {
    let broken = || {
        let page = Answer::Status(200, "<title>502 Bad Gateway</title>".into());
        Behaviour::steady().answering([page])
    };
    let ended = with(broken()).await;
    let note = "(under adaptation: a network of the run instead of proxy; a host with its own proxy may differ)";
    check(&ended, &["error page", note]);
    let results = ended.results();
    let reason = results.stages[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains(note), "{reason}");
    let rung = results.rungs[&Rung::Install].reason.as_deref().unwrap_or_default();
    assert!(rung.contains(note), "{rung}");

    let unhealthy = with(Behaviour::never_healthy(143)).await;
    assert!(!unhealthy.said().contains("adaptation"), "no proxy asks: {}", unhealthy.said());
    let unchanged = PlanBuilder::new(stack([service("app").routed(80)]));
    let ended = run(&unchanged, |world: &World| world.swarm.behave("app", broken())).await;
    assert!(!ended.said().contains("adaptation"), "{}", ended.said());
}

/// Found in the lab: stopped for being unhealthy, exits 0 on TERM, `on-failure` sees success; the
/// task then looks like a finished one-shot, field for field.
#[tokio::test(start_paused = true)]
async fn a_never_healthy_service_is_no_finished_one_shot() {
    let sick = service("app").restart(RestartCondition::OnFailure);
    let builder = PlanBuilder::new(stack([sick]));
    let ended =
        run(&builder, |world: &World| world.swarm.behave("app", Behaviour::never_healthy(0))).await;
    check(&ended, &["never became healthy", "exited with code 0"]);
    assert!(
        ended.took < Duration::from_mins(1),
        "no need to wait for the deadline: {:?}",
        ended.took
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_ends_the_wait_early() {
    let ended = with(Behaviour::crash_loop()).await;
    check(&ended, &["crash loop", "exit code 1"]);
    assert!(ended.took < Duration::from_mins(2), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn out_of_memory_is_named() {
    let life = Life { oom: true, ..Life::ending(Duration::from_secs(1), 137) };
    let ended = with(Behaviour::lives([life])).await;
    check(&ended, &["out of memory"]);
}

/// It settles within the window, and dies again and again right after it.
#[tokio::test(start_paused = true)]
async fn a_service_that_dies_after_it_settled_is_caught_by_the_closing_look() {
    let builder = one_service().with(|plan| {
        if let Some(gate) = &mut plan.gate {
            (gate.successes, gate.interval_ms) = (100, 1000);
        }
    });
    let dying =
        Life { ends: Some(Exit { after: Duration::from_secs(15), code: 3 }), ..Life::steady() };
    let ended =
        run(&builder, |world: &World| world.swarm.behave("app", Behaviour::lives([dying]))).await;
    check(&ended, &["time ran out"]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_exist_is_the_recipes_fault_before_any_deploy() {
    let ended = run(&one_service(), |world: &World| {
        let message = "manifest unknown".to_owned();
        world.swarm.image("registry.test/app:1.0.0", ImageFound::NotFound { message });
    })
    .await;
    check(&ended, &["registry.test/app:1.0.0", "manifest unknown"]);
    assert!(!ended.world.faults.calls().contains(&"deploy a stack".to_owned()));
}

/// The engine could not be asked, or says no: nobody's fault that we know of.
#[tokio::test(start_paused = true)]
async fn a_registry_that_denies_or_is_away_is_no_fault_of_the_recipe() {
    let message = "words of the registry".to_owned();
    let founds = [
        ImageFound::Denied { message: message.clone() },
        ImageFound::Unreachable { message: message.clone() },
    ];
    for found in founds {
        let ended = run(&one_service(), |world: &World| {
            world.swarm.image("registry.test/app:1.0.0", found);
        })
        .await;
        ended.expect(Verdict::Error, ExitKind::Error);
        assert!(ended.said().contains(&message));
    }
}

/// A registry with too much to do says nothing about the recipe, and is asked again.
#[tokio::test(start_paused = true)]
async fn a_busy_registry_is_asked_again_within_bounds() {
    const IMAGE: &str = "registry.test/app:1.0.0";
    let busy = || ImageFound::Unreachable { message: "toomanyrequests: slow down".into() };
    let ended = run(&one_service(), |world: &World| {
        world.swarm.image_at_first(IMAGE, 2, busy());
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let told = ended.results().warnings.iter().find(|warning| warning.code == "registry_busy");
    assert!(told.is_some_and(|told| told.message.contains("2 times more")), "{told:?}");

    let ended = run(&one_service(), |world: &World| world.swarm.image(IMAGE, busy())).await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert!(ended.said().contains("toomanyrequests"), "{}", ended.said());
    let asked = ended.world.faults.calls();
    let asked = asked.iter().filter(|call| *call == "ensure an image").count();
    assert_eq!(asked, 6, "once, and five times again");
    assert!(ended.took < Duration::from_mins(2), "{:?}", ended.took);

    // Time runs out first: what the registry said stands.
    let short = one_service().with(|plan| plan.budgets.images_ms = 10_000);
    let ended = run(&short, |world: &World| world.swarm.image(IMAGE, busy())).await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert!(ended.said().contains("toomanyrequests"), "{}", ended.said());
}

#[tokio::test(start_paused = true)]
async fn an_image_only_here_is_a_warning() {
    let ended = run(&one_service(), |world: &World| {
        let found =
            ImageFound::LocalOnly { id: "sha256:01".into(), message: "manifest unknown".into() };
        world.swarm.image("registry.test/app:1.0.0", found);
    })
    .await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert!(ended.results().does_not_prove.iter().any(|line| line.contains("local store only")));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_refuses_the_task_ends_the_wait_early() {
    let refused =
        Obstacle::Refused("invalid mount config: bind source path does not exist: /x".into());
    let ended = with(Behaviour::lives([Life::stopped_by(refused)])).await;
    check(&ended, &["bind source path does not exist"]);
    assert!(ended.took < Duration::from_mins(1), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn no_suitable_node_is_said_in_the_engines_words() {
    let refused =
        Obstacle::NoNode("no suitable node (host-mode port already in use on 1 node)".into());
    let ended = with(Behaviour::lives([Life::stopped_by(refused)])).await;
    check(&ended, &["host-mode port already in use"]);
}

/// The same words about a port that the recipe wants once: somebody else has it.
#[tokio::test(start_paused = true)]
async fn a_port_somebody_else_has_is_an_error() {
    let refused =
        Obstacle::NoNode("no suitable node (host-mode port already in use on 1 node)".into());
    let builder = PlanBuilder::new(stack([rich("app").publishes_on_host(8080)]));
    let behaviour = Behaviour::lives([Life::stopped_by(refused)]);
    let ended = run(&builder, |world: &World| world.swarm.behave("app", behaviour)).await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert!(
        ended.said().contains("8080/tcp") && ended.said().contains("taken"),
        "{}",
        ended.said()
    );
}

#[tokio::test(start_paused = true)]
async fn an_app_that_never_answers_fails_when_the_time_is_up() {
    for answer in [Answer::Reset, Answer::Silence, Answer::Status(503, "starting".into())] {
        let ended = with(Behaviour::steady().answering([answer.clone()])).await;
        check(&ended, &["time ran out", "service app on port 80"]);
        let budget = Duration::from_millis(ended.world.plan.budgets.deploy_ms);
        assert!(ended.took < budget + Duration::from_mins(1), "{answer:?}: {:?}", ended.took);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_listens_on_the_routed_port() {
    let ended = with(Behaviour { port: 8080, ..Behaviour::steady() }).await;
    check(&ended, &["Connection refused", "port 80"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_waited_for_and_must_come_twice() {
    let late = Life { listens_after: Duration::from_secs(30), ..Life::steady() };
    let behaviour = Behaviour::lives([late]).answering([
        Answer::Status(502, "no".into()),
        Answer::Status(200, "yes".into()),
        Answer::Status(502, "no".into()),
        Answer::Status(200, "yes".into()),
    ]);
    let ended = with(behaviour).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    assert!(ended.took > Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn a_redirect_away_from_the_app_is_no_answer() {
    let away = Answer::Redirect("https://login.example.com/".into());
    check(
        &with(Behaviour::steady().answering([away])).await,
        &["points to https://login.example.com/"],
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_page_with_status_200_fails() {
    let page = Answer::Status(200, "<title>502 Bad Gateway</title>".into());
    check(&with(Behaviour::steady().answering([page])).await, &["error page"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_deploy_is_explained() {
    let ended = run(&one_service(), |world: &World| {
        world.deployer.reply(Reply::Refuse(
            1,
            "failed to update config x: only updates to Labels are allowed".into(),
        ));
    })
    .await;
    check(&ended, &["abra.sh"]);
}

/// What it made before it stopped is found and removed.
#[tokio::test(start_paused = true)]
async fn a_deploy_that_is_refused_half_way_leaves_nothing() {
    let builder = PlanBuilder::new(stack([
        service("app").routed(80).config("settings").network("internal"),
        service("db").secret("password").volume("data", "/data"),
    ]));
    let ended = run(&builder, |world: &World| {
        world.deployer.reply(Reply::WorkThenRefuse(
            1,
            "service db: name must be 63 characters or fewer".into(),
        ));
    })
    .await;
    check(&ended, &["name must be 63 characters"]);
}

#[tokio::test(start_paused = true)]
async fn a_deploy_that_does_not_come_back_is_an_error() {
    let ended = run(&one_service(), |world: &World| world.deployer.reply(Reply::Stuck)).await;
    ended.expect(Verdict::Error, ExitKind::Error);
}

/// CONV-8: one replaced task is a warning with its cause, a second one a failed check.
#[tokio::test(start_paused = true)]
async fn one_task_replaced_later_is_a_warning_two_are_a_failure() {
    let builder = one_service().with(|plan| {
        if let Some(gate) = &mut plan.gate {
            (gate.successes, gate.interval_ms) = (60, 1000);
        }
    });
    let once = run(&builder, |world: &World| {
        world.swarm.kill_after(Duration::from_secs(12), "app", 9);
    })
    .await;
    once.expect(Verdict::Pass, ExitKind::Pass);
    assert!(once.results().warnings.iter().any(|finding| finding.code == "task_replaced"));
    let twice = run(&builder, |world: &World| {
        world.swarm.kill_after(Duration::from_secs(12), "app", 9);
        world.swarm.kill_after(Duration::from_secs(30), "app", 9);
    })
    .await;
    check(&twice, &["crash loop"]);
}

/// CONV-8: the same over two stages of one app: each is told where it happened, and only there.
#[tokio::test(start_paused = true)]
async fn a_second_task_replaced_in_a_later_stage_is_a_failure_there() {
    let app = service("app").routed(80).volume("data", "/data").backed_up();
    let builder = PlanBuilder::new(stack([app])).run(Stage::Backup).run(Stage::Restore);
    let builder = builder.with(|plan| {
        if let Some(gate) = &mut plan.gate {
            (gate.successes, gate.interval_ms) = (60, 1000);
        }
    });
    let once = run(&builder, |world: &World| {
        world.swarm.kill_after(Duration::from_secs(12), "app", 9);
    })
    .await;
    once.expect(Verdict::Pass, ExitKind::Pass);
    let results = once.results();
    let told = results.warnings.iter().filter(|finding| finding.code == "task_replaced");
    assert_eq!(told.count(), 1);
    let twice = run(&builder, |world: &World| {
        world.swarm.kill_after(Duration::from_secs(12), "app", 9);
        world.swarm.kill_after(Duration::from_secs(110), "app", 9);
    })
    .await;
    twice.expect(Verdict::Fail, ExitKind::Fail);
    assert_eq!(twice.status(Rung::Install), Status::Passed);
    assert_eq!(twice.status(Rung::BackupRestore), Status::Failed);
    assert!(twice.said().contains("crash loop: service app: 2 of its tasks"), "{}", twice.said());
}

/// Unhealthy later on: Swarm replaces the task; the stack does not count as settled in between.
#[tokio::test(start_paused = true)]
async fn health_that_comes_and_goes_never_settles() {
    let until = Life::with_health(Health::Until(Duration::from_secs(2)));
    let ended = with(Behaviour::lives([until])).await;
    check(&ended, &["service app"]);
}
