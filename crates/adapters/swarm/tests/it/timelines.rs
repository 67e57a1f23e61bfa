//! Small scenes on the real Swarm, watched from the deploy until the wait would end: what the
//! engine says, look by look, and how convergence answers (CONV-1 to CONV-5).
//!
//! `cargo xtask record-timeline` runs them with `CC_CI_RECORD` set to a folder, and they write what
//! they saw there. The committed ones are in `fixtures/timelines/`, and are replayed without an
//! engine by `crates/core/src/convergence/recorded.rs`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

use cc_ci_core::convergence::{Convergence, Hold, Wanted, WantedService, recall};
use cc_ci_core::ports::StackView;
use cc_ci_model::stack::StackFacts;
use cc_ci_model::time::Timestamp;
use cc_ci_swarm::Swarm;
use serde_json::json;

use crate::support::{IMAGE, TestStack, engine, now};

/// A scene.
struct Scene {
    name: &'static str,
    /// What runs before, settled; nothing if empty.
    base: String,
    head: String,
    /// What may be a one-shot or a job is not started again after exit code 0.
    starts_again: bool,
    /// How it has to end.
    end: &'static str,
    /// A word of why.
    why: &'static str,
}

fn app(command: &str, release: &str, deploy: &str) -> String {
    format!(
        "  app:
    image: {IMAGE}
    {command}
    environment: {{RELEASE: \"{release}\"}}
    stop_grace_period: 3s
    deploy:
      endpoint_mode: dnsrr
{deploy}"
    )
}

const SERVE: &str = "healthcheck: {test: [\"CMD\", \"true\"], interval: 500ms}";
const FALLS: &str = "command: [\"sh\", \"-c\", \"sleep 1; exit 3\"]";

fn policy(order: &str, action: &str) -> String {
    format!(
        "      restart_policy: {{condition: any, delay: 1s}}
      update_config: {{monitor: 3s, order: {order}, failure_action: {action}}}
      rollback_config: {{monitor: 1s}}"
    )
}

async fn watch_scene(swarm: &Swarm, scene: &Scene) -> (Vec<serde_json::Value>, Convergence) {
    let stack = TestStack::new();
    let mut watch = swarm.watch(&stack.name).await.unwrap();
    let services = vec![WantedService {
        name: "app".into(),
        must_stay_up: None,
        starts_again: scene.starts_again,
    }];
    let wanted = Wanted { services, stability: Duration::from_secs(3) };
    if !scene.base.is_empty() {
        stack.deploy(&scene.base, "");
        let (_, said) = settle(&mut watch, &wanted).await;
        assert_eq!(word(&said), "converged", "{said:?}");
    }
    stack.deploy(&scene.head, "");
    settle(&mut watch, &wanted).await
}

/// Waits as the engine of cc-ci does, and keeps each look.
async fn settle(
    watch: &mut Box<dyn cc_ci_core::ports::StackWatch>,
    wanted: &Wanted,
) -> (Vec<serde_json::Value>, Convergence) {
    let (mut known, mut looks) = (StackFacts::default(), Vec::new());
    let began = now();
    // Recordings begin at the epoch.
    let dawn = Timestamp::default();
    let clock = || dawn.plus(began.elapsed());
    let mut hold = Hold::new(clock());
    loop {
        let asked = clock();
        let fresh = watch.observe().await.unwrap();
        let answered = clock();
        known = recall(&known, fresh.clone(), answered);
        let said = hold.take(wanted, &known, asked, answered);
        looks.push(json!({
            "asked_ms": asked.since(dawn).as_millis(), "answered_ms": answered.since(dawn).as_millis(),
            "answer": word(&said), "facts": bare(fresh),
        }));
        let is_open = matches!(said, Convergence::NotYet { .. });
        if !is_open || began.elapsed() > Duration::from_mins(2) {
            return (looks, said);
        }
        let at_latest = hold.look_again(wanted, &known, answered).since(clock());
        let _woken = tokio::time::timeout(at_latest, watch.changed()).await;
        tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>()).await.ok();
    }
}

fn word(said: &Convergence) -> &'static str {
    match said {
        Convergence::Converged { .. } => "converged",
        Convergence::NotYet { .. } => "not yet",
        Convergence::Failed { .. } => "failed",
        Convergence::Undecidable { .. } => "undecidable",
    }
}

/// Without what says nothing about convergence.
fn bare(mut facts: StackFacts) -> StackFacts {
    for service in &mut facts.services {
        service.labels.clear();
        service.template.clear();
    }
    facts
}

/// One look a line, with ids numbered in the order in which they occur.
fn normalised(looks: &[serde_json::Value]) -> String {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut lines = Vec::new();
    for look in looks {
        let mut look = look.clone();
        rename(&mut look, "", &mut names);
        lines.push(look.to_string());
    }
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    // Messages name tasks too.
    let ids = names.iter().filter(|(id, _)| id.len() > 20);
    ids.fold(text, |text, (id, name)| text.replace(id, name))
}

