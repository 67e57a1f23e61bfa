//! Four runs, as results: what the tests of every report draw.

#![expect(clippy::too_many_lines, reason = "these functions are data")]

mod parts;

use cc_ci_model::diagnosis::{CauseClass, Diagnosis};
use cc_ci_model::difference::{Difference, OperatorStep, ServiceDifference, ValueDifference};
use cc_ci_model::exit::{Condition, ExitKind};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::meter::Availability;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::plan::{Adaptation, AdaptationKind, Finding};
use cc_ci_model::results::{
    BaseResult, Cleanup, DeployCount, ImageResult, Obligation, Results, ServiceResult,
};
use cc_ci_model::stage::Rung;

use parts::{block, check, missing, nothing, passed, set, skip, stage};

/// What a service that never becomes healthy is told.
pub(crate) const NEVER_HEALTHY: &str = "service app: it never became healthy: 2 health checks in a row failed, \
    Swarm stopped it, and it exited with code 0, so it looks like a finished one-shot; the last check said: \
    wget: can't connect to remote host (127.0.0.1): Connection refused";

/// Everything passed.
pub(crate) fn green() -> Results {
    let mut all = nothing("custom-html", "1.2.0+1.28.0");
    all.base = Some(BaseResult {
        version: "1.1.0+1.27.0".into(),
        commit: "b".repeat(40).parse().unwrap(),
    });
    all.adaptations = vec![Adaptation {
        kind: AdaptationKind::Network,
        subject: "network proxy".into(),
        why: "the app is reached directly, so the external network is one of the run".into(),
    }];
    all.level = 4;
    all.level_cap_rung = None;
    for rung in Rung::ESSENTIAL {
        set(&mut all, rung, Status::Passed, None);
    }
    all.stages = vec![
        stage(
            "install",
            "fresh",
            (0, 41_200),
            Status::Passed,
            &["images", "deploy", "converge", "answer"],
        ),
        stage("teardown", "fresh", (41_300, 8_100), Status::Passed, &["dismantle"]),
        stage(
            "upgrade",
            "upgraded",
            (49_500, 74_600),
            Status::Passed,
            &["deploy", "converge", "answer"],
        ),
        stage("teardown", "upgraded", (184_000, 8_400), Status::Passed, &["dismantle"]),
    ];
    all.deploys = vec![DeployCount { app: "fresh".parse().unwrap(), planned: 1, actual: 1 }];
    all.obligations = vec![Obligation {
        rung: Rung::Install,
        name: "stack settled on the head".into(),
        met: true,
        evidence: "2 services hold still for 5000 ms".into(),
    }];
    let becomes = |path: String, base: &str, head: &str| ValueDifference {
        path,
        base: Some(base.into()),
        head: Some(head.into()),
    };
    let values = (1..=14).map(|i| becomes(format!("environment.E{i}"), "old", "new")).collect();
    all.difference = Some(Difference {
        changed: vec![ServiceDifference { service: "app".into(), values }],
        policy: vec![becomes("app.update.monitor".into(), "5s", "10s")],
        ..Difference::default()
    });
    all.operator_steps = vec![OperatorStep {
        key: "E1".into(),
        step: "set E1: new in .env.sample".into(),
        noted: false,
    }];
    all.availability = Some(Availability {
        app: "upgraded".parse().unwrap(),
        service: "app".into(),
        samples: 64,
        interval_ms: 250,
        failed: 28,
        unknown: 0,
        down_ms: 7000,
        longest_gap_ms: 7000,
        budget_ms: None,
        told: "service app was down for 7.0 s, in one go: 28 of 64 requests failed".into(),
    });
    all.images = vec![ImageResult {
        app: Some("fresh".parse().unwrap()),
        service: "app".into(),
        reference: "nginx:1.28.0".into(),
        digest: Some(format!("sha256:{}", "1".repeat(64))),
    }];
    all.services =
        vec![ServiceResult { app: "fresh".parse().unwrap(), name: "app".into(), restarts: 0 }];
    all.warnings = vec![Finding::new(
        "update_paused",
        "service app: Swarm left its update paused although all its tasks run the current spec",
        Some("app".into()),
    )];
    all.proves = vec![
        "the head installs from nothing on a real Swarm: every service runs its current spec and holds still, \
            and app answers on /"
            .into(),
    ];
    all.does_not_prove = vec![
        "the recipe exactly as written: network proxy was changed: the app is reached directly, so the external \
            network is one of the run"
            .into(),
    ];
    all
}

