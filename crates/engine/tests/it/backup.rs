//! Runs that back up, restore and test.

use cc_ci_core::ports::CommandOutput;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::stage::{Rung, Stage};
use cc_ci_testkit::{
    FakeRecipes, Flaw, PlanBuilder, Script, ServiceBuilder, World, service, stack,
};

use crate::harness::{Ended, run};

pub(crate) const VOLUME: &str = "recipe-0a1b2c_ccci_test_data";

pub(crate) fn app() -> ServiceBuilder {
    service("app").routed(80).volume("data", "/data").backed_up()
}

pub(crate) fn backing_up(service: ServiceBuilder) -> PlanBuilder {
    PlanBuilder::new(stack([service])).run(Stage::Backup).run(Stage::Restore)
}

/// The run ends like that, and what is said contains all of `words`.
#[track_caller]
pub(crate) fn check(ended: &Ended, verdict: Verdict, exit: ExitKind, rung: Status, words: &[&str]) {
    ended.expect(verdict, exit);
    assert_eq!(ended.status(Rung::BackupRestore), rung, "{}", ended.said());
    for word in words {
        assert!(ended.said().contains(word), "{word:?} is not in: {}", ended.said());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_through_every_stage_is_level_four() {
    let ended = run(&full(), |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    assert_eq!((ended.results().level, ended.results().level_cap_rung), (4, None));
    let words = ended.world.recorder.words();
    let begun: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("begin ")).collect();
    assert_eq!(
        begun,
        [
            "install fresh",
            "teardown fresh",
            "upgrade upgraded",
            "backup upgraded",
            "restore upgraded",
            "functional upgraded",
            "teardown upgraded",
        ]
    );
}

/// A plan that runs every stage and makes every call a run can make: hooks, secrets, and a volume
/// with a name of its own too.
pub(crate) fn everything() -> PlanBuilder {
    let rich = || {
        app()
            .network("proxy")
            .secret("password")
            .config("settings")
            .volume("shared", "/shared")
            .label("backupbot.backup.pre-hook", "/dump.sh")
            .label("backupbot.restore.post-hook", "/load.sh")
    };
    let fixed = |service| stack([service]).fixed_volume("shared", "shared_data");
    PlanBuilder::new(fixed(rich().image("registry.test/app:1.1.0")))
        .base(fixed(rich()))
        .run(Stage::Backup)
        .run(Stage::Restore)
        .test("tests/10-page.sh")
}

/// A plan that runs every stage.
pub(crate) fn full() -> PlanBuilder {
    let head = app().image("registry.test/app:1.1.0");
    PlanBuilder::new(stack([head]))
        .base(stack([app()]))
        .run(Stage::Backup)
        .run(Stage::Restore)
        .test("tests/10-page.sh")
}

/// STG-4, incident ghost: the backup succeeded, and what was in it was old.
#[tokio::test(start_paused = true)]
async fn a_stale_snapshot_fails() {
    let ended = run(&backing_up(app()), |world: &World| {
        world.snapshots.flawed(Flaw::Stale(VOLUME.into()));
    })
    .await;
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &["volume data", "stale"]);
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_puts_nothing_back_fails() {
    let ended = run(&backing_up(app()), |world: &World| {
        world.snapshots.flawed(Flaw::RestoresNothing);
    })
    .await;
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &["data lost"]);
}

#[tokio::test(start_paused = true)]
async fn a_restore_that_loses_owners_fails() {
    let ended = run(&backing_up(app()), |world: &World| {
        world.snapshots.flawed(Flaw::LosesOwners);
    })
    .await;
    check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &["owner 0:0 was 1000:1000"]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_or_does_not_end_fails() {
    let hooked = || app().label("backupbot.backup.pre-hook", "/dump.sh");
    for (script, words) in [
        (Script::End(1, "pg_dump: error".into()), "pg_dump: error"),
        (Script::Stuck(String::new()), "did not end in time"),
    ] {
        let ended = run(&backing_up(hooked()), |world: &World| {
            world.swarm.script_command("/dump.sh", script);
        })
        .await;
        check(&ended, Verdict::Fail, ExitKind::Fail, Status::Failed, &[words, "app"]);
    }
}

/// Hooks run as the backup bot runs them, in order.
#[tokio::test(start_paused = true)]
async fn hooks_run_around_backup_and_restore() {
    let hooked = app()
        .label("backupbot.backup.pre-hook", "one")
        .label("backupbot.backup.post-hook", "two")
        .label("backupbot.restore.pre-hook", "three")
        .label("backupbot.restore.post-hook", "four");
    let ended = run(&backing_up(hooked), |_| {}).await;
    check(&ended, Verdict::Pass, ExitKind::Pass, Status::Passed, &[]);
    let ran = ended.world.swarm.commands_run();
    let expected: Vec<String> = ["one", "two", "three", "four"]
        .map(|hook| format!("bash -c set -o pipefail; {hook}"))
        .into();
    assert_eq!(ran, expected);
}

/// Without a label nothing is backed up, and nothing is said about it by accident.
#[tokio::test(start_paused = true)]
async fn a_stack_without_labels_backs_nothing_up() {
    let ended = run(&backing_up(service("app").routed(80).volume("data", "/data")), |_| {}).await;
    ended.check();
    assert_ne!(ended.status(Rung::BackupRestore), Status::Passed);
    assert_ne!(ended.results().verdict, Verdict::Pass);
}

fn testing() -> PlanBuilder {
    PlanBuilder::new(stack([service("app").routed(80)]))
        .test("tests/10-page.sh")
        .test("tests/20-login.sh")
}

fn output(code: i32, stdout: &str) -> CommandOutput {
    CommandOutput { code: Some(code), expired: false, stdout: stdout.into(), stderr: Vec::new() }
}

const LOGIN: &str = "/packs/recipe/tests/20-login.sh";

#[tokio::test(start_paused = true)]
async fn tests_make_the_functional_rung() {
    let cases = [
        (output(0, ""), Verdict::Pass, Status::Passed),
        (output(0, "1..2\nok 1\nok 2\n"), Verdict::Pass, Status::Passed),
        // One of two says that it does not apply: the other one passed.
        (output(77, ""), Verdict::Pass, Status::Passed),
        (output(1, ""), Verdict::Fail, Status::Failed),
        (output(0, "1..2\nok 1\nnot ok 2\n"), Verdict::Fail, Status::Failed),
        (output(0, "1..0\n"), Verdict::Unverified, Status::Unverified),
    ];
    for (answer, verdict, status) in cases {
        let told = format!("{answer:?}");
        let ended = run(&testing(), |world: &World| world.commands.answer(LOGIN, answer)).await;
        ended.check();
        assert_eq!(ended.results().verdict, verdict, "{told}: {}", ended.said());
        assert_eq!(ended.status(Rung::Functional), status, "{told}");
    }
}

/// Incident F2-11: every test was skipped, and the run was green.
#[tokio::test(start_paused = true)]
async fn incident_f2_11_tests_that_all_skip_are_not_passed() {
    let ended = run(&testing(), |world: &World| {
        world.commands.answer(LOGIN, output(77, ""));
        world.commands.answer("/packs/recipe/tests/10-page.sh", output(77, ""));
    })
    .await;
    ended.expect(Verdict::Unverified, ExitKind::Unverified);
    // What the rung says, its stage says too.
    assert_eq!(ended.status(Rung::Functional), Status::Unverified);
    let stages = &ended.results().stages;
    let functional = stages.iter().find(|stage| stage.name == "functional").unwrap();
    assert_eq!(functional.status, Status::Unverified);
    assert!(ended.said().contains("nothing was tested: of 2 tests"), "{}", ended.said());
    assert!(ended.results().level < 4);
}

/// STG-7: the recipe's own tests beside a pack are a rung of their own, without a level.
#[tokio::test(start_paused = true)]
async fn the_recipes_own_tests_make_the_rung_recipe_local() {
    let both = testing().own_test("tests/10-page.sh");
    let own = FakeRecipes::directory(&both.build().head.commit).join(".cc-ci/tests/10-page.sh");
    let own = own.display().to_string();
    for (code, verdict, status) in [
        (0, Verdict::Pass, Status::Passed),
        (1, Verdict::Fail, Status::Failed),
        (77, Verdict::Unverified, Status::Unverified),
    ] {
        let ended = run(&both, |world: &World| world.commands.answer(&own, output(code, ""))).await;
        ended.check();
        assert_eq!(ended.results().verdict, verdict, "{code}: {}", ended.said());
        assert_eq!(ended.status(Rung::RecipeLocal), status, "{code}");
        assert_eq!(ended.status(Rung::Functional), Status::Passed, "{code}");
        let ran = ended.world.commands.ran();
        let of_own = ran.iter().filter(|command| command.program == own).count();
        assert_eq!((ran.len(), of_own), (3, 1), "{ran:?}");
    }
    // The pack's tests that fail leave the recipe's own to run.
    let ended = run(&both, |world: &World| world.commands.answer(LOGIN, output(1, ""))).await;
    assert_eq!(ended.status(Rung::Functional), Status::Failed);
    assert_eq!(ended.status(Rung::RecipeLocal), Status::Passed);
    let ended = run(&testing(), |_| {}).await;
    assert_eq!(ended.status(Rung::RecipeLocal), Status::NotApplicable);
}

/// TEST-2: an interpreter that this host does not have says nothing about the recipe.
#[tokio::test(start_paused = true)]
async fn a_test_that_can_not_be_started_is_an_error_in_the_pack() {
    let arrange = |world: &World| world.commands.unfit(LOGIN, "its interpreter is not there");
    let ended = run(&testing(), arrange).await;
    ended.expect(Verdict::Error, ExitKind::Config);
    assert_eq!(ended.status(Rung::Functional), Status::Errored);
    let ran = ended.world.commands.ran();
    assert!(ran.iter().all(|command| command.program != LOGIN), "{ran:?}");
    assert!(ran.iter().any(|command| command.program.ends_with("10-page.sh")), "{ran:?}");
    // A test that fails is still the recipe's: the pack's error does not hide it.
    let ended = run(&testing(), |world| {
        arrange(world);
        world.commands.answer("/packs/recipe/tests/10-page.sh", output(1, ""));
    })
    .await;
    ended.expect(Verdict::Fail, ExitKind::Config);
}
