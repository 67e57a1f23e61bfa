//! `cc-ci doctor`: whether a run could work on this host, and what to do if not. Changes nothing
//! but what the state folder remembers of it.

use cc_ci_core::doctor::{exit, findings, level};
use cc_ci_core::ports::Clock as _;
use cc_ci_model::doctor::{DOCTOR_SCHEMA_VERSION, DoctorReport};
use cc_ci_report::doctor::text;

use super::{print, style};
use crate::args::{DoctorArgs, Output};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::wiring;

/// Looks at the host and says what is to be done.
pub(crate) async fn doctor(settings: &Settings, args: &DoctorArgs) -> Result<u8, Failure> {
    let tools = wiring::Tools::new()?;
    let at = tools.clock.now();
    let facts = tools.doctor(settings).look().await;
    let findings = findings(&facts);
    let level = level(&findings);
    let report = DoctorReport {
        schema_version: DOCTOR_SCHEMA_VERSION,
        tool: super::tool(),
        at,
        docker_host: facts.docker_host,
        state_folder: facts.state_folder,
        level,
        exit_code: exit(level).code(),
        findings,
    };
    match args.output {
        Output::Json => print(&cc_ci_report::json::doctor(&report))?,
        Output::Auto | Output::Human => {
            print(&text(&report, style(args.output, settings)))?;
        }
    }
    Ok(report.exit_code)
}
