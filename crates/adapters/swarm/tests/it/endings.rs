//! Tasks that end: what was seen of them has to tell why.

use cc_ci_core::ports::StackView;
use cc_ci_model::stack::{StackFacts, TaskFacts, TaskState};

use crate::support::{IMAGE, TestStack, docker, engine, only_task, until};

fn ended(service: &'static str) -> impl Fn(&StackFacts) -> bool {
    move |facts| facts.tasks_of(service).any(|task| task.state.is_terminal())
}

fn service(name: &str, more: &str) -> String {
    format!(
        "  {name}:
    image: {IMAGE}
    {more}
    deploy: {{endpoint_mode: dnsrr, restart_policy: {{condition: on-failure}}}}
"
    )
}

/// A service that never became healthy, whose image exits 0 when it is stopped, looks field for
/// field like a finished one-shot in everything but its container (CONV-1). The container's
/// facts have to outlive it.
#[tokio::test]
async fn an_unhealthy_service_is_told_from_a_one_shot() {
    let Some(swarm) = engine("an_unhealthy_service_is_told_from_a_one_shot") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    let check = "healthcheck: {test: [\"CMD\", \"false\"], interval: 500ms, retries: 2}";
    let once = "command: [\"true\"]\n    healthcheck: {test: [\"CMD\", \"true\"], interval: 5s}";
    stack.deploy(&(service("sick", check) + &service("once", once)), "");
    until(&mut watch, "ended one-shot", ended("once")).await;
    let facts = until(&mut watch, "ended sick service", ended("sick")).await;

    let (sick, once) = (only_task(&facts, "sick"), only_task(&facts, "once"));
    check_told_apart(sick, once);
    for task in [sick, once] {
        docker(&["rm", &task.container.as_ref().unwrap().id]);
    }
    let later = watch.observe().await.unwrap();
    assert_eq!(only_task(&later, "sick").container, sick.container);
    assert_eq!(only_task(&later, "once").container, once.container);
    assert!(!later.events_gap);
}

#[track_caller]
fn check_told_apart(sick: &TaskFacts, once: &TaskFacts) {
    for task in [sick, once] {
        assert_eq!(task.state, TaskState::Complete);
        assert_eq!(task.desired, TaskState::Shutdown);
        assert_eq!((task.exit_code, &task.error), (Some(0), &None));
    }
    let seen = |task: &TaskFacts| {
        let container = task.container.clone().unwrap();
        let health = container.health.unwrap();
        let streak_is_up = health.failing_streak >= health.retries;
        (container.unhealthy_seen, streak_is_up, health.log)
    };
    let (unhealthy, streak_is_up, log) = seen(sick);
    assert!(unhealthy && streak_is_up && log[0].starts_with("exit 1"), "{sick:?}");
    let (unhealthy, streak_is_up, _) = seen(once);
    assert!(!unhealthy && !streak_is_up, "{once:?}");
}

#[tokio::test]
async fn an_image_that_is_not_there_is_told_by_its_task() {
    let Some(swarm) = engine("an_image_that_is_not_there_is_told_by_its_task") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    let service = "  app: {image: \"cc-ci-fixture/no-such:1\", deploy: {endpoint_mode: dnsrr, \
                   restart_policy: {condition: none}}}";
    stack.deploy(service, "");
    let facts = until(&mut watch, "rejected task", ended("app")).await;
    let task = only_task(&facts, "app");
    assert_eq!((task.state, task.exit_code), (TaskState::Rejected, None));
    assert_eq!(task.error.as_deref(), Some("No such image: cc-ci-fixture/no-such:1"));
    assert_eq!(task.container, None);
    assert_eq!(swarm.log_tail(&stack.name, "app", 5).await.unwrap(), "");
}

#[tokio::test]
async fn a_failing_command_leaves_its_exit_code_and_last_words() {
    let Some(swarm) = engine("a_failing_command_leaves_its_exit_code_and_last_words") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    let command = "command: [\"sh\", \"-c\", \"echo out; echo last words >&2; exit 3\"]";
    let service = service("app", command).replace("on-failure", "none");
    stack.deploy(&service, "");
    let facts = until(&mut watch, "ended task", ended("app")).await;
    let task = only_task(&facts, "app");
    assert_eq!((task.state, task.exit_code), (TaskState::Failed, Some(3)));
    assert_eq!(task.error.as_deref(), Some("task: non-zero exit (3)"));
    let log = swarm.log_tail(&stack.name, "app", 5).await.unwrap();
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["last words", "out"], "{log}");
}

/// Docker keeps a line of more than 16 KiB in parts. A secret may stand right where it splits one.
#[tokio::test]
async fn a_long_line_of_a_log_comes_whole() {
    let Some(swarm) = engine("a_long_line_of_a_log_comes_whole") else {
        return;
    };
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    let command = "command: [\"sh\", \"-c\", \"head -c 16380 /dev/zero | tr '\\\\0' x; echo correct-horse; echo next\"]";
    let service = service("app", command).replace("on-failure", "none");
    stack.deploy(&service, "");
    until(&mut watch, "ended task", ended("app")).await;
    let log = swarm.log_tail(&stack.name, "app", 50).await.unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{} lines", lines.len());
    assert!(lines[0].ends_with("xcorrect-horse"), "{}", &lines[0][lines[0].len().min(16_370)..]);
    assert_eq!((lines[0].len(), lines[1]), (16_380 + 13, "next"));
}
