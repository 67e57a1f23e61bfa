//! `cc-ci explain RUN [WHAT]`: the decisions of a run with the lines of its log they stand on
//! (RES-8).

use cc_ci_core::explain::{explain as trace_of, names, narrowed};
use cc_ci_model::exit::ExitKind;
use cc_ci_model::explain::Trace;
use cc_ci_report::explain::{Depth, text};

use super::log::Log;
use super::{print, style};
use crate::args::{ExplainArgs, Output};
use crate::failure::Failure;
use crate::settings::Settings;

/// Explains a run. The exit code tells whether that could be done, not what the run says.
pub(crate) fn explain(settings: &Settings, args: &ExplainArgs) -> Result<u8, Failure> {
    let log = Log::read(settings, &args.run)?;
    let trace = trace_of(&log.plan, &log.state, &log.events);
    let (trace, depth) = match args.what.join(" ") {
        what if what.is_empty() => (trace, Depth::Overview),
        what => (only(&trace, &what)?, Depth::Everything),
    };
    match args.output {
        Output::Json => print(&cc_ci_report::json::trace(&trace))?,
        Output::Auto | Output::Human => {
            print(&text(&trace, style(args.output, settings), depth))?;
        }
    }
    Ok(0)
}

fn only(trace: &Trace, what: &str) -> Result<Trace, Failure> {
    narrowed(trace, what).ok_or_else(|| {
        let known = names(trace);
        Failure::new(ExitKind::Usage, format!("nothing of this run is called `{what}`"))
            .hint(format!("there is: {}", known.join(", ")))
    })
}
