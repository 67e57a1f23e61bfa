//! What [`Volumes`] promises.

use std::path::Path;

use async_trait::async_trait;
use cc_ci_core::ports::{FileFacts, Volumes, Weight};

super::contract!(Volumes: [
    a_file_is_read_as_it_was_written,
    what_is_not_there_is_none_and_not_an_error,
    a_written_file_replaces_the_one_that_is_there,
    a_folder_with_something_in_it_does_not_give_way,
    a_folder_is_no_file,
    no_path_leads_out_of_a_volume,
    a_volume_that_is_not_there_is_an_error,
    at_most_a_megabyte_is_read,
    a_weight_counts_what_is_below,
    an_owner_is_that_of_the_file_or_of_its_folder,
]);

/// Volumes on a host.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn volumes(&self) -> &dyn Volumes;

    /// Makes an empty volume and gives its name; another one each time.
    async fn volume(&self) -> String;

    /// An owner that files can be given: somebody else than this process, if it may do that.
    fn somebody(&self) -> (u32, u32);
}

fn file<S: Stage>(stage: &S, content: &[u8]) -> FileFacts {
    let (uid, gid) = stage.somebody();
    let xattrs =
        vec![("user.a".to_owned(), b"1\0\xff".to_vec()), ("user.empty".to_owned(), vec![])];
    FileFacts { content: content.to_vec(), uid, gid, mode: 0o640, xattrs: Some(xattrs) }
}

async fn put<S: Stage>(stage: &S, volume: &str, path: &str, content: &[u8]) {
    let written = stage.volumes().write(volume, Path::new(path), &file(stage, content)).await;
    assert_eq!(written, Ok(()), "write {path}");
}

/// Files below a path and their bytes.
async fn weigh<S: Stage>(stage: &S, volume: &str, path: &str) -> Option<(u64, u64)> {
    let weight = stage.volumes().weigh(volume, Path::new(path)).await.expect("it is there");
    weight.map(|weight| (weight.files, weight.bytes))
}

async fn a_file_is_read_as_it_was_written<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    for path in ["marker", "a/b/-c \n ü", "./x//y"] {
        let written = FileFacts { mode: 0o6751, ..file(stage, b"nonce\0\xff\r\n") };
        let path = Path::new(path);
        assert_eq!(volumes.write(&volume, path, &written).await, Ok(()), "{}", path.display());
        assert_eq!(volumes.read(&volume, path).await, Ok(Some(written)), "{}", path.display());
    }
    // However it is spelled, it is the same file.
    assert!(volumes.read(&volume, Path::new("x/y")).await.is_ok_and(|found| found.is_some()));
    let root = volumes.root(&volume).await.expect("the volume is there");
    assert!(root.is_absolute() && root.to_string_lossy().contains(&volume), "{}", root.display());
}

async fn what_is_not_there_is_none_and_not_an_error<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    put(stage, &volume, "a/file", b"x").await;
    for path in ["nothing", "no/folder/either", "a/file/below", "a/fil", "a/file2"] {
        assert_eq!(volumes.read(&volume, Path::new(path)).await, Ok(None), "{path}");
        assert_eq!(volumes.weigh(&volume, Path::new(path)).await, Ok(None), "{path}");
    }
}

async fn a_written_file_replaces_the_one_that_is_there<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    put(stage, &volume, "f", b"something long").await;
    let new = FileFacts { mode: 0o600, xattrs: Some(vec![]), ..file(stage, b"new") };
    let path = Path::new("f");
    for _ in 0..2 {
        assert_eq!(volumes.write(&volume, path, &new).await, Ok(()));
        assert_eq!(volumes.read(&volume, path).await, Ok(Some(new.clone())));
    }
    let all = weigh(stage, &volume, "").await;
    assert_eq!(all, Some((1, 3)), "nothing is left beside it");
}

async fn a_folder_with_something_in_it_does_not_give_way<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    put(stage, &volume, "full/x", b"kept").await;
    let error = volumes.write(&volume, Path::new("full"), &file(stage, b"")).await;
    let error = error.expect_err("a folder is in its place");
    let expected = format!(
        "cannot write `full` of volume {volume}: a folder that is not empty is in its place"
    );
    assert_eq!(error.to_string(), expected);
    let kept = volumes.read(&volume, Path::new("full/x")).await.expect("it can be read");
    assert_eq!(kept.expect("it is there").content, b"kept");
}

