//! `cc-ci judge`: the verdict of a log, computed again by the reducer the run itself used.

use cc_ci_core::results::results;

use super::log::Log;
use super::{exit_code, show};
use crate::args::JudgeArgs;
use crate::failure::Failure;
use crate::settings::Settings;

/// Judges a log.
pub(crate) fn judge(settings: &Settings, args: &JudgeArgs) -> Result<u8, Failure> {
    let log = Log::read(settings, &args.run)?;
    let results = results(&log.plan, &log.state);
    show(&results, &log.around(settings, &args.run), args.output, settings)?;
    Ok(exit_code(&results))
}