fn rename(value: &mut serde_json::Value, key: &str, names: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                rename(value, key, names);
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                rename(item, "", names);
            }
        }
        serde_json::Value::String(text) if matches!(key, "id" | "node") => {
            let known = names.len() + 1;
            let name = names.entry(text.clone()).or_insert_with(|| format!("{key}-{known}"));
            text.clone_from(name);
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

async fn check(scene: Scene) {
    let test = format!("timeline {}", scene.name);
    let Some(swarm) = engine(&test) else { return };
    let (looks, said) = watch_scene(&swarm, &scene).await;
    assert_eq!(word(&said), scene.end, "{said:?}");
    assert!(format!("{said:?}").contains(scene.why), "{said:?}");
    #[expect(clippy::disallowed_methods, reason = "recordings are asked for by the environment")]
    let folder = std::env::var_os("CC_CI_RECORD");
    if let Some(folder) = folder {
        let path = std::path::Path::new(&folder).join(format!("{}.json", scene.name));
        File::create(path).unwrap().write_all(normalised(&looks).as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn a_start_first_update_on_the_real_swarm() {
    let (base, head) = (policy("start-first", "pause"), policy("start-first", "pause"));
    let scene = Scene {
        name: "start-first",
        base: app(SERVE, "1", &base),
        head: app(SERVE, "2", &head),
        starts_again: true,
        end: "converged",
        why: "",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_stop_first_update_on_the_real_swarm() {
    let policy = policy("stop-first", "pause");
    let scene = Scene {
        name: "stop-first",
        base: app(SERVE, "1", &policy),
        head: app(SERVE, "2", &policy),
        starts_again: true,
        end: "converged",
        why: "",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_paused_update_on_the_real_swarm() {
    let policy = policy("start-first", "pause");
    let scene = Scene {
        name: "pause",
        base: app(SERVE, "1", &policy),
        head: app(FALLS, "2", &policy),
        starts_again: true,
        end: "failed",
        why: "exit code 3",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_rolled_back_update_on_the_real_swarm() {
    let policy = policy("stop-first", "rollback");
    let scene = Scene {
        name: "rollback",
        base: app(SERVE, "1", &policy),
        head: app(FALLS, "2", &policy),
        starts_again: true,
        end: "failed",
        why: "the old version is running",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_one_shot_on_the_real_swarm() {
    let scene = Scene {
        name: "one-shot",
        base: String::new(),
        head: app(
            "command: [\"sh\", \"-c\", \"sleep 1\"]",
            "1",
            "      restart_policy: {condition: on-failure}",
        ),
        starts_again: false,
        end: "converged",
        why: "one_shots: [\"app\"]",
    };
    check(scene).await;
}

fn job(command: &str) -> String {
    app(command, "1", "      mode: replicated-job\n      restart_policy: {condition: none}")
}

#[tokio::test]
async fn a_job_on_the_real_swarm() {
    let scene = Scene {
        name: "job",
        base: String::new(),
        head: job("command: [\"sh\", \"-c\", \"sleep 1\"]"),
        starts_again: false,
        end: "converged",
        why: "",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_failing_job_on_the_real_swarm() {
    let scene = Scene {
        name: "job-fails",
        base: String::new(),
        head: job(FALLS),
        starts_again: false,
        end: "failed",
        why: "restart condition is `none`",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_crash_loop_on_the_real_swarm() {
    let scene = Scene {
        name: "crash-loop",
        base: String::new(),
        head: app(FALLS, "1", &policy("stop-first", "pause")),
        starts_again: true,
        end: "failed",
        why: "crash loop",
    };
    check(scene).await;
}

#[tokio::test]
async fn used_up_attempts_on_the_real_swarm() {
    let scene = Scene {
        name: "gives-up",
        base: String::new(),
        head: app(
            FALLS,
            "1",
            "      restart_policy: {condition: on-failure, delay: 1s, max_attempts: 1}",
        ),
        starts_again: false,
        end: "failed",
        why: "`max_attempts: 1`",
    };
    check(scene).await;
}

#[tokio::test]
async fn a_constraint_no_node_meets_on_the_real_swarm() {
    let deploy = "      placement: {constraints: [\"node.labels.cc-ci-nowhere == yes\"]}";
    let scene = Scene {
        name: "no-suitable-node",
        base: String::new(),
        head: app(SERVE, "1", deploy),
        starts_again: true,
        end: "failed",
        why: "scheduling constraints not satisfied",
    };
    check(scene).await;
}

#[tokio::test]
async fn an_image_nobody_has_on_the_real_swarm() {
    let head = app(SERVE, "1", "      restart_policy: {condition: any}");
    let scene = Scene {
        name: "no-image",
        base: String::new(),
        head: head.replace(":2.1.0", ":0.0.0-nowhere"),
        starts_again: true,
        end: "failed",
        why: "No such image",
    };
    check(scene).await;
}
