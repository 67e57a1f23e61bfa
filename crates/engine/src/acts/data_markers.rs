//! Values in databases and the like (STG-9): planted, read and disturbed by commands in the
//! containers of the tasks that run at that moment, or by requests to the app.

use std::time::Duration;

use cc_ci_core::data_markers::{self, Verb};
use cc_ci_core::ports::{EngineError, ExecRequest};
use cc_ci_model::marker::{DataInSnapshot, DataMarker, DataSeen, MarkerKind};
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::time::Timestamp;

use super::markers::nonce;
use super::{ActError, Stagehand, answer};

/// How long a server may take until a value can be planted: the app answers by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long another value than the planted one is looked at again: an app may still be reading
/// what was restored.
const SECOND_THOUGHTS: Duration = Duration::from_secs(5);

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// One command may take that long.
const COMMAND: Duration = Duration::from_secs(30);

/// How much is kept of what a command said.
const SAID: usize = 400;

/// What is asked, for whose app, and until when.
#[derive(Clone, Copy)]
struct Server<'a> {
    app: &'a PlannedApp,
    marker: &'a DataMarker,
    until: Timestamp,
}

/// Plants a fresh value in every place, and reads it back.
pub(super) async fn plant(
    hand: &mut Stagehand,
    app: &PlannedApp,
    markers: &[DataMarker],
    deadline: Timestamp,
) -> Result<Vec<DataSeen>, ActError> {
    let mut all = Vec::new();
    for marker in markers {
        hand.journal.tell(&format!("planting in {}", marker.name));
        let until = deadline.min(hand.ports.clock.now().plus(PATIENCE));
        let server = Server { app, marker, until };
        let databases = match databases(hand, server).await? {
            Ok(databases) => databases,
            Err(problem) => {
                all.push(DataSeen { problem: Some(problem), ..unseen(hand, marker, None) });
                continue;
            }
        };
        for database in databases {
            let mut seen = unseen(hand, marker, database);
            let planted = say(hand, server, Verb::Plant, &seen).await?;
            match planted {
                Ok(said) if data_markers::forgets(&said) => seen.forgets = true,
                Ok(_) => read(hand, server, &mut seen, Some(SECOND_THOUGHTS)).await?,
                Err(problem) => seen.problem = Some(problem),
            }
            all.push(seen);
        }
    }
    Ok(all)
}

/// Reads every value that was planted, in the marker that stands for it now.
pub(super) async fn seek(
    hand: &mut Stagehand,
    app: &PlannedApp,
    planted: &[DataSeen],
    deadline: Timestamp,
) -> Result<Vec<DataSeen>, ActError> {
    let mut all = Vec::new();
    for known in planted.iter().filter(|seen| seen.is_there()) {
        let mut seen = DataSeen { found: None, ..known.clone() };
        match data_markers::successor(&hand.plan, &known.marker).cloned() {
            Some(marker) => {
                hand.journal.tell(&format!("reading {}", marker.name));
                let server = Server { app, marker: &marker, until: deadline };
                read(hand, server, &mut seen, Some(SECOND_THOUGHTS)).await?;
            }
            None => seen.problem = Some("the head has no service for it".to_owned()),
        }
        all.push(seen);
    }
    Ok(all)
}

/// Looks once what became of each value after the volumes went: a server that was made anew has no
/// place for it, and says so.
pub(super) async fn look(
    hand: &mut Stagehand,
    app: &PlannedApp,
    planted: &[DataSeen],
) -> Result<Vec<DataSeen>, ActError> {
    let now = hand.ports.clock.now();
    seek(hand, app, planted, now).await
}

/// Puts another value in the place of each that was planted, and reads what is there then.
pub(super) async fn disturb(
    hand: &mut Stagehand,
    app: &PlannedApp,
    planted: &[DataSeen],
    deadline: Timestamp,
) -> Result<Vec<DataSeen>, ActError> {
    let mut all = Vec::new();
    for known in planted.iter().filter(|seen| seen.is_there()) {
        let Some(marker) = data_markers::successor(&hand.plan, &known.marker).cloned() else {
            continue;
        };
        hand.journal.tell(&format!("disturbing {}", marker.name));
        let until = deadline.min(hand.ports.clock.now().plus(PATIENCE));
        let server = Server { app, marker: &marker, until };
        let other = DataSeen { nonce: format!("lost-{}", nonce(hand)), ..known.clone() };
        let mut seen = DataSeen { found: None, ..known.clone() };
        match say(hand, server, Verb::Disturb, &other).await? {
            Ok(_) => read(hand, server, &mut seen, None).await?,
            Err(problem) => seen.problem = Some(problem),
        }
        all.push(seen);
    }
    Ok(all)
}

/// Looks for values in a snapshot's bytes.
pub(super) async fn in_snapshot(
    hand: &Stagehand,
    snapshot: &str,
    volumes: &[String],
    sought: Vec<DataSeen>,
) -> Result<Vec<DataInSnapshot>, ActError> {
    let mut all = Vec::new();
    for DataSeen { marker, database, nonce, .. } in sought {
        let found = super::backup::contains(hand, snapshot, volumes, nonce.as_bytes()).await?;
        all.push(DataInSnapshot { marker, database, nonce, found });
    }
    Ok(all)
}

