//! What a restore puts back, and what it leaves alone.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use cc_ci_core::ports::Snapshots;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::picture::{assert_same, picture};
use crate::support::{Host, dress, is_root, past, put, set_attribute};

const TAG: &str = "app_example_com";

/// One of everything.
fn fill(data: &Path) {
    dress(&put(data.join("bin/setuid"), "#!"), 0o4755);
    dress(&put(data.join("bin/setgid"), "#!"), 0o2711);
    if is_root() {
        dress(&put(data.join("bin/none"), "nobody may"), 0o000);
    }
    dress(&put(data.join("empty"), ""), 0o640);
    dress(&put(data.join("large"), b"0123456789abcde\n".repeat(200_000)), 0o600);
    let marked = put(data.join("marked"), "x");
    set_attribute(&marked, "user.origin", b"\0binary\xff");
    set_attribute(&marked, "user.empty", b"");
    dress(&marked, 0o444);
    dress_beyond_mode(&put(data.join("beyond"), "x"));
    symlink("empty", data.join("link")).unwrap();
    symlink("/nowhere/\n at all", data.join("dangling")).unwrap();
    past(&data.join("link"));
    past(&data.join("dangling"));
    fs::create_dir(data.join("hollow")).unwrap();
    set_attribute(&data.join("hollow"), "user.folder", b"yes");
    dress(&data.join("hollow"), 0o1777);
    mknodat(CWD, data.join("fifo"), FileType::Fifo, Mode::empty(), 0).unwrap();
    dress(&data.join("fifo"), 0o620);
    fs::create_dir(data.join("names")).unwrap();
    dress(&put(data.join("names/one"), "the same"), 0o664);
    fs::hard_link(data.join("names/one"), data.join("names/two")).unwrap();
    fs::hard_link(data.join("names/one"), data.join("another")).unwrap();
    for folder in ["names", "bin", ""] {
        dress(&data.join(folder), 0o751);
    }
}

