//! `cc-ci run`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cc_ci_coop::GitRecipes;
use cc_ci_core::planning::Request;
use cc_ci_core::ports::Signals as _;
use cc_ci_engine::doctor::Trying;
use cc_ci_engine::ports::Place;
use cc_ci_engine::run::run as run_plan;
use cc_ci_host::UnixSignals;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::name::RunId;
use cc_ci_model::plan::Plan;
use cc_ci_model::results::Results;
use cc_ci_report::closer::Around;
use cc_ci_store::{RunDir, RunDirError, StateDir};

use super::{exit_code, log, show, subject, tool};
use crate::args::{Output, RunArgs, Subject};
use crate::failure::{Failure, chain};
use crate::progress::{Progress, publish};
use crate::screen::{Screen, Ticking};
use crate::settings::Settings;
use crate::wiring::{Host, Room};

/// Plans, runs, publishes; gives the exit code of the verdict.
pub(crate) async fn run(settings: &Settings, args: RunArgs) -> Result<u8, Failure> {
    let host = Host::new(settings)?;
    let source = subject::source(settings, &args.subject.recipe)?;
    let run_id = subject::run_id(&host, &source)?;
    let facts = host.facts(settings, Trying::Allowed).await?;
    let asked = subject::request(&host, settings, &args.subject, run_id.clone(), facts)?;
    let request = Request { keep: args.keep, ..asked };
    let room = RunRoom::make(directory(settings, args.out.as_deref(), &run_id))?;
    let recipes = host.recipes(settings, &room.work);
    let reference = args.subject.reference.as_deref();
    let planner = host.planner(recipes.clone());
    let planned = tokio::select! {
        planned = planner.plan(&request, &source, reference) => planned.map_err(Failure::from),
        _ = room.signals.more_than(0) => Err(stopped()),
    };
    let plan = match planned {
        Ok(plan) => plan,
        Err(failure) => {
            room.abandon();
            return Err(failure);
        }
    };
    let screen = screen(settings, &args.subject);
    let ticking = Ticking::start(screen.clone(), host.clock.clone());
    let listener = Arc::new(Progress::new(room.store.clone(), screen));
    let place = room.place(settings, &args.subject, &request);
    let ports = host.ports(settings, room.ports(recipes, place, &plan), listener)?;
    let results = run_plan(ports, plan, tool()).await;
    drop(ticking);
    let around = room.around(settings, &args, &run_id);
    let results = results.map_err(|error| {
        let run = &around.run;
        Failure::error(chain(&error)).hint(format!("remove what it left: `cc-ci cleanup {run}`"))
    })?;
    finish(settings, &args, &room, &results, &around)
}

/// Publishes, clears away, prints.
fn finish(
    settings: &Settings,
    args: &RunArgs,
    room: &RunRoom,
    results: &Results,
    around: &Around,
) -> Result<u8, Failure> {
    let published = publish(&room.store, results, Some(around));
    if !args.keep {
        room.clear_work();
    }
    show(results, around, args.subject.output, settings)?;
    published.map_err(|error| {
        let hint = format!("the verdict stands: `cc-ci judge {}`", around.run);
        Failure::error(chain(&error)).hint(hint)
    })?;
    if args.subject.output != Output::Json {
        super::print(&format!("\nrun directory: {}\n", room.directory.display()))?;
    }
    Ok(exit_code(results))
}

/// A signal came before there was a plan (TEAR-3).
fn stopped() -> Failure {
    let message = "the run was asked to stop before it had a plan: nothing was deployed";
    Failure::new(ExitKind::Cancelled, message)
}

/// How often a folder of the run's own is tried to be removed.
const TRIES: u32 = 5;

/// Where progress is shown. The first line says what runs although nobody asked for it by name.
fn screen(settings: &Settings, subject: &Subject) -> Arc<Screen> {
    let screen = Screen::stderr(settings, subject.output == Output::Auto);
    if let Some(line) = subject::added(subject) {
        screen.say(&line);
    }
    Arc::new(screen)
}

/// A run's own directory, and what is in it before anything happens.
struct RunRoom {
    directory: PathBuf,
    /// It was there before, empty.
    existed: bool,
    work: PathBuf,
    store: Arc<RunDir>,
    /// Listened to from the first file on: a signal ends nothing by itself any more.
    signals: Arc<UnixSignals>,
}

impl RunRoom {
    fn make(directory: PathBuf) -> Result<Self, Failure> {
        let existed = directory.exists();
        let signals = Host::signals()?;
        let store = Arc::new(create(&directory)?);
        let work = directory.join(cc_ci_store::WORK_FOLDER);
        std::fs::create_dir(&work).map_err(|error| {
            Failure::error(format!("cannot make `{}`: {error}", work.display()))
        })?;
        Ok(Self { directory, existed, work, store, signals })
    }

    fn place(&self, settings: &Settings, subject: &Subject, request: &Request) -> Place {
        Place {
            run_directory: self.directory.clone(),
            pack: subject.pack.as_ref().map(|pack| settings.directory.join(pack)),
            path: settings.path.clone(),
            secrets: subject::secrets(request),
        }
    }

    fn ports(&self, recipes: Arc<GitRecipes>, place: Place, plan: &Plan) -> Room {
        Room {
            recipes,
            work: self.work.clone(),
            volume_root: volume_root(plan),
            store: self.store.clone(),
            signals: self.signals.clone(),
            place,
        }
    }

    /// For who wants to look closer: a run that is kept somewhere else is named by its directory.
    fn around(&self, settings: &Settings, args: &RunArgs, run_id: &RunId) -> Around {
        let directory = self.directory.display().to_string();
        let run = if args.out.is_some() { &directory } else { run_id.as_str() };
        let again = (!args.keep).then(|| subject::arguments(&args.subject));
        Around { again, ..log::around(settings, run, &self.directory) }
    }

    /// Clones, overlays and snapshots are of no use once the run is over, and snapshots hold the
    /// data of the app.
    #[expect(
        clippy::disallowed_methods,
        reason = "it was made by this process, for this run alone"
    )]
    fn clear_work(&self) {
        drop(std::fs::remove_dir_all(&self.work));
    }

    /// A run that was refused before it had a plan leaves no run directory (VER-8): nothing was
    /// created but this run's own clone. A folder that was there before stays, empty as it was.
    #[expect(clippy::disallowed_methods, reason = "it was made by this process a moment ago")]
    fn abandon(&self) {
        let folder = if self.existed { &self.work } else { &self.directory };
        // A program that was killed a moment ago may still have made a file while others went.
        for _ in 0..TRIES {
            if std::fs::remove_dir_all(folder).is_ok() {
                break;
            }
        }
        if !self.existed {
            return;
        }
        for file in [cc_ci_store::EVENTS_FILE, "lock"] {
            drop(std::fs::remove_file(self.directory.join(file)));
        }
    }
}

/// Where the engine keeps volumes; Docker's default, should it not say.
fn volume_root(plan: &Plan) -> PathBuf {
    let root = plan.host.volume_root.as_deref().unwrap_or("/var/lib/docker/volumes");
    PathBuf::from(root)
}

fn directory(settings: &Settings, out: Option<&Path>, run_id: &RunId) -> PathBuf {
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
