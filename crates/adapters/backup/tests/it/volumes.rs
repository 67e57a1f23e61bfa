//! Files of volumes on this host.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use cc_ci_core::ports::{FileFacts, Volumes, Weight};
use cc_ci_model::time::Timestamp;

use crate::support::{Host, dress, put, set_attribute, somebody};

fn facts(content: &[u8]) -> FileFacts {
    let (uid, gid) = somebody();
    FileFacts {
        content: content.to_vec(),
        uid,
        gid,
        mode: 0o6751,
        xattrs: Some(vec![
            ("user.a".to_owned(), b"1".to_vec()),
            ("user.empty".to_owned(), Vec::new()),
        ]),
    }
}

#[tokio::test]
async fn a_file_is_read_as_it_was_written() {
    let host = Host::with_volumes(&["app_data"]);
    for path in ["marker", "a/b/-c \n ü", "./x//y"] {
        let path = Path::new(path);
        assert_eq!(host.volumes.read("app_data", path).await, Ok(None));
        let written = facts(b"nonce\0\xff");
        host.volumes.write("app_data", path, &written).await.unwrap();
        assert_eq!(host.volumes.read("app_data", path).await, Ok(Some(written)));
        host.volumes.remove("app_data", path).await.unwrap();
        host.volumes.remove("app_data", path).await.unwrap();
        assert_eq!(host.volumes.read("app_data", path).await, Ok(None));
    }
    host.volumes.remove("app_data", Path::new("gone/too")).await.unwrap();
    let root = host.volumes.root("app_data").await.unwrap();
    assert_eq!(root, host.data("app_data"));
}

/// What is there is replaced: nothing of it stays, nobody sees half of it, and nothing is left
/// beside it.
#[tokio::test]
async fn a_written_file_replaces_what_is_there() {
    let host = Host::with_volumes(&["app_data"]);
    let old = put(host.data("app_data").join("f"), "something long");
    set_attribute(&old, "user.old", b"x");
    fs::hard_link(&old, host.data("app_data").join("other-name")).unwrap();
    let written = facts(b"new");
    host.volumes.write("app_data", Path::new("f"), &written).await.unwrap();
    assert_eq!(host.volumes.read("app_data", Path::new("f")).await, Ok(Some(written.clone())));
    assert_eq!(fs::read(host.data("app_data").join("other-name")).unwrap(), b"something long");

    put(host.data("app_data").join("full/x"), "");
    let error = host.volumes.write("app_data", Path::new("full"), &written).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write `full` of volume app_data: a folder that is not empty is in its place"
    );
    let mut names: Vec<_> =
        fs::read_dir(host.data("app_data")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["f", "full", "other-name"]);
}

/// Whoever could write into a folder can write into those that are made in it.
#[tokio::test]
async fn new_folders_are_like_the_one_they_are_in() {
    let host = Host::with_volumes(&["app_data"]);
    fs::create_dir(host.data("app_data").join("www")).unwrap();
    dress(&host.data("app_data").join("www"), 0o2770);
    host.volumes.write("app_data", Path::new("www/a/b/f"), &facts(b"")).await.unwrap();
    for folder in ["www/a", "www/a/b"] {
        let metadata = fs::metadata(host.data("app_data").join(folder)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o2770, "{folder}");
        assert_eq!((metadata.uid(), metadata.gid()), somebody(), "{folder}");
    }
    let owner = host.volumes.owner("app_data", Path::new("www/a")).await;
    assert_eq!(owner, Ok(somebody()));
    let root = fs::metadata(host.data("app_data")).unwrap();
    let owner = host.volumes.owner("app_data", Path::new("")).await;
    assert_eq!(owner, Ok((root.uid(), root.gid())));
    assert!(host.volumes.owner("app_data", Path::new("gone")).await.is_err());
}

