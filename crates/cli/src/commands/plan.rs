//! `cc-ci plan`.

use cc_ci_engine::doctor::Trying;
use std::io::Write as _;

use super::{print, subject};
use crate::args::{Output, PlanArgs};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::wiring::Host;

/// Shows the plan; nothing is created but a clone that is gone afterwards.
pub(crate) async fn plan(settings: &Settings, args: PlanArgs) -> Result<u8, Failure> {
    let host = Host::new(settings)?;
    let source = subject::source(settings, &args.subject.recipe)?;
    let run_id = subject::run_id(&host, &source)?;
    let facts = host.facts(settings, Trying::Forbidden).await?;
    let request = subject::request(&host, settings, &args.subject, run_id, facts)?;
    let work = tempfile::Builder::new().prefix("cc-ci-plan-").tempdir();
    let work = work.map_err(|error| Failure::error(format!("no folder to clone into: {error}")))?;
    let recipes = host.recipes(settings, work.path());
    let reference = args.subject.reference.as_deref();
    let plan = host.planner(recipes).plan(&request, &source, reference).await?;
    if let Some(line) = subject::added(&args.subject) {
        drop(writeln!(std::io::stderr(), "{line}"));
    }
    match args.subject.output {
        Output::Json => print(&cc_ci_report::json::plan(&plan))?,
        Output::Auto | Output::Human => print(&cc_ci_report::plan::text(&plan))?,
    }
    Ok(0)
}
