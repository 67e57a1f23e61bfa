//! Time limits: the pack's, else the documented defaults.

use std::time::Duration;

use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::pack::{Pack, Span};
use cc_ci_model::plan::Budgets;

/// A restore after a disaster has the time of a new install besides.
pub(super) fn with_disaster(budgets: &Budgets, mode: RestoreMode) -> Budgets {
    let install = match mode {
        RestoreMode::InPlace => 0,
        RestoreMode::Disaster => budgets.deploy_ms,
    };
    Budgets { restore_ms: budgets.restore_ms.saturating_add(install), ..budgets.clone() }
}

/// The budgets of a run.
pub(super) fn budgets(pack: Option<&Pack>) -> Budgets {
    let timeouts = pack.map(|pack| pack.timeouts.clone()).unwrap_or_default();
    let millis = |span: Option<Span>, default_s: u64| {
        let length = span.map_or(Duration::from_secs(default_s), Span::duration);
        u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
    };
    Budgets {
        images_ms: 900_000,
        deploy_ms: millis(timeouts.deploy, 600),
        upgrade_ms: millis(timeouts.upgrade, 600),
        backup_ms: millis(timeouts.backup, 300),
        restore_ms: millis(timeouts.restore, 600),
        test_ms: millis(timeouts.test, 60),
        teardown_ms: 300_000,
        stability_ms: 3_000,
    }
}