/// The databases of a server in which a value is planted; one place for what has none.
async fn databases(
    hand: &mut Stagehand,
    server: Server<'_>,
) -> Result<Result<Vec<Option<String>>, String>, ActError> {
    let marker = server.marker;
    if !data_markers::has_several(&marker.kind) {
        return Ok(Ok(vec![data_markers::database(&marker.kind).map(str::to_owned)]));
    }
    let nothing = unseen(hand, marker, None);
    let said = match say(hand, server, Verb::List, &nothing).await? {
        Ok(said) => said,
        Err(problem) => return Ok(Err(problem)),
    };
    let all = data_markers::databases(&said);
    if all.is_empty() {
        return Ok(Err("it holds no database of the app's".to_owned()));
    }
    if let Some(odd) = all.iter().find(|name| !data_markers::is_plain(name)) {
        return Ok(Err(format!("it holds a database of an unusual name: {odd}")));
    }
    Ok(Ok(all.into_iter().map(Some).collect()))
}

/// Reads the value that is there. One that is not the planted one is looked at again for a while.
async fn read(
    hand: &mut Stagehand,
    server: Server<'_>,
    seen: &mut DataSeen,
    thoughts: Option<Duration>,
) -> Result<(), ActError> {
    let Server { marker, until, .. } = server;
    let began = hand.ports.clock.now();
    loop {
        let said = match say(hand, server, Verb::Check, seen).await? {
            Ok(said) => said,
            Err(problem) => {
                seen.problem = Some(problem);
                return Ok(());
            }
        };
        if let Some(found) = data_markers::read(&marker.kind, &said, &seen.nonce) {
            let found = found.map(|found| hand.journal.scrub_end(&found, SAID));
            (seen.found, seen.problem) = (found, None);
        } else {
            let said = hand.journal.scrub_end(said.trim(), SAID);
            seen.problem = Some(format!("it does not say what value is there: {said}"));
        }
        let now = hand.ports.clock.now();
        let has_thoughts = thoughts.is_some_and(|thoughts| now.since(began) < thoughts);
        if seen.is_there() || !has_thoughts || now.plus(PAUSE) >= until {
            return Ok(());
        }
        hand.ports.clock.sleep_until(now.plus(PAUSE)).await;
    }
}

/// Does one thing with a marker, again and again until it works or the time is over: a server that
/// has just been restarted refuses for a while, and a pool of connections may be dead.
async fn say(
    hand: &mut Stagehand,
    server: Server<'_>,
    verb: Verb,
    seen: &DataSeen,
) -> Result<Result<String, String>, ActError> {
    let Server { app, marker, until } = server;
    loop {
        let said = match &marker.kind {
            MarkerKind::Http { plant, check, disturb } => match verb {
                Verb::List => Ok(String::new()),
                Verb::Plant => answer::step(hand, app, plant, &seen.nonce).await?,
                Verb::Check => answer::step(hand, app, check, &seen.nonce).await?,
                Verb::Disturb => answer::step(hand, app, disturb, &seen.nonce).await?,
            },
            MarkerKind::Postgres(_)
            | MarkerKind::Mysql(_)
            | MarkerKind::Redis(_)
            | MarkerKind::Sqlite { .. }
            | MarkerKind::Exec { .. } => run(hand, server, verb, seen).await?,
        };
        let now = hand.ports.clock.now();
        match said {
            Err(why) if now.plus(PAUSE) < until => {
                hand.journal.tell(&format!("{}: {why}", marker.name));
                hand.ports.clock.sleep_until(now.plus(PAUSE)).await;
            }
            said => return Ok(said),
        }
    }
}

/// Runs a marker's command in the container of a running task.
async fn run(
    hand: &mut Stagehand,
    server: Server<'_>,
    verb: Verb,
    seen: &DataSeen,
) -> Result<Result<String, String>, ActError> {
    let Server { app, marker, until } = server;
    let command = data_markers::command(&marker.kind, verb, seen.database.as_deref(), &seen.nonce);
    let Some(command) = command else {
        return Ok(Ok(String::new()));
    };
    let Some(container) = hand.container_of(app, marker.service.as_str()).await? else {
        return Ok(Err(format!("service {} has no running task", marker.service)));
    };
    let left = until.since(hand.ports.clock.now()).max(PAUSE);
    let limit = COMMAND.min(left);
    let ran = hand.ports.exec.exec(&ExecRequest { container, command, limit }).await;
    let is_own_check = verb == Verb::Check && matches!(marker.kind, MarkerKind::Exec { .. });
    Ok(match ran {
        Ok(output) => match output.code {
            Some(0) => Ok(output.said),
            // A pack's own check that finds nothing may well say so by its code.
            Some(code) if is_own_check && code < 126 => Ok(String::new()),
            Some(_) => Err(hand.journal.scrub_end(output.said.trim(), SAID)),
            None => Err(format!("no answer within {} s", limit.as_secs())),
        },
        Err(EngineError::Refused { message, .. }) => Err(message),
        Err(error @ EngineError::Unreachable { .. }) => return Err(ActError::broken(error)),
    })
}

fn unseen(hand: &Stagehand, marker: &DataMarker, database: Option<String>) -> DataSeen {
    DataSeen {
        marker: marker.name.clone(),
        database,
        nonce: nonce(hand),
        found: None,
        problem: None,
        forgets: false,
    }
}
