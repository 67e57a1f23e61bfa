//! Keeps what the services of an app wrote, scrubbed, before they are removed (RES-1, RES-5).
//! Best effort and bounded: it can neither change nor delay a verdict (RES-6).

use std::time::Duration;

use cc_ci_model::plan::PlannedApp;

use super::Stagehand;

/// Lines kept of each service.
const LINES: u32 = 500;

/// How long all logs of an app may take.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn keep(hand: &Stagehand, app: &PlannedApp) {
    let Some(watched) = hand.watches.get(&app.id) else {
        return;
    };
    let limit = hand.ports.clock.now().plus(LIMIT);
    for service in &watched.known.services {
        let tail = hand.ports.stacks.log_tail(&app.stack, &service.name, LINES);
        let text = tokio::select! {
            text = tail => text,
            () = hand.ports.clock.sleep_until(limit) => return,
        };
        // A log that can not be had or kept is no reason to say anything about the recipe.
        if let Ok(text) = text {
            let name = format!("logs/{}.{}.log", app.id, service.name);
            drop(hand.ports.store.write(&name, hand.journal.scrub(&text).as_bytes()));
        }
    }
}
