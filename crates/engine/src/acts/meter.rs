//! Asks an app four times a second while it is upgraded (STG-3). It runs beside the acts of the
//! upgrade and never holds one of them up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cc_ci_core::assess::is_good;
use cc_ci_core::meter::{Got, Sample, seen};
use cc_ci_core::ports::{HttpRequest, HttpSend};
use cc_ci_model::evidence::Evidence;
use cc_ci_model::meter::MeterSeen;
use cc_ci_model::plan::{HttpGate, PlannedApp, Revision};
use cc_ci_model::stage::Stage;
use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::Stagehand;
use crate::ports::Ports;

/// Between two samples.
const INTERVAL: Duration = Duration::from_millis(250);

/// A client does not wait longer for a page.
const PATIENCE: Duration = Duration::from_secs(2);

/// Samples that are kept: more than an hour of them.
const MOST: usize = 20_000;

/// A measurement under way. Dropped, it ends.
pub(super) struct Meter {
    service: String,
    samples: Arc<Mutex<Vec<Sample>>>,
    running: JoinSet<()>,
}

/// Begins to measure where the head is about to be submitted to an app that runs the base.
pub(super) fn begin(hand: &mut Stagehand, app: &PlannedApp, revision: Revision) {
    let stage = hand.journal.with(|state| state.current(hand.journal.lane()).map(|run| run.stage));
    let Some(gate) = hand.plan.gate.clone() else { return };
    if stage != Some(Stage::Upgrade) || revision != Revision::Head {
        return;
    }
    let samples = Arc::new(Mutex::new(Vec::new()));
    let mut running = JoinSet::new();
    let service = gate.service.to_string();
    let asking = Asking { ports: hand.ports.clone(), app: app.clone(), gate };
    running.spawn(measure(asking, samples.clone()));
    hand.meter = Some(Meter { service, samples, running });
}

/// Ends the measurement. Samples still under way are dropped: nobody knows what they would say.
pub(super) fn end(hand: &mut Stagehand) -> Evidence {
    let seen = hand.meter.take().and_then(|meter| meter.read(&hand.journal));
    Evidence::Metered { seen }
}

impl Meter {
    fn read(mut self, journal: &crate::journal::Journal) -> Option<MeterSeen> {
        self.running.abort_all();
        let samples = std::mem::take(&mut *lock(&self.samples));
        let interval = u64::try_from(INTERVAL.as_millis()).unwrap_or(u64::MAX);
        let mut seen = seen(&self.service, interval, samples)?;
        for gap in &mut seen.gaps {
            gap.why = journal.scrub(&gap.why);
        }
        Some(seen)
    }
}

fn lock(samples: &Mutex<Vec<Sample>>) -> std::sync::MutexGuard<'_, Vec<Sample>> {
    samples.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Asking {
    ports: Ports,
    app: PlannedApp,
    gate: HttpGate,
}

/// One sample after another; a slow one does not hold up the next.
async fn measure(asking: Asking, samples: Arc<Mutex<Vec<Sample>>>) {
    let asking = Arc::new(asking);
    let clock = asking.ports.clock.clone();
    let mut under_way = JoinSet::new();
    let mut at = clock.now();
    while lock(&samples).len() < MOST {
        let (asking, samples) = (asking.clone(), samples.clone());
        under_way.spawn(async move {
            let got = asking.sample().await;
            lock(&samples).push(Sample { at, got });
        });
        while under_way.try_join_next().is_some() {}
        at = at.plus(INTERVAL).max(clock.now());
        clock.sleep_until(at).await;
    }
}

impl Asking {
    async fn sample(&self) -> Got {
        let clock = &self.ports.clock;
        let limit = clock.now().plus(PATIENCE);
        let service = self.gate.service.as_str();
        let addresses = tokio::select! {
            addresses = self.ports.stacks.addresses(&self.app.stack, service) => addresses,
            () = clock.sleep_until(limit) => return Got::Unknown,
        };
        let Ok(addresses) = addresses else { return Got::Unknown };
        let asked = join_all(addresses.iter().map(|task| self.ask(task.address))).await;
        let mut why = format!("no running task of service {service} has an address");
        for answer in asked {
            match answer {
                Ok(()) => return Got::Answer,
                Err(met) => why = met,
            }
        }
        Got::Nothing { why }
    }

    async fn ask(&self, address: std::net::IpAddr) -> Result<(), String> {
        let request = HttpRequest {
            address,
            port: self.gate.port,
            domain: self.app.domain.to_string(),
            path: self.gate.path.clone(),
            timeout: PATIENCE,
            send: HttpSend::default(),
        };
        let clock = &self.ports.clock;
        let limit = clock.now().plus(PATIENCE);
        let answer = tokio::select! {
            answer = self.ports.probe.http(&request) => answer,
            () = clock.sleep_until(limit) => return Err("no answer in time".to_owned()),
        };
        match answer {
            Ok(answer) if is_good(&self.gate, &answer) => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status)),
            Err(error) => Err(error.to_string()),
        }
    }
}
