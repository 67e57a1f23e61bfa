//! What a recipe's files and a pack come to, before anything runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use cc_ci_core::planning::{Refusal, Request, StageChoice};
use cc_ci_core::ports::{RecipeFacts, RecipeSource, Release, ReleasesKnown, Tree};
use cc_ci_engine::planning::Planner;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::name::CommitSha;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{BaseChoice, Doing, EngineId, Plan, TestsFrom};
use cc_ci_model::stage::Stage;
use cc_ci_testkit::{FakeRecipes, Faults, StackBuilder, VirtualClock, host_facts, service, stack};

fn commit(digit: char) -> CommitSha {
    digit.to_string().repeat(40).parse().expect("a commit id")
}

/// A recipe's commits, the head last; each but the head is a release.
struct Recipe {
    trees: Vec<Tree>,
    facts: RecipeFacts,
}

impl Recipe {
    fn new(head: &StackBuilder) -> Self {
        Self::with_releases(&[], head)
    }

    fn with_releases(releases: &[(&str, &StackBuilder)], head: &StackBuilder) -> Self {
        let digits = '1'..;
        let releases = releases.iter().zip(digits);
        let facts = RecipeFacts {
            name: "recipe".parse().expect("a recipe's name"),
            reference: "HEAD".into(),
            head: commit('f'),
            dirty_of: None,
            releases: releases
                .clone()
                .map(|((version, _), digit)| Release {
                    version: version.parse().expect("a version"),
                    commit: commit(digit),
                    annotated: true,
                    ancestor_of_head: true,
                })
                .collect(),
            malformed_tags: Vec::new(),
            releases_known: ReleasesKnown::All,
        };
        let trees = releases.map(|((_, stack), _)| stack.tree()).chain([head.tree()]).collect();
        Self { trees, facts }
    }

    async fn plan(&self, request: &Request) -> Result<Plan, Refusal> {
        let recipes = Arc::new(FakeRecipes::new(Arc::new(Faults::none())));
        let commits = self.facts.releases.iter().map(|release| release.commit.clone());
        for (commit, tree) in commits.chain([self.facts.head.clone()]).zip(&self.trees) {
            recipes.commit(commit, tree.clone());
        }
        recipes.facts(self.facts.clone());
        let planner = Planner { clock: Arc::new(VirtualClock::new()), recipes };
        planner.plan(request, &RecipeSource::Url("https://forge/recipe".into()), None).await
    }
}

fn request() -> Request {
    Request {
        restore: None,
        run_id: "20261124T080000-recipe-abcdef".parse().expect("a run's id"),
        source: "https://forge/recipe".into(),
        stages: StageChoice::default(),
        pack: None,
        keep: false,
        require_level: None,
        base_domain: "ccci.test".into(),
        hexes: vec!["aaaaaa".into(), "bbbbbb".into(), "cccccc".into()],
        engine: EngineId { name: "native".into(), version: "0.0.0".into() },
        host: host_facts(),
        tests: None,
        overlay_texts: BTreeMap::new(),
    }
}

fn app() -> StackBuilder {
    stack([service("app").routed(80)])
}

/// What the plan says of a stage that is not going to run.
#[track_caller]
fn not_run(plan: &Plan, stage: Stage) -> &Outcome {
    match plan.doing(stage) {
        Some(Doing::Not { outcome }) => outcome,
        other => panic!("{stage}: {other:?}"),
    }
}

const WANTS_HOME: &str = "version: '3.8'\nservices:\n  app:\n    image: a:1\n    labels:\n      \
                          caddy: \"${HOME}/x\"\n";

/// IN-8: nobody can say what such a recipe would do elsewhere: that is not its failure.
#[tokio::test(start_paused = true)]
async fn a_variable_of_the_hosts_is_an_error_of_the_plan_and_no_failure() {
    let wants_home = app().file("compose.yml", WANTS_HOME);
    let plan = Recipe::new(&wants_home).plan(&request()).await.unwrap();
    let Outcome::Errored { reason } = not_run(&plan, Stage::Install) else {
        panic!("{:?}", plan.stages);
    };
    assert!(reason.contains("compose.yml:6:") && reason.contains("`HOME`"), "{reason}");

    let broken = app().file("compose.yml", "services: {app: {image: [a]}}");
    let plan = Recipe::new(&broken).plan(&request()).await.unwrap();
    assert!(matches!(not_run(&plan, Stage::Install), Outcome::Failed { .. }), "{:?}", plan.stages);

    let recipe = Recipe::with_releases(&[("1.0.0+1", &wants_home)], &app());
    let plan = recipe.plan(&request()).await.unwrap();
    let Outcome::Unverified { reason } = not_run(&plan, Stage::Upgrade) else {
        panic!("{:?}", plan.stages);
    };
    assert!(reason.contains("`HOME`") && !reason.contains("broken"), "{reason}");
}

