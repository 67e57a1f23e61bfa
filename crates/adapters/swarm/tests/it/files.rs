//! Files inside containers.

use cc_ci_core::ports::{EngineError, Files};

use crate::support::{IMAGE, TestStack, docker, engine};

/// A running container with a volume at `/data`, and that volume as `docker run -v` wants it.
fn container(stack: &TestStack) -> (String, String) {
    let label = format!("cc-ci.run={}", stack.run);
    let volume = stack.full("data");
    docker(&["volume", "create", "--label", &label, &volume]);
    let mount = format!("{volume}:/data");
    let container = docker(&["run", "-d", "--label", &label, "-v", &mount, IMAGE]);
    (container, mount)
}

#[tokio::test]
async fn files_go_into_a_volume_and_come_back() {
    let Some(swarm) = engine("files_go_into_a_volume_and_come_back") else {
        return;
    };
    let stack = TestStack::new();
    let (container, mount) = container(&stack);
    let put = swarm.put(&container, "/data", "marker", b"planted").await;
    put.unwrap();
    let got = swarm.get(&container, "/data/marker").await.unwrap();
    assert_eq!(got.as_deref(), Some(&b"planted"[..]));
    let stat = ["stat", "-c", "%n %a %u:%g", "/data/marker"];
    let seen = docker(&[&["exec", &container][..], &stat].concat());
    assert_eq!(seen, "/data/marker 644 0:0");
    // Another container with the volume sees the same file.
    let other = docker(&["run", "--rm", "-v", &mount, IMAGE, "cat", "/data/marker"]);
    assert_eq!(other, "planted");
    docker(&["rm", "-f", &container]);
}

#[tokio::test]
async fn what_is_no_file_is_told_from_what_is_not_there() {
    let Some(swarm) = engine("what_is_no_file_is_told_from_what_is_not_there") else {
        return;
    };
    let stack = TestStack::new();
    let (container, _) = container(&stack);
    assert_eq!(swarm.get(&container, "/data/nothing").await.unwrap(), None);
    for (path, words) in [
        ("/data", "no regular file"),
        ("/bin/sh", "no regular file"),
        ("/bin/busybox", "larger than a megabyte"),
    ] {
        let error = swarm.get(&container, path).await.unwrap_err();
        assert!(error.to_string().contains(words), "{path}: {error}");
    }
    let no_folder = swarm.put(&container, "/nothing", "marker", b"").await;
    check_not_there(&no_folder.unwrap_err());
    docker(&["rm", "-f", &container]);
    let gone = swarm.get(&container, "/data/marker").await;
    check_not_there(&gone.unwrap_err());
}

/// What is written beside a volume is in the container's own layer; what is written into it is not.
#[tokio::test]
async fn what_changed_outside_every_mount_is_seen() {
    let Some(swarm) = engine("what_changed_outside_every_mount_is_seen") else {
        return;
    };
    let stack = TestStack::new();
    let (container, _) = container(&stack);
    let write = "mkdir -p /opt/app/empty && echo 12345 > /opt/app/app.db && : > /opt/app/lock \
                 && ln -s app.db /opt/app/link && echo x > /data/x && rm /etc/group";
    docker(&["exec", &container, "sh", "-c", write]);
    let mut changed = swarm.changed(&container).await.unwrap();
    changed.sort();
    let own: Vec<&str> =
        changed.iter().map(String::as_str).filter(|path| path.starts_with("/opt")).collect();
    let expected =
        ["/opt", "/opt/app", "/opt/app/app.db", "/opt/app/empty", "/opt/app/link", "/opt/app/lock"];
    assert_eq!(own, expected, "{changed:?}");
    assert!(!changed.iter().any(|path| path == "/data/x" || path == "/etc/group"), "{changed:?}");
    for (path, size) in [
        ("/opt/app/app.db", Some(6)),
        ("/opt/app/lock", Some(0)),
        ("/opt/app/link", None),
        ("/opt/app", None),
        ("/opt/gone", None),
    ] {
        assert_eq!(swarm.size(&container, path).await.unwrap(), size, "{path}");
    }
    docker(&["rm", "-f", &container]);
    check_not_there(&swarm.changed(&container).await.unwrap_err());
}

#[track_caller]
fn check_not_there(error: &EngineError) {
    assert!(matches!(error, EngineError::Refused { status: 404, .. }), "{error:?}");
}
