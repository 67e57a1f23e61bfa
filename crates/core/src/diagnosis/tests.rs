//! A red for every class, from what engines, registries and apps were seen to say (Engine 20.10,
//! docker CLI 28, and the apps' own words), and the wrong blames that lie near.

use std::collections::BTreeSet;

use cc_ci_model::diagnosis::{CauseClass, Diagnosis, ExamineSeen, LogSeen};
use cc_ci_model::event::EventKind;
use cc_ci_model::evidence::{
    Act, AnswerSeen, DeploySeen, Evidence, HttpSeen, ImageFound, ImageSeen, SettleSeen,
};
use cc_ci_model::outcome::{Outcome, Status};
use cc_ci_model::plan::{Adaptation, AdaptationKind, Doing, Plan, PlannedStage, Revision};
use cc_ci_model::stack::{StackFacts, TaskState, UpdateState};
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;
use cc_ci_testkit::{FactsBuilder, PlanBuilder, Shown, TaskBuilder, numbered, service, stack};

use super::{diagnoses, hints};
use crate::results::results;
use crate::state::RunState;
use crate::state::tests::{Turn, planned, walk, whole};

const HEAD: Revision = Revision::Head;
const IMAGES: Act = Act::EnsureImages { revision: HEAD };
const DEPLOY: Act = Act::Deploy { revision: HEAD };

fn plan() -> Plan {
    PlanBuilder::new(stack([service("app").routed(80), service("db")])).build()
}

/// What an install of that plan, after the acts that went well, says when the last one saw that.
#[track_caller]
fn install(plan: &Plan, well: &[Act], acts: Vec<(Act, Evidence)>) -> Diagnosis {
    let app = plan.apps.iter().find(|app| !app.contingent).expect("the plan has an app");
    let shown = Shown { plan, app, revision: HEAD, at: Timestamp::default() };
    let good = well.iter().map(|act| (*act, shown.good(*act)));
    let mut kinds = vec![
        planned(plan),
        EventKind::StageBegan { stage: Stage::Install, app: Some(app.id.clone()) },
    ];
    for (act, evidence) in good.chain(acts) {
        kinds.push(EventKind::ActBegan { act, deadline: Timestamp::default() });
        kinds.push(EventKind::ActEnded { evidence: Box::new(evidence) });
    }
    kinds.push(EventKind::StageEnded);
    let state = RunState::of(&numbered(kinds));
    let told = diagnoses(plan, &state);
    let rungs = results(plan, &state).rungs;
    assert_eq!(rungs[&told[0].rung.unwrap()].class, Some(told[0].class), "{told:?}");
    told.into_iter().next().expect("it is red")
}

/// A stack that did not settle in time, and the logs of its services.
#[track_caller]
fn unsettled(facts: FactsBuilder, logs: &[(&str, &[&str])]) -> Diagnosis {
    unsettled_with(&plan(), facts.build(), logs, |_| {})
}

#[track_caller]
fn unsettled_with(
    plan: &Plan,
    facts: StackFacts,
    logs: &[(&str, &[&str])],
    change: impl FnOnce(&mut ExamineSeen),
) -> Diagnosis {
    let settled = Evidence::Settled(SettleSeen {
        facts: facts.clone(),
        held_since: Timestamp::default(),
        looked_at: Timestamp::default(),
        expired: true,
        engine_answers: true,
        absences: Vec::new(),
    });
    let mut seen = examined(Some(facts), logs);
    change(&mut seen);
    let acts = vec![(Act::Converge, settled), (Act::Examine, Evidence::Examined(seen))];
    install(plan, &[IMAGES, DEPLOY], acts)
}

