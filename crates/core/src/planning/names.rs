//! Names of the apps of a run (ISO-3): `<slug>-<6 hex>.<base domain>`.

use cc_ci_model::name::{AppDomain, RecipeName};
use cc_ci_model::plan::{AppRole, PlannedApp};

use super::{Refusal, Request};

/// The most characters of a recipe's name in a domain.
const SLUG: usize = 8;

/// The beginning of a recipe's name, fit for a DNS label.
pub fn slug(recipe: &RecipeName) -> String {
    let plain: String = recipe
        .as_str()
        .chars()
        .map(|c| if matches!(c, '_' | '.') { '-' } else { c })
        .take(SLUG)
        .collect();
    plain.trim_end_matches('-').to_owned()
}

/// The app of a role.
///
/// # Errors
/// When the base domain leaves no room for a stack name, or is no domain.
pub fn app(
    request: &Request,
    recipe: &RecipeName,
    role: AppRole,
    contingent: bool,
) -> Result<PlannedApp, Refusal> {
    let (id, place, deploys) = match (role, contingent) {
        (AppRole::Fresh, false) => ("fresh", 0, 1),
        (AppRole::Upgraded, _) => ("upgraded", 1, 2),
        (AppRole::Fresh, true) => ("reinstalled", 2, 1),
    };
    let hex = request.hexes.get(place).map_or("000000", String::as_str);
    let base_domain = &request.base_domain;
    let text = format!("{}-{hex}.{base_domain}", slug(recipe));
    let refused = |error: cc_ci_model::name::NameError| {
        Refusal::config(
            error.to_string(),
            "choose another base domain, a short one such as `ccci.test`",
        )
    };
    let domain: AppDomain = text.parse().map_err(refused)?;
    let stack = domain.stack().map_err(refused)?;
    let id = id.parse().map_err(refused)?;
    let network = format!("{stack}_cc-ci");
    Ok(PlannedApp { id, role, domain, stack, network, deploys, contingent })
}
