//! What gets into a snapshot, and what can be seen of it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cc_ci_core::ports::Snapshots;

use crate::support::{Host, dress, is_root, put};

const TAG: &str = "app_example_com";

#[tokio::test]
async fn a_needle_is_found_in_the_middle_of_a_large_file() {
    let host = Host::with_volumes(&["app_db", "app_files"]);
    let mut large = vec![b'.'; 9 << 20];
    large[5 << 20..][..6].copy_from_slice(b"needle");
    put(host.data("app_db").join("large"), &large);
    put(host.data("app_files").join("other"), "pin");
    let sources = [host.source("app_db", ""), host.source("app_files", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();

    let contains = async |volume: &str, needle: &str| {
        host.snapshots.contains(&id, volume, needle.as_bytes()).await.unwrap()
    };
    assert!(contains("app_db", "..needle..").await);
    assert!(!contains("app_files", "needle").await, "another volume's");
    assert!(!contains("app_db", "needles").await);
}

#[tokio::test]
async fn a_missing_source_is_named_by_the_first_part_that_is_missing() {
    let host = Host::with_volumes(&["app_db"]);
    put(host.data("app_db").join("there"), "x");
    for (sources, named) in [
        (vec![host.source("app_db", "a/b")], "there is no `app_db/a`"),
        (vec![host.source("app_db", "there/x")], "there is no `app_db/there`"),
    ] {
        let error = host.snapshots.take(TAG, &sources).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot take a snapshot: "), "{error}");
        assert!(error.contains(named), "{error}");
    }
}

/// Even a broken newest one does not hide the good one: ids are exact.
#[tokio::test]
async fn each_snapshot_keeps_its_own_state() {
    let host = Host::with_volumes(&["app_db"]);
    let dump = put(host.data("app_db").join("dump.sql"), "first");
    let sources = [host.source("app_db", "")];
    let first = host.snapshots.take(TAG, &sources).await.unwrap();
    // Same length, same times: only the bytes tell.
    let times = fs::metadata(&dump).unwrap();
    put(&dump, "other");
    let file = fs::File::options().write(true).open(&dump).unwrap();
    file.set_modified(times.modified().unwrap()).unwrap();
    let second = host.snapshots.take(TAG, &sources).await.unwrap();
    assert_ne!(first, second);
    let has = async |id: &str, what| host.snapshots.contains(id, "app_db", what).await.unwrap();
    assert!(has(&first, b"first").await && !has(&first, b"other").await);
    assert!(has(&second, b"other").await && !has(&second, b"first").await);
    // An exact id is wanted, though eight digits would do to tell them apart.
    assert!(host.snapshots.list(&first[..8]).await.is_err());
}

/// What is read is what goes in: whole if it shrinks, no more than there was if it grows.
#[tokio::test]
async fn a_file_may_change_while_it_is_read() {
    let host = Host::with_volumes(&["app_log"]);
    let log = put(host.data("app_log").join("log"), vec![b'x'; 8 << 20]);
    put(host.data("app_log").join("zzz"), "after it");
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            let mut file = fs::File::options().append(true).open(log).unwrap();
            let mut shrink = false;
            while !stop.load(Ordering::Relaxed) {
                file.write_all(&[b'y'; 1 << 14]).unwrap();
                let length = file.metadata().unwrap().len();
                if length > 64 << 20 {
                    file.set_len(if shrink { 0 } else { 8 << 20 }).unwrap();
                    shrink = !shrink;
                }
            }
        })
    };
    for _ in 0..3 {
        let id = host.snapshots.take(TAG, &[host.source("app_log", "")]).await.unwrap();
        let entries = host.snapshots.list(&id).await.unwrap();
        let names: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path).collect();
        assert_eq!(names, ["", "log", "zzz"].map(PathBuf::from));
        host.snapshots.restore(&id, &[host.source("app_log", "zzz")]).await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
}

