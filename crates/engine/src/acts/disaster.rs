//! Takes an app away as a disaster would (STG-5): services, networks, configs and volumes go; what an
//! operator keeps elsewhere, the secrets, stays for the same app to be deployed anew.

use cc_ci_core::cleanup::{outlives_undeploy, scope_of_app};
use cc_ci_model::evidence::Evidence;
use cc_ci_model::integrity::UndeploySeen;
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand};
use crate::cleanup::{self, Swept};

pub(super) async fn undeploy(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let intents = hand.journal.with(|state| state.intents.clone());
    let scope = scope_of_app(&intents, app);
    let before = asked(cleanup::look(&hand.ports.sweeper(), &scope).await)?.left;
    let stays = |object: &Object| outlives_undeploy(&intents, object);
    let sweeper = hand.ports.sweeper();
    let swept = cleanup::sweep_but(&sweeper, &scope, &stays, &[], deadline).await;
    // Its services are others from now on.
    hand.watches.remove(&app.id);
    let swept = asked(swept)?;
    let names = |kind, is_kept: bool| -> Vec<String> {
        let all = before.iter().filter(|object| object.kind == kind && stays(object) == is_kept);
        all.map(|object| object.name.clone()).collect()
    };
    Ok(Evidence::Undeployed(UndeploySeen {
        volumes: names(ObjectKind::Volume, false),
        kept: names(ObjectKind::Secret, true),
        left: swept.left,
        refusals: swept.refusals,
    }))
}

/// What the engine was asked, and answered.
fn asked(swept: Swept) -> Result<Swept, ActError> {
    if swept.complete {
        return Ok(swept);
    }
    let why = swept.refusals.last().cloned().unwrap_or_default();
    Err(ActError::Broken(format!("the engine could not be asked what there is of the app: {why}")))
}
