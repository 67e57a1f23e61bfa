//! What [`cc_ci_core::ports::Images`] promises (ENG-5).

use cc_ci_model::evidence::ImageFound;

use super::stage::{Situation, Stage};

super::contract!(Images: [
    a_pinned_image_that_is_here_needs_no_registry,
    a_floating_image_whose_registry_is_silent_is_not_known,
    an_image_that_its_registry_has_no_more_is_only_here,
    an_image_that_is_not_here_is_fetched,
    an_image_nobody_has_is_not_found,
    a_registry_that_does_not_answer_is_no_missing_image,
    an_engine_that_does_not_answer_is_no_missing_image,
]);

async fn ensure<S: Stage>(stage: &S, situation: Situation) -> ImageFound {
    let reference = stage.image(situation).await;
    stage.engine().images().ensure(&reference).await
}

async fn a_pinned_image_that_is_here_needs_no_registry<S: Stage>(stage: &S) {
    let reference = stage.image(Situation::PinnedAndHere).await;
    let found = stage.engine().images().ensure(&reference).await;
    let ImageFound::Present { id, asked: false, .. } = &found else { panic!("{found:?}") };
    assert!(id.starts_with("sha256:"), "{id}");
    assert_eq!(stage.engine().images().ensure(&reference).await, found, "and is so again");
}

async fn a_floating_image_whose_registry_is_silent_is_not_known<S: Stage>(stage: &S) {
    let found = ensure(stage, Situation::FloatingAndHere).await;
    assert!(matches!(found, ImageFound::Unreachable { .. }), "{found:?}");
}

async fn an_image_that_its_registry_has_no_more_is_only_here<S: Stage>(stage: &S) {
    let found = ensure(stage, Situation::OnlyHere).await;
    let ImageFound::LocalOnly { id, .. } = &found else { panic!("{found:?}") };
    assert!(id.starts_with("sha256:"), "{id}");
}

async fn an_image_that_is_not_here_is_fetched<S: Stage>(stage: &S) {
    let found = ensure(stage, Situation::InItsRegistry).await;
    let ImageFound::Present { id, digest: Some(digest), asked: true } = &found else {
        panic!("{found:?}")
    };
    assert!(id.starts_with("sha256:") && digest.starts_with("sha256:"), "{found:?}");
}

async fn an_image_nobody_has_is_not_found<S: Stage>(stage: &S) {
    for situation in [Situation::Nowhere, Situation::Misspelled] {
        let found = ensure(stage, situation).await;
        assert!(matches!(found, ImageFound::NotFound { .. }), "{situation:?}: {found:?}");
    }
}

async fn a_registry_that_does_not_answer_is_no_missing_image<S: Stage>(stage: &S) {
    let found = ensure(stage, Situation::BehindAClosedDoor).await;
    assert!(matches!(found, ImageFound::Unreachable { .. }), "{found:?}");
}

async fn an_engine_that_does_not_answer_is_no_missing_image<S: Stage>(stage: &S) {
    let found = stage.away().images().ensure("registry.test/a:1").await;
    assert!(matches!(found, ImageFound::Unreachable { .. }), "{found:?}");
}
