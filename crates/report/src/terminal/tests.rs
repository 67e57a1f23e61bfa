//! Reports as a whole: what stands here is what people see.

use super::*;
use cc_ci_model::results::{AttemptResult, Flaky};

use crate::samples;

const PLAIN: Style = Style { color: false, width: 80 };

#[track_caller]
fn check(results: &Results, expected: &str) {
    let got = report(results, None, PLAIN);
    assert!(got == expected, "the report is:\n{got}");
}

#[test]
fn a_green_run() {
    check(&samples::green(), GREEN);
}

#[test]
fn a_failed_install() {
    check(&samples::red(), RED);
}

#[test]
fn an_engine_that_went_away() {
    check(&samples::error(), ERROR);
}

#[test]
fn a_cancelled_run() {
    check(&samples::cancelled(), CANCELLED);
}

#[test]
fn commands_are_neither_wrapped_nor_coloured() {
    let around = Around {
        program: "./target/release/cc-ci".into(),
        run: "/runs/one".into(),
        directory: "/runs/one".into(),
        logs: vec!["logs/fresh.app.log".into()],
        again: Some(vec!["x".into(), "--pack".into(), "a folder with a rather long name".into()]),
    };
    let text = report(&samples::red(), Some(&around), Style { color: true, width: 40 });
    for command in [
        "\n  ./target/release/cc-ci explain /runs/one install\n",
        "\n  less /runs/one/logs/fresh.app.log\n",
        "\n  ./target/release/cc-ci run x --pack 'a folder with a rather long name' --stages install --keep\n",
    ] {
        assert!(text.contains(command), "{text}");
    }
    // The run is named as it can be found: by its directory, when that is somewhere else.
    let left = report(&samples::cancelled(), Some(&around), PLAIN);
    assert!(left.contains("to try again: ./target/release/cc-ci cleanup /runs/one\n"), "{left}");
}

