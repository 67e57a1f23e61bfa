//! Secrets of a run are in nothing it writes (RES-5), whatever the app and its tests do.

use cc_ci_model::event::EventKind;
use cc_ci_model::evidence::Evidence;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::outcome::Verdict;
use cc_ci_testkit::{Answer, Behaviour, Fault, PlanBuilder, Script, World, service, stack};

use crate::harness::{Ended, one_service, rich, run};

/// The one secret of [`one_service`]; chance is the same in every world.
async fn secret() -> String {
    let values = run(&one_service(), |_| {}).await.world.swarm.secret_values();
    assert_eq!((values.len(), values[0].len()), (1, 32));
    values[0].clone()
}

/// Everything that was written, as text.
fn written(ended: &Ended) -> Vec<(String, String)> {
    let store = &ended.world.store;
    let files =
        store.files().into_iter().filter_map(|name| Some((name.clone(), store.file(&name)?)));
    let log = ("events.jsonl".to_owned(), store.log());
    let all = files.chain([log]);
    all.map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned())).collect()
}

/// No piece of the secret that is no chance is in anything that was written.
#[track_caller]
fn check_clean(ended: &Ended) {
    let values = ended.world.swarm.secret_values();
    for (name, text) in written(ended) {
        for value in &values {
            let mut pieces = value.as_bytes().windows(6).map(String::from_utf8_lossy);
            let found = pieces.find(|piece| text.contains(piece.as_ref()));
            assert_eq!(found, None, "{name} holds a piece of {value}: {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_are_in_nothing_that_is_written() {
    let ended = run(&one_service(), |_| {}).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let files = ended.world.store.files();
    assert!(!files.is_empty(), "logs are kept");
    check_clean(&ended);
}

/// The excerpt of a page ends in the middle of a secret, at any of its characters.
#[tokio::test(start_paused = true)]
async fn a_page_that_is_cut_through_a_secret_holds_nothing_of_it() {
    for before in [2000, 2020, 2033, 2040, 2043, 2047, 2048, 2080, 2110] {
        let body = format!("<html>{}{{secret}}</html>", "x".repeat(before - 6));
        let ended = run(&one_service(), |world: &World| {
            let answer = Answer::Status(200, body.clone());
            world.swarm.behave("app", Behaviour::steady().answering([answer]));
        })
        .await;
        ended.expect(Verdict::Pass, ExitKind::Pass);
        check_clean(&ended);
        let excerpts =
            ended.world.store.events().into_iter().filter_map(|event| match event.kind {
                EventKind::ActEnded { evidence } => match *evidence {
                    Evidence::Answered(seen) => seen.last.map(|last| last.excerpt),
                    Evidence::Page(seen) => seen.answer.map(|answer| answer.excerpt),
                    _ => None,
                },
                _ => None,
            });
        for excerpt in excerpts {
            let rest = excerpt.trim_start_matches("<html>").trim_start_matches('x');
            assert!(
                excerpt.len() <= 2048 && "[secret]</html>".starts_with(rest),
                "{before}: {rest}"
            );
        }
    }
}

/// Only the end of what a hook said is kept; it begins in the middle of a secret.
#[tokio::test(start_paused = true)]
async fn the_output_of_a_hook_that_is_cut_through_a_secret_holds_nothing_of_it() {
    for after in [65_536 + 64 - 3, 65_536 + 64 - 20, 65_536 - 7, 65_536 - 20, 65_500] {
        let hook = "backupbot.backup.pre-hook";
        let app = rich("app").backed_up().label(hook, "leak");
        let plan = PlanBuilder::new(stack([app])).run(cc_ci_model::stage::Stage::Backup);
        // As the real one gives it: a bit more than is kept.
        let said = format!("{{secret}}{}", "y".repeat(after));
        let ended = run(&plan, |world: &World| {
            world.swarm.script_command("leak", Script::End(3, said.clone()));
        })
        .await;
        assert_eq!(ended.results().verdict, Verdict::Fail, "{}", ended.said());
        check_clean(&ended);
    }
}

/// Tests are told where the run's directory is, and may write there what they like.
#[tokio::test(start_paused = true)]
async fn a_file_with_a_secret_in_it_is_withheld_and_the_run_errs() {
    let secret = secret().await;
    let ended = run(&one_service(), |world: &World| {
        world.store.put("screenshot.html", format!("<b>{secret}</b>").as_bytes());
        world.store.put("notes.txt", b"nothing of interest");
    })
    .await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert!(ended.said().contains("`screenshot.html`: it was removed"), "{}", ended.said());
    let files = ended.world.store.files();
    assert!(files.contains(&"notes.txt".to_owned()), "{files:?}");
    assert!(!files.contains(&"screenshot.html".to_owned()), "{files:?}");
    check_clean(&ended);
}

/// The one call a run makes only then: it may fail, and the run says so.
#[tokio::test(start_paused = true)]
async fn a_file_with_a_secret_in_it_that_can_not_be_removed_is_named() {
    let secret = secret().await;
    let content = format!("<b>{secret}</b>");
    let leave = |world: &World| world.store.put("screenshot.html", content.as_bytes());
    let calls = run(&one_service(), leave).await.world.faults.calls();
    let nth = calls.iter().position(|call| call == "remove a file").expect("it is removed") + 1;
    let ended = run(&one_service(), |world: &World| {
        leave(world);
        world.faults.arm(nth, Fault::Fail);
    })
    .await;
    ended.expect(Verdict::Error, ExitKind::Error);
    assert!(ended.said().contains("do not hand it on"), "{}", ended.said());
    assert!(ended.world.store.files().contains(&"screenshot.html".to_owned()));
}

/// A short secret could be any word: the recipe's author is told, by its name.
#[tokio::test(start_paused = true)]
async fn a_short_secret_is_a_warning_that_names_it() {
    let env = "TYPE=recipe\nDOMAIN=recipe.example.com\nCOMPOSE_FILE=compose.yml\n\
               SECRET_PASSWORD_VERSION=v1 # length=6\n";
    let plan = PlanBuilder::new(stack([rich("app")]).file(".env.sample", env));
    let ended = run(&plan, |_| {}).await;
    ended.expect(Verdict::Pass, ExitKind::Pass);
    let values = ended.world.swarm.secret_values();
    assert_eq!(values[0].len(), 6);
    let told: Vec<_> =
        ended.results().warnings.iter().filter(|finding| finding.code == "short_secret").collect();
    assert_eq!(told.len(), 1, "{:?}", ended.results().warnings);
    assert!(told[0].message.contains("secret password") && !told[0].message.contains(&values[0]));
    check_clean(&ended);
    let long = run(&PlanBuilder::new(stack([service("app").routed(80)])), |_| {}).await;
    assert_eq!(long.results().warnings, []);
}
