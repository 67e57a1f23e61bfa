//! Traces as a whole: what stands here is what people see.

use cc_ci_model::time::Timestamp;

use super::*;

const PLAIN: Style = Style { color: false, width: 80 };

fn line(number: u64, says: &str) -> EvidenceLine {
    let at = Timestamp::from_millis(1_795_498_200_000 + 1000 * i64::try_from(number).unwrap());
    EvidenceLine { line: number, at, says: says.into() }
}

fn decision(kind: DecisionKind, name: &str, status: Option<Status>, because: &str) -> Decision {
    Decision {
        kind,
        name: name.into(),
        app: None,
        status,
        because: because.into(),
        evidence: Vec::new(),
        parts: Vec::new(),
    }
}

impl Built for Decision {
    fn on(mut self, number: u64, says: &str) -> Self {
        self.evidence.push(line(number, says));
        self
    }

    fn of(mut self, parts: Vec<Decision>) -> Self {
        self.parts = parts;
        self
    }
}

trait Built {
    fn on(self, number: u64, says: &str) -> Self;
    fn of(self, parts: Vec<Decision>) -> Self;
}

/// An upgrade that failed.
#[expect(clippy::too_many_lines, reason = "this function is data")]
fn red() -> Trace {
    use DecisionKind::{Check, Choice, Condition, Obligation, Rung, Stage, Verdict as Whole};
    let (passed, failed, open) =
        (Some(Status::Passed), Some(Status::Failed), Some(Status::Unverified));
    let rolled_back =
        "service app: the update failed and Swarm rolled it back, so the old version is running";
    let look = "last look: app 1 running, 3 ended, unchanged for 5.0 s";
    let install = decision(Stage, "install", passed, "2 checks passed");
    let upgrade = decision(Stage, "upgrade", failed, "check converge failed");
    let decisions = vec![
        decision(Whole, "fail", None, "1 condition speaks against a pass").on(60, "sealed").of(
            vec![
                decision(Condition, "upgrade", None, &format!("{rolled_back} (exit code 1)"))
                    .on(44, look),
            ],
        ),
        decision(
            Rung,
            "install",
            passed,
            "stage install passed, and 1 thing that had to be shown was shown",
        )
        .on(20, "the stage ends")
        .of(vec![
            install.on(2, "x").on(20, "x").of(vec![
                decision(Check, "images", passed, "1 image present").on(4, "1 of 1 image there"),
                decision(Check, "converge", passed, "1 service holds still for 5000 ms")
                    .on(9, look),
            ]),
            decision(Obligation, "stack settled on the head", passed, "1 service holds still")
                .on(9, look),
        ]),
        decision(Rung, "upgrade", failed, "stage upgrade failed").on(44, look).of(vec![
            upgrade.on(44, look).of(vec![
                decision(Check, "deploy", passed, "the Swarm accepted the head")
                    .on(40, "exit code 0"),
                decision(Check, "converge", failed, rolled_back).on(44, look),
            ]),
            decision(Obligation, "head deployed", passed, "accepted").on(40, "exit code 0"),
            decision(Obligation, "app answers on its domain", open, "it did not happen")
                .on(48, "the stage ends"),
        ]),
        decision(Rung, "integration", Some(Status::NotApplicable), "nothing needs it")
            .on(1, "the plan"),
        decision(Stage, "teardown", passed, "1 check passed").on(52, "x"),
        decision(Choice, "base", None, "1.0.0+1.0 at aaaaaaaa: the newest release")
            .on(1, "the plan"),
    ];
    Trace {
        schema_version: 1,
        is_final: true,
        run_id: "20261124T053000-x-0a1b2c".parse().unwrap(),
        recipe: "x".parse().unwrap(),
        verdict: Verdict::Fail,
        level: 1,
        decisions,
    }
}

#[track_caller]
fn check(trace: &Trace, depth: Depth, expected: &str) {
    let got = text(trace, PLAIN, depth);
    assert!(got == expected, "the trace is:\n{got}");
}

#[test]
fn a_red_run_at_a_glance() {
    check(&red(), Depth::Overview, OVERVIEW);
}

#[test]
fn one_thing_with_everything_its_lines_say() {
    let upgrade = Trace { decisions: vec![red().decisions[2].clone()], ..red() };
    check(&upgrade, Depth::Everything, UPGRADE);
}

#[test]
fn colour_adds_nothing_to_the_words() {
    let coloured = text(&red(), Style { color: true, ..PLAIN }, Depth::Overview);
    assert!(coloured.contains("\u{1b}[31m"), "{coloured}");
    assert_eq!(words::harmless(&coloured), OVERVIEW);
}

#[test]
fn a_run_without_an_end_says_so() {
    let text = text(&Trace { is_final: false, ..red() }, PLAIN, Depth::Overview);
    assert!(text.contains("interim: the run has not come to its end"), "{text}");
}

const OVERVIEW: &str = "\
FAIL  x: level 1 of 4, run 20261124T053000-x-0a1b2c

verdict
  1 condition speaks against a pass [line 60]
  - upgrade: service app: the update failed and Swarm rolled it back, so the old
    version is running (exit code 1) [line 44]

✓ L1 install  passed
    stage install passed, and 1 thing that had to be shown was shown [line 20]
    ✓ stage install: 2 checks passed [lines 2, 20]
        ✓ images: 1 image present [line 4]
        ✓ converge: 1 service holds still for 5000 ms [line 9]

✗ L2 upgrade  failed
    stage upgrade failed [line 44]
    ✗ stage upgrade: check converge failed [line 44]
        ✓ deploy: the Swarm accepted the head [line 40]
        ✗ converge: as said above
            line 44, 05:30:44: last look: app 1 running, 3 ended, unchanged for
            5.0 s
    1 of 2 things that had to be shown were shown
        ? not shown: app answers on its domain: it did not happen [line 48]

stages that are no part of a rung
  ✓ stage teardown: 1 check passed [line 52]

what the plan chose
  - base: 1.0.0+1.0 at aaaaaaaa: the newest release [line 1]
";

const UPGRADE: &str = "\
FAIL  x: level 1 of 4, run 20261124T053000-x-0a1b2c

✗ L2 upgrade  failed
    stage upgrade failed [line 44]
    ✗ stage upgrade: check converge failed [line 44]
        ✓ deploy: the Swarm accepted the head
            line 40, 05:30:40: exit code 0
        ✗ converge: service app: the update failed and Swarm rolled it back, so
          the old version is running
            line 44, 05:30:44: last look: app 1 running, 3 ended, unchanged for
            5.0 s
    1 of 2 things that had to be shown were shown
        ✓ head deployed: accepted [line 40]
        ? not shown: app answers on its domain: it did not happen [line 48]
";