fn examined(facts: Option<StackFacts>, logs: &[(&str, &[&str])]) -> ExamineSeen {
    let log = |(service, lines): &(&str, &[&str])| LogSeen {
        service: (*service).to_owned(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    ExamineSeen {
        facts,
        logs: logs.iter().map(log).collect(),
        free_bytes: Some(30 << 30),
        memory_available_bytes: Some(8 << 30),
        missing: Vec::new(),
    }
}

/// `app` with those tasks, beside a `db` that runs.
fn app(tasks: impl IntoIterator<Item = TaskBuilder>) -> FactsBuilder {
    let facts = FactsBuilder::new().replicated("db", 1).task(TaskBuilder::up());
    tasks.into_iter().fold(facts.replicated("app", 1), FactsBuilder::task)
}

#[track_caller]
fn is(told: &Diagnosis, class: CauseClass, words: &[&str]) {
    assert_eq!(told.class, class, "{told:#?}");
    for word in words {
        assert!(told.message.contains(word), "{word:?} is not in {told:#?}");
    }
    assert!(!told.next.is_empty());
}

fn failing(code: i64) -> Vec<TaskBuilder> {
    (0..3).map(|_| TaskBuilder::failed(code).container()).collect()
}

#[test]
fn what_a_registry_says() {
    let told = |found| {
        let image = ImageSeen { service: "app".into(), reference: "x:1".into(), found, retries: 0 };
        let plan = PlanBuilder::new(stack([service("app").routed(80)])).build();
        install(&plan, &[], vec![(IMAGES, Evidence::Images { images: vec![image] })])
    };
    let message = || "manifest unknown".to_owned();
    is(&told(ImageFound::NotFound { message: message() }), CauseClass::Image, &["x:1", "manifest"]);
    is(&told(ImageFound::Denied { message: message() }), CauseClass::Registry, &["x:1"]);
    is(&told(ImageFound::Unreachable { message: message() }), CauseClass::Registry, &["x:1"]);
    let full = "failed to register layer: write /usr/lib/x: no space left on device";
    let full = told(ImageFound::Unreachable { message: full.into() });
    is(&full, CauseClass::Resources, &["no space left"]);
    assert!(full.next.contains("make room"), "{full:?}");
}

#[test]
fn what_docker_refuses() {
    let told = |said: &str, code, engine_answers| {
        let seen = DeploySeen {
            revision: HEAD,
            exit_code: code,
            said: said.to_owned(),
            engine_answers,
            services: Vec::new(),
        };
        install(&plan(), &[IMAGES], vec![(DEPLOY, Evidence::Deployed(seen))])
    };
    let labels = "failed to update config x_entrypoint_v1: Error response from daemon: rpc error: code = InvalidArgument desc = only \
                  updates to Labels are allowed";
    is(&told(labels, Some(1), true), CauseClass::ConfigVersion, &["abra.sh"]);
    let secret = "service app: secret not found: x_db_password_v1";
    is(&told(secret, Some(1), true), CauseClass::Secret, &["db_password"]);
    let port = "failed to create service x_app: Error response from daemon: rpc error: code = InvalidArgument desc = port '45402' is \
                already in use by service 'other_web' (esyxe9b29ixb) as an ingress port";
    is(&told(port, Some(1), true), CauseClass::Port, &["45402", "other_web"]);
    let key = "services.app Additional property unknownkey is not allowed";
    is(&told(key, Some(1), true), CauseClass::Compose, &["unknownkey"]);
    is(
        &told("Cannot connect to the Docker daemon", Some(1), false),
        CauseClass::Infrastructure,
        &[],
    );
    is(&told("", None, true), CauseClass::Infrastructure, &["did not come back"]);
}

#[test]
fn what_the_scheduler_says() {
    let pending = |why: &str| {
        let task = TaskBuilder::new(TaskState::Pending).error(&format!("no suitable node ({why})"));
        unsettled(app([task]), &[])
    };
    let told = pending("insufficient resources on 1 node");
    is(&told, CauseClass::Resources, &["service app", "insufficient resources"]);
    assert!(told.next.contains("reservations"), "{told:?}");
    let told = pending("scheduling constraints not satisfied on 1 node");
    is(&told, CauseClass::Resources, &["constraints"]);
    assert!(told.next.contains("placement.constraints"), "{told:?}");
    is(&pending("host-mode port already in use on 1 node"), CauseClass::Port, &["host-mode port"]);
    // Whose fault it is stands in the status: drained nodes are no recipe's.
    let drained = pending("1 node not available for new tasks");
    is(&drained, CauseClass::Infrastructure, &["no node of the Swarm"]);
    assert_eq!(drained.status, Status::Errored);
}

#[test]
fn what_a_node_refuses() {
    let told = |state, said: &str| {
        let task = || TaskBuilder::new(state).desired(TaskState::Shutdown).error(said);
        unsettled(app([task(), task(), task()]), &[])
    };
    let image = "No such image: cc-ci-fixture.invalid/static-web:9.9.9";
    is(&told(TaskState::Rejected, image), CauseClass::Image, &["9.9.9"]);
    let mount = "invalid mount config for type \"bind\": bind source path does not exist: /srv/x";
    is(&told(TaskState::Rejected, mount), CauseClass::Start, &["/srv/x"]);
    let port = "starting container failed: driver failed programming external connectivity on endpoint: Error starting userland \
                proxy: listen tcp4 0.0.0.0:45403: bind: address already in use";
    is(&told(TaskState::Failed, port), CauseClass::Port, &["45403"]);
    let command = "starting container failed: failed to create shim task: OCI runtime create failed: runc create failed: unable to start \
                   container process: exec: \"serve-it\": executable file not found in $PATH: unknown";
    is(&told(TaskState::Failed, command), CauseClass::Start, &["serve-it"]);
}

#[test]
fn a_process_that_needed_too_much_memory() {
    let dead = || TaskBuilder::failed(137).container().oom();
    let limited = app([dead(), dead()]).with(|service| {
        let limit = ("Resources.Limits.MemoryBytes".to_owned(), (64 << 20).to_string());
        service.template.extend([limit]);
    });
    let told = unsettled(limited, &[("app", &["starting"])]);
    is(&told, CauseClass::Oom, &["service app", "64.0 MiB"]);
    assert!(
        told.next.contains("raise `deploy.resources.limits.memory` of service app"),
        "{told:?}"
    );
    // Without a limit it is the host's memory that ran out.
    let told = unsettled_with(&plan(), app([dead()]).build(), &[], |seen| {
        seen.memory_available_bytes = Some(100 << 20);
    });
    is(&told, CauseClass::Oom, &["the host's memory"]);
    assert!(told.next.starts_with("look at the host first"), "{told:?}");
    // Killed, but not for its memory: 137 alone says nothing.
    let killed = unsettled(app([TaskBuilder::failed(137).container()]), &[]);
    is(&killed, CauseClass::CrashLoop, &["exit code 137"]);
}

#[test]
fn a_health_check_that_fails() {
    let sick = || TaskBuilder::complete().health("unhealthy", 3).unhealthy_seen();
    let told = unsettled(app([sick()]), &[("app", &["listening on 8080"])]);
    is(&told, CauseClass::Health, &["service app", "3 times in a row", "connection refused"]);
    assert!(told.evidence.contains(&"app | listening on 8080".to_owned()), "{told:?}");
    assert!(told.evidence.contains(&"health check of app: connection refused".to_owned()));
    let starting = TaskBuilder::new(TaskState::Starting).health("starting", 2);
    is(&unsettled(app([starting]), &[]), CauseClass::Health, &["2 times in a row"]);
    let gone = TaskBuilder::failed(143)
        .error("task: non-zero exit (143): dockerexec: unhealthy container");
    is(&unsettled(app([gone]), &[]), CauseClass::Health, &["Swarm stops it"]);
}

#[test]
fn a_process_that_ends_again_and_again() {
    let log: &[&str] = &["reading /etc/app.conf", "app.conf: line 3: unknown key `prot`"];
    let told = unsettled(app(failing(1)), &[("app", log)]);
    is(&told, CauseClass::CrashLoop, &["service app", "exit code 1", "unknown key"]);
    assert!(told.evidence.iter().any(|line| line.contains("exit code 1")), "{told:?}");
    let once = unsettled(app([TaskBuilder::failed(3)]), &[]);
    is(&once, CauseClass::CrashLoop, &["exit code 3, once"]);
}

/// What an app writes says more than that it ends.
#[test]
fn what_an_app_writes_before_it_ends() {
    let table = [
        (CauseClass::Migration, "Error: Migration 0042_add_users failed: column exists"),
        (CauseClass::Migration, "FATAL:  database files are incompatible with server"),
        (CauseClass::Migration, "sqlite3.OperationalError: no such table: users"),
        (CauseClass::Migration, "ERROR:  relation \"users\" does not exist at character 15"),
        (CauseClass::Migration, "ER_BAD_FIELD_ERROR: Unknown column 'x' in 'field list'"),
        (CauseClass::Dns, "wget: bad address 'db'"),
        (CauseClass::Dns, "Error: getaddrinfo ENOTFOUND database"),
        (CauseClass::Dns, "dial tcp: lookup redis on 127.0.0.11:53: no such host"),
        (
            CauseClass::Dns,
            "could not translate host name \"pg\" to address: Name or service not known",
        ),
        (
            CauseClass::Secret,
            "cat: can't open '/run/secrets/db_password': No such file or directory",
        ),
        (
            CauseClass::Port,
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)",
        ),
        (
            CauseClass::Oom,
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        ),
        (CauseClass::Oom, "java.lang.OutOfMemoryError: Java heap space"),
        (CauseClass::Resources, "PANIC: could not write to file: No space left on device"),
    ];
    for (class, line) in table {
        let told = unsettled(app(failing(1)), &[("app", &["starting", line])]);
        is(&told, class, &["service app", line]);
    }
}

/// Lines that speak of such things and say that all is well, or nothing.
#[test]
fn words_that_mean_nothing() {
    for line in [
        "migrations finished without errors",
        "Running migrations: 0 failed",
        "migrating 12 of 12",
        "secret rotation is enabled",
        "resolver 127.0.0.11 is used",
        "out of memories we were made",
        "binding to 0.0.0.0:80",
    ] {
        assert_eq!(hints::class(line), None, "{line}");
    }
    // What was overcome is not what ended it.
    let log = ["db: Name or service not known, trying again", "connected", "unknown key `prot`"];
    let told = unsettled(app(failing(1)), &[("app", &log)]);
    assert_eq!(told.class, CauseClass::Dns, "the newest line that says anything");
    let mut long = vec!["db: Name or service not known, trying again"];
    long.extend(["working"; 20]);
    is(&unsettled(app(failing(1)), &[("app", &long)]), CauseClass::CrashLoop, &[]);
}

/// `app` waits for `db`, and `db` is what is broken.
#[test]
fn the_one_that_merely_waits_is_not_blamed() {
    let facts = |db: TaskBuilder, app: TaskBuilder| {
        let facts = FactsBuilder::new().replicated("app", 1).task(app);
        facts.replicated("db", 1).task(db)
    };
    let waiting = || TaskBuilder::new(TaskState::Starting).health("starting", 2);
    let told = unsettled(facts(TaskBuilder::failed(1).container().oom(), waiting()), &[]);
    is(&told, CauseClass::Oom, &["service db", "service app is not up either"]);
    let log =
        [("app", ["could not connect to db:5432, retrying"].as_slice()), ("db", &["bad config"])];
    let told = unsettled(facts(TaskBuilder::failed(2), TaskBuilder::failed(1)), &log);
    is(
        &told,
        CauseClass::CrashLoop,
        &["service db ends with exit code 2", "service app can not reach it"],
    );
    // A name that does not resolve, since its service has no task.
    let log = [("app", ["wget: bad address 'db'"].as_slice())];
    let told = unsettled(facts(TaskBuilder::failed(2), TaskBuilder::failed(1)), &log);
    is(&told, CauseClass::CrashLoop, &["service db"]);
    // A one-shot that did its work is nobody's reason.
    let done = TaskBuilder::complete().container();
    let told = unsettled(facts(done, TaskBuilder::new(TaskState::Starting)), &[]);
    is(&told, CauseClass::Timeout, &["service app"]);
}

#[test]
fn a_time_that_ran_out_without_a_reason() {
    let told = unsettled(app([TaskBuilder::new(TaskState::Preparing)]), &[]);
    is(&told, CauseClass::Timeout, &["time ran out", "preparing"]);
    assert!(told.next.contains("`[timeouts] deploy`"), "{told:?}");
}

#[test]
fn an_update_that_was_rolled_back_names_what_failed() {
    let old = || TaskBuilder::up();
    let facts = || {
        app([TaskBuilder::failed(1).old().container(), old()])
            .update(UpdateState::RollbackCompleted)
    };
    let told = unsettled(facts(), &[("app", &["unknown key"])]);
    is(&told, CauseClass::CrashLoop, &["exit code 1", "unknown key"]);
    // A one-shot that did its work: the reason says how to write one.
    let done = app([TaskBuilder::complete().old().container(), old()]);
    let told = unsettled(done.update(UpdateState::RollbackCompleted), &[]);
    is(&told, CauseClass::Update, &["replicated-job"]);
    let told = unsettled(app([old()]).update(UpdateState::RollbackCompleted), &[]);
    is(&told, CauseClass::Update, &["rolled it back"]);
}

fn answer(status: Option<u16>, facts: FactsBuilder, log: &[&str]) -> Diagnosis {
    let last = status.map(|status| HttpSeen {
        url: "http://172.18.0.2/".into(),
        status,
        redirects: 0,
        location: None,
        content_type: None,
        bytes: 5,
        excerpt: "Internal error\n".into(),
    });
    let problem = last.is_none().then(|| "Connection refused".to_owned());
    let seen =
        AnswerSeen { attempts: 9, in_a_row: 0, last, problem, expired: true, absences: Vec::new() };
    let examined = examined(Some(facts.build()), &[("app", log)]);
    let acts =
        vec![(Act::Answer, Evidence::Answered(seen)), (Act::Examine, Evidence::Examined(examined))];
    install(&plan(), &[IMAGES, DEPLOY, Act::Converge], acts)
}

#[test]
fn an_app_that_runs_and_does_not_answer() {
    let up = || app([TaskBuilder::up()]);
    let told = answer(Some(404), up(), &["migration failed"]);
    is(&told, CauseClass::Readiness, &["answers 404"]);
    assert!(told.next.contains("port 80 of service app, path /"), "{told:?}");
    is(&answer(None, up(), &[]), CauseClass::Readiness, &["Connection refused"]);
    let told = answer(Some(500), up(), &["GET / 500"]);
    is(&told, CauseClass::Readiness, &["answers 500"]);
    assert!(told.evidence.contains(&"said: Internal error".to_owned()), "{told:?}");
    let told = answer(Some(500), up(), &["OperationalError: no such table: users"]);
    is(&told, CauseClass::Migration, &["no such table"]);
    // Nothing runs that could answer.
    let told = answer(None, app(failing(1)), &["bye"]);
    is(&told, CauseClass::CrashLoop, &["service app", "exit code 1"]);
}

/// What cc-ci changed, and a host that is short of something, are told before the recipe is.
#[test]
fn what_is_not_the_recipes_own_is_told() {
    let mut adapted = plan();
    let (kind, subject) = (AdaptationKind::EndpointMode, "db".to_owned());
    adapted.adaptations = vec![Adaptation { kind, subject, why: "VIPs do not answer here".into() }];
    let log: &[(&str, &[&str])] = &[("app", &["wget: bad address 'pg'"])];
    let told = unsettled_with(&adapted, app(failing(1)).build(), log, |_| {});
    is(&told, CauseClass::Dns, &["bad address 'pg'"]);
    assert!(told.next.contains("rule that out first"), "{told:?}");
    let line = "changed for this host: db: VIPs do not answer here".to_owned();
    assert!(told.evidence.contains(&line), "{told:?}");
    let full = unsettled_with(&plan(), app(failing(1)).build(), &[], |seen| {
        seen.free_bytes = Some(100 << 20);
        seen.missing = vec!["the log of service app: it took too long".into()];
    });
    assert!(full.next.starts_with("look at the host first: only 100.0 MiB"), "{full:?}");
    let missing = "could not be had: the log of service app: it took too long".to_owned();
    assert!(full.evidence.contains(&missing), "{full:?}");
}

/// Every act that sees a fault of the recipe, or can not be carried out, gives a diagnosis of a
/// class that fits it; a stop gives none.
#[test]
fn every_red_has_a_class() {
    let plan = whole().build();
    let classes = |act: Act| match act {
        Act::EnsureImages { .. } => "image",
        Act::Deploy { .. } => "compose",
        Act::Converge => "timeout",
        Act::Answer | Act::Inspect => "readiness",
        Act::Plant | Act::Seek | Act::Disturb | Act::Recall => "data",
        Act::Mark | Act::ReadSnapshot | Act::Verify => "backup",
        Act::Backup | Act::Restore => "hook",
        Act::Test => "test",
        Act::Observe => "crash_loop",
        Act::Meter => "update",
        Act::Restart | Act::Undeploy | Act::Dismantle | Act::Examine => "infrastructure",
    };
    let acts = walk(&plan, |_, _| Turn::Good).steps.len();
    // A backup is tried again: it is red only if that goes wrong, too.
    let is_again = |act| matches!(act, Act::Backup | Act::ReadSnapshot | Act::Verify);
    for nth in 0..acts {
        let mut tried = None;
        let seen = walk(&plan, |at, act| {
            tried = tried.or((at == nth).then_some(act));
            let is_bad = at == nth || at > nth && is_again(act) && tried == Some(act);
            if is_bad { Turn::Bad } else { Turn::Good }
        });
        let told = diagnoses(&seen.plan, &seen.state);
        let Some(act) = tried else { break };
        for one in told.iter().take(1) {
            assert_eq!(one.class.as_str(), classes(act), "{act:?}: {one:?}");
        }
        let broken = walk(&plan, |at, other| {
            let is_broken = at == nth || at > nth && is_again(act) && other == act;
            if is_broken { Turn::Broken } else { Turn::Good }
        });
        let told = diagnoses(&broken.plan, &broken.state);
        assert_eq!(told.len(), 1, "{act:?}: {told:?}");
        assert_eq!(told[0].class, CauseClass::Infrastructure, "{act:?}");
        let stopped = walk(&plan, |at, _| if at == nth { Turn::Signal } else { Turn::Good });
        assert_eq!(diagnoses(&stopped.plan, &stopped.state), []);
    }
}

/// What is gathered for people can not change what is judged.
#[test]
fn an_examination_that_breaks_changes_nothing() {
    let plan = whole().build();
    let bad = |examine: Turn| {
        walk(&plan, move |at, act| {
            let turn = if at == 2 { Turn::Bad } else { Turn::Good };
            if act == Act::Examine { examine } else { turn }
        })
    };
    let (fine, broken) = (bad(Turn::Good), bad(Turn::Broken));
    let (fine, broken) = (results(&plan, &fine.state), results(&plan, &broken.state));
    assert_eq!(fine.verdict, broken.verdict);
    assert_eq!(fine.rungs, broken.rungs);
    assert_eq!(fine.conditions, broken.conditions);
    let told = &broken.diagnosis[0];
    assert!(told.evidence.iter().any(|line| line.starts_with("could not be had: ")), "{told:?}");
}

#[test]
fn what_the_plan_refuses_has_a_class_too() {
    let told = |stage, why: &str| {
        let mut plan = plan();
        let doing = Doing::Not { outcome: Outcome::failed(why) };
        plan.stages = vec![PlannedStage { stage, doing }];
        diagnoses(&plan, &RunState::of(&numbered(vec![planned(&plan)]))).remove(0)
    };
    is(&told(Stage::Upgrade, "SITE_NAME is missing a value"), CauseClass::Compose, &["SITE_NAME"]);
    let secrets = "secrets are external but nothing declares them: x_db_v1";
    is(&told(Stage::Install, secrets), CauseClass::Secret, &["x_db_v1"]);
    is(&told(Stage::Backup, "../other leads out"), CauseClass::Backup, &["leads out"]);
    is(&told(Stage::Install, "docker CLI 20.10 cannot"), CauseClass::Infrastructure, &[]);
}

#[test]
fn the_line_to_have_it_again() {
    let told = |change: fn(&mut Plan)| {
        let mut plan = plan();
        plan.source = "https://git.example.org/my recipe".into();
        change(&mut plan);
        unsettled_with(&plan, app(failing(1)).build(), &[], |_| {}).reproduce
    };
    let commit = plan().head.commit;
    assert_eq!(
        told(|_| {}),
        format!(
            "cc-ci run 'https://git.example.org/my recipe' --ref {commit} --stages install --keep"
        )
    );
    let dirty = told(|plan| plan.head.dirty_of = Some(plan.head.commit.clone()));
    assert!(!dirty.contains("--ref"), "{dirty}");
}

#[test]
fn classes_have_names_of_their_own() {
    let names: BTreeSet<&str> = CauseClass::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(names.len(), CauseClass::ALL.len());
    for class in CauseClass::ALL {
        let published = serde_json::to_value(class).unwrap();
        assert_eq!(published, serde_json::json!(class.as_str()));
    }
}
