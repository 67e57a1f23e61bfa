//! Asks the app over HTTP, at its task's own address, as a proxy would (CONV-6).

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::assess::is_good;
use cc_ci_core::assets::first_asset;
use cc_ci_core::ports::{EngineError, HttpRequest, HttpSend};
use cc_ci_model::evidence::{AnswerSeen, Evidence, HttpSeen, PageSeen, PathSeen};
use cc_ci_model::marker::HttpStep;
use cc_ci_model::plan::{HttpGate, PlannedApp};
use cc_ci_model::time::Timestamp;

use super::absences::Absences;
use super::{ActError, Stagehand};
use crate::journal::Journal;
use crate::ports::Ports;
use crate::wait::{Ended, Look, Waiting, wait_until};

/// How often a look at a page is tried.
const TRIES: u32 = 3;

/// How much of a page is kept, in bytes.
const EXCERPT: usize = 2048;

/// One request may take that long.
const REQUEST: Duration = Duration::from_secs(10);

pub(super) async fn answer(
    hand: &Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let mut asking = Asking {
        ports: &hand.ports,
        journal: &hand.journal,
        app,
        gate: gate(hand)?,
        seen: AnswerSeen {
            attempts: 0,
            in_a_row: 0,
            last: None,
            problem: None,
            expired: false,
            absences: Vec::new(),
        },
        absences: Absences::default(),
        engine_away: None,
    };
    let journal = hand.journal.clone();
    let tell = |what: &str| journal.tell(what);
    let ended = wait_until(hand.ports.clock.as_ref(), deadline, &mut asking, &tell).await;
    if let (Ended::Expired, Some(why)) = (ended, asking.engine_away) {
        return Err(ActError::Broken(why));
    }
    let mut seen = asking.seen;
    seen.expired = ended == Ended::Expired;
    seen.absences = asking.absences.into_all();
    Ok(Evidence::Answered(seen))
}

/// The front page, the first asset it names, and, where the pack wants it, a path that can not
/// be there (TEST-4).
pub(super) async fn inspect(hand: &Stagehand, app: &PlannedApp) -> Result<Evidence, ActError> {
    let gate = gate(hand)?;
    let address = address(&hand.ports, app, gate, 0).await.map_err(ActError::broken)?;
    let mut seen = PageSeen { answer: None, problem: None, asset: None, unknown: None };
    match ask_again(hand, app, gate, address).await {
        Ok(answer) => {
            if let Some(path) = first_asset(&answer.excerpt, &gate.path, app.domain.as_str()) {
                seen.asset = Some(other_path(hand, app, address, path).await?);
            }
            seen.answer = Some(answer);
        }
        Err(problem) => seen.problem = Some(problem),
    }
    if gate.not_found {
        let path = format!("/cc-ci-{}-is-not-here", hand.plan.run_id.hex());
        seen.unknown = Some(other_path(hand, app, address, path).await?);
    }
    Ok(Evidence::Page(seen))
}

/// A request that gets no answer at all is made again: a connection can be lost. An answer is
/// an answer.
async fn ask_again(
    hand: &Stagehand,
    app: &PlannedApp,
    gate: &HttpGate,
    address: Option<IpAddr>,
) -> Result<HttpSeen, String> {
    let mut tries = 0;
    loop {
        let answer =
            ask(&hand.ports, &hand.journal, app, gate, (address, &HttpSend::default())).await;
        tries += 1;
        if answer.is_ok() || tries == TRIES {
            return answer;
        }
        let interval = Duration::from_millis(gate.interval_ms);
        hand.ports.clock.sleep_until(hand.ports.clock.now().plus(interval)).await;
    }
}

/// One request to another path than the gate's.
async fn other_path(
    hand: &Stagehand,
    app: &PlannedApp,
    address: Option<IpAddr>,
    path: String,
) -> Result<PathSeen, ActError> {
    let gate = HttpGate { path: path.clone(), ..gate(hand)?.clone() };
    let (status, problem) = match ask_again(hand, app, &gate, address).await {
        Ok(answer) => (Some(answer.status), None),
        Err(problem) => (None, Some(problem)),
    };
    Ok(PathSeen { path, status, problem })
}

/// One request of a marker of kind `http`, to the service that answers for the app; the beginning
/// of what it is answered with. That there is no such page is an answer too.
pub(super) async fn step(
    hand: &Stagehand,
    app: &PlannedApp,
    step: &HttpStep,
    value: &str,
) -> Result<Result<String, String>, ActError> {
    let filled = |text: &str| text.replace("{marker}", value);
    let gate = HttpGate { path: filled(&step.path), ..gate(hand)?.clone() };
    let send = HttpSend {
        method: step.method.clone(),
        body: step.body.as_deref().map(filled),
        content_type: step.content_type.clone(),
    };
    let address = address(&hand.ports, app, &gate, 0).await.map_err(ActError::broken)?;
    let answer = ask(&hand.ports, &hand.journal, app, &gate, (address, &send)).await;
    let is_question = step.method.as_deref().is_none_or(|method| method == "GET");
    Ok(match answer {
        Ok(seen) if seen.status < 400 => Ok(seen.excerpt),
        Ok(seen) if is_question && matches!(seen.status, 404 | 410) => Ok(String::new()),
        Ok(seen) => Err(format!("{} is answered with {}", gate.path, seen.status)),
        Err(why) => Err(why),
    })
}