/// The install failed, with a long reason.
pub(crate) fn red() -> Results {
    let mut all = nothing("custom-html-tiny", "1.2.0+2.3.0");
    all.verdict = Verdict::Fail;
    let install = all.rungs.entry(Rung::Install).or_insert_with(passed);
    install.status = Status::Failed;
    install.reason = Some(NEVER_HEALTHY.into());
    install.class = Some(CauseClass::Health);
    block(&mut all, &[Rung::Upgrade], "install");
    skip(&mut all, Rung::BackupRestore, "no volume is labelled for backup", true);
    skip(&mut all, Rung::Functional, "the pack has no tests", false);
    let mut install = stage("install", "fresh", (0, 62_000), Status::Failed, &["images", "deploy"]);
    install.reason = Some(NEVER_HEALTHY.into());
    install.checks.push(check("converge", Status::Failed, NEVER_HEALTHY));
    install.checks.push(check("observe", Status::Passed, "the stack had not settled"));
    all.stages = vec![
        install,
        stage("teardown", "fresh", (62_100, 9_300), Status::Passed, &["dismantle"]),
        missing("upgrade", Status::Blocked, "by install"),
        missing("backup", Status::Skipped, "no volume is labelled for backup"),
    ];
    all.diagnosis = vec![Diagnosis {
        stage: "install".into(),
        rung: Some(Rung::Install),
        app: Some("fresh".parse().unwrap()),
        status: Status::Failed,
        class: CauseClass::Health,
        message: "service app: its health check fails, 2 times in a row; the check says: wget: can't connect to remote host".into(),
        next: "run the health check's command by hand in the container of service app".into(),
        reproduce: "cc-ci run custom-html-tiny --ref aaaaaaaa --stages install --keep".into(),
        evidence: vec![
            "service app: task t1 is complete, exit code 0: finished".into(),
            "app | static-web: stopping".into(),
            "host: 100.0 GiB free on disk, 8.0 GiB of memory available".into(),
        ],
    }];
    all.conditions = vec![Condition::new(ExitKind::Fail, NEVER_HEALTHY, Some("install".into()))];
    all.obligations = vec![Obligation {
        rung: Rung::Install,
        name: "app answers on its domain".into(),
        met: false,
        evidence: "it did not happen".into(),
    }];
    all.does_not_prove = vec!["backup_restore: no volume is labelled for backup".into()];
    all.services =
        vec![ServiceResult { app: "fresh".parse().unwrap(), name: "app".into(), restarts: 1 }];
    all
}

/// The engine went away in the middle.
pub(crate) fn error() -> Results {
    let mut all = nothing("ghost", "4.1.0+6.9.0");
    all.verdict = Verdict::Error;
    all.is_final = false;
    all.partial = true;
    let reason = "the engine did not answer while cc-ci waited; last seen: service db: 0 of 1 tasks run; task x is preparing";
    set(&mut all, Rung::Install, Status::Errored, Some(reason));
    block(&mut all, &[Rung::Upgrade, Rung::BackupRestore, Rung::Functional], "install");
    let mut install = stage("install", "fresh", (0, 601_000), Status::Errored, &["images"]);
    install.reason = Some(reason.into());
    let said = "failed to create service x_db:\n  Error response from daemon:\u{1b}[31m rpc error\u{1b}[0m";
    install.checks.push(check("deploy", Status::Errored, said));
    install.checks.push(check("converge", Status::Errored, reason));
    all.stages = vec![install];
    all.conditions = vec![
        Condition::new(ExitKind::Error, reason, Some("install".into())),
        Condition::new(
            ExitKind::Error,
            "the log has no seal: the run did not come to its end",
            Some("events.jsonl".into()),
        ),
        Condition::new(
            ExitKind::CleanupIncomplete,
            "the engine could not be asked what is left",
            Some("cleanup".into()),
        ),
    ];
    all.cleanup = Cleanup::default();
    all.events_sha256 = None;
    all
}

/// Somebody stopped it, and a volume would not go.
pub(crate) fn cancelled() -> Results {
    let mut all = nothing("custom-html", "1.2.0+1.28.0");
    all.verdict = Verdict::Cancelled;
    all.head.dirty_of = Some("c".repeat(40).parse().unwrap());
    set(
        &mut all,
        Rung::Install,
        Status::Unverified,
        Some("deployed as often as planned: 1 planned, 2 done"),
    );
    block(
        &mut all,
        &[Rung::Upgrade, Rung::BackupRestore, Rung::Functional],
        "the run was cancelled",
    );
    all.stages = vec![
        stage("install", "fresh", (0, 30_000), Status::Passed, &["images", "deploy"]),
        stage("teardown", "fresh", (30_000, 60_000), Status::Errored, &[]),
        missing("upgrade", Status::Blocked, "by the run was cancelled"),
    ];
    let left = "still there: volume custom-0a1b2c_ccci_test_content (volume is in use)";
    all.stages[1].reason = Some(left.into());
    all.stages[1].checks.push(check("dismantle", Status::Errored, left));
    all.obligations = vec![
        Obligation {
            rung: Rung::Install,
            name: "deployed as often as planned".into(),
            met: false,
            evidence: "1 planned, 2 done".into(),
        },
        Obligation {
            rung: Rung::Install,
            name: "closing look taken".into(),
            met: false,
            evidence: "it did not happen".into(),
        },
    ];
    all.deploys = vec![DeployCount { app: "fresh".parse().unwrap(), planned: 1, actual: 2 }];
    all.conditions = vec![
        Condition::new(ExitKind::Cancelled, "1 signals asked the run to stop", Some("run".into())),
        Condition::new(
            ExitKind::CleanupIncomplete,
            "still there: volume custom-0a1b2c_ccci_test_content",
            Some("cleanup".into()),
        ),
    ];
    all.cleanup.complete = false;
    all.cleanup.left = vec![Object {
        kind: ObjectKind::Volume,
        id: "custom-0a1b2c_ccci_test_content".into(),
        name: "custom-0a1b2c_ccci_test_content".into(),
        stack: Some("custom-0a1b2c_ccci_test".into()),
        run: None,
    }];
    all
}
