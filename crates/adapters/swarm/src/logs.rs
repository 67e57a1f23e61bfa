//! The end of what a service wrote.
//!
//! Tests: at the end of this file, and against a real engine in `tests/it/main.rs`.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::LogsOptionsBuilder;
use cc_ci_core::ports::EngineError;
use futures_util::{Stream, StreamExt};

use crate::error::engine_error;

/// How much is given at most.
const TAIL_BYTES: usize = 64 << 10;

/// How much is read at most, and how much of one line.
const READ_BYTES: usize = 1 << 20;
const LINE_CHARACTERS: usize = 2000;

/// How long it may take. A node that is gone does not answer for its tasks; what the others
/// wrote is given then.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// The last `lines` lines of each task of a service, in the order in which they were written.
pub(crate) async fn tail(
    docker: &Docker,
    service: &str,
    lines: u32,
) -> Result<String, EngineError> {
    let options = LogsOptionsBuilder::default()
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .tail(&lines.to_string())
        .build();
    let said = docker
        .service_logs(service, Some(options))
        .map(|part| part.map(|part| part.into_bytes().to_vec()));
    let mut read = Vec::new();
    match tokio::time::timeout(READ_WITHIN, collect(said, &mut read)).await {
        Ok(Err(error)) if read.is_empty() => {
            Err(engine_error(&format!("read the log of service {service}"), &error))
        }
        _ => Ok(arrange(&read)),
    }
}

async fn collect<E>(
    said: impl Stream<Item = Result<Vec<u8>, E>>,
    read: &mut Vec<String>,
) -> Result<(), E> {
    let mut said = std::pin::pin!(said);
    let mut n_bytes = 0;
    while n_bytes < READ_BYTES {
        let Some(part) = said.next().await else {
            return Ok(());
        };
        let part = String::from_utf8_lossy(&part?).into_owned();
        n_bytes += part.len();
        read.extend(part.lines().map(|line| line.chars().take(LINE_CHARACTERS).collect()));
    }
    Ok(())
}

/// Orders lines by the time they begin with, and takes the time off. Tasks answer one after
/// the other, so their lines have to be put into order here.
fn arrange(read: &[String]) -> String {
    let mut lines: Vec<(&str, &str)> = Vec::with_capacity(read.len());
    for line in read {
        let (time, text) = line.split_once(' ').unwrap_or((line, ""));
        if is_time(time) {
            lines.push((time, text));
        } else {
            // The rest of a line that a terminal broke.
            let time = lines.last().map_or("", |(time, _)| time);
            lines.push((time, line));
        }
    }
    lines.sort_by_key(|(time, _)| *time);
    let mut size = 0;
    let kept = lines
        .iter()
        .rev()
        .take_while(|(_, text)| {
            size += text.len() + 1;
            size <= TAIL_BYTES
        })
        .count();
    let texts: Vec<&str> = lines[lines.len() - kept..].iter().map(|(_, text)| *text).collect();
    texts.join("\n")
}

/// `2026-11-24T05:46:09.686514716Z`: always that long, so that it sorts as text.
fn is_time(word: &str) -> bool {
    word.len() == 30 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_tasks_are_put_into_order() {
        let read = [
            "2026-11-24T05:46:09.000000001Z one".to_owned(),
            "2026-11-24T05:46:09.000000003Z three".to_owned(),
            "broken off".to_owned(),
            "2026-11-24T05:46:09.000000002Z two".to_owned(),
            "2026-11-24T05:46:09.000000004Z".to_owned(),
        ];
        assert_eq!(arrange(&read), "one\ntwo\nthree\nbroken off\n");
    }

    #[test]
    fn the_end_is_kept_when_it_is_too_much() {
        let read: Vec<String> = (0..100)
            .map(|n| format!("2026-11-24T05:46:09.0000000{n:02}Z {n} {}", "x".repeat(1000)))
            .collect();
        let text = arrange(&read);
        assert!(text.len() <= TAIL_BYTES, "{}", text.len());
        assert!(text.lines().last().unwrap().starts_with("99 "));
    }
}