/// Files come and go all the time in a live volume; those that stay are all in it.
#[tokio::test]
async fn files_may_come_and_go_while_it_is_taken() {
    let host = Host::with_volumes(&["app_tmp"]);
    for number in 0..300 {
        put(host.data("app_tmp").join(format!("{number:03}/stays")), "x");
    }
    let stop = Arc::new(AtomicBool::new(false));
    let churn = {
        let (stop, data) = (Arc::clone(&stop), host.data("app_tmp"));
        std::thread::spawn(move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let path = put(data.join(format!("{:03}/sess_{number}", number % 300)), "session");
                fs::remove_file(path).unwrap();
                number += 7;
            }
        })
    };
    for _ in 0..5 {
        let id = host.snapshots.take(TAG, &[host.source("app_tmp", "")]).await.unwrap();
        let entries = host.snapshots.list(&id).await.unwrap();
        let stayed = entries.iter().filter(|entry| entry.path.ends_with("stays")).count();
        assert_eq!(stayed, 300);
    }
    stop.store(true, Ordering::Relaxed);
    churn.join().unwrap();
}

#[tokio::test]
async fn several_can_be_taken_at_once() {
    let host = Host::with_volumes(&["a_data", "b_data"]);
    put(host.data("a_data").join("f"), "a");
    put(host.data("b_data").join("f"), "b");
    let (from_a, from_b) = ([host.source("a_data", "")], [host.source("b_data", "")]);
    let (a, b) = tokio::join!(host.snapshots.take("a", &from_a), host.snapshots.take("b", &from_b));
    let (a, b) = (a.unwrap(), b.unwrap());
    let has = async |id: &str, volume: &str, what: &[u8]| {
        host.snapshots.contains(id, volume, what).await.unwrap()
    };
    assert!(has(&a, "a_data", b"a").await);
    assert!(has(&b, "b_data", b"b").await);
    assert!(!has(&a, "b_data", b"b").await);
}

/// rustic only logs files that it could not read, and goes on without them.
#[tokio::test]
async fn what_cannot_be_read_is_an_error() {
    if is_root() {
        println!("what_cannot_be_read_is_an_error: skipped, root reads everything");
        return;
    }
    let host = Host::with_volumes(&["app_db"]);
    for name in ["a", "b", "c"] {
        dress(&put(host.data("app_db").join(name), "x"), if name == "b" { 0 } else { 0o600 });
    }
    let error = host.snapshots.take(TAG, &[host.source("app_db", "")]).await.unwrap_err();
    assert_eq!(error.message, "`app_db/b`: Permission denied (os error 13)");
}

/// rustic only logs files that it could not store, and goes on without them.
#[tokio::test]
async fn what_cannot_be_stored_is_an_error() {
    let host = Host::with_volumes(&["app_db"]);
    put(host.data("app_db").join("dump.sql"), "x");
    let sources = [host.source("app_db", "")];
    let good = host.snapshots.take(TAG, &sources).await.unwrap();
    fs::rename(host.repository().join("data"), host.repository().join("away")).unwrap();
    put(host.repository().join("data"), "no folder");
    put(host.data("app_db").join("dump.sql"), "y");
    let error = host.snapshots.take(TAG, &sources).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot take a snapshot: "), "{error}");
    assert!(!error.contains('\n'), "{error}");
    assert_eq!(fs::read_dir(host.repository().join("snapshots")).unwrap().count(), 1);

    fs::remove_file(host.repository().join("data")).unwrap();
    fs::rename(host.repository().join("away"), host.repository().join("data")).unwrap();
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let has = async |id: &str, what| host.snapshots.contains(id, "app_db", what).await.unwrap();
    assert!(has(&id, b"y").await);
    assert!(has(&good, b"x").await);
}

/// A repository whose bytes are damaged is an error, never an empty file.
#[tokio::test]
async fn damage_is_seen() {
    let host = Host::with_volumes(&["app_db"]);
    put(host.data("app_db").join("dump.sql"), "x".repeat(1000));
    let sources = [host.source("app_db", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let mut damaged = 0;
    for folder in fs::read_dir(host.repository().join("data")).unwrap() {
        for pack in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = pack.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            bytes[20] ^= 1;
            put(&path, bytes);
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    assert!(host.snapshots.contains(&id, "app_db", b"x").await.is_err());
    let error = host.snapshots.restore(&id, &sources).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot restore snapshot {id}: ")), "{error}");
    assert_eq!(fs::read(host.data("app_db").join("dump.sql")).unwrap().len(), 1000);
}
