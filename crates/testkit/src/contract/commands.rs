//! What [`Commands`] and its [`ChildLog`] promise.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{ChildLog, Clock, CommandLine, CommandOutput, Commands};
use cc_ci_model::intent::ProcessId;

super::contract!(Commands: [
    streams_and_exit_code_are_kept_apart,
    one_that_a_signal_ended_has_no_exit_code,
    one_that_is_not_there_is_an_error_and_was_never_started,
    what_it_reads_passes_through,
    of_a_long_output_the_beginning_and_the_end_are_kept,
    a_deadline_ends_it_and_says_so,
    starts_and_ends_are_told_from_the_attachment_on,
    dropped_half_way_it_is_ended,
    several_run_at_once,
]);

/// What a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    /// Writes that and ends with that code.
    Says {
        /// On standard output.
        out: Vec<u8>,
        /// On standard error.
        err: Vec<u8>,
        /// Its exit code.
        code: i32,
    },
    /// Writes what it reads and ends with code 0.
    Repeats,
    /// Is ended by a signal at once.
    Dies,
    /// Says `begun` and runs until it is ended.
    Stays,
    /// It is not there.
    Missing,
}

/// A host with programs.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn commands(&self) -> &dyn Commands;

    /// The clock its deadlines are of.
    fn clock(&self) -> &dyn Clock;

    /// A program that does that, with a minute's time and no input.
    fn program(&self, does: Does) -> CommandLine;
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(&'static str, ProcessId)>>);

impl Heard {
    fn push(&self, what: &'static str, process: &ProcessId) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push((what, process.clone()));
    }

    fn all(&self) -> Vec<(&'static str, ProcessId)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ChildLog for Heard {
    fn started(&self, process: &ProcessId) {
        self.push("started", process);
    }

    fn ended(&self, process: &ProcessId) {
        self.push("ended", process);
    }
}

fn says(out: &[u8], err: &[u8], code: i32) -> Does {
    Does::Says { out: out.to_vec(), err: err.to_vec(), code }
}

async fn run<S: Stage>(stage: &S, does: Does) -> CommandOutput {
    let line = stage.program(does);
    stage.commands().run(&line).await.expect("it can be started")
}

async fn streams_and_exit_code_are_kept_apart<S: Stage>(stage: &S) {
    for (out, err, code) in [
        (b"out\n\0\xff".as_slice(), b"err\n".as_slice(), 7),
        (b"", b"", 0),
        (b"no newline", b"", 255),
    ] {
        let output = run(stage, says(out, err, code)).await;
        let (stdout, stderr) = (out.to_vec(), err.to_vec());
        assert_eq!(output, CommandOutput { code: Some(code), expired: false, stdout, stderr });
    }
}

async fn one_that_a_signal_ended_has_no_exit_code<S: Stage>(stage: &S) {
    let output = run(stage, Does::Dies).await;
    assert_eq!((output.code, output.expired), (None, false));
}

async fn one_that_is_not_there_is_an_error_and_was_never_started<S: Stage>(stage: &S) {
    let heard = Arc::new(Heard::default());
    stage.commands().attach(heard.clone());
    let line = stage.program(Does::Missing);
    let error = stage.commands().run(&line).await.expect_err("it is not there");
    assert_eq!(error.program, line.program);
    let told = error.to_string();
    assert!(told.starts_with(&format!("cannot run `{}`: not found", line.program)), "{told}");
    assert_eq!(heard.all(), []);
    assert_eq!(stage.commands().can_start(&line), Err(error), "as was to be known before");
    assert_eq!(stage.commands().can_start(&stage.program(Does::Repeats)), Ok(()));
}

async fn what_it_reads_passes_through<S: Stage>(stage: &S) {
    for input in [b"".to_vec(), b"a\0\xff\n".to_vec(), b"0123456789abcde\n".repeat(16 << 10)] {
        let line = CommandLine { input: input.clone(), ..stage.program(Does::Repeats) };
        let output = stage.commands().run(&line).await.expect("it can be started");
        assert_eq!(output.code, Some(0));
        assert!(output.stdout == input, "{} bytes of {}", output.stdout.len(), input.len());
    }
}

async fn of_a_long_output_the_beginning_and_the_end_are_kept<S: Stage>(stage: &S) {
    let long: Vec<u8> = (0..300_000).flat_map(|n: u32| format!("{n:09}\n").into_bytes()).collect();
    let output = run(stage, says(&long, b"short", 0)).await;
    let (kept, length) = (output.stdout, long.len());
    assert!(kept.len() < (1 << 20) + 100, "{}", kept.len());
    assert!(kept.starts_with(&long[..400_000]) && kept.ends_with(&long[length - 400_000..]));
    let told = format!("[… {} bytes left out …]", length - (1 << 20));
    assert!(String::from_utf8_lossy(&kept).contains(&told), "{told}");
    assert_eq!(output.stderr, b"short");
}

async fn a_deadline_ends_it_and_says_so<S: Stage>(stage: &S) {
    let clock = stage.clock();
    let heard = Arc::new(Heard::default());
    stage.commands().attach(heard.clone());
    let mut line = stage.program(Does::Stays);
    line.deadline = clock.now().plus(Duration::from_millis(500));
    let output = stage.commands().run(&line).await.expect("it can be started");
    assert_eq!((output.code, output.expired, output.stdout), (None, true, b"begun\n".to_vec()));
    assert!(clock.now() >= line.deadline);
    let told: Vec<&str> = heard.all().iter().map(|(what, _)| *what).collect();
    assert_eq!(told, ["started", "ended"]);
}

async fn starts_and_ends_are_told_from_the_attachment_on<S: Stage>(stage: &S) {
    run(stage, says(b"", b"", 0)).await;
    let heard = Arc::new(Heard::default());
    stage.commands().attach(heard.clone());
    assert_eq!(heard.all(), [], "what was before is not told");
    for code in [0, 3] {
        run(stage, says(b"", b"", code)).await;
    }
    let told = heard.all();
    let words: Vec<&str> = told.iter().map(|(what, _)| *what).collect();
    assert_eq!(words, ["started", "ended", "started", "ended"]);
    assert_eq!((&told[0].1, &told[2].1), (&told[1].1, &told[3].1), "that very process");
    assert_ne!(told[0].1, told[2].1);
}

async fn dropped_half_way_it_is_ended<S: Stage>(stage: &S) {
    let heard = Arc::new(Heard::default());
    stage.commands().attach(heard.clone());
    let line = stage.program(Does::Stays);
    let running = stage.commands().run(&line);
    let waited = tokio::time::timeout(Duration::from_millis(200), running).await;
    assert!(waited.is_err(), "it runs on");
    let told: Vec<&str> = heard.all().iter().map(|(what, _)| *what).collect();
    assert_eq!(told, ["started", "ended"], "as soon as the caller is gone");
}

async fn several_run_at_once<S: Stage>(stage: &S) {
    let clock = stage.clock();
    let mut stays = stage.program(Does::Stays);
    stays.deadline = clock.now().plus(Duration::from_secs(1));
    let quick = run(stage, says(b"quick", b"", 0));
    let (long, quick) = tokio::join!(stage.commands().run(&stays), quick);
    assert_eq!(quick.stdout, b"quick");
    assert!(long.expect("it can be started").expired);
}
