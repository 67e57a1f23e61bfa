//! From the command line's words to a request.

use std::collections::BTreeMap;
use std::path::Path;

use cc_ci_core::planning::{Request, StageChoice};
use cc_ci_core::ports::{Clock as _, CommandLine, Commands as _, Entropy as _, RecipeSource};
use cc_ci_host::OsEntropy;
use cc_ci_model::exit::ExitKind;
use cc_ci_model::host::HostFacts;
use cc_ci_model::name::{ComposeName, RunId};
use cc_ci_model::pack::Pack;
use cc_ci_model::plan::EngineId;
use cc_ci_model::secret::Secret;
use cc_ci_model::stage::Stage;
use cc_ci_model::time::Timestamp;

use crate::args::{RestoreArg, Subject};
use crate::failure::{Failure, chain};
use crate::settings::Settings;
use crate::wiring::Host;

/// Where the recipe is: a URL, or a folder of this host (IN-1).
pub(crate) fn source(settings: &Settings, recipe: &str) -> Result<RecipeSource, Failure> {
    if is_url(recipe) {
        return Ok(RecipeSource::Url(recipe.to_owned()));
    }
    let path = settings.directory.join(recipe);
    let path = path.canonicalize().map_err(|error| {
        Failure::new(
            ExitKind::Usage,
            format!("there is no recipe at `{}`: {error}", path.display()),
        )
        .hint("give the folder of the recipe's git repository, or its URL")
    })?;
    Ok(RecipeSource::Path(path))
}

/// `scheme://…`, or git's `user@host:path`. An option of git is no URL.
fn is_url(text: &str) -> bool {
    let is_scp =
        || text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
    !text.starts_with('-') && (text.contains("://") || is_scp())
}

/// A new run's id.
pub(crate) fn run_id(host: &Host, source: &RecipeSource) -> Result<RunId, Failure> {
    let name = source.name().map_err(|error| Failure::new(ExitKind::Usage, error.to_string()))?;
    let id = format!("{}-{name}-{}", host.clock.now().compact(), hex());
    id.parse().map_err(|error| Failure::error(chain(&error)))
}

/// Everything that was asked for.
pub(crate) fn request(
    host: &Host,
    settings: &Settings,
    subject: &Subject,
    run_id: RunId,
    facts: HostFacts,
) -> Result<Request, Failure> {
    let pack = pack(settings, subject.pack.as_deref())?;
    Ok(Request {
        run_id,
        tests: tests(host, settings, subject.pack.as_deref())?,
        overlay_texts: overlay_texts(settings, subject.pack.as_deref(), pack.as_ref())?,
        pack,
        source: without_credentials(&subject.recipe),
        stages: subject.stages.clone().unwrap_or_default(),
        keep: false,
        require_level: subject.require_level,
        restore: subject.restore.map(RestoreArg::mode),
        base_domain: settings.base_domain.clone(),
        hexes: (0..3).map(|_| hex()).collect(),
        engine: EngineId {
            name: "native".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        host: facts,
    })
}

/// The arguments of the same run, without stages, without credentials, and without what only
/// says where things go.
pub(crate) fn arguments(subject: &Subject) -> Vec<String> {
    let mut all = vec![without_credentials(&subject.recipe)];
    let mut option = |name: &str, value: Option<String>| {
        all.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    option("--ref", subject.reference.clone());
    option("--pack", subject.pack.as_ref().map(|pack| pack.display().to_string()));
    option("--require-level", subject.require_level.map(|level| level.to_string()));
    option("--restore", subject.restore.map(|restore| restore.mode().to_string()));
    all
}

/// The line about stages that nobody asked for by name, and that run all the same.
pub(crate) fn added(subject: &Subject) -> Option<String> {
    let added: Vec<Stage> = subject.stages.iter().flat_map(StageChoice::added).collect();
    cc_ci_report::progress::needed(&added)
}

fn pack(settings: &Settings, folder: Option<&Path>) -> Result<Option<Pack>, Failure> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let file = settings.directory.join(folder).join("recipe.toml");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Failure::new(ExitKind::Config, format!("cannot read `{}`: {error}", file.display()))
            .hint("a pack is a folder with a recipe.toml in it")
    })?;
    let name = file.display().to_string();
    let parsed = cc_ci_core::pack::parse(&name, &text);
    parsed.map(Some).map_err(|error| {
        let failure = Failure::new(ExitKind::Config, error.to_string());
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// The texts of the pack's overlays, by file.
fn overlay_texts(
    settings: &Settings,
    folder: Option<&Path>,
    pack: Option<&Pack>,
) -> Result<BTreeMap<String, String>, Failure> {
    let (Some(folder), Some(pack)) = (folder, pack) else {
        return Ok(BTreeMap::new());
    };
    let folder = settings.directory.join(folder);
    let read = |file: &String| {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let message = format!("cannot read overlay `{}`: {error}", path.display());
            Failure::new(ExitKind::Config, message).hint("an overlay is a file of the pack")
        })?;
        Ok((file.clone(), text))
    };
    pack.app.overlays.iter().map(|overlay| read(&overlay.file)).collect()
}

/// Values of secrets that the pack gives.
pub(crate) fn secrets(request: &Request) -> BTreeMap<ComposeName, Secret> {
    let given = request.pack.iter().flat_map(|pack| &pack.app.secrets);
    given.map(|(name, value)| (name.clone(), value.secret().clone())).collect()
}

/// The pack's tests, in the order of their names.
fn tests(
    host: &Host,
    settings: &Settings,
    folder: Option<&Path>,
) -> Result<Option<Vec<String>>, Failure> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let tests = settings.directory.join(folder).join("tests");
    let entries = match std::fs::read_dir(&tests) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some(Vec::new())),
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", tests.display());
            return Err(Failure::new(ExitKind::Config, message));
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .map(|name| format!("tests/{name}"))
        .filter(|path| cc_ci_core::app::is_test(path))
        .collect();
    names.sort();
    for name in &names {
        host.commands.can_start(&test(settings, folder, name)).map_err(|error| {
            let message = format!("test `{name}` of the pack can not be run: {}", error.message);
            Failure::new(ExitKind::Config, message)
                .hint(format!("see to {}", folder.join(name).display()))
        })?;
    }
    Ok(Some(names))
}

/// A test as a run would start it.
fn test(settings: &Settings, folder: &Path, name: &str) -> CommandLine {
    let directory = settings.directory.join(folder);
    CommandLine {
        program: directory.join(name).display().to_string(),
        arguments: Vec::new(),
        environment: [("PATH".to_owned(), settings.path.clone())].into(),
        directory,
        input: Vec::new(),
        deadline: Timestamp::default(),
    }
}

/// A URL without user and password: it is published.
fn without_credentials(recipe: &str) -> String {
    match recipe.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => recipe.to_owned(),
    }
}

/// Six hexadecimal digits.
fn hex() -> String {
    let mut bytes = [0; 3];
    OsEntropy.fill(&mut bytes);
    hex::encode(bytes)
}