#[test]
fn colour_adds_nothing_to_the_words() {
    for results in [samples::green(), samples::red(), samples::error(), samples::cancelled()] {
        let coloured = report(&results, None, Style { color: true, ..PLAIN });
        assert!(coloured.contains("\u{1b}[1;3"), "{coloured}");
        assert_eq!(words::harmless(&coloured), report(&results, None, PLAIN));
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_unless_it_is_one_word() {
    for width in [40, 60, 80, 120] {
        for results in [samples::green(), samples::red(), samples::error(), samples::cancelled()] {
            let text = report(&results, None, Style { color: false, width });
            let prose = text
                .lines()
                .filter(|line| !line.contains("cc-ci cleanup") && !line.contains("cc-ci run"));
            let wide = prose.filter(|line| line.chars().count() > width.max(72));
            assert_eq!(wide.count(), 0, "{text}");
        }
    }
}

const GREEN: &str = "\
PASS  custom-html 1.2.0+1.28.0: level 4 of 4, 3 min 12 s
      head aaaaaaaa (main), base 1.1.0+1.27.0 bbbbbbbb
      run 20261124T053000-custom-html-0a1b2c

  ✓ L1 install         passed
  ✓ L2 upgrade         passed
  ✓ L3 backup_restore  passed
  ✓ L4 functional      passed

stages
  ✓ install    fresh     passed            41.2 s  4 checks passed
  ✓ teardown   fresh     passed             8.1 s  1 check passed
  ✓ upgrade    upgraded  passed        1 min 15 s  3 checks passed
  ✓ teardown   upgraded  passed             8.4 s  1 check passed

the upgrade changes
  - service app: environment.E1: old becomes new
  - service app: environment.E2: old becomes new
  - service app: environment.E3: old becomes new
  - service app: environment.E4: old becomes new
  - service app: environment.E5: old becomes new
  - service app: environment.E6: old becomes new
  - service app: environment.E7: old becomes new
  - service app: environment.E8: old becomes new
  - service app: environment.E9: old becomes new
  - service app: environment.E10: old becomes new
  - and 5 more: see report.md

while it was upgraded
  - service app was down for 7.0 s, in one go: 28 of 64 requests failed

an operator has to
  - set E1: new in .env.sample (the release notes do not say so)

warnings
  - service app: Swarm left its update paused although all its tasks run the
    current spec

this proves
  - the head installs from nothing on a real Swarm: every service runs its
    current spec and holds still, and app answers on /

this does not prove
  - the recipe exactly as written: network proxy was changed: the app is reached
    directly, so the external network is one of the run

nothing is left of the run
";

const RED: &str = "\
FAIL  custom-html-tiny 1.2.0+2.3.0: level 0 of 4, capped by install, 1 min 11 s
      head aaaaaaaa (main)
      run 20261124T053000-custom-html-tiny-0a1b2c

  ✗ L1 install         failed
       service app: it never became healthy: 2 health checks in a row failed,
       Swarm stopped it, and it exited with code 0, so it looks like a finished
       one-shot; the last check said: wget: can't connect to remote host
       (127.0.0.1): Connection refused
  · L2 upgrade         blocked     by install
  – L3 backup_restore  skipped     no volume is labelled for backup (expected)
  – L4 functional      skipped     the pack has no tests (gap)

why install failed: health
  service app: its health check fails, 2 times in a row; the check says: wget:
  can't connect to remote host
  try next: run the health check's command by hand in the container of service
            app
    service app: task t1 is complete, exit code 0: finished
    app | static-web: stopping
    host: 100.0 GiB free on disk, 8.0 GiB of memory available
  the same again: cc-ci run custom-html-tiny --ref aaaaaaaa --stages install --keep

stages
  ✗ install    fresh     failed         1 min 2 s  3 of 4 checks passed
      ✗ converge: as said above
  ✓ teardown   fresh     passed             9.3 s  1 check passed

warnings
  - service app of app fresh: 1 task replaced

nothing is left of the run
";

const ERROR: &str = "\
ERROR  ghost 4.1.0+6.9.0: level 0 of 4, capped by install, 10 min 1 s
       head aaaaaaaa (main)
       run 20261124T053000-ghost-0a1b2c
       interim: the run has not come to its end
       partial: not every essential stage was asked for

  ! L1 install         errored
       the engine did not answer while cc-ci waited; last seen: service db: 0 of
       1 tasks run; task x is preparing
  · L2 upgrade         blocked     by install
  · L3 backup_restore  blocked     by install
  · L4 functional      blocked     by install

stages
  ! install    fresh     errored       10 min 1 s  1 of 3 checks passed
      ! deploy: failed to create service x_db:
          Error response from daemon: rpc error
      ! converge: as said above

conditions
  - events.jsonl: the log has no seal: the run did not come to its end (exit
    code 4)

! what is left of the run is not known
  to look again: cc-ci cleanup 20261124T053000-ghost-0a1b2c
";

const CANCELLED: &str = "\
CANCELLED  custom-html 1.2.0+1.28.0: level 0 of 4, capped by install, 1 min 30 s
           head aaaaaaaa (main, uncommitted changes on cccccccc)
           run 20261124T053000-custom-html-0a1b2c

  ? L1 install         unverified
       deployed as often as planned: 1 planned, 2 done
  · L2 upgrade         blocked     the run was cancelled
  · L3 backup_restore  blocked     the run was cancelled
  · L4 functional      blocked     the run was cancelled

stages
  ✓ install    fresh     passed              30 s  2 checks passed
  ! teardown   fresh     errored            1 min  0 of 1 checks passed
      ! dismantle: still there: volume custom-0a1b2c_ccci_test_content (volume
        is in use)

still to be proven
  - install: closing look taken: it did not happen

conditions
  - run: 1 signals asked the run to stop (exit code 7)

! left behind: volume custom-0a1b2c_ccci_test_content
  to try again: cc-ci cleanup 20261124T053000-custom-html-0a1b2c
";

/// VER-7: in the first line, in a list of its own, and beside the stage.
#[test]
fn what_is_flaky_stands_in_every_report() {
    let mut results = samples::green();
    let reason = "a hook ended with exit code 1 (the bot would have gone on)";
    results.flaky = vec![Flaky {
        stage: "install".into(),
        app: None,
        check: "hook".into(),
        attempt: 3,
        reason: reason.into(),
    }];
    let earlier = |attempt, reason: &str| AttemptResult {
        attempt,
        status: Status::Failed,
        reason: Some(reason.into()),
        checks: Vec::new(),
    };
    let stage = &mut results.stages[0];
    stage.attempts = 3;
    stage.earlier = vec![earlier(1, reason), earlier(2, "the engine was away")];
    let wide = Style { color: false, width: 120 };
    let text = report(&results, None, wide);
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with("PASS  ") && first.contains(", flaky"), "{first}");
    let told = format!("hook of stage install passed at attempt 3; before that: {reason}");
    assert!(text.contains("\nflaky: passed only when tried again\n"), "{text}");
    assert!(text.contains(&told) && text.contains("3 attempts"), "{text}");
    assert!(text.contains("      attempt 2: the engine was away\n"), "{text}");
    assert!(!text.contains("attempt 1: "), "it is told already: {text}");
    let page = crate::markdown::report(&results, None);
    assert!(page.contains(", flaky"), "{page}");
    assert!(page.contains("## Flaky: passed only when tried again\n"), "{page}");
    assert!(page.contains("passed at attempt 3; before that: a hook ended"), "{page}");
    assert!(page.contains("- attempt 2: the engine was away\n"), "{page}");
}
