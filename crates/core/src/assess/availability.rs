//! What the meter saw while the app was upgraded, against the pack's budget (STG-3).

use cc_ci_model::meter::MeterSeen;
use cc_ci_model::outcome::Outcome;

use super::{Assessment, Check, Context};
use crate::meter::{Order, down_ms, order, seconds, told};

const NAME: &str = "availability";

/// Without a budget the meter only tells. With one, what was not measured proves nothing, and
/// a stop that cc-ci itself made necessary is not the recipe's failure.
pub(super) fn assess(context: Context<'_>, seen: Option<&MeterSeen>) -> Assessment {
    let said = seen.map(|seen| told(context.plan, seen));
    let said = said.unwrap_or_else(|| "not one request was made".to_owned());
    let (budget, seen) = match (context.plan.downtime_budget_ms, seen) {
        (None, _) => return Assessment::of(Check::passed(NAME, said)),
        (Some(_), None) => return Assessment::of(Check::with(NAME, Outcome::unverified(said))),
        (Some(budget), Some(seen)) => (budget, seen),
    };
    let budget_s = seconds(budget);
    let outcome = if down_ms(seen) > budget || seen.more_gaps > 0 {
        let reason = format!("{said}; `upgrade.downtime_budget` allows {budget_s} s");
        match order(context.plan, &seen.service) {
            Order::StopFirstByUs => Outcome::unverified(reason),
            Order::StopFirst | Order::StartFirst => Outcome::failed(reason),
        }
    } else if u64::from(seen.unknown) * seen.interval_ms + down_ms(seen) > budget {
        let reason = format!("{said}: it may have been down longer than the {budget_s} s allowed");
        Outcome::unverified(reason)
    } else {
        return Assessment::of(Check::passed(NAME, said));
    };
    Assessment::of(Check::new(NAME, outcome, said))
}
