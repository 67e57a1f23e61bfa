//! Makes a revision's images present, several at a time.

use std::collections::BTreeMap;

use cc_ci_model::evidence::{Evidence, ImageFound, ImageSeen};
use cc_ci_model::plan::{PlannedApp, Revision};
use cc_ci_model::time::Timestamp;
use futures_util::future::join_all;

use super::{ActError, Stagehand};

pub(super) async fn ensure(
    hand: &Stagehand,
    app: &PlannedApp,
    revision: Revision,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let Some(declared) = hand.plan.declared(app.role, revision) else {
        return Err(ActError::Broken(format!("the plan has no {revision}")));
    };
    let mut references: Vec<&str> = declared.services.iter().map(|s| s.image.as_str()).collect();
    references.sort_unstable();
    references.dedup();
    let asked = references.into_iter().map(|reference| one(hand, reference, deadline));
    let found: BTreeMap<&str, ImageFound> = join_all(asked).await.into_iter().collect();
    let images = declared.services.iter().filter_map(|service| {
        let found = found.get(service.image.as_str())?.clone();
        let (service, reference) = (service.name.to_string(), service.image.clone());
        Some(ImageSeen { service, reference, found })
    });
    Ok(Evidence::Images { images: images.collect() })
}

async fn one<'a>(
    hand: &Stagehand,
    reference: &'a str,
    deadline: Timestamp,
) -> (&'a str, ImageFound) {
    let found = tokio::select! {
        found = hand.ports.images.ensure(reference) => found,
        () = hand.ports.clock.sleep_until(deadline) => ImageFound::Unreachable {
            message: "the pull did not end within its budget".to_owned(),
        },
    };
    (reference, found)
}
