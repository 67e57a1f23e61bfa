//! What [`Snapshots`] promises. The files of volumes are written and looked at through
//! [`Volumes`], whose own contract comes first.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cc_ci_core::ports::{FileFacts, SnapshotEntry, SnapshotSource, Snapshots, Volumes};

super::contract!(Snapshots: [
    entries_are_listed_by_volume_and_path,
    bytes_are_found_in_the_volume_that_holds_them,
    a_source_that_is_not_there_is_an_error,
    each_one_keeps_its_own_state,
    an_id_that_is_none_is_an_error,
    what_was_changed_comes_back_and_what_is_new_stays,
    only_what_is_asked_for_comes_back,
    what_it_does_not_hold_cannot_be_put_back,
]);

const TAG: &str = "app_example_com";

/// Volumes on a host, and a repository for snapshots of them.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn snapshots(&self) -> &dyn Snapshots;

    /// The volumes' files.
    fn volumes(&self) -> &dyn Volumes;

    /// Makes an empty volume of that name.
    async fn volume(&self, name: &str);

    /// A file of a volume is lost.
    async fn lose(&self, volume: &str, path: &str);

    /// An owner that files can be given.
    fn somebody(&self) -> (u32, u32);
}

fn file<S: Stage>(stage: &S, content: &[u8]) -> FileFacts {
    let (uid, gid) = stage.somebody();
    let xattrs = Some(vec![("user.a".to_owned(), b"1".to_vec())]);
    FileFacts { content: content.to_vec(), uid, gid, mode: 0o640, xattrs }
}

async fn put<S: Stage>(stage: &S, volume: &str, path: &str, content: impl AsRef<[u8]>) {
    let file = file(stage, content.as_ref());
    let written = stage.volumes().write(volume, Path::new(path), &file).await;
    assert_eq!(written, Ok(()), "write {path}");
}

/// The content of a file of a volume.
async fn get<S: Stage>(stage: &S, volume: &str, path: &str) -> Option<Vec<u8>> {
    let read = stage.volumes().read(volume, Path::new(path)).await.expect("it can be read");
    read.map(|file| file.content)
}

async fn source<S: Stage>(stage: &S, volume: &str, path: &str) -> SnapshotSource {
    let root = stage.volumes().root(volume).await.expect("the volume is there");
    SnapshotSource { volume: volume.to_owned(), root, path: PathBuf::from(path) }
}

async fn take<S: Stage>(stage: &S, sources: &[SnapshotSource]) -> String {
    stage.snapshots().take(TAG, sources).await.expect("everything is there")
}

fn entry(volume: &str, path: &str, bytes: Option<u64>) -> SnapshotEntry {
    SnapshotEntry {
        volume: volume.to_owned(),
        path: PathBuf::from(path),
        is_file: bytes.is_some(),
        bytes: bytes.unwrap_or(0),
    }
}

async fn entries_are_listed_by_volume_and_path<S: Stage>(stage: &S) {
    for volume in ["app_db", "app_files", "app_cache"] {
        stage.volume(volume).await;
    }
    put(stage, "app_db", "dump.sql", "dump").await;
    put(stage, "app_db", "live/page", "page").await;
    put(stage, "app_files", "a/x/1", "1").await;
    put(stage, "app_files", "a/x/2", "").await;
    put(stage, "app_files", "a/y", "y").await;
    put(stage, "app_files", "a-b", "other").await;
    let sources = [
        source(stage, "app_files", "a/x").await,
        source(stage, "app_cache", "").await,
        source(stage, "app_db", "dump.sql").await,
        source(stage, "app_files", "a-b").await,
        source(stage, "app_files", "a/x/1").await,
    ];
    let id = take(stage, &sources).await;
    let expected = [
        entry("app_cache", "", None),
        entry("app_db", "", None),
        entry("app_db", "dump.sql", Some(4)),
        entry("app_files", "", None),
        entry("app_files", "a", None),
        entry("app_files", "a/x", None),
        entry("app_files", "a/x/1", Some(1)),
        entry("app_files", "a/x/2", Some(0)),
        entry("app_files", "a-b", Some(5)),
    ];
    assert_eq!(stage.snapshots().list(&id).await, Ok(expected.into()));
}

async fn bytes_are_found_in_the_volume_that_holds_them<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    stage.volume("app_files").await;
    let mut large = vec![b'.'; 2 << 20];
    large[(1 << 20) - 3..][..6].copy_from_slice(b"needle");
    put(stage, "app_db", "large", &large).await;
    put(stage, "app_db", "a/small", "in a haystack").await;
    put(stage, "app_files", "other", "pin\0ÿ").await;
    let sources = [source(stage, "app_db", "").await, source(stage, "app_files", "").await];
    let id = take(stage, &sources).await;
    for (volume, needle, expected) in [
        ("app_db", b"haystack".as_slice(), true),
        ("app_db", b"..needle..", true),
        ("app_files", "pin\0ÿ".as_bytes(), true),
        ("app_db", b"pin", false),
        ("app_files", b"needle", false),
        ("app_db", b"needles", false),
        // Nothing is no proof.
        ("app_db", b"", false),
        ("app_cache", b"pin", false),
    ] {
        let found = stage.snapshots().contains(&id, volume, needle).await;
        assert_eq!(found, Ok(expected), "{volume}: {}", String::from_utf8_lossy(needle));
    }
}

