//! Standard error while a run goes on: plain lines, or on a terminal lines that stay above one
//! that is written over. Best effort: nothing that is shown can fail (RES-6).
//!
//! Deliberately without a library: the live line is one row, and the terminals that matter
//! understand the one escape sequence it needs.
//!
//! Tests: at the end of this file, and `tests-e2e/tests/it/terminal.rs` on a real one.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cc_ci_core::ports::Clock;
use cc_ci_core::state::RunState;
use cc_ci_model::event::{Event, Lane};
use cc_ci_model::time::Timestamp;
use cc_ci_report::live::LiveLine;
use cc_ci_report::progress::{self, Doing};
use tokio::task::JoinHandle;

use crate::settings::Settings;

/// How often the live line is looked at again.
const TICK: Duration = Duration::from_millis(500);

/// How long one of two lanes has the live line, milliseconds.
const TURN_MS: i64 = 3_000;

/// Columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// Standard error, as progress uses it.
pub(crate) struct Screen {
    inner: Mutex<Inner>,
}

struct Inner {
    out: Box<dyn Write + Send>,
    /// Measures of the terminal; `None` for plain lines.
    columns: Option<Box<dyn Fn() -> usize + Send>>,
    color: bool,
    line: LiveLine,
    /// What goes on in each lane, and what is missing there.
    doing: BTreeMap<Lane, (Option<Doing>, String)>,
}

impl Screen {
    /// Standard error of this process.
    pub(crate) fn stderr(settings: &Settings, color: bool) -> Self {
        let is_live = std::io::stderr().is_terminal() && settings.may_move_the_cursor;
        let columns = is_live.then(|| Box::new(columns) as Box<dyn Fn() -> usize + Send>);
        Self::of(Box::new(std::io::stderr()), columns, color && !settings.no_color)
    }

    fn of(
        out: Box<dyn Write + Send>,
        columns: Option<Box<dyn Fn() -> usize + Send>>,
        color: bool,
    ) -> Self {
        let (line, doing) = (LiveLine::default(), BTreeMap::new());
        Self { inner: Mutex::new(Inner { out, columns, color, line, doing }) }
    }

    /// Says what an event tells.
    pub(crate) fn heard(&self, event: &Event, state: &RunState) {
        let mut inner = self.lock();
        let Some(screen) = inner.screen() else {
            if let Some(line) = progress::line(event, state) {
                inner.write(&format!("{line}\n"));
            }
            return;
        };
        // An ended stage takes the place of its live line. Between two acts the line stays.
        let is_open = Lane::ALL.iter().any(|lane| state.current(*lane).is_some());
        if let Some(lines) = progress::lasting(event, state, screen) {
            let text = if is_open {
                inner.line.above(&lines)
            } else {
                format!("{}{lines}\n", inner.line.clear())
            };
            inner.write(&text);
        }
        let doing = progress::now(state, event.lane);
        let is_stage_open = state.current(event.lane).is_some();
        let known = inner.doing.entry(event.lane).or_default();
        if doing != known.0 && (doing.is_some() || !is_stage_open) {
            *known = (doing, String::new());
        }
        inner.draw(event.at);
    }

    /// Remembers what is missing; the next tick shows it.
    pub(crate) fn waits(&self, lane: Lane, what: &str) {
        what.clone_into(&mut self.lock().doing.entry(lane).or_default().1);
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        let mut inner = self.lock();
        let text = inner.line.above(line);
        inner.write(&text);
    }

    fn tick(&self, now: Timestamp) {
        self.lock().draw(now);
    }

    /// Takes the live line away for good: what follows is somebody else's.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.close();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn screen(&self) -> Option<progress::Screen> {
        let columns = self.columns.as_ref()?();
        Some(progress::Screen { columns, color: self.color })
    }

    fn draw(&mut self, now: Timestamp) {
        let Some(screen) = self.screen() else {
            return;
        };
        let lanes = self.doing.values();
        let lanes: Vec<_> =
            lanes.filter_map(|(doing, missing)| Some((doing.as_ref()?, missing))).collect();
        // There is one line: two lanes have it in turns.
        let turn = usize::try_from(now.as_millis() / TURN_MS).unwrap_or(0);
        let text = match lanes.get(turn % lanes.len().max(1)) {
            Some((doing, missing)) => self.line.draw(&doing.text(now, missing), screen.columns),
            None => self.line.clear(),
        };
        self.write(&text);
    }

    fn close(&mut self) {
        let text = self.line.clear();
        self.write(&text);
        self.columns = None;
    }

    /// In one piece: what other programs write comes before it or after it.
    fn write(&mut self, text: &str) {
        if !text.is_empty() {
            drop(self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()));
        }
    }
}

