//! One green run for each rung of the ladder.

use anyhow::Result;
use cc_ci_e2e::{Lab, Ran, is_enabled};
use cc_ci_model::outcome::{Status, Verdict};
use cc_ci_model::results::Results;
use cc_ci_model::stage::Rung;

#[track_caller]
fn status(results: &Results, rung: Rung) -> Status {
    results.rungs[&rung].status
}

#[track_caller]
fn stage(results: &Results, name: &str) -> Status {
    let stage = results.stages.iter().find(|stage| stage.name == name);
    stage.unwrap_or_else(|| panic!("no stage {name}")).status
}

/// VER-6: the log alone gives the same answer.
#[track_caller]
fn judged_again(lab: &Lab, ran: &Ran) -> Result<()> {
    let events = ran.directory.join("events.jsonl").display().to_string();
    let judged = lab.cc_ci(&["judge", &events, "--output", "json"])?;
    assert_eq!(judged.exit, ran.exit, "{}", judged.stderr);
    assert_eq!(judged.results()?, ran.results()?);
    Ok(())
}

#[test]
fn install() -> Result<()> {
    if !is_enabled("install") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let recipe = lab.recipe("custom-html-tiny")?;
    let ran = lab.run(&recipe, "run", &["--stages", "install"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!((results.verdict, results.level, results.partial), (Verdict::Pass, 1, true));
    assert_eq!(status(&results, Rung::Upgrade), Status::Skipped);
    assert_eq!(results.skips.unintentional, [Rung::Upgrade, Rung::BackupRestore, Rung::Functional]);
    // RES-1: what is printed is what is kept, to the byte.
    assert_eq!(ran.stdout, std::fs::read_to_string(ran.directory.join("results.json"))?);
    judged_again(&lab, &ran)
}

#[test]
fn upgrade() -> Result<()> {
    if !is_enabled("upgrade") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let ran = lab.run(&lab.recipe("custom-data")?, "run", &["--stages", "upgrade"])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!((results.verdict, results.level), (Verdict::Pass, 2));
    assert_eq!(
        (stage(&results, "install"), stage(&results, "upgrade")),
        (Status::Passed, Status::Passed)
    );
    assert_eq!(results.base.as_ref().map(|base| base.version.as_str()), Some("1.1.0+2.2.0"));
    let unmet: Vec<_> = results.obligations.iter().filter(|due| !due.met).collect();
    assert!(unmet.is_empty(), "{unmet:?}");
    let log = ran.log();
    let sought = log.events("act_ended").into_iter().map(|event| &event["evidence"]);
    let sought = sought.filter(|evidence| evidence["evidence"] == "sought");
    let volumes: Vec<_> = sought.map(|evidence| &evidence["markers"][0]["volume"]).collect();
    assert_eq!(volumes, ["data"], "the volume's marker was looked for once");
    judged_again(&lab, &ran)
}

#[test]
fn backup_restore_and_functional() -> Result<()> {
    if !is_enabled("backup_restore_and_functional") {
        return Ok(());
    }
    let lab = Lab::new()?;
    let pack = xtask::workspace::root().join("packs/custom-html").display().to_string();
    let ran = lab.run(&lab.recipe("custom-html")?, "run", &["--pack", &pack])?;
    ran.exited(0).left_nothing();
    let results = ran.results()?;
    assert_eq!((results.verdict, results.level), (Verdict::Pass, 4));
    assert_eq!((results.level_cap_rung, results.partial), (None, false));
    judged_again(&lab, &ran)
}