/// An access list and, as root, a capability: attributes of the kernel's own.
fn dress_beyond_mode(path: &Path) {
    dress(path, 0o640);
    let entries: [(u16, u16, u32); 5] = [
        (1, 6, u32::MAX),
        (2, 4, 4321),
        (4, 4, u32::MAX),
        (0x10, 4, u32::MAX),
        (0x20, 0, u32::MAX),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    set_attribute(path, "system.posix_acl_access", &list);
    if is_root() {
        let bind_low_ports = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        set_attribute(path, "security.capability", &bind_low_ports);
    }
    past(path);
}

fn empty(data: &Path) {
    for entry in fs::read_dir(data).unwrap() {
        let path = entry.unwrap().path();
        if path.symlink_metadata().unwrap().is_dir() {
            #[expect(clippy::disallowed_methods, reason = "the test made it")]
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}

#[tokio::test]
async fn all_that_is_to_see_comes_back_into_an_empty_volume() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    fill(&data);
    let sources = [host.source("app_data", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let before = picture(&data);
    empty(&data);
    dress(&data, 0o777);
    host.snapshots.restore(&id, &sources).await.unwrap();
    assert_same(&picture(&data), &before);
    let names = fs::metadata(data.join("another")).unwrap().nlink();
    assert_eq!(names, 3);
    // And once more, over what is there.
    host.snapshots.restore(&id, &sources).await.unwrap();
    assert_same(&picture(&data), &before);
}

#[tokio::test]
async fn what_was_changed_comes_back_and_what_is_new_stays() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    fill(&data);
    let sources = [host.source("app_data", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let before = picture(&data);

    put(data.join("new/file"), "new");
    put(data.join("bin/new"), "new");
    // Same length and time as before: neither says that the content is the same.
    put(data.join("bin/setuid"), "!#");
    past(&data.join("bin/setuid"));
    fs::remove_file(data.join("marked")).unwrap();
    symlink("bin/new", data.join("marked")).unwrap();
    fs::remove_file(data.join("link")).unwrap();
    put(data.join("link"), "a file");
    fs::remove_file(data.join("dangling")).unwrap();
    fs::create_dir(data.join("dangling")).unwrap();
    fs::remove_dir(data.join("hollow")).unwrap();
    put(data.join("hollow"), "a file");
    put(data.join("names/one"), "changed through one name");
    set_attribute(&data.join("names"), "user.new", b"x");
    dress(&data.join("names"), 0o777);
    let new = picture(&data);

    host.snapshots.restore(&id, &sources).await.unwrap();
    let mut after = picture(&data);
    for path in ["new", "new/file", "bin/new"] {
        let kept = after.remove(Path::new(path)).unwrap();
        assert_eq!(kept, new[Path::new(path)], "{path}");
    }
    assert_same(&after, &before);
}

#[tokio::test]
async fn a_folder_with_something_in_it_does_not_give_way() {
    let host = Host::with_volumes(&["app_data"]);
    let file = put(host.data("app_data").join("a/f"), "x");
    let sources = [host.source("app_data", "a")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    fs::remove_file(&file).unwrap();
    put(file.join("precious"), "new");
    let error = host.snapshots.restore(&id, &sources).await.unwrap_err();
    assert_eq!(error.message, "`app_data/a/f`: a folder that is not empty is in its place");
    assert_eq!(fs::read(file.join("precious")).unwrap(), b"new");
}

/// A container may leave links where root will write.
#[tokio::test]
async fn links_in_the_way_are_not_followed() {
    let host = Host::with_volumes(&["app_data", "other_data"]);
    let data = host.data("app_data");
    let outside = put(host.outside().join("outside/passwd"), "root");
    put(data.join("etc/passwd"), "evil");
    put(data.join("etc/sub/passwd"), "evil");
    put(data.join("passwd"), "evil");
    let sources = [host.source("app_data", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    empty(&data);
    symlink(outside.parent().unwrap(), data.join("etc")).unwrap();
    symlink(&outside, data.join("passwd")).unwrap();
    let before = picture(outside.parent().unwrap());
    host.snapshots.restore(&id, &sources).await.unwrap();
    assert_same(&picture(outside.parent().unwrap()), &before);
    assert_eq!(fs::read(data.join("etc/sub/passwd")).unwrap(), b"evil");
    assert_eq!(fs::read(data.join("passwd")).unwrap(), b"evil");

    // On the way to what is asked for, a link that leads out is an error.
    let part = [host.source("app_data", "etc/sub")];
    let id = host.snapshots.take(TAG, &part).await.unwrap();
    empty(&data);
    symlink(outside.parent().unwrap(), data.join("etc")).unwrap();
    let error = host.snapshots.restore(&id, &part).await.unwrap_err().to_string();
    assert!(error.contains("leads out of the volume"), "{error}");
    assert_same(&picture(outside.parent().unwrap()), &before);
}

#[tokio::test]
async fn only_what_is_asked_for_comes_back() {
    let host = Host::with_volumes(&["app_db", "app_files"]);
    let (db, files) = (host.data("app_db"), host.data("app_files"));
    put(db.join("backups/daily/dump.sql"), "dump");
    put(db.join("live"), "live");
    put(files.join("f"), "f");
    dress(&db.join("backups/daily"), 0o700);
    dress(&db.join("backups"), 0o750);
    let part = [host.source("app_db", "backups/daily/dump.sql")];
    let sources = [part[0].clone(), host.source("app_files", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let before = picture(&db.join("backups"));

    empty(&db);
    put(files.join("f"), "changed");
    put(db.join("live"), "changed");
    past(&db);
    host.snapshots.restore(&id, &part).await.unwrap();
    // Folders that had to be made are as they were; those that are there are left alone.
    assert_same(&picture(&db.join("backups")), &before);
    assert_eq!(fs::read(db.join("live")).unwrap(), b"changed");
    assert_eq!(fs::read(files.join("f")).unwrap(), b"changed");
    dress(&db.join("backups"), 0o777);
    host.snapshots.restore(&id, &part).await.unwrap();
    assert_eq!(fs::metadata(db.join("backups")).unwrap().mode() & 0o777, 0o777);

    // Nothing is written if something is not in it.
    let sources = [host.source("app_files", ""), host.source("app_db", "live")];
    let error = host.snapshots.restore(&id, &sources).await.unwrap_err().to_string();
    assert!(error.ends_with("`app_db/live` is not in it"), "{error}");
    assert_eq!(fs::read(files.join("f")).unwrap(), b"changed");
}

/// An app that moved its data and left a link is backed up and restored through it.
#[tokio::test]
async fn links_inside_the_volume_are_followed_on_the_way_only() {
    let host = Host::with_volumes(&["app_data"]);
    let data = host.data("app_data");
    put(data.join("v2/dump.sql"), "dump");
    symlink("v2", data.join("now")).unwrap();
    symlink("v2/dump.sql", data.join("dump.sql")).unwrap();
    let sources = [host.source("app_data", "now/dump.sql"), host.source("app_data", "dump.sql")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let entries = host.snapshots.list(&id).await.unwrap();
    let has_file =
        |path| entries.iter().any(|entry| entry.is_file && entry.path == Path::new(path));
    assert!(has_file("now/dump.sql"));
    assert!(host.snapshots.contains(&id, "app_data", b"dump").await.unwrap());
    // A link that is asked for is a link, not what it points at.
    assert!(!has_file("dump.sql"));
    let before = picture(&data);
    fs::remove_file(data.join("dump.sql")).unwrap();
    put(data.join("v2/dump.sql"), "changed");
    host.snapshots.restore(&id, &sources).await.unwrap();
    let mut after = picture(&data);
    for folder in ["", "v2"] {
        let folder = Path::new(folder);
        after.get_mut(folder).unwrap().changed = before[folder].changed;
    }
    assert_same(&after, &before);
}

/// After a disaster the volume is a new one, maybe in another place.
#[tokio::test]
async fn it_comes_back_to_where_the_volume_is_now() {
    let host = Host::with_volumes(&["app_data"]);
    put(host.data("app_data").join("f"), "x");
    let id = host.snapshots.take(TAG, &[host.source("app_data", "")]).await.unwrap();
    let elsewhere = host.outside().join("elsewhere");
    let mut source = host.source("app_data", "");
    source.root.clone_from(&elsewhere);
    let error = host.snapshots.restore(&id, &[source.clone()]).await.unwrap_err().to_string();
    assert!(error.contains(elsewhere.to_str().unwrap()), "{error}");
    fs::create_dir(&elsewhere).unwrap();
    host.snapshots.restore(&id, &[source]).await.unwrap();
    assert_eq!(fs::read(elsewhere.join("f")).unwrap(), b"x");
}

#[tokio::test]
async fn holes_stay_holes() {
    let host = Host::with_volumes(&["app_data"]);
    let path = put(host.data("app_data").join("sparse"), "");
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(20 << 20)).unwrap();
    file.write_all(b"in the middle").unwrap();
    file.set_len((40 << 20) + 5).unwrap();
    drop(file);
    let sources = [host.source("app_data", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    let before = fs::read(&path).unwrap();
    put(&path, "short");
    host.snapshots.restore(&id, &sources).await.unwrap();
    assert!(fs::read(&path).unwrap() == before, "the content is another");
    let on_disk = fs::metadata(&path).unwrap().blocks() * 512;
    assert!(on_disk < 1 << 20, "{on_disk} bytes on disk");
}

/// A program that runs cannot be written to, but it can be replaced.
#[tokio::test]
async fn a_program_that_runs_is_replaced() {
    let host = Host::with_volumes(&["app_data"]);
    let path = host.data("app_data").join("plugin");
    fs::copy("/bin/sleep", &path).unwrap();
    let sources = [host.source("app_data", "")];
    let id = host.snapshots.take(TAG, &sources).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a program that runs")]
    let mut child = std::process::Command::new(&path).arg("60").spawn().unwrap();
    let restored = host.snapshots.restore(&id, &sources).await;
    child.kill().unwrap();
    child.wait().unwrap();
    restored.unwrap();
}
