//! A stage's closing look at the stack.

use cc_ci_core::convergence::recall;
use cc_ci_model::evidence::{Evidence, ObserveSeen};
use cc_ci_model::plan::PlannedApp;
use cc_ci_model::time::Timestamp;

use super::{ActError, Stagehand};

pub(super) async fn observe(
    hand: &mut Stagehand,
    app: &PlannedApp,
    deadline: Timestamp,
) -> Result<Evidence, ActError> {
    let clock = hand.ports.clock.clone();
    let watched = hand.watch(&app.id, &app.stack).await?;
    let looked = tokio::select! {
        looked = watched.watch.observe() => looked.ok(),
        () = clock.sleep_until(deadline) => None,
    };
    let facts = looked.map(|fresh| recall(&watched.known, fresh));
    if let Some(facts) = &facts {
        watched.known = facts.clone();
    }
    Ok(Evidence::Observed(ObserveSeen { facts }))
}
