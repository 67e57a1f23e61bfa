//! What [`cc_ci_core::ports::Exec`] promises.

use std::time::Duration;

use cc_ci_core::ports::{ExecOutput, ExecRequest};
use cc_ci_core::redact::MARGIN;

use super::stage::{
    Does, Life, Service, Stage, container, ended, inventory, is_away, is_refused, until, watch,
};

super::contract!(Exec: [
    its_exit_code_and_both_streams_are_told,
    of_a_long_output_the_end_is_told,
    it_runs_as_root,
    one_that_does_not_end_is_left_alone_when_its_time_is_up,
    a_program_that_is_not_there_fails,
    a_container_that_does_not_run_is_refused,
    a_container_that_is_not_there_is_refused,
    an_engine_that_does_not_answer_is_told_as_such,
]);

fn request<S: Stage>(stage: &S, container: &str, does: Does) -> ExecRequest {
    ExecRequest {
        container: container.to_owned(),
        command: stage.command(does),
        limit: Duration::from_secs(30),
    }
}

async fn run<S: Stage>(stage: &S, container: &str, does: Does) -> ExecOutput {
    let request = request(stage, container, does);
    stage.engine().exec().exec(&request).await.expect("it can be run")
}

async fn steady<S: Stage>(stage: &S) -> String {
    container(stage, &Service::new("app", Life::Steady)).await
}

async fn its_exit_code_and_both_streams_are_told<S: Stage>(stage: &S) {
    let container = steady(stage).await;
    for code in [0, 1, 255] {
        let output = run(stage, &container, Does::Says("out;", "err;", code)).await;
        assert_eq!(output.code, Some(code));
        let mut parts: Vec<&str> = output.said.split_inclusive(';').collect();
        parts.sort_unstable();
        assert_eq!(parts, ["err;", "out;"], "{output:?}");
    }
    let silent = run(stage, &container, Does::Says("", "", 3)).await;
    assert_eq!(silent, ExecOutput { code: Some(3), said: String::new() });
}

async fn of_a_long_output_the_end_is_told<S: Stage>(stage: &S) {
    let container = steady(stage).await;
    let output = run(stage, &container, Does::Floods(300_000)).await;
    assert_eq!(output.code, Some(0));
    assert_eq!(output.said.len(), (64 << 10) + MARGIN);
    assert!(output.said.ends_with("xend"), "the end of it");
}

async fn it_runs_as_root<S: Stage>(stage: &S) {
    let container = steady(stage).await;
    assert_eq!(run(stage, &container, Does::TellsItsUser).await.said.trim(), "0");
}

async fn one_that_does_not_end_is_left_alone_when_its_time_is_up<S: Stage>(stage: &S) {
    let container = steady(stage).await;
    let limit = Duration::from_secs(2);
    let request = ExecRequest { limit, ..request(stage, &container, Does::Stays) };
    let output = stage.engine().exec().exec(&request).await.expect("it can be run");
    assert_eq!((output.code, output.said.trim_end()), (None, "begun"));
    let other = run(stage, &container, Does::Says("still here", "", 0)).await;
    assert_eq!((other.code, other.said.as_str()), (Some(0), "still here"));
}

/// The engine tells it as the end of the command, not as a refusal.
async fn a_program_that_is_not_there_fails<S: Stage>(stage: &S) {
    let container = steady(stage).await;
    let output = run(stage, &container, Does::Missing).await;
    assert!(matches!(output.code, Some(126 | 127)), "{output:?}");
}

async fn a_container_that_does_not_run_is_refused<S: Stage>(stage: &S) {
    let mut watch = watch(stage).await;
    stage.deploy(&[Service::new("app", Life::OneShot)]).await;
    until(&mut watch, "ended task", ended("app")).await;
    let objects = inventory(stage).await;
    let stopped = objects.iter().find(|object| object.kind.as_str() == "container");
    let stopped = stopped.expect("it is still there");
    let request = request(stage, &stopped.id, Does::Says("never", "", 0));
    is_refused(&stage.engine().exec().exec(&request).await, 409);
}

async fn a_container_that_is_not_there_is_refused<S: Stage>(stage: &S) {
    let request = request(stage, "no-such", Does::Says("never", "", 0));
    is_refused(&stage.engine().exec().exec(&request).await, 404);
}

async fn an_engine_that_does_not_answer_is_told_as_such<S: Stage>(stage: &S) {
    let request = request(stage, "no-such", Does::Says("never", "", 0));
    is_away(&stage.away().exec().exec(&request).await);
}