/// STG-7: what the recipe carries is the pack where there is no other, and counts for a rung of its
/// own beside one.
#[tokio::test(start_paused = true)]
async fn the_recipes_own_tests_count_beside_a_pack_too() {
    let carrying = app().file(".cc-ci/tests/10-own.sh", "#!/bin/sh\n");
    let recipe = Recipe::new(&carrying);
    let tests = |plan: &Plan| {
        let all = plan.tests.iter().map(|test| (test.name.clone(), test.from));
        all.collect::<Vec<_>>()
    };
    let own = "tests/10-own.sh".to_owned();
    let plan = recipe.plan(&request()).await.unwrap();
    assert_eq!(tests(&plan), [(own.clone(), TestsFrom::Recipe)]);
    assert_eq!(plan.doing(Stage::Functional), Some(&Doing::Run));
    assert_eq!(plan.doing(Stage::RecipeLocal), None);

    let given = Request { tests: Some(vec!["tests/20-page.sh".into()]), ..request() };
    let plan = recipe.plan(&given).await.unwrap();
    let page = "tests/20-page.sh".to_owned();
    assert_eq!(tests(&plan), [(page, TestsFrom::Pack), (own, TestsFrom::Beside)]);
    assert_eq!(plan.doing(Stage::RecipeLocal), Some(&Doing::Run));

    let none = Request { tests: Some(Vec::new()), ..request() };
    let plan = recipe.plan(&none).await.unwrap();
    assert!(matches!(not_run(&plan, Stage::Functional), Outcome::Skipped { .. }));
    assert_eq!(plan.doing(Stage::RecipeLocal), Some(&Doing::Run));
    let install = Request { stages: "install".parse().unwrap(), ..given };
    let plan = recipe.plan(&install).await.unwrap();
    assert!(matches!(not_run(&plan, Stage::RecipeLocal), Outcome::Skipped { .. }));
}

