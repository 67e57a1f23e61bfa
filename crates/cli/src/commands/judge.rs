//! `cc-ci judge`: the verdict of a log, computed again by the reducer the run itself used.

use cc_ci_core::results::results;
use cc_ci_core::state::RunState;
use cc_ci_model::exit::ExitKind;

use super::{exit_code, show};
use crate::args::JudgeArgs;
use crate::failure::{Failure, chain};

/// Judges a log.
pub(crate) fn judge(args: &JudgeArgs) -> Result<u8, Failure> {
    let log = cc_ci_store::read_log(&args.events)
        .map_err(|error| Failure::new(ExitKind::Usage, chain(&error)))?;
    let mut state = RunState::of(&log.events);
    if log.sealed_sha_matches == Some(false) {
        state.damage =
            Some("the seal does not match what is before it: the log was changed".to_owned());
    }
    let Some(plan) = state.plan.clone() else {
        return Err(Failure::error(format!(
            "`{}` does not begin with a plan: there is nothing to judge",
            args.events.display()
        )));
    };
    let results = results(&plan, &state);
    show(&results, args.output, false)?;
    Ok(exit_code(&results))
}
