//! What [`RunStore`] promises.

use async_trait::async_trait;
use cc_ci_core::ports::RunStore;
use cc_ci_core::redact::Redactor;
use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::secret::Secret;
use cc_ci_model::time::Timestamp;

use crate::store::MemoryStore;

super::contract!(RunStore: [
    an_empty_log_has_a_checksum_too,
    events_are_lines_with_a_running_checksum,
    a_file_is_written_whole_and_replaced_whole,
    files_may_lie_in_folders,
    no_name_leads_out_or_over_the_log,
    no_file_is_written_with_a_secret_in_it,
    files_are_read_again_for_secrets,
    a_file_can_be_removed_but_not_the_log,
]);

/// The directory of a new run.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn store(&self) -> &dyn RunStore;

    /// The bytes of the log as they are now.
    fn log(&self) -> Vec<u8>;

    /// The bytes of a file, if there is one of that name.
    fn file(&self, name: &str) -> Option<Vec<u8>>;

    /// Somebody else writes a file: a test that was told where the run's directory is.
    fn put(&self, name: &str, content: &[u8]);

    /// Names of all files that were written, sorted, those in folders with their path.
    fn files(&self) -> Vec<String>;
}

fn event(seq: u64) -> Event {
    let kind = EventKind::CancelRequested { signals: 1 };
    Event { seq, at: Timestamp::from_millis(0), lane: cc_ci_model::event::Lane::Main, kind }
}

async fn an_empty_log_has_a_checksum_too<S: Stage>(stage: &S) {
    assert_eq!(stage.log(), b"");
    assert_eq!(
        stage.store().log_sha256(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

async fn events_are_lines_with_a_running_checksum<S: Stage>(stage: &S) {
    for seq in 1..=3 {
        stage.store().append(&event(seq)).expect("there is room");
        let log = stage.log();
        assert_eq!(stage.store().log_sha256(), MemoryStore::sha256(&log), "after {seq}");
        let lines: Vec<Event> = log
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).expect("a line is an event"))
            .collect();
        assert_eq!(lines, (1..=seq).map(event).collect::<Vec<_>>());
        assert!(log.ends_with(b"\n"));
    }
    let log = String::from_utf8(stage.log()).expect("it is text");
    let expected = "{\"seq\":1,\"at\":\"1970-01-01T00:00:00.000Z\",\"event\":\
                    \"cancel_requested\",\"signals\":1}\n";
    assert!(log.starts_with(expected), "{log}");
}

async fn a_file_is_written_whole_and_replaced_whole<S: Stage>(stage: &S) {
    assert_eq!(stage.file("results.json"), None);
    for content in [b"one and a half".as_slice(), b"two\0\xff", b""] {
        stage.store().write("results.json", content).expect("there is room");
        assert_eq!(stage.file("results.json").as_deref(), Some(content));
    }
    let large = vec![b'x'; 3 << 20];
    stage.store().write("results.json", &large).expect("there is room");
    assert!(stage.file("results.json").as_ref() == Some(&large));
    assert_eq!(stage.files(), ["results.json"], "nothing is left beside it");
    assert_eq!(stage.log(), b"", "files are no events");
}

async fn files_may_lie_in_folders<S: Stage>(stage: &S) {
    for name in ["reports/junit.xml", "reports/a/b", "a"] {
        stage.store().write(name, name.as_bytes()).expect("there is room");
    }
    assert_eq!(stage.files(), ["a", "reports/a/b", "reports/junit.xml"]);
    assert_eq!(stage.file("reports/a/b").as_deref(), Some(b"reports/a/b".as_slice()));
}

async fn no_name_leads_out_or_over_the_log<S: Stage>(stage: &S) {
    for bad in ["", "..", "../x", "a/../../x", "/etc/x", ".", "lock", "events.jsonl"] {
        let error = stage.store().write(bad, b"x").expect_err("that is no name of a file");
        assert!(error.path.ends_with(bad.trim_start_matches('/')), "{bad:?}: {error}");
    }
    assert_eq!(stage.files(), [""; 0]);
    assert_eq!(stage.log(), b"");
}

const SECRET: &str = "Zq8vN2wXr5TjLk3M";

fn keep_out<S: Stage>(stage: &S) {
    let mut secrets = Redactor::default();
    secrets.keep(&Secret::new(SECRET));
    stage.store().keep_out(&secrets);
}

async fn no_file_is_written_with_a_secret_in_it<S: Stage>(stage: &S) {
    let store = stage.store();
    store.write("report.md", b"clean").expect("there is room");
    keep_out(stage);
    let text = format!("it is {SECRET}.");
    let refused = store.write("report.md", text.as_bytes()).expect_err("a secret is in it");
    assert_eq!(refused.source.to_string(), "a secret of the run is in it");
    assert!(store.write("new.md", text.as_bytes()).is_err());
    assert_eq!(stage.file("report.md").as_deref(), Some(b"clean".as_slice()), "what was there");
    assert_eq!(stage.files(), ["report.md"]);
    // Those given last count, and none of those before.
    store.keep_out(&Redactor::default());
    store.write("report.md", text.as_bytes()).expect("it is no secret any more");
}

async fn files_are_read_again_for_secrets<S: Stage>(stage: &S) {
    let store = stage.store();
    assert_eq!(store.unclean().expect("they can be read"), [""; 0]);
    stage.put("logs/app.txt", format!("x{SECRET}").as_bytes());
    stage.put("clean.txt", b"nothing");
    stage.put("a.txt", SECRET.as_bytes());
    assert_eq!(store.unclean().expect("they can be read"), [""; 0], "nobody said so yet");
    keep_out(stage);
    assert_eq!(store.unclean().expect("they can be read"), ["a.txt", "logs/app.txt"]);
}

async fn a_file_can_be_removed_but_not_the_log<S: Stage>(stage: &S) {
    let store = stage.store();
    stage.put("logs/app.txt", b"x");
    stage.put("other", b"x");
    store.append(&event(1)).expect("there is room");
    for _ in 0..2 {
        store.remove("logs/app.txt").expect("it is there, or is gone");
        assert_eq!(stage.files(), ["other"]);
    }
    for bad in ["", "..", "../x", "/etc/x", "lock", "events.jsonl"] {
        assert!(store.remove(bad).is_err(), "{bad:?}");
    }
    assert_ne!(stage.log(), b"");
}