async fn a_folder_is_no_file<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    put(stage, &volume, "folder/x", b"x").await;
    let error = volumes.read(&volume, Path::new("folder")).await.expect_err("it is a folder");
    assert_eq!(error.message, "it is no regular file");
}

async fn no_path_leads_out_of_a_volume<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    let evil = file(stage, b"evil");
    for (path, why) in [
        ("../x", "`..`"),
        ("a/../../x", "`..`"),
        ("a/..", "`..`"),
        ("/etc/passwd", "absolute"),
        ("", "the volume itself"),
    ] {
        let at = Path::new(path);
        let error = volumes.write(&volume, at, &evil).await.expect_err("it leads out");
        assert!(error.message.contains(why), "{path}: {error}");
        assert!(volumes.read(&volume, at).await.is_err(), "{path}");
        // The root has an owner and a weight.
        assert_eq!(volumes.weigh(&volume, at).await.is_err(), !path.is_empty(), "{path}");
        assert_eq!(volumes.owner(&volume, at).await.is_err(), !path.is_empty(), "{path}");
    }
}

async fn a_volume_that_is_not_there_is_an_error<S: Stage>(stage: &S) {
    let volumes = stage.volumes();
    let there = stage.volume().await;
    let path = Path::new("f");
    for volume in [&format!("{there}-gone"), "..", &format!("{there}/_data"), "", "/etc"] {
        assert!(volumes.root(volume).await.is_err(), "{volume}");
        assert!(volumes.read(volume, path).await.is_err(), "{volume}");
        assert!(volumes.write(volume, path, &file(stage, b"")).await.is_err(), "{volume}");
        assert!(volumes.owner(volume, Path::new("")).await.is_err(), "{volume}");
        assert!(volumes.weigh(volume, path).await.is_err(), "{volume}");
    }
    let error = volumes.root(&format!("{there}-gone")).await.expect_err("it is not there");
    let expected = format!("cannot find volume {there}-gone: there is no folder");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

async fn at_most_a_megabyte_is_read<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    let mut large = vec![b'x'; (1 << 20) + 7];
    large[0] = b'a';
    put(stage, &volume, "large", &large).await;
    let read = volumes.read(&volume, Path::new("large")).await.expect("it can be read");
    let content = read.expect("it is there").content;
    assert!(content == large[..1 << 20], "{} bytes, the beginning", content.len());
    assert_eq!(weigh(stage, &volume, "large").await, Some((1, (1 << 20) + 7)));
}

async fn a_weight_counts_what_is_below<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    let empty = Weight { files: 0, bytes: 0, newest: None };
    assert_eq!(volumes.weigh(&volume, Path::new("")).await, Ok(Some(empty)));
    put(stage, &volume, "a/b/f", b"12345").await;
    put(stage, &volume, "a/g", b"").await;
    put(stage, &volume, "a-b", b"beside it").await;
    for (path, files, bytes) in
        [("", 3, 14), (".", 3, 14), ("a", 2, 5), ("a/b/", 1, 5), ("a/b/f", 1, 5), ("a/g", 1, 0)]
    {
        assert_eq!(weigh(stage, &volume, path).await, Some((files, bytes)), "{path}");
    }
}

async fn an_owner_is_that_of_the_file_or_of_its_folder<S: Stage>(stage: &S) {
    let (volumes, volume) = (stage.volumes(), stage.volume().await);
    put(stage, &volume, "a/f", b"").await;
    let owner = async |path: &str| volumes.owner(&volume, Path::new(path)).await;
    assert_eq!(owner("a/f").await, Ok(stage.somebody()));
    // A new folder is like the one it is in.
    assert_eq!(owner("a").await, owner("").await);
    assert!(owner("").await.is_ok());
    for gone in ["gone", "a/gone", "a/f/x"] {
        assert!(owner(gone).await.is_err(), "{gone}");
    }
}
