//! Making images present (ENG-5).

use cc_ci_core::ports::Images;
use cc_ci_model::evidence::ImageFound;

use crate::registry;
use crate::support::{IMAGE, TestStack, docker, engine, now};

#[tokio::test]
async fn a_pinned_image_that_is_here_is_not_asked_for() {
    let Some(swarm) = engine("a_pinned_image_that_is_here_is_not_asked_for") else {
        return;
    };
    let id = docker(&["image", "inspect", "-f", "{{.Id}}", IMAGE]);
    let began = now();
    let found = swarm.ensure(IMAGE).await;
    println!("present after {:?}", began.elapsed());
    assert_eq!(found, ImageFound::Present { id, digest: None, asked: false });
}

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
async fn a_floating_tag_without_its_registry_is_here_only() {
    let Some(swarm) = engine("a_floating_tag_without_its_registry_is_here_only") else {
        return;
    };
    let stack = TestStack::new();
    let reference = format!("127.0.0.1:1/{}", stack.name);
    docker(&["tag", IMAGE, &reference]);
    let found = swarm.ensure(&reference).await;
    docker(&["rmi", &reference]);
    let id = docker(&["image", "inspect", "-f", "{{.Id}}", IMAGE]);
    assert!(matches!(&found, ImageFound::LocalOnly { id: local, .. } if *local == id), "{found:?}");
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
    assert_eq!(swarm.ensure(&tag).await, here(false));
    assert_eq!(swarm.ensure(&pinned).await, here(false));
    assert_eq!(swarm.ensure(&name).await, here(true), "`latest` is asked for each time");
    let missing = swarm.ensure(&format!("{name}:2")).await;
    assert!(matches!(missing, ImageFound::NotFound { .. }), "{missing:?}");
    docker(&["rmi", &tag, &format!("{name}:latest")]);
    assert_eq!(swarm.ensure(&pinned).await, here(true));
    docker(&["rmi", &pinned]);
}