fn columns() -> usize {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        Ok(_) | Err(_) => COLUMNS,
    }
}

/// Keeps the live line's clock going, and takes the line away when the run is over, however it
/// ends.
pub(crate) struct Ticking {
    screen: Arc<Screen>,
    ticker: JoinHandle<()>,
}

impl Ticking {
    /// To be started inside the runtime.
    pub(crate) fn start(screen: Arc<Screen>, clock: Arc<dyn Clock>) -> Self {
        clear_before_a_panic(screen.clone());
        let ticking = screen.clone();
        let ticker = tokio::spawn(async move {
            loop {
                clock.sleep_until(clock.now().plus(TICK)).await;
                ticking.tick(clock.now());
            }
        });
        Self { screen, ticker }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.ticker.abort();
        self.screen.close();
    }
}

/// What a panic says is no part of a live line. A panic while one is drawn finds it locked, and
/// leaves it.
fn clear_before_a_panic(screen: Arc<Screen>) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if let Ok(mut inner) = screen.inner.try_lock() {
            let text = inner.line.clear();
            inner.write(&text);
        }
        usual(panic);
    }));
}

#[cfg(test)]
mod tests {
    use cc_ci_model::event::EventKind;
    use cc_ci_model::evidence::Act;
    use cc_ci_model::stage::Stage;

    use super::*;

    /// What was written.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// A stage that begins, waits a while and ends.
    fn play(columns: Option<usize>, color: bool) -> String {
        let paper = Paper::default();
        let columns =
            columns.map(|columns| Box::new(move || columns) as Box<dyn Fn() -> usize + Send>);
        let screen = Screen::of(Box::new(paper.clone()), columns, color);
        let mut state = RunState::default();
        let mut seq = 0;
        let mut hear = |ms, kind| {
            seq += 1;
            let event = Event { seq, at: at(ms), lane: Lane::Main, kind };
            state.apply(&event);
            screen.heard(&event, &state);
        };
        hear(0, EventKind::StageBegan { stage: Stage::Install, app: None });
        hear(0, EventKind::ActBegan { act: Act::Converge, deadline: at(600_000) });
        screen.waits(Lane::Main, "service app: 0 of 1 tasks run");
        screen.tick(at(1_500));
        screen.tick(at(1_900));
        hear(2_000, EventKind::CancelRequested { signals: 1 });
        hear(2_500, EventKind::ActErrored { message: "stopped".into() });
        hear(2_600, EventKind::StageEnded);
        screen.close();
        screen.say("done");
        paper.text()
    }

    #[test]
    fn without_a_terminal_there_are_only_plain_lines() {
        let text = play(None, true);
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(
            lines[0],
            "install              waiting until the stack has converged (deadline 10 min)"
        );
        assert!(lines[1].starts_with("stopping: "), "{lines:?}");
        assert_eq!(lines[2], "install              errored after 2.6 s: stopped");
    }

    #[test]
    fn on_a_terminal_one_line_is_written_over_until_its_stage_ends() {
        const CLEAR: &str = "\r\u{1b}[J";
        let text = play(Some(100), false);
        let first = "  install: settling, 0 s of 10 min";
        let second = "  install: settling, 1 s of 10 min: service app: 0 of 1 tasks run";
        let third = "  install: settling, 2 s of 10 min: service app: 0 of 1 tasks run";
        let stopping = "stopping: what the run created is being removed; once more to hurry";
        let ended = "! install              errored after 2.6 s: stopped";
        let expected = format!(
            "{CLEAR}{first}\r{CLEAR}{second}\r{CLEAR}{stopping}\n{second}\r{CLEAR}{third}\r{CLEAR}{ended}\ndone\n"
        );
        assert_eq!(text, expected);
    }

    /// `NO_COLOR` is about colour: the line is still written over.
    #[test]
    fn colour_changes_nothing_but_the_marks() {
        let (plain, coloured) = (play(Some(100), false), play(Some(100), true));
        assert_eq!(coloured.replace("\u{1b}[33m", "").replace("\u{1b}[0m", ""), plain);
        assert_ne!(coloured, plain);
    }
}
