//! Reading a log (VER-6).
//!
//! A process can die while it writes a line, so the last line may be torn: it is dropped. Any
//! other line that is no event is an error that names it.
//!
//! Tests: at the end of this file.

use std::fs;
use std::path::Path;

use cc_ci_model::event::{EVENTS_SCHEMA_VERSION, Event, EventKind};
use sha2::{Digest, Sha256};

use crate::error::LogError;

/// A log as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogText {
    /// Its events.
    pub events: Vec<Event>,
    /// The last line was torn, and is not among them.
    pub torn: bool,
    /// Whether the seal's checksum is that of the log before it, and nothing comes after it.
    /// `None` without a seal.
    pub sealed_sha_matches: Option<bool>,
    /// SHA-256 of the log before its seal; of all whole lines when it has none.
    pub sha256: String,
}

/// Reads the log at `path`.
///
/// # Errors
/// When it cannot be read, when a newer cc-ci wrote it, or when a line before the last is no
/// event.
pub fn read_log(path: &Path) -> Result<LogText, LogError> {
    let bytes =
        fs::read(path).map_err(|source| LogError::Read { path: path.to_owned(), source })?;
    let (lines, has_rest) = lines(&bytes);
    refuse_newer(path, lines.first().copied())?;
    let mut log = Reading::default();
    for (place, line) in lines.iter().enumerate() {
        match serde_json::from_slice(line) {
            Ok(event) => log.take(event, line),
            Err(_) if place + 1 == lines.len() && !has_rest => log.torn = true,
            Err(source) => {
                return Err(LogError::Line { path: path.to_owned(), line: place + 1, source });
            }
        }
    }
    log.torn |= has_rest;
    Ok(log.finish())
}

/// Whole lines with their line ends, and whether there is a rest without one.
fn lines(bytes: &[u8]) -> (Vec<&[u8]>, bool) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let has_rest = lines.last().is_some_and(|line| !line.ends_with(b"\n"));
    if has_rest {
        lines.pop();
    }
    (lines, has_rest)
}

/// The first event says which version of the format it is. It is looked at by itself, since the
/// events of a newer version need not be readable.
fn refuse_newer(path: &Path, first: Option<&[u8]>) -> Result<(), LogError> {
    let first: Option<serde_json::Value> = first.and_then(|line| serde_json::from_slice(line).ok());
    let version = first.as_ref().and_then(|event| event.get("schema_version")?.as_u64());
    match version {
        Some(version) if version > u64::from(EVENTS_SCHEMA_VERSION) => {
            Err(LogError::Newer { path: path.to_owned(), version, known: EVENTS_SCHEMA_VERSION })
        }
        _ => Ok(()),
    }
}

#[derive(Default)]
struct Reading {
    events: Vec<Event>,
    sha256: Sha256,
    /// The checksum the seal names, and whether it is that of what came before.
    seal: Option<bool>,
    has_more_after_seal: bool,
    torn: bool,
}

impl Reading {
    fn take(&mut self, event: Event, line: &[u8]) {
        self.has_more_after_seal |= self.seal.is_some();
        if let (EventKind::Sealed { sha256 }, None) = (&event.kind, self.seal) {
            self.seal = Some(*sha256 == self.checksum());
        } else if self.seal.is_none() {
            self.sha256.update(line);
        }
        self.events.push(event);
    }

    fn checksum(&self) -> String {
        hex::encode(self.sha256.clone().finalize())
    }

    fn finish(self) -> LogText {
        let is_last = !self.has_more_after_seal && !self.torn;
        LogText {
            sha256: self.checksum(),
            sealed_sha_matches: self.seal.map(|matches| matches && is_last),
            torn: self.torn,
            events: self.events,
        }
    }
}

#[cfg(test)]
mod tests {
    use cc_ci_core::ports::RunStore;
    use cc_ci_model::time::Timestamp;

    use super::*;
    use crate::run_dir::RunDir;

    fn event(seq: u64, kind: EventKind) -> Event {
        Event { seq, at: Timestamp::from_millis(0), lane: cc_ci_model::event::Lane::Main, kind }
    }

    fn cancel(seq: u64) -> Event {
        event(seq, EventKind::CancelRequested { signals: 1 })
    }

    /// A sealed log of two events, as text.
    fn sealed() -> String {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(&parent.path().join("run")).unwrap();
        run.append(&cancel(1)).unwrap();
        run.append(&cancel(2)).unwrap();
        let sha256 = run.log_sha256();
        run.append(&event(3, EventKind::Sealed { sha256 })).unwrap();
        fs::read_to_string(run.events()).unwrap()
    }

    fn read(text: &str) -> Result<LogText, LogError> {
        use std::io::Write;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        read_log(file.path())
    }

    #[track_caller]
    fn check(text: &str, n_events: usize, torn: bool, seal: Option<bool>) {
        let log = read(text).unwrap();
        assert_eq!((log.events.len(), log.torn, log.sealed_sha_matches), (n_events, torn, seal));
    }

    #[test]
    fn a_seal_covers_everything_before_it() {
        let text = sealed();
        check(&text, 3, false, Some(true));
        let before: String = text.split_inclusive('\n').take(2).collect();
        assert_eq!(read(&text).unwrap().sha256, hex::encode(Sha256::digest(&before)));
        check(&text.replacen("\"signals\":1", "\"signals\":2", 1), 3, false, Some(false));
        check(&before, 2, false, None);
        check("", 0, false, None);
    }

    #[test]
    fn nothing_may_follow_a_seal() {
        let text = sealed();
        check(&format!("{text}{}\n", text.lines().next().unwrap()), 4, false, Some(false));
        check(&format!("{text}{{"), 3, true, Some(false));
    }

    /// The process died in the middle of a line, or of the line's end.
    #[test]
    fn a_torn_last_line_is_dropped() {
        let text = sealed();
        for cut in 1..text.lines().last().unwrap().len() {
            check(&text[..text.len() - cut], 2, true, None);
        }
        let two_lines: String = text.split_inclusive('\n').take(2).collect();
        check(&format!("{two_lines}\u{0}\u{0}\n"), 2, true, None);
    }

    #[test]
    fn any_other_bad_line_is_named() {
        let text = sealed().replacen('{', "[", 2).replacen('[', "{", 1);
        let error = read(&text).unwrap_err();
        assert!(matches!(error, LogError::Line { line: 2, .. }), "{error}");
        let error = read(&format!("{}x\n{{", sealed())).unwrap_err();
        assert!(matches!(error, LogError::Line { line: 4, .. }), "{error}");
    }

    #[test]
    fn a_newer_log_is_told_as_such() {
        let error =
            read("{\"event\":\"planned\",\"schema_version\":99,\"new\":1}\nx\ny\n").unwrap_err();
        assert!(matches!(error, LogError::Newer { version: 99, .. }), "{error}");
    }
}
