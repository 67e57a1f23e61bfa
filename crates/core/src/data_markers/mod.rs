//! Markers that are no files (STG-9): which there are, from what a pack declares and from what is
//! found by the names of images and where volumes are mounted; the commands that plant, read and
//! disturb them; what those say.
//!
//! Credentials never leave the container: the scripts read the variables that the images know, and
//! the files their `_FILE` forms name, where they run.
//!
//! Tests: `data_markers/tests.rs`.

mod found;
#[cfg(test)]
mod tests;

use cc_ci_model::marker::{DataMarker, DataSeen, Login, MarkerKind};
use cc_ci_model::plan::Plan;

pub use found::{found, planned};

/// What is done with a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Name the databases in which one is planted.
    List,
    /// Plant a value.
    Plant,
    /// Read the value that is there.
    Check,
    /// Put another value in its place.
    Disturb,
}

impl Verb {
    fn as_str(self) -> &'static str {
        match self {
            Verb::List => "list",
            Verb::Plant => "plant",
            Verb::Check => "check",
            Verb::Disturb => "disturb",
        }
    }
}

/// The name commands get as `$0`, by which they are told from a recipe's own.
pub const COMMAND_NAME: &str = "cc-ci";

const COMMON: &str = include_str!("scripts/common.sh");

/// Whether one server of that kind may hold several databases that have to be listed.
pub fn has_several(kind: &MarkerKind) -> bool {
    match kind {
        MarkerKind::Postgres(login) | MarkerKind::Mysql(login) => login.database.is_none(),
        MarkerKind::Redis(_)
        | MarkerKind::Sqlite { .. }
        | MarkerKind::Exec { .. }
        | MarkerKind::Http { .. } => false,
    }
}

/// The one database of a marker that has not several; `None` for kinds without any.
pub fn database(kind: &MarkerKind) -> Option<&str> {
    match kind {
        MarkerKind::Postgres(login) | MarkerKind::Mysql(login) => login.database.as_deref(),
        MarkerKind::Sqlite { path } => Some(path),
        MarkerKind::Redis(_) | MarkerKind::Exec { .. } | MarkerKind::Http { .. } => None,
    }
}

/// What to run in the service's container; `None` for a kind that is asked over HTTP.
pub fn command(
    kind: &MarkerKind,
    verb: Verb,
    database: Option<&str>,
    value: &str,
) -> Option<Vec<String>> {
    let none = Login::default();
    let (script, login) = match kind {
        MarkerKind::Postgres(login) => (include_str!("scripts/postgres.sh"), login),
        MarkerKind::Mysql(login) => (include_str!("scripts/mysql.sh"), login),
        MarkerKind::Redis(login) => (include_str!("scripts/redis.sh"), login),
        MarkerKind::Sqlite { .. } => (include_str!("scripts/sqlite.sh"), &none),
        MarkerKind::Exec { plant, check, disturb } => {
            let own = match verb {
                Verb::List => return None,
                Verb::Plant => plant,
                Verb::Check => check,
                Verb::Disturb => disturb,
            };
            return Some(own_command(verb, own, value));
        }
        MarkerKind::Http { .. } => return None,
    };
    let script = format!("{COMMON}\n{script}");
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    Some(vec![
        "sh".into(),
        "-c".into(),
        script,
        COMMAND_NAME.into(),
        verb.as_str().into(),
        database.unwrap_or_default().into(),
        value.into(),
        or_empty(&login.user),
        or_empty(&login.password_file),
    ])
}

/// A command of a pack, with the value in its environment.
fn own_command(verb: Verb, command: &str, value: &str) -> Vec<String> {
    let run = "CCCI_MARKER=$2; export CCCI_MARKER; exec sh -c \"$3\"";
    ["sh", "-c", run, COMMAND_NAME, verb.as_str(), value, command].map(str::to_owned).into()
}

/// The databases that [`Verb::List`] named.
pub fn databases(said: &str) -> Vec<String> {
    said.lines()
        .filter_map(|line| line.trim().strip_prefix("ccci-database:"))
        .map(str::to_owned)
        .collect()
}

/// Whether [`Verb::Plant`] met a server that keeps nothing on disk.
pub fn forgets(said: &str) -> bool {
    said.lines().any(|line| line.trim() == "ccci-forgets")
}

/// A database name that can stand in a statement as it is.
pub fn is_plain(name: &str) -> bool {
    !name.contains(['\'', '"', '`', '\\', ';'])
}

/// What [`Verb::Check`] read: a value, or that there is none. `None` when it says neither.
pub fn read(kind: &MarkerKind, said: &str, wanted: &str) -> Option<Option<String>> {
    if matches!(kind, MarkerKind::Exec { .. } | MarkerKind::Http { .. }) {
        let said = said.trim();
        let found = if said.contains(wanted) { wanted } else { said };
        return Some((!found.is_empty()).then(|| found.to_owned()));
    }
    let lines = said.lines().rev().map(str::trim);
    let mut told = lines.filter_map(|line| match line.strip_prefix("ccci-value:") {
        Some(value) => Some(Some(value.to_owned())),
        None => (line == "ccci-none").then_some(None),
    });
    told.next()
}

/// What a value was planted in, for sentences: "database `app` (postgres of service db)".
pub fn told(seen: &DataSeen) -> String {
    match seen.database.as_deref() {
        Some(database) if !database.is_empty() => {
            format!("database `{database}` ({})", seen.marker)
        }
        Some(_) | None => seen.marker.clone(),
    }
}

/// What a marker of the base is in the head: the one of that name, else one of its kind with the
/// same data.
pub fn successor<'a>(plan: &'a Plan, marker: &str) -> Option<&'a DataMarker> {
    let heads = &plan.data.head;
    if let Some(same) = heads.iter().find(|known| known.name == marker) {
        return Some(same);
    }
    let old = plan.data.base.iter().find(|known| known.name == marker)?;
    heads.iter().find(|known| {
        known.kind.as_str() == old.kind.as_str()
            && known.volumes.iter().any(|volume| old.volumes.contains(volume))
    })
}
