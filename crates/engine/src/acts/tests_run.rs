//! Runs the tests of a stage, one after the other, each with its own deadline, output and duration
//! (TEST-2, TEST-5).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use cc_ci_core::app::OWN_PACK;
use cc_ci_core::ports::CommandLine;
use cc_ci_core::tap;
use cc_ci_model::backup::TestSeen;
use cc_ci_model::evidence::Evidence;
use cc_ci_model::plan::{PlannedApp, PlannedTest, TestsFrom};
use cc_ci_model::stage::Stage;

use super::{ActError, Stagehand, answer};

/// How much of a test's output is kept in the log.
const SAID: usize = 2000;

pub(super) async fn test(hand: &Stagehand, app: &PlannedApp) -> Result<Evidence, ActError> {
    let mut tests = Vec::new();
    let stage = hand.journal.with(|state| state.current(hand.journal.lane()).map(|run| run.stage));
    let due: Vec<_> = hand.plan.tests_of(stage.unwrap_or(Stage::Functional)).collect();
    for (place, planned) in due.iter().enumerate() {
        hand.journal.tell(&format!("{}, {} of {}", planned.name, place + 1, due.len()));
        tests.push(one(hand, app, planned).await?);
    }
    Ok(Evidence::Tested { tests })
}

async fn one(
    hand: &Stagehand,
    app: &PlannedApp,
    planned: &PlannedTest,
) -> Result<TestSeen, ActError> {
    let folder = folder(hand, planned).await?;
    // The address is looked up for every test: restarts change it.
    let base_url = answer::base_url(hand, app).await?;
    let command = command(hand, app, &base_url, folder, planned);
    let mut seen = TestSeen {
        name: planned.name.clone(),
        code: None,
        expired: false,
        duration_ms: 0,
        said: String::new(),
        tap: None,
        problem: None,
        unfit: None,
    };
    if let Err(error) = hand.ports.commands.can_start(&command) {
        seen.unfit = Some(error.message);
        return Ok(seen);
    }
    let began = hand.ports.clock.now();
    let ran = hand.ports.commands.run(&command).await;
    let duration = hand.ports.clock.now().since(began);
    seen.duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match ran {
        Ok(output) => {
            let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            seen.code = output.code;
            seen.expired = output.expired;
            seen.tap = tap::read(&stdout);
            // Scrubbed first: half a secret would not be found any more.
            let said = hand.journal.scrub(&format!("{stdout}{stderr}"));
            seen.said = super::tail(&said, SAID);
        }
        Err(error) => seen.problem = Some(error.message),
    }
    Ok(seen)
}

/// A test is the program itself: nothing is handed to a shell.
fn command(
    hand: &Stagehand,
    app: &PlannedApp,
    base_url: &str,
    folder: PathBuf,
    planned: &PlannedTest,
) -> CommandLine {
    let context = context(hand, app, base_url);
    let variables = context.iter();
    let variables =
        variables.map(|(key, value)| (format!("CCCI_{}", key.to_uppercase()), value.clone()));
    let path = ("PATH".to_owned(), hand.ports.place.path.clone());
    let limit = Duration::from_millis(hand.plan.budgets.test_ms);
    CommandLine {
        program: folder.join(&planned.name).display().to_string(),
        arguments: Vec::new(),
        environment: variables.chain([path]).collect(),
        directory: folder,
        input: json(&context).into_bytes(),
        deadline: hand.ports.clock.now().plus(limit),
    }
}

async fn folder(hand: &Stagehand, planned: &PlannedTest) -> Result<PathBuf, ActError> {
    match planned.from {
        TestsFrom::Pack => {
            let pack = hand.ports.place.pack.clone();
            pack.ok_or_else(|| ActError::Broken("the pack's folder is not known".to_owned()))
        }
        TestsFrom::Recipe | TestsFrom::Beside => {
            let checkout = hand.ports.recipes.check_out(&hand.plan.head.commit).await;
            Ok(checkout.map_err(ActError::broken)?.join(OWN_PACK))
        }
    }
}

/// What a test is told, as `CCCI_*` and as JSON on standard input.
fn context(hand: &Stagehand, app: &PlannedApp, base_url: &str) -> BTreeMap<String, String> {
    let plan = &hand.plan;
    let known = [
        ("base_url", base_url.to_owned()),
        ("domain", app.domain.to_string()),
        ("stack", app.stack.to_string()),
        ("recipe", plan.recipe.to_string()),
        ("version", plan.head.version.clone().unwrap_or_default()),
        ("run_id", plan.run_id.to_string()),
        ("run_dir", hand.ports.place.run_directory.display().to_string()),
    ];
    known.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn json(context: &BTreeMap<String, String>) -> String {
    serde_json::to_string(context).unwrap_or_default()
}
