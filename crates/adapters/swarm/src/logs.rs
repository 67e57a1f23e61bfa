//! The end of what a service wrote, in whole lines: what is kept of a line is cut by whoever has
//! taken secrets out of it.
//!
//! Tests: at the end of this file, and against a real engine in `tests/it/main.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptionsBuilder;
use cc_ci_core::ports::EngineError;
use futures_util::{Stream, StreamExt};

use crate::error::engine_error;

/// How much is read at most.
const READ_BYTES: usize = 1 << 20;

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
        .map(|part| part.map(|part| (is_error(&part), part.into_bytes().to_vec())));
    let mut read = Vec::new();
    match tokio::time::timeout(READ_WITHIN, collect(said, &mut read)).await {
        Ok(Err(error)) if read.is_empty() => {
            Err(engine_error(&format!("read the log of service {service}"), &error))
        }
        _ => Ok(arrange(&read)),
    }
}

fn is_error(part: &LogOutput) -> bool {
    matches!(part, LogOutput::StdErr { .. })
}

/// What came, part by part: docker splits a line after 16 KiB. All parts of one carry the time
/// of the first, and only the last one has a line break.
async fn collect<E>(
    said: impl Stream<Item = Result<(bool, Vec<u8>), E>>,
    read: &mut Vec<String>,
) -> Result<(), E> {
    let mut said = std::pin::pin!(said);
    let mut n_bytes = 0;
    // Lines that wait for their ends, by stream and time. Tasks may write at the same time.
    let mut open: BTreeMap<(bool, String), usize> = BTreeMap::new();
    while n_bytes < READ_BYTES {
        let Some(part) = said.next().await else {
            return Ok(());
        };
        let (is_error, part) = part?;
        n_bytes += part.len();
        let part = String::from_utf8_lossy(&part).into_owned();
        let ends = part.ends_with('\n');
        let time = part.split_once(' ').map(|(time, _)| time).filter(|time| is_time(time));
        let key = (is_error, time.unwrap_or_default().to_owned());
        let at = if let Some(at) = open.remove(&key) {
            let rest = part.get(key.1.len() + usize::from(time.is_some())..);
            read[at].push_str(rest.unwrap_or_default().trim_end_matches(['\n', '\r']));
            Some(at)
        } else {
            read.extend(part.lines().map(str::to_owned));
            read.len().checked_sub(1)
        };
        if let Some(at) = at.filter(|_| !ends) {
            open.insert(key, at);
        }
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
    let texts: Vec<&str> = lines.iter().map(|(_, text)| *text).collect();
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

    /// Docker splits a line after 16 KiB; a secret may stand right there.
    #[tokio::test]
    async fn a_line_that_docker_split_is_one_again() {
        let time = |n: u8| format!("2026-11-24T05:46:09.00000000{n}Z");
        let parts = [
            (false, format!("{} {}sec", time(1), "x".repeat(16_000))),
            (true, format!("{} elsewhere\n", time(1))),
            (false, format!("{} of another task\n", time(2))),
            (false, format!("{} r", time(1))),
            (false, format!("{} et\n", time(1))),
            (false, format!("{} no break at the end", time(3))),
        ];
        let said = parts.map(|(is_error, part)| Ok::<_, ()>((is_error, part.into_bytes())));
        let mut read = Vec::new();
        collect(futures_util::stream::iter(said), &mut read).await.unwrap();
        let text = arrange(&read);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].ends_with("xsecret"), "{}", &lines[0][15_990..]);
        assert_eq!(lines[1..], ["elsewhere", "of another task", "no break at the end"]);
    }
}
