//! Makes a revision's images present, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use cc_ci_core::images::again_after;
use cc_ci_model::evidence::{Evidence, ImageFound, ImageSeen};
use cc_ci_model::plan::{AppRole, Doing, PlannedApp, Revision};
use cc_ci_model::stage::Stage;
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
    let missing = Mutex::new(references.clone());
    tell(hand, &references);
    let asked = references.into_iter().map(async |reference| {
        let found = one(hand, reference, deadline).await;
        let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.retain(|other| *other != reference);
        tell(hand, &missing);
        found
    });
    let found: BTreeMap<&str, (ImageFound, u32)> = join_all(asked).await.into_iter().collect();
    let images = declared.services.iter().filter_map(|service| {
        let (found, retries) = found.get(service.image.as_str())?.clone();
        let (service, reference) = (service.name.to_string(), service.image.clone());
        Some(ImageSeen { service, reference, found, retries })
    });
    Ok(Evidence::Images { images: images.collect() })
}

/// Which images are not there yet.
fn tell(hand: &Stagehand, missing: &[&str]) {
    match missing {
        [] => hand.journal.tell(""),
        [first] => hand.journal.tell(&format!("image {first}")),
        [first, rest @ ..] => {
            hand.journal.tell(&format!("image {first} and {} more", rest.len()));
        }
    }
}

/// Begins to pull what the upgrade will need while the fresh head is being installed. Nothing is
/// made of what becomes of it: the upgrade's own act asks again.
pub(super) fn pull_ahead(hand: &mut Stagehand, app: &PlannedApp) {
    let plan = &hand.plan;
    let is_next = matches!(plan.doing(Stage::Upgrade), Some(Doing::Run));
    if app.role != AppRole::Fresh || app.contingent || !is_next {
        return;
    }
    let images_of = |role, revision| {
        let declared = plan.declared(role, revision);
        declared.into_iter().flat_map(|stack| &stack.services).map(|service| service.image.clone())
    };
    let mut next: BTreeSet<String> = images_of(AppRole::Upgraded, Revision::Base).collect();
    next.extend(images_of(AppRole::Upgraded, Revision::Head));
    let now: BTreeSet<String> = images_of(AppRole::Fresh, Revision::Head).collect();
    next.retain(|image| !now.contains(image));
    for image in next {
        let images = hand.ports.images.clone();
        hand.pulls.spawn(async move { drop(images.ensure(&image).await) });
    }
}

/// Asks for one image, again and again while its registry is busy. With the deadline the last
/// answer stands: it says more than that time ran out.
async fn one<'a>(
    hand: &Stagehand,
    reference: &'a str,
    deadline: Timestamp,
) -> (&'a str, (ImageFound, u32)) {
    let clock = &hand.ports.clock;
    let mut last =
        ImageFound::Unreachable { message: "the pull did not end within its budget".to_owned() };
    let mut retries = 0;
    loop {
        tokio::select! {
            found = hand.ports.images.ensure(reference) => last = found,
            () = clock.sleep_until(deadline) => return (reference, (last, retries)),
        }
        let again = again_after(&last, retries).map(|wait| clock.now().plus(wait));
        match again.filter(|at| *at < deadline) {
            Some(at) => clock.sleep_until(at).await,
            None => return (reference, (last, retries)),
        }
        retries += 1;
    }
}