pub(super) fn gate(hand: &Stagehand) -> Result<&HttpGate, ActError> {
    let gate = hand.plan.gate.as_ref();
    gate.ok_or_else(|| ActError::Broken("the plan has no HTTP gate".to_owned()))
}

struct Asking<'a> {
    ports: &'a Ports,
    journal: &'a Journal,
    app: &'a PlannedApp,
    gate: &'a HttpGate,
    seen: AnswerSeen,
    absences: Absences,
    /// Why the engine did not say where the tasks are, at the last look.
    engine_away: Option<String>,
}

#[async_trait]
impl Waiting for Asking<'_> {
    async fn look(&mut self, now: Timestamp) -> Look {
        self.absences.asked(now);
        // Until it has answered: a look that hangs is dropped at the deadline.
        self.engine_away = Some("the Docker engine did not say where the tasks are".to_owned());
        let turn = self.seen.attempts;
        let answer = match address(self.ports, self.app, self.gate, turn).await {
            Ok(address) => {
                self.engine_away = None;
                self.absences.answered(self.ports.clock.now());
                let asked = (address, &HttpSend::default());
                ask(self.ports, self.journal, self.app, self.gate, asked).await
            }
            Err(error) => {
                self.engine_away = Some(error.to_string());
                Err(error.to_string())
            }
        };
        let seen = &mut self.seen;
        seen.attempts += 1;
        match answer {
            Ok(answer) => {
                seen.in_a_row = if is_good(self.gate, &answer) { seen.in_a_row + 1 } else { 0 };
                seen.problem = None;
                seen.last = Some(answer);
            }
            Err(problem) => {
                seen.in_a_row = 0;
                seen.problem = Some(problem);
            }
        }
        if seen.in_a_row >= self.gate.successes {
            return Look::Over;
        }
        let interval = Duration::from_millis(self.gate.interval_ms);
        Look::Again { at_latest: self.ports.clock.now().plus(interval) }
    }

    async fn wake(&mut self) {
        std::future::pending::<()>().await;
    }

    fn missing(&self) -> String {
        let AnswerSeen { attempts, in_a_row, last, problem, .. } = &self.seen;
        let wanted = self.gate.successes;
        match (&self.engine_away, problem, last) {
            (Some(why), _, _) => why.clone(),
            (None, Some(problem), _) => format!("service {}: {problem}", self.gate.service),
            (None, None, Some(last)) if *in_a_row == 0 => {
                format!("service {}: it answers {}", self.gate.service, last.status)
            }
            (None, None, _) => format!(
                "service {}: {in_a_row} of {wanted} good answers in a row, {attempts} asked for",
                self.gate.service
            ),
        }
    }
}

/// Where a task is now: looked up anew every time, since restarts change it; several tasks are
/// asked in turn.
async fn address(
    ports: &Ports,
    app: &PlannedApp,
    gate: &HttpGate,
    turn: u32,
) -> Result<Option<IpAddr>, EngineError> {
    let mut addresses = ports.stacks.addresses(&app.stack, gate.service.as_str()).await?;
    addresses.retain(|task| !task.leaving);
    let count = addresses.len().max(1);
    Ok(addresses.get(turn as usize % count).map(|task| task.address))
}

/// A URL that can be requested as it is: the task's own address and port.
pub(super) async fn base_url(hand: &Stagehand, app: &PlannedApp) -> Result<String, ActError> {
    let gate = gate(hand)?;
    let address = address(&hand.ports, app, gate, 0).await.map_err(ActError::broken)?;
    let address = address.ok_or_else(|| {
        ActError::Broken(format!("no running task of service {} has an address", gate.service))
    })?;
    Ok(format!("http://{}", std::net::SocketAddr::new(address, gate.port)))
}

/// One request.
async fn ask(
    ports: &Ports,
    journal: &Journal,
    app: &PlannedApp,
    gate: &HttpGate,
    (address, send): (Option<IpAddr>, &HttpSend),
) -> Result<HttpSeen, String> {
    let Some(address) = address else {
        return Err(format!(
            "no running task of service {} has an address this host reaches",
            gate.service
        ));
    };
    let request = HttpRequest {
        address,
        port: gate.port,
        domain: app.domain.to_string(),
        path: gate.path.clone(),
        send: send.clone(),
        timeout: REQUEST,
    };
    let limit = ports.clock.now().plus(REQUEST + REQUEST / 2);
    tokio::select! {
        answer = ports.probe.http(&request) => match answer {
            // Scrubbed before it is cut: half a secret would not be found any more.
            Ok(seen) => {
                let excerpt = journal.scrub_beginning(&seen.excerpt, EXCERPT);
                Ok(HttpSeen { excerpt, ..seen })
            }
            Err(error) => Err(error.to_string()),
        },
        () = ports.clock.sleep_until(limit) => Err("the request never came to its end".to_owned()),
    }
}
