//! Databases that are really backed up and restored: what takes more than a verdict to see. The
//! faults themselves are mutations, `tests-e2e/catalogue/{faults,weather}/database-*.toml`.

use anyhow::Result;
use cc_ci_e2e::{Lab, is_long_enabled};

/// IN-2: nobody said that there are databases, and both are proven.
#[test]
fn databases_are_proven_without_a_pack() -> Result<()> {
    if !is_long_enabled("databases_are_proven_without_a_pack") {
        return Ok(());
    }
    let results = Lab::new()?.run_mutation("database-weather-two")?.results()?;
    let both = "planted in redis of service cache, postgres of service db";
    let told = results.proves.iter().filter(|line| line.contains(both));
    assert_eq!(told.count(), 2, "{:#?}", results.proves);
    Ok(())
}

/// Incident (ghost): the dump was truncated, the backup "succeeded", and the restore silently lost
/// the data.
#[test]
fn incident_ghost_a_truncated_dump() -> Result<()> {
    if !is_long_enabled("incident_ghost_a_truncated_dump") {
        return Ok(());
    }
    Lab::new()?.run_mutation("database-dump-truncated")?;
    Ok(())
}
