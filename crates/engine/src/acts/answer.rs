//! Asks the app over HTTP, at its task's own address, as a proxy would (CONV-6).

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::assess::is_good;
use cc_ci_core::ports::HttpRequest;
use cc_ci_model::evidence::{AnswerSeen, Evidence, HttpSeen, PageSeen};
use cc_ci_model::plan::{HttpGate, PlannedApp};
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand};
use crate::ports::Ports;
use crate::wait::{Ended, Look, Waiting, wait_until};

/// One request may take that long.
const REQUEST: Duration = Duration::from_secs(10);

pub(super) async fn answer(
    hand: &Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let mut asking = Asking {
        ports: &hand.ports,
        app,
        gate: gate(hand)?,
        seen: AnswerSeen {
            attempts: 0,
            in_a_row: 0,
            last: None,
            problem: None,
            expired: false,
        },
    };
    let ended = wait_until(hand.ports.clock.as_ref(), deadline, &mut asking).await;
    let mut seen = asking.seen;
    seen.expired = ended == Ended::Expired;
    Ok(Evidence::Answered(seen))
}

pub(super) async fn inspect(hand: &Stagehand, app: &PlannedApp) -> Result<Evidence, ActError> {
    let (answer, problem) = match ask(&hand.ports, app, gate(hand)?, 0).await {
        Ok(answer) => (Some(answer), None),
        Err(problem) => (None, Some(problem)),
    };
    Ok(Evidence::Page(PageSeen { answer, problem }))
}

fn gate(hand: &Stagehand) -> Result<&HttpGate, ActError> {
    let gate = hand.plan.gate.as_ref();
    gate.ok_or_else(|| ActError::Broken("the plan has no HTTP gate".to_owned()))
}

struct Asking<'a> {
    ports: &'a Ports,
    app: &'a PlannedApp,
    gate: &'a HttpGate,
    seen: AnswerSeen,
}

#[async_trait]
impl Waiting for Asking<'_> {
    async fn look(&mut self, _now: Timestamp) -> Look {
        let answer = ask(self.ports, self.app, self.gate, self.seen.attempts).await;
        let seen = &mut self.seen;
        seen.attempts += 1;
        match answer {
            Ok(answer) => {
                seen.in_a_row = if is_good(self.gate, &answer) {
                    seen.in_a_row + 1
                } else {
                    0
                };
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
        Look::Again {
            at_latest: self.ports.clock.now().plus(interval),
        }
    }

    async fn wake(&mut self) {
        std::future::pending().await
    }
}

/// One request. The address is looked up anew every time, since restarts change it; several
/// tasks are asked in turn.
async fn ask(
    ports: &Ports,
    app: &PlannedApp,
    gate: &HttpGate,
    turn: u32,
) -> Result<HttpSeen, String> {
    let service = gate.service.as_str();
    let addresses = ports
        .stacks
        .addresses(&app.stack, service)
        .await
        .map_err(|e| e.to_string())?;
    let count = addresses.len().max(1);
    let Some(task) = addresses.get(turn as usize % count) else {
        return Err(format!(
            "no running task of service {service} has an address this host reaches"
        ));
    };
    let request = HttpRequest {
        address: task.address,
        port: gate.port,
        domain: app.domain.to_string(),
        path: gate.path.clone(),
        timeout: REQUEST,
    };
    ports
        .probe
        .http(&request)
        .await
        .map_err(|error| error.to_string())
}
