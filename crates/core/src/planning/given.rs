//! Values of secrets that the pack gives have to be told from everything else: they are taken out
//! of whatever a run writes (RES-5), and what is taken out of a name is no name any more.

use cc_ci_model::plan::Plan;

use super::{Refusal, Request};
use crate::redact::Redactor;

/// Refuses a value that also stands somewhere in the plan.
pub(super) fn refuse_words(request: &Request, plan: &Plan) -> Result<(), Refusal> {
    let given = request.pack.iter().flat_map(|pack| &pack.app.secrets);
    for (name, value) in given {
        let mut redactor = Redactor::default();
        redactor.keep(value.secret());
        if redactor.would_change(plan) {
            return Err(Refusal::config(
                format!(
                    "the value of secret `{name}`, or a piece of it, also stands in the plan of the run (an image, a name, a path, a variable)"
                ),
                "give another value in `[app.secrets]`: one that is a random word; this one could not be taken out of the report without damage",
            ));
        }
    }
    Ok(())
}
