//! What is no regular file inside a container.

use cc_ci_core::ports::{Files, StackView};

use crate::support::{IMAGE, TestStack, docker, engine};

/// A link is not followed: it could lead anywhere. What is large is not read to its end.
#[tokio::test]
async fn a_link_is_no_file_and_a_large_file_is_refused() {
    let Some(swarm) = engine("a_link_is_no_file_and_a_large_file_is_refused") else {
        return;
    };
    let stack = TestStack::new();
    let label = format!("cc-ci.run={}", stack.run);
    let container = docker(&["run", "-d", "--label", &label, IMAGE]);
    for (path, words) in
        [("/bin/sh", "no regular file"), ("/bin/busybox", "larger than a megabyte")]
    {
        let error = swarm.get(&container, path).await.unwrap_err();
        assert!(error.to_string().contains(words), "{path}: {error}");
    }
    // What was broken off is let go of here: until then the engine does not remove the container.
    assert!(swarm.answers().await);
    docker(&["rm", "-f", &container]);
}

/// What is written beside a volume is in the container's own layer; what is written into it is not.
#[tokio::test]
async fn what_changed_outside_every_mount_is_seen() {
    let Some(swarm) = engine("what_changed_outside_every_mount_is_seen") else {
        return;
    };
    let stack = TestStack::new();
    let label = format!("cc-ci.run={}", stack.run);
    let mount = format!("{}:/data", stack.full("data"));
    docker(&["volume", "create", "--label", &label, &stack.full("data")]);
    let container = docker(&["run", "-d", "--label", &label, "-v", &mount, IMAGE]);
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
}
