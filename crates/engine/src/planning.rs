//! Gathers the facts a plan needs, and has it made.

use std::sync::Arc;
use std::time::Duration;

use cc_ci_core::app::{OWN_PACK, Prepared, prepare};
use cc_ci_core::base::{self, Candidates};
use cc_ci_core::difference::difference;
use cc_ci_core::operator_steps::steps_between;
use cc_ci_core::pack;
use cc_ci_core::planning::{
    BaseFound, BaseSearch, Deploying, Refusal, Request, about, app, label_version, plan,
};
use cc_ci_core::ports::{Clock, RecipeError, RecipeFacts, RecipeSource, Recipes, Release, Tree};
use cc_ci_core::text::{TextError, Whose};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::plan::{AppRole, Plan};
use cc_ci_model::stage::Stage;

/// Cloning a recipe may take that long.
const FETCH: Duration = Duration::from_mins(5);

/// What planning needs.
#[derive(Clone)]
pub struct Planner {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The run's clone of the recipe.
    pub recipes: Arc<dyn Recipes>,
}

impl std::fmt::Debug for Planner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Planner")
    }
}

impl Planner {
    /// Fetches the recipe and makes the plan.
    ///
    /// # Errors
    /// Why nothing can run.
    pub async fn plan(
        &self,
        request: &Request,
        source: &RecipeSource,
        reference: Option<&str>,
    ) -> Result<Plan, Refusal> {
        let deadline = self.clock.now().plus(FETCH);
        let facts = self.recipes.open(source, reference, deadline).await.map_err(refusal)?;
        let head = self.recipes.tree(&facts.head).await.map_err(refusal)?;
        let request = &with_own_pack(request, &head)?;
        let first = app(request, &facts.name, AppRole::Fresh, false)?;
        let kept = Deploying::Head { kept: None };
        let prepared = prepare(&head, &about(request, &facts, &first, kept));
        let prepared = of_recipe(prepared)?;
        let base = match &prepared {
            Ok(prepared) if request.stages.has(Stage::Upgrade) => {
                self.search(request, &facts, &head, prepared).await?
            }
            Ok(_) | Err(_) => BaseSearch::NotWanted,
        };
        plan(request, &facts, prepared, &base)
    }

    /// Goes back through the releases until one deploys something else than the head.
    async fn search(
        &self,
        request: &Request,
        facts: &RecipeFacts,
        head: &Tree,
        prepared: &Prepared,
    ) -> Result<BaseSearch, Refusal> {
        let (releases, why) = match candidates(facts, request, prepared)? {
            Ok(found) => found,
            Err(search) => return Ok(search),
        };
        let mut hollow: Vec<String> = Vec::new();
        for release in releases {
            let base = self.recipes.tree(&release.commit).await.map_err(refusal)?;
            let version = release.version.to_string();
            match compare(request, facts, &release, (&base, head))? {
                BaseSearch::Found(mut found)
                    if found.head.is_err() || !found.difference.is_hollow() =>
                {
                    found.why = if hollow.is_empty() {
                        why.clone()
                    } else {
                        format!(
                            "{why}; {} deploy the same as the head and would prove nothing",
                            hollow.join(", ")
                        )
                    };
                    return Ok(BaseSearch::Found(found));
                }
                BaseSearch::Found(_) => hollow.push(version),
                search @ (BaseSearch::Broken { .. }
                | BaseSearch::NoEarlierRelease { .. }
                | BaseSearch::Unverified { .. }
                | BaseSearch::NotWanted) => return Ok(search),
            }
        }
        Ok(BaseSearch::Unverified {
            why: format!(
                "hollow: {} deploy the same as the head, so an upgrade would prove nothing",
                hollow.join(", ")
            ),
        })
    }
}

