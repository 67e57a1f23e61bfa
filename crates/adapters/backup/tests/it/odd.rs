//! Odd names, many files, and callers that go away.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use cc_ci_core::ports::Snapshots;

use crate::picture::{assert_same, picture};
use crate::support::{Host, now, put};

const TAG: &str = "app_example_com";

const NAMES: [&[u8]; 15] = [
    b" spaces everywhere ",
    "ünïcödé 🌻 \u{202e}".as_bytes(),
    b"new\nline\r\ttab\x07",
    b"-rf",
    b"--",
    b"...",
    b"*?[a]{b}!#",
    b"\\x41\\n\\\\",
    b"\"quoted\" 'and' `so`",
    b"not \xff\xfe utf-8 \xc3",
    b"latest",
    b"$(id);|&",
    b"C:\\con.txt",
    b".cc-ci-new-1-0",
    b"\x7f\x1b[2J",
];

#[tokio::test]
async fn odd_names_come_back() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    let long = [b'n'; 255];
    let names = || NAMES.into_iter().chain([long.as_slice()]);
    for name in names() {
        put(data.join(OsStr::from_bytes(name)).join("inside"), "x");
        put(data.join("files").join(OsStr::from_bytes(name)), name);
    }
    let sources = [host.source("app_data", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let before = picture(&data);
    for name in names() {
        let path = Path::new("files").join(OsStr::from_bytes(name));
        assert!(host.snapshots.contains(&id, "app_data", name).await.unwrap());
        fs::remove_file(data.join(path)).unwrap();
    }
    host.snapshots.restore(&id, &sources).await.unwrap();
    assert_same(&picture(&data), &before);
}

#[tokio::test]
async fn an_odd_name_can_be_asked_for() {
    let host = Host::with_volumes(&["app_data"]);
    for name in NAMES {
        let path = Path::new("files").join(OsStr::from_bytes(name));
        let file = put(host.data("app_data").join(&path), name);
        let sources = [host.source("app_data", &path)];
        let id = host.snapshots.take(TAG, &sources).await.unwrap();
        let entries = host.snapshots.list(&id).await.unwrap();
        assert_eq!(entries.last().unwrap().path, path);
        fs::remove_file(&file).unwrap();
        host.snapshots.restore(&id, &sources).await.unwrap();
        assert_eq!(fs::read(&file).unwrap(), name);
    }
}

/// 10,000 small files, and folders as deep as a path can be long.
#[tokio::test]
async fn many_files_and_deep_folders_come_back() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    for number in 0..10_000 {
        put(data.join(format!("{:02}/{number}", number % 100)), format!("file {number}"));
    }
    put(data.join("d/".repeat(500)).join("deep"), "deep");
    let sources = [host.source("app_data", "")];
    let began = now();
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let taken = began.elapsed();
    let before = picture(&data);
    #[expect(clippy::disallowed_methods, reason = "the test made it")]
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    let began = now();
    host.snapshots.restore(&id, &sources).await.unwrap();
    println!("10,000 files: taken in {taken:?}, restored in {:?}", began.elapsed());
    assert_same(&picture(&data), &before);
    assert_eq!(host.snapshots.list(&id).await.unwrap().len(), 10_000 + 100 + 502);
}

/// A thread cannot be interrupted: it has to notice by itself.
#[tokio::test]
async fn work_ends_soon_after_its_caller_went_away() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    // A hole takes no room and a long time to read.
    let endless = put(data.join("endless"), "");
    fs::File::options().write(true).open(&endless).unwrap().set_len(1 << 40).unwrap();
    let sources = [host.source("app_data", "")];
    let taking = host.snapshots.take(TAG, &sources);
    let ended = tokio::time::timeout(Duration::from_millis(300), taking).await;
    assert!(ended.is_err(), "{ended:?}");
    // Whoever holds a file of the volume is seen by its descriptors.
    let began = now();
    while is_open(&endless) {
        assert!(began.elapsed() < Duration::from_secs(10), "it is still being read");
        std::thread::yield_now();
    }
}

fn is_open(path: &Path) -> bool {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap();
    descriptors.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|to| to == path))
}
