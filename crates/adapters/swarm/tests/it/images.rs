//! Making images present (ENG-5).

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use cc_ci_core::images::again_after;
use cc_ci_core::ports::Images;
use cc_ci_host::{HostCommands, SystemClock};
use cc_ci_model::evidence::ImageFound;
use cc_ci_swarm::Credentials;
use tempfile::TempDir;

use crate::registry;
use crate::support::{TestStack, docker, engine};

#[tokio::test]
async fn a_registry_that_does_not_answer_is_no_missing_image() {
    let Some(swarm) = engine("a_registry_that_does_not_answer_is_no_missing_image") else {
        return;
    };
    for reference in ["127.0.0.1:1/a:1", "127.0.0.1:1/a", "no-such-host.invalid/a:1"] {
        let found = swarm.ensure(reference).await;
        assert!(matches!(found, ImageFound::Unreachable { .. }), "{reference}: {found:?}");
    }
    let found = swarm.ensure("Not_a/Reference:1").await;
    assert!(matches!(found, ImageFound::NotFound { .. }), "{found:?}");
}

#[tokio::test]
async fn a_registry_says_what_it_has() {
    let Some(swarm) = engine("a_registry_says_what_it_has") else {
        return;
    };
    let registry = registry::start(TestStack::new().name.as_str()).await;
    let name = format!("{}/test/web", registry.address);
    let tag = format!("{name}:1");
    let pinned = format!("{name}@{}", registry.manifest_digest);
    let pulled = swarm.ensure(&tag).await;
    let ImageFound::Present { id, digest, asked: true } = &pulled else {
        panic!("{pulled:?}");
    };
    assert_eq!(digest.as_ref(), Some(&registry.manifest_digest));
    let here = |asked| ImageFound::Present { id: id.clone(), digest: digest.clone(), asked };
    assert_eq!(swarm.ensure(&tag).await, here(true));
    assert_eq!(swarm.ensure(&pinned).await, here(true));
    assert_eq!(swarm.ensure(&name).await, here(true), "`latest` is asked for each time");
    let missing = swarm.ensure(&format!("{name}:2")).await;
    assert!(matches!(missing, ImageFound::NotFound { .. }), "{missing:?}");
    docker(&["rmi", &tag, &format!("{name}:latest")]);
    assert_eq!(swarm.ensure(&pinned).await, here(true));
    docker(&["rmi", &pinned]);
}

/// Pulled long ago, and gone from its registry since: nobody could install the recipe anew.
#[tokio::test]
async fn an_image_that_its_registry_has_no_more_is_only_here() {
    let test = "an_image_that_its_registry_has_no_more_is_only_here";
    let Some(swarm) = engine(test) else {
        return;
    };
    let registry = registry::start(TestStack::new().name.as_str()).await;
    let (tag, floating) =
        (format!("{}/test/web:1", registry.address), format!("{}/test/web", registry.address));
    for reference in [&tag, &floating] {
        let pulled = swarm.ensure(reference).await;
        assert!(matches!(pulled, ImageFound::Present { asked: true, .. }), "{pulled:?}");
    }
    registry.forget("1");
    registry.forget("latest");
    for reference in [&tag, &floating] {
        let found = swarm.ensure(reference).await;
        let ImageFound::LocalOnly { message, .. } = &found else { panic!("{found:?}") };
        assert!(message.contains("manifest unknown"), "{message}");
    }
    // What was said of a pinned image holds for this program.
    drop(registry);
    assert!(matches!(swarm.ensure(&tag).await, ImageFound::LocalOnly { .. }));
    let Some(later) = engine(test) else { return };
    assert!(matches!(later.ensure(&tag).await, ImageFound::Present { asked: false, .. }));
    docker(&["rmi", &tag, &format!("{floating}:latest")]);
}

/// Worth another try: the engine's act decides on that by the words.
#[tokio::test]
async fn a_busy_registry_is_told_as_busy() {
    let Some(swarm) = engine("a_busy_registry_is_told_as_busy") else {
        return;
    };
    let registry = registry::start(TestStack::new().name.as_str()).await;
    registry.is_busy(100);
    let tag = format!("{}/test/web:1", registry.address);
    let found = swarm.ensure(&tag).await;
    assert!(again_after(&found, 0).is_some(), "{found:?}");
    registry.is_busy(0);
    let found = swarm.ensure(&tag).await;
    assert!(matches!(found, ImageFound::Present { asked: true, .. }), "{found:?}");
    docker(&["rmi", &tag]);
}

/// A folder as docker's, with a login for that registry, kept by `helper` if there is one.
fn logins(registry: &str, helper: Option<&str>) -> (TempDir, Credentials) {
    let folder = tempfile::tempdir().expect("a folder for config.json");
    let helper_path = folder.path().join("docker-credential-test");
    let config = match helper {
        Some(script) => {
            file(&helper_path, script);
            format!(r#"{{"credHelpers": {{"{registry}": "test"}}}}"#)
        }
        None => format!(r#"{{"auths": {{"{registry}": {{"auth": "bWU6aHVudGVyMjI="}}}}}}"#),
    };
    file(&folder.path().join("config.json"), &config);
    let commands = HostCommands::new(None).expect("/proc can be read");
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let environment = [("PATH".to_owned(), path)].into();
    let clock = Arc::new(SystemClock::new());
    let credentials = Credentials::new(Arc::new(commands), clock, folder.path(), environment);
    (folder, credentials)
}

#[expect(clippy::disallowed_methods, reason = "a test's own files")]
fn file(path: &Path, content: &str) {
    std::fs::write(path, content).expect("it can be written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("its mode can be set");
}

/// `me:hunter22`.
const LOGIN: &str = "Basic bWU6aHVudGVyMjI=";

#[tokio::test]
async fn the_users_logins_are_used() {
    let Some(swarm) = engine("the_users_logins_are_used") else {
        return;
    };
    let registry = registry::start(TestStack::new().name.as_str()).await;
    registry.wants(LOGIN);
    let tag = format!("{}/test/web:1", registry.address);
    let denied = swarm.ensure(&tag).await;
    assert!(matches!(denied, ImageFound::Denied { .. }), "{denied:?}");
    let helper = "#!/bin/sh\nread -r registry\n[ \"$1\" = get ] || exit 1\n\
                  echo \"{\\\"ServerURL\\\":\\\"$registry\\\",\\\"Username\\\":\\\"me\\\",\\\"Secret\\\":\\\"hunter22\\\"}\"\n";
    for helper in [None, Some(helper)] {
        let (_folder, credentials) = logins(&registry.address, helper);
        let swarm = swarm.clone().with_credentials(credentials);
        let pulled = swarm.ensure(&tag).await;
        assert!(matches!(pulled, ImageFound::Present { asked: true, .. }), "{pulled:?}");
        // A manifest alone is asked for with the login, too.
        let again = swarm.ensure(&tag).await;
        assert!(matches!(again, ImageFound::Present { asked: true, .. }), "{again:?}");
        docker(&["rmi", &tag]);
    }
    let (_folder, credentials) = logins(&registry.address, Some("#!/bin/sh\nexit 3\n"));
    let denied = swarm.with_credentials(credentials).ensure(&tag).await;
    let ImageFound::Denied { message } = &denied else { panic!("{denied:?}") };
    assert!(message.contains("docker-credential-test") && message.contains("exit code 3"));
    assert!(!message.contains("hunter22"));
}