/// Incident (lasuite-meet): with one lightweight version tag abra refuses every pinned deploy.
#[tokio::test(start_paused = true)]
async fn incident_lightweight_tag_is_a_base_like_others_and_warned_about() {
    let older = stack([service("app").routed(80).image("a:1")]);
    let mut recipe = Recipe::with_releases(&[("1.0.0+1", &older)], &app());
    let plan = recipe.plan(&request()).await.unwrap();
    let warned = |plan: &Plan| {
        let of_tags = plan.warnings.iter().filter(|warning| warning.code == "lightweight_tag");
        of_tags.map(|warning| warning.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(warned(&plan), Vec::<String>::new());

    recipe.facts.releases[0].annotated = false;
    let plan = recipe.plan(&request()).await.unwrap();
    assert_eq!(plan.doing(Stage::Upgrade), Some(&Doing::Run));
    let warned = warned(&plan);
    assert!(matches!(warned.as_slice(), [one] if one.contains("`1.0.0+1`")), "{warned:?}");
}

/// A recipe that was never released, and one whose tags say nothing.
#[tokio::test(start_paused = true)]
async fn without_a_release_the_upgrade_is_skipped_and_says_what_there_is() {
    let mut recipe = Recipe::new(&app());
    for (malformed, words) in [(vec![], "no version tag"), (vec!["v1.0".to_owned()], "`v1.0`")] {
        recipe.facts.malformed_tags = malformed;
        let plan = recipe.plan(&request()).await.unwrap();
        let Outcome::Skipped { reason, intended: false } = not_run(&plan, Stage::Upgrade) else {
            panic!("{:?}", plan.stages);
        };
        assert!(reason.contains(words), "{reason}");
    }
}

fn with_pack(text: &str, texts: &[(&str, &str)]) -> Request {
    let pack = cc_ci_core::pack::parse("recipe.toml", text).expect("a pack");
    let texts = texts.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    Request { pack: Some(pack), overlay_texts: texts.collect(), ..request() }
}

#[track_caller]
fn refused(plan: Result<Plan, Refusal>, words: &str) {
    let refusal = plan.expect_err("it is refused");
    assert_eq!(refusal.kind, ExitKind::Config, "{refusal}");
    assert!(refusal.message.contains(words), "{refusal}");
}

const MAIL: &str = "version: '3.8'\nservices: {app: {environment: {MAIL: 'on'}}}\n";

/// PLAN-7: what the pack adds to the compose files.
#[tokio::test(start_paused = true)]
async fn a_pack_can_add_compose_files_of_the_recipe_and_of_its_own() {
    let older = stack([service("app").routed(80).image("a:1")]);
    let head = app().file("compose.mail.yml", MAIL);
    let recipe = Recipe::with_releases(&[("1.0.0+1", &older)], &head);
    let asked = with_pack("recipe = 'recipe'\n[app]\ncompose = ['compose.mail.yml']\n", &[]);
    let plan = recipe.plan(&asked).await.unwrap();
    assert_eq!(plan.head.compose_files, ["compose.yml", "compose.mail.yml"]);
    assert_eq!(plan.head.declared.services[0].template["environment.MAIL"], "on");
    let BaseChoice::Release(base) = &plan.base else { panic!("{:?}", plan.base) };
    assert_eq!(base.compose_files, ["compose.yml"], "it is older than that file");
    let missing = with_pack("recipe = 'recipe'\n[app]\ncompose = ['compose.x.yml']\n", &[]);
    refused(recipe.plan(&missing).await, "`compose.x.yml`");

    let pack = "recipe = 'recipe'\n[[app.overlays]]\nfile = 'small.yml'\nfor = 'base'\n";
    let plan = recipe.plan(&with_pack(pack, &[("small.yml", MAIL)])).await.unwrap();
    let BaseChoice::Release(base) = &plan.base else { panic!("{:?}", plan.base) };
    assert_eq!(base.declared.services[0].template["environment.MAIL"], "on");
    assert!(!plan.head.declared.services[0].template.contains_key("environment.MAIL"));
    let stranger = MAIL.replace("app", "other");
    refused(recipe.plan(&with_pack(pack, &[("small.yml", &stranger)])).await, "service `other`");
}

/// PLAN-2: a difference that only the pack makes proves nothing about the recipe.
#[tokio::test(start_paused = true)]
async fn incident_hollow_base_an_overlay_makes_no_difference_of_the_recipes() {
    let recipe = Recipe::with_releases(&[("1.0.0+1", &app())], &app());
    let pack = "recipe = 'recipe'\n[[app.overlays]]\nfile = 'small.yml'\nfor = 'head'\n";
    let plan = recipe.plan(&with_pack(pack, &[("small.yml", MAIL)])).await.unwrap();
    let Outcome::Unverified { reason } = not_run(&plan, Stage::Upgrade) else {
        panic!("{:?}", plan.stages);
    };
    assert!(reason.contains("hollow"), "{reason}");
}

/// Values of secrets that may not be generated; the plan, which is published, has only their names.
#[tokio::test(start_paused = true)]
async fn a_pack_gives_values_for_secrets() {
    let env = "TYPE=recipe\nSECRET_API_KEY_VERSION=v1 # generate=false\n";
    let asking = stack([service("app").routed(80).secret("api_key")]).file(".env.sample", env);
    let recipe = Recipe::new(&asking);
    refused(recipe.plan(&request()).await, "have no value: api_key");
    let given = "recipe = 'recipe'\n[app.secrets]\napi_key = 'hunter22'\n";
    let plan = recipe.plan(&with_pack(given, &[])).await.unwrap();
    assert_eq!(plan.doing(Stage::Install), Some(&Doing::Run));
    assert_eq!(plan.given_secrets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["api_key"]);
    let shown = format!("{plan:?} {}", serde_json::to_string(&plan).unwrap());
    assert!(!shown.contains("hunter22"), "{shown}");
    let pack = with_pack(given, &[]);
    assert!(!format!("{pack:?}").contains("hunter22"));
    refused(recipe.plan(&with_pack(&given.replace("api_key", "other"), &[])).await, "`other`");
}

/// A value that is a word of the plan could not be taken out of a report without damage: images
/// and stacks would be called `[secret]`, and what is called so is not found again.
#[tokio::test(start_paused = true)]
async fn a_value_that_is_a_word_of_the_plan_is_refused() {
    let env = "TYPE=recipe\nSECRET_API_KEY_VERSION=v1 # generate=false\n";
    let service = service("app").routed(80).image("ghost:5").secret("api_key");
    let recipe = Recipe::new(&stack([service]).file(".env.sample", env));
    let given = |value: &str| format!("recipe = 'recipe'\n[app.secrets]\napi_key = '{value}'\n");
    for word in ["ghost", "compose.yml", "api_key"] {
        refused(recipe.plan(&with_pack(&given(word), &[])).await, "secret `api_key`");
    }
    recipe.plan(&with_pack(&given("ghostly"), &[])).await.unwrap();
}
