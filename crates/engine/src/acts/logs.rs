//! Keeps what the services of an app wrote, scrubbed, before they are removed (RES-1, RES-5).
//! Best effort and bounded: it can neither change nor delay a verdict (RES-6).

use std::time::Duration;

use cc_ci_model::plan::PlannedApp;

use super::Stagehand;

/// Lines kept of each service.
const LINES: u32 = 500;

/// How much is kept of each service, and of one line.
const KEPT_BYTES: usize = 64 << 10;
const LINE_CHARACTERS: usize = 2000;

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
            drop(hand.ports.store.write(&name, shortened(&hand.journal.scrub(&text)).as_bytes()));
        }
    }
}

/// The last lines that fit, each cut short. Only of what was scrubbed: half a secret would not
/// be found any more.
fn shortened(text: &str) -> String {
    let cut = |line: &str| line.chars().take(LINE_CHARACTERS).collect::<String>();
    let mut size = 0;
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .map(cut)
        .take_while(|line| {
            size += line.len() + 1;
            size <= KEPT_BYTES
        })
        .collect();
    lines.reverse();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_when_it_is_too_much() {
        let lines: Vec<String> = (0..100).map(|n| format!("{n} {}", "x".repeat(3000))).collect();
        let text = shortened(&lines.join("\n"));
        assert!(text.len() <= KEPT_BYTES, "{}", text.len());
        assert!(text.lines().last().unwrap().starts_with("99 "));
        assert!(text.lines().all(|line| line.len() == LINE_CHARACTERS));
        assert_eq!(shortened("one\ntwo\n"), "one\ntwo");
    }
}
