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

    let mut names: Vec<_> =
        fs::read_dir(host.data("app_data")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["f", "other-name"]);
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
async fn no_link_leads_out_of_a_volume() {
    let host = Host::with_volumes(&["app_data", "other_data"]);
    let secret = put(host.outside().join("secret"), "secret");
    put(host.data("other_data").join("theirs"), "theirs");
    let data = host.data("app_data");
    symlink(&secret, data.join("link")).unwrap();
    symlink(host.outside(), data.join("folder")).unwrap();
    symlink("../../other_data/_data", data.join("neighbour")).unwrap();
    symlink("..", data.join("up")).unwrap();
    for (path, why) in [
        ("folder/secret", "leads out"),
        ("neighbour/theirs", "leads out"),
        ("up/up/secret", "leads out"),
    ] {
        let path = Path::new(path);
        let write = host.volumes.write("app_data", path, &facts(b"evil")).await.unwrap_err();
        assert!(write.message.contains(why), "{}: {write}", path.display());
        assert!(host.volumes.read("app_data", path).await.is_err(), "{}", path.display());
        assert!(host.volumes.weigh("app_data", path).await.is_err(), "{}", path.display());
        assert!(host.volumes.owner("app_data", path).await.is_err(), "{}", path.display());
    }
    let error = host.volumes.read("app_data", Path::new("link")).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read `link` of volume app_data: it is no regular file");
    // A link is replaced, not what it points at.
    host.volumes.write("app_data", Path::new("link"), &facts(b"mine")).await.unwrap();
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
    let error = host.volumes.read("app_data", Path::new("fifo")).await.unwrap_err();
    assert_eq!(error.message, "it is no regular file");
}

#[tokio::test]
async fn a_weight_counts_links_and_no_folders() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    let weigh = async |path: &str| host.volumes.weigh("app_data", Path::new(path)).await.unwrap();
    let weighs = |weight: Option<Weight>| weight.map(|weight| (weight.files, weight.bytes));
    put(data.join("a/b/f"), "12345");
    put(data.join("a/g"), "");
    symlink("/etc", data.join("a/l")).unwrap();
    fs::create_dir(data.join("empty")).unwrap();
    assert_eq!(weighs(weigh("").await), Some((3, 9)));
    assert_eq!(weighs(weigh("a/l").await), Some((1, 4)));
    assert_eq!(weighs(weigh("empty").await), Some((0, 0)));
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