async fn a_source_that_is_not_there_is_an_error<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    put(stage, "app_db", "there", "x").await;
    let here = source(stage, "app_db", "").await;
    let below = |path: &str| SnapshotSource { path: path.into(), ..here.clone() };
    let root = here.root.with_file_name("gone-for-good");
    let gone = SnapshotSource { volume: "gone_db".into(), root: root.clone(), path: "".into() };
    for (sources, named) in [
        (vec![], "nothing to take it of"),
        (vec![below("dump.sql")], "there is no `app_db/dump.sql`"),
        (vec![here.clone(), gone], root.to_str().expect("it is text")),
        (vec![here.clone(), below("../x")], "`app_db/../x`"),
    ] {
        let error = stage.snapshots().take(TAG, &sources).await.expect_err("it is not there");
        let error = error.to_string();
        assert!(error.starts_with("cannot take a snapshot: ") && error.contains(named), "{error}");
    }
}

async fn each_one_keeps_its_own_state<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    let sources = [source(stage, "app_db", "").await];
    put(stage, "app_db", "dump.sql", "first").await;
    let first = take(stage, &sources).await;
    put(stage, "app_db", "dump.sql", "other").await;
    let second = take(stage, &sources).await;
    assert_ne!(first, second);
    for (id, own, others) in [(&first, b"first", b"other"), (&second, b"other", b"first")] {
        assert_eq!(stage.snapshots().contains(id, "app_db", own).await, Ok(true));
        assert_eq!(stage.snapshots().contains(id, "app_db", others).await, Ok(false));
    }
    assert_eq!(stage.snapshots().restore(&first, &sources).await, Ok(()));
    assert_eq!(get(stage, "app_db", "dump.sql").await, Some(b"first".to_vec()));
}

async fn an_id_that_is_none_is_an_error<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    put(stage, "app_db", "f", "x").await;
    let sources = [source(stage, "app_db", "").await];
    let id = take(stage, &sources).await;
    put(stage, "app_db", "f", "y").await;
    let snapshots = stage.snapshots();
    for bad in ["latest", &id[..id.len() - 1], "", &"0".repeat(64)] {
        assert!(snapshots.list(bad).await.is_err(), "{bad}");
        assert!(snapshots.contains(bad, "app_db", b"x").await.is_err(), "{bad}");
        let error = snapshots.restore(bad, &sources).await.expect_err("there is none");
        assert!(error.to_string().starts_with(&format!("cannot restore snapshot {bad}: ")));
    }
    assert_eq!(get(stage, "app_db", "f").await, Some(b"y".to_vec()), "nothing was put back");
}

async fn what_was_changed_comes_back_and_what_is_new_stays<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    let volumes = stage.volumes();
    let before = FileFacts { mode: 0o4751, ..file(stage, b"as it was\0") };
    for path in ["changed", "gone", "a/b/moved"] {
        assert_eq!(volumes.write("app_db", Path::new(path), &before).await, Ok(()));
    }
    let sources = [source(stage, "app_db", "").await];
    let id = take(stage, &sources).await;
    let other = FileFacts { mode: 0o600, xattrs: Some(vec![]), ..file(stage, b"another") };
    assert_eq!(volumes.write("app_db", Path::new("changed"), &other).await, Ok(()));
    for path in ["gone", "a/b/moved"] {
        stage.lose("app_db", path).await;
        assert_eq!(get(stage, "app_db", path).await, None, "{path}");
    }
    assert_eq!(volumes.write("app_db", Path::new("a/new"), &other).await, Ok(()));
    // Twice does no harm.
    for _ in 0..2 {
        assert_eq!(stage.snapshots().restore(&id, &sources).await, Ok(()));
        for path in ["changed", "gone", "a/b/moved"] {
            let read = volumes.read("app_db", Path::new(path)).await;
            assert_eq!(read, Ok(Some(before.clone())), "{path}");
        }
        let new = volumes.read("app_db", Path::new("a/new")).await;
        assert_eq!(new, Ok(Some(other.clone())), "what it does not hold stays");
    }
}

async fn only_what_is_asked_for_comes_back<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    stage.volume("app_files").await;
    put(stage, "app_db", "backups/dump.sql", "dump").await;
    put(stage, "app_db", "live", "live").await;
    put(stage, "app_files", "f", "f").await;
    let part = source(stage, "app_db", "backups").await;
    let all = [source(stage, "app_db", "").await, source(stage, "app_files", "").await];
    let id = take(stage, &all).await;
    for (volume, path) in [("app_db", "backups/dump.sql"), ("app_db", "live"), ("app_files", "f")] {
        put(stage, volume, path, "changed").await;
    }
    assert_eq!(stage.snapshots().restore(&id, &[part]).await, Ok(()));
    assert_eq!(get(stage, "app_db", "backups/dump.sql").await, Some(b"dump".to_vec()));
    assert_eq!(get(stage, "app_db", "live").await, Some(b"changed".to_vec()));
    assert_eq!(get(stage, "app_files", "f").await, Some(b"changed".to_vec()));
}

async fn what_it_does_not_hold_cannot_be_put_back<S: Stage>(stage: &S) {
    stage.volume("app_db").await;
    stage.volume("app_files").await;
    put(stage, "app_db", "dump.sql", "dump").await;
    put(stage, "app_db", "live", "live").await;
    put(stage, "app_files", "f", "f").await;
    let held = [source(stage, "app_db", "dump.sql").await, source(stage, "app_files", "").await];
    let id = take(stage, &held).await;
    put(stage, "app_files", "f", "changed").await;
    let asked = [source(stage, "app_files", "").await, source(stage, "app_db", "live").await];
    let error = stage.snapshots().restore(&id, &asked).await.expect_err("it is not in it");
    assert!(error.to_string().ends_with("`app_db/live` is not in it"), "{error}");
    assert_eq!(get(stage, "app_files", "f").await, Some(b"changed".to_vec()), "nothing is written");
}
