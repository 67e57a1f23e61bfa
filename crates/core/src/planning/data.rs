//! Which values are planted in databases and the like (STG-9).

use cc_ci_model::marker::PlannedData;
use cc_ci_model::pack::PackMarker;

use super::considered::Considered;
use super::{BaseFound, Refusal, Request, pack};
use crate::data_markers;

/// Those of the head, and of the base where there is an upgrade. A base may lack a service that a
/// pack, which is about the head, has a marker for.
pub(super) fn planned(
    request: &Request,
    considered: &Considered,
    upgrade: Option<&BaseFound>,
) -> Result<PlannedData, Refusal> {
    if considered.unfit.is_some() {
        return Ok(PlannedData::default());
    }
    let declared = pack(request, |pack| pack.markers.clone());
    let http = considered.gate.as_ref().map(|gate| &gate.service);
    let head = data_markers::planned(&considered.declared, &declared, http)
        .map_err(|why| Refusal::config(why, "correct `[[marker]]` in the pack's recipe.toml"))?;
    let base = match upgrade {
        None => Vec::new(),
        Some(found) => {
            let stack = &found.base.declared;
            let of_base = |one: &&PackMarker| {
                data_markers::planned(stack, std::slice::from_ref(*one), http).is_ok()
            };
            let declared: Vec<PackMarker> = declared.iter().filter(of_base).cloned().collect();
            data_markers::planned(stack, &declared, http).unwrap_or_default()
        }
    };
    Ok(PlannedData { base, head })
}
