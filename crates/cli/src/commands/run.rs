//! `cc-ci run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cc_ci_engine::ports::Place;
use cc_ci_engine::run::run as run_plan;
use cc_ci_model::event::Tool;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::name::RunId;
use cc_ci_model::plan::Plan;
use cc_ci_store::{RunDir, RunDirError, StateDir};

use super::{exit_code, show, subject};
use crate::args::{Output, RunArgs};
use crate::failure::{Failure, chain};
use crate::progress::{Progress, publish};
use crate::settings::Settings;
use crate::wiring::{Host, Room};

/// Plans, runs, publishes; gives the exit code of the verdict.
pub(crate) async fn run(settings: &Settings, args: RunArgs) -> Result<u8, Failure> {
    let host = Host::new(settings)?;
    let source = subject::source(settings, &args.subject.recipe)?;
    let run_id = subject::run_id(&host, &source)?;
    let facts = host.facts(settings).await?;
    let request = subject::request(settings, &args.subject, run_id.clone(), facts, args.keep)?;
    let directory = directory(settings, args.out, &run_id);
    let existed = directory.exists();
    let store = Arc::new(create(&directory)?);
    let work = directory.join("work");
    std::fs::create_dir(&work)
        .map_err(|error| Failure::error(format!("cannot make `{}`: {error}", work.display())))?;
    let recipes = host.recipes(settings, &work);
    let planned = host
        .planner(recipes.clone())
        .plan(&request, &source, args.subject.reference.as_deref())
        .await;
    let plan = match planned {
        Ok(plan) => plan,
        Err(refusal) => {
            abandon(&directory, existed);
            return Err(refusal.into());
        }
    };
    let place = Place {
        run_directory: directory.clone(),
        pack: args.subject.pack.as_ref().map(|pack| settings.directory.join(pack)),
        path: settings.path.clone(),
    };
    let room = Room {
        recipes,
        work,
        volume_root: volume_root(&plan),
        listener: Arc::new(Progress::new(store.clone())),
        store: store.clone(),
        place,
    };
    let ports = host.ports(settings, room)?;
    let results = run_plan(ports, plan, tool()).await;
    let results = results.map_err(|error| {
        Failure::error(chain(&error)).hint(format!("remove what it left: `cc-ci cleanup {run_id}`"))
    })?;
    publish(&store, &results).map_err(|error| Failure::error(chain(&error)))?;
    show(&results, args.subject.output, settings.no_color)?;
    if args.subject.output != Output::Json {
        super::print(&format!("\nrun directory: {}\n", directory.display()))?;
    }
    Ok(exit_code(&results))
}

/// Where the engine keeps volumes; Docker's default, should it not say.
fn volume_root(plan: &Plan) -> PathBuf {
    let root = plan.host.volume_root.as_deref().unwrap_or("/var/lib/docker/volumes");
    PathBuf::from(root)
}

/// This program.
fn tool() -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("CC_CI_COMMIT").map(str::to_owned),
    }
}

fn directory(settings: &Settings, out: Option<PathBuf>, run_id: &RunId) -> PathBuf {
    match out {
        Some(out) => settings.directory.join(out),
        None => StateDir::new(&settings.state).run(run_id),
    }
}

fn create(directory: &Path) -> Result<RunDir, Failure> {
    RunDir::create(directory).map_err(|error| match error {
        RunDirError::NotEmpty { .. } => Failure::new(ExitKind::Usage, chain(&error))
            .hint("give --out a folder that is empty or does not exist"),
        other => Failure::error(chain(&other)),
    })
}

/// A run that was refused before it had a plan leaves no run directory (VER-8): nothing was
/// created but this run's own clone. A folder that was there before stays, empty as it was.
#[expect(clippy::disallowed_methods, reason = "it was made by this process a moment ago")]
fn abandon(directory: &Path, existed: bool) {
    if !existed {
        drop(std::fs::remove_dir_all(directory));
        return;
    }
    drop(std::fs::remove_dir_all(directory.join("work")));
    for file in [cc_ci_store::EVENTS_FILE, "lock"] {
        drop(std::fs::remove_file(directory.join(file)));
    }
}
