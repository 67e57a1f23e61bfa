//! Tasks that end: what was seen of them has to tell why.

use cc_ci_core::ports::StackView;
use cc_ci_model::stack::{StackFacts, TaskState};

use crate::support::{IMAGE, TestStack, engine, only_task, until};

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