/// STG-7: `.cc-ci/` of the recipe is the pack when no other was given.
fn with_own_pack(request: &Request, head: &Tree) -> Result<Request, Refusal> {
    let name = format!("{OWN_PACK}/recipe.toml");
    let mut request = request.clone();
    if let (None, Some(bytes)) = (&request.pack, head.get(&name)) {
        let parsed = pack::parse(&name, &String::from_utf8_lossy(bytes));
        let refused = |error: TextError| Refusal {
            kind: ExitKind::Config,
            message: error.to_string(),
            hint: error.hint,
        };
        let pack = parsed.map_err(refused)?;
        for overlay in &pack.app.overlays {
            let text =
                head.get(&format!("{OWN_PACK}/{}", overlay.file)).ok_or_else(|| Refusal {
                    kind: ExitKind::Config,
                    message: format!("{name} names overlay `{}`, which is not there", overlay.file),
                    hint: Some(format!("overlays are files below {OWN_PACK}/")),
                })?;
            let text = String::from_utf8_lossy(text).into_owned();
            request.overlay_texts.insert(overlay.file.clone(), text);
        }
        request.pack = Some(pack);
    }
    Ok(request)
}

/// What is wrong with the pack nobody but its author can mend: nothing runs.
fn of_recipe(
    prepared: Result<Prepared, TextError>,
) -> Result<Result<Prepared, TextError>, Refusal> {
    match prepared {
        Err(error) if error.whose == Whose::Pack => {
            Err(Refusal { kind: ExitKind::Config, message: error.to_string(), hint: error.hint })
        }
        prepared => Ok(prepared),
    }
}

type Releases = (Vec<Release>, String);

fn candidates(
    facts: &RecipeFacts,
    request: &Request,
    prepared: &Prepared,
) -> Result<Result<Releases, BaseSearch>, Refusal> {
    let named = request.pack.as_ref().and_then(|pack| pack.upgrade.base.as_ref());
    let label = label_version(&prepared.declared);
    Ok(match base::candidates(facts, label.as_ref(), named) {
        Candidates::Some { releases, why } => Ok((releases, why)),
        Candidates::NoEarlierRelease { why } => Err(BaseSearch::NoEarlierRelease { why }),
        Candidates::Unknown { why } => Err(BaseSearch::Unverified { why }),
        Candidates::NoSuchRelease { version } => {
            return Err(Refusal {
                kind: ExitKind::Config,
                message: format!(
                    "the pack names {version} as the base, which is no release of the recipe"
                ),
                hint: Some("`git tag` in the recipe lists its releases".to_owned()),
            });
        }
    })
}

/// One release and the head, as the same app would deploy them.
fn compare(
    request: &Request,
    facts: &RecipeFacts,
    release: &Release,
    (base, head): (&Tree, &Tree),
) -> Result<BaseSearch, Refusal> {
    let upgraded = app(request, &facts.name, AppRole::Upgraded, false)?;
    let prepared = prepare(base, &about(request, facts, &upgraded, Deploying::Base(release)));
    let prepared = match of_recipe(prepared)? {
        Ok(prepared) => prepared,
        Err(error) => {
            return Ok(BaseSearch::Broken { release: release.clone(), error: Box::new(error) });
        }
    };
    let kept = Deploying::Head { kept: Some(prepared.env_file.clone()) };
    let after = of_recipe(prepare(head, &about(request, facts, &upgraded, kept)))?;
    // What only the pack changes is no change of the recipe.
    let difference = after.as_ref().map(|after| difference(&prepared.own, &after.own));
    Ok(BaseSearch::Found(Box::new(BaseFound {
        release: release.clone(),
        why: String::new(),
        difference: difference.unwrap_or_default(),
        steps: steps_between(base, head),
        base: prepared,
        head: after,
    })))
}

fn refusal(error: RecipeError) -> Refusal {
    match error {
        RecipeError::NotThere { message, hint } => {
            Refusal { kind: ExitKind::Usage, message, hint: Some(hint) }
        }
        RecipeError::Failed { .. } => {
            let hint = "see that the repository can be read and its origin be reached (`git fetch --tags` there), then run again";
            Refusal {
                kind: ExitKind::Error,
                message: error.to_string(),
                hint: Some(hint.to_owned()),
            }
        }
    }
}