#[tokio::test]
async fn no_path_leads_out_of_a_volume() {
    let host = Host::with_volumes(&["app_data", "other_data"]);
    let secret = put(host.outside().join("secret"), "secret");
    put(host.data("other_data").join("theirs"), "theirs");
    let data = host.data("app_data");
    symlink(&secret, data.join("link")).unwrap();
    symlink(host.outside(), data.join("folder")).unwrap();
    symlink("../../other_data/_data", data.join("neighbour")).unwrap();
    symlink("..", data.join("up")).unwrap();
    for (path, why) in [
        ("../secret", "`..`"),
        ("a/../../secret", "`..`"),
        ("/etc/passwd", "absolute"),
        ("folder/secret", "leads out"),
        ("neighbour/theirs", "leads out"),
        ("up/up/secret", "leads out"),
        ("", "the volume itself"),
    ] {
        let path = Path::new(path);
        let write = host.volumes.write("app_data", path, &facts(b"evil")).await.unwrap_err();
        assert!(write.message.contains(why), "{}: {write}", path.display());
        assert!(host.volumes.remove("app_data", path).await.is_err(), "{}", path.display());
        if path != Path::new("") {
            assert!(host.volumes.read("app_data", path).await.is_err(), "{}", path.display());
            assert!(host.volumes.weigh("app_data", path).await.is_err(), "{}", path.display());
            assert!(host.volumes.owner("app_data", path).await.is_err(), "{}", path.display());
        }
    }
    let error = host.volumes.read("app_data", Path::new("link")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read `link` of volume app_data: it is no regular file");
    // A link is replaced and removed, not what it points at.
    host.volumes.write("app_data", Path::new("link"), &facts(b"mine")).await.unwrap();
    symlink(&secret, data.join("link2")).unwrap();
    host.volumes.remove("app_data", Path::new("link2")).await.unwrap();
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
    assert_eq!(fs::read(host.data("other_data").join("theirs")).unwrap(), b"theirs");
}

/// An app that moved its data and left a link still has it.
#[tokio::test]
async fn links_between_folders_of_a_volume_are_followed() {
    let host = Host::with_volumes(&["app_data"]);
    put(host.data("app_data").join("v2/data/f"), "here");
    dress(&host.data("app_data").join("v2/data"), 0o700);
    symlink("v2/data", host.data("app_data").join("data")).unwrap();
    let read = host.volumes.read("app_data", Path::new("data/f")).await.unwrap();
    assert_eq!(read.unwrap().content, b"here");
    host.volumes.write("app_data", Path::new("data/sub/g"), &facts(b"new")).await.unwrap();
    assert_eq!(fs::read(host.data("app_data").join("v2/data/sub/g")).unwrap(), b"new");
    let owner = host.volumes.owner("app_data", Path::new("data")).await;
    assert_eq!(owner, Ok(somebody()));
}

#[tokio::test]
async fn a_volume_that_is_not_there_is_no_missing_file() {
    let host = Host::with_volumes(&["app_data"]);
    let path = Path::new("f");
    for volume in ["gone_data", "..", "app_data/_data", "", "/etc"] {
        assert!(host.volumes.root(volume).await.is_err(), "{volume}");
        assert!(host.volumes.read(volume, path).await.is_err(), "{volume}");
        assert!(host.volumes.remove(volume, path).await.is_err(), "{volume}");
        assert!(host.volumes.weigh(volume, path).await.is_err(), "{volume}");
        assert!(host.volumes.write(volume, path, &facts(b"")).await.is_err(), "{volume}");
    }
    let error = host.volumes.root("gone_data").await.unwrap_err();
    assert!(error.to_string().starts_with("cannot find volume gone_data: there is no folder"));
}

#[tokio::test]
async fn only_the_beginning_of_a_large_file_is_read() {
    let host = Host::with_volumes(&["app_data"]);
    put(host.data("app_data").join("f"), vec![b'x'; (1 << 20) + 1]);
    let read = host.volumes.read("app_data", Path::new("f")).await.unwrap().unwrap();
    assert_eq!(read.content.len(), 1 << 20);
    assert_eq!(read.xattrs, Some(vec![]));
}

/// A fifo that nobody writes to would hold a reader for ever.
#[tokio::test]
async fn what_is_no_regular_file_is_not_read() {
    let host = Host::with_volumes(&["app_data"]);
    let fifo = host.data("app_data").join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    fs::create_dir(host.data("app_data").join("folder")).unwrap();
    for name in ["fifo", "folder"] {
        let error = host.volumes.read("app_data", Path::new(name)).await.unwrap_err();
        assert_eq!(error.message, "it is no regular file");
    }
    assert!(host.volumes.remove("app_data", Path::new("folder")).await.is_err());
}

#[tokio::test]
async fn a_weight_counts_files_and_links() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    let weigh = async |path: &str| host.volumes.weigh("app_data", Path::new(path)).await.unwrap();
    let weighs = |weight: Option<Weight>| weight.map(|weight| (weight.files, weight.bytes));
    assert_eq!(weigh("").await, Some(Weight { files: 0, bytes: 0, newest: None }));
    put(data.join("a/b/f"), "12345");
    put(data.join("a/g"), "");
    symlink("/etc", data.join("a/l")).unwrap();
    fs::create_dir(data.join("empty")).unwrap();
    assert_eq!(weighs(weigh("").await), Some((3, 9)));
    assert_eq!(weighs(weigh("a/b").await), Some((1, 5)));
    assert_eq!(weighs(weigh("a/b/f").await), Some((1, 5)));
    assert_eq!(weighs(weigh("a/l").await), Some((1, 4)));
    assert_eq!(weighs(weigh("empty").await), Some((0, 0)));
    assert_eq!(weigh("gone").await, None);
    assert_eq!(weigh("a/g/x").await, None);
}

/// What docker copies from an image keeps its time; what an app writes has a newer one.
#[tokio::test]
async fn a_weight_knows_when_the_newest_file_was_written() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    for (name, millis) in [("old", 1_000_000_000_250), ("a/new", 1_700_000_000_500)] {
        put(data.join(name), "x");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis);
        fs::File::options().write(true).open(data.join(name)).unwrap().set_modified(time).unwrap();
    }
    let newest = async |path: &str| {
        host.volumes.weigh("app_data", Path::new(path)).await.unwrap().unwrap().newest
    };
    assert_eq!(newest("").await, Some(Timestamp::from_millis(1_700_000_000_500)));
    assert_eq!(newest("old").await, Some(Timestamp::from_millis(1_000_000_000_250)));
}
