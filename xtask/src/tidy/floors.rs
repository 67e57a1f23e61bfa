//! The floors of the house: who may import whom, and which outside crates stay in one room.
//!
//! Changing a table here changes the house: it needs a decision record in `docs/adr/`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;

/// A room and what it may import of ours.
struct Room {
    name: &'static str,
    floor: &'static str,
    may: &'static [&'static str],
}

const MODEL: &str = "cc-ci-model";
const CORE: &str = "cc-ci-core";
const TESTKIT: &str = "cc-ci-testkit";

/// Floors 2 and below never import each other: what two of them share moves down.
const BELOW: &[&str] = &[MODEL, CORE];

const ROOMS: &[Room] = &[
    Room { name: MODEL, floor: "0", may: &[] },
    Room { name: CORE, floor: "1", may: &[MODEL] },
    Room { name: "cc-ci-engine", floor: "2", may: BELOW },
    Room { name: "cc-ci-report", floor: "2", may: BELOW },
    Room { name: "cc-ci-swarm", floor: "2", may: BELOW },
    Room { name: "cc-ci-coop", floor: "2", may: BELOW },
    Room { name: "cc-ci-backup", floor: "2", may: BELOW },
    Room { name: "cc-ci-store", floor: "2", may: BELOW },
    Room { name: "cc-ci-host", floor: "2", may: BELOW },
    Room {
        name: "cc-ci",
        floor: "4",
        may: &[
            MODEL,
            CORE,
            "cc-ci-engine",
            "cc-ci-report",
            "cc-ci-swarm",
            "cc-ci-coop",
            "cc-ci-backup",
            "cc-ci-store",
            "cc-ci-host",
        ],
    },
    Room { name: TESTKIT, floor: "dev", may: BELOW },
    Room { name: "xtask", floor: "chores", may: BELOW },
    Room {
        name: "cc-ci-bench",
        floor: "benchmarks",
        may: &[MODEL, CORE, "cc-ci-engine", "cc-ci-host", "cc-ci-swarm"],
    },
    Room { name: "cc-ci-e2e", floor: "tests", may: &[MODEL, CORE, TESTKIT, "xtask"] },
];

/// Rooms without clock, files, network, environment or chance, and what would bring them in.
const PURE: &[&str] = &[MODEL, CORE, "cc-ci-report"];
const IMPURE: &[&str] =
    &["tokio", "reqwest", "bollard", "rand", "tempfile", "rustix", "hyper", "getrandom"];

/// Outside crates with one owner or few.
const OWNED: &[(&str, &[&str])] = &[
    ("bollard", &["cc-ci-swarm"]),
    ("clap", &["cc-ci", "xtask", "cc-ci-bench"]),
    ("anyhow", &["cc-ci", "xtask", "cc-ci-e2e", "cc-ci-bench"]),
    ("rustic_core", &["cc-ci-backup"]),
    ("rustic_backend", &["cc-ci-backup"]),
];

/// A member of the workspace.
#[derive(Debug, Clone)]
pub(super) struct Member {
    name: String,
    uses: Vec<Use>,
}

#[derive(Debug, Clone)]
struct Use {
    name: String,
    in_tests_only: bool,
}

/// The members as `cargo metadata` tells them.
pub(super) fn members(metadata: &Value) -> Result<Vec<Member>> {
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    packages.iter().map(member).collect()
}

fn member(package: &Value) -> Result<Member> {
    let name = package["name"].as_str().context("a package without a name")?.to_owned();
    let dependencies =
        package["dependencies"].as_array().context("a package without dependencies")?;
    let uses = dependencies
        .iter()
        .map(|dependency| {
            let name =
                dependency["name"].as_str().context("a dependency without a name")?.to_owned();
            Ok(Use { name, in_tests_only: dependency["kind"] == "dev" })
        })
        .collect::<Result<_>>()?;
    Ok(Member { name, uses })
}

/// What breaks the floors.
pub(super) fn check(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let Some(room) = ROOMS.iter().find(|room| room.name == member.name) else {
            let message = "this crate has no floor; give it one in xtask/src/tidy/floors.rs and write down why in docs/adr/";
            findings.push(Finding::new(member.name.as_str(), message));
            continue;
        };
        findings.extend(member.uses.iter().filter_map(|used| ours(room, used)));
        findings.extend(member.uses.iter().filter_map(|used| outside(room, used)));
    }
    let gone = ROOMS.iter().filter(|room| !members.iter().any(|member| member.name == room.name));
    findings.extend(gone.map(|room| {
        Finding::new(
            room.name,
            "xtask/src/tidy/floors.rs gives it a floor, but there is no such crate",
        )
    }));
    findings
}

fn ours(room: &Room, used: &Use) -> Option<Finding> {
    let is_ours = ROOMS.iter().any(|other| other.name == used.name);
    // An adapter that runs programs is tested with real ones: its tests put the real port behind it.
    let is_test_help = matches!(used.name.as_str(), TESTKIT | "cc-ci-host") && used.in_tests_only;
    if !is_ours || is_test_help || room.may.contains(&used.name.as_str()) {
        return None;
    }
    let message = if used.name == TESTKIT {
        "it uses cc-ci-testkit outside tests: make it a dev-dependency".to_owned()
    } else {
        let may =
            if room.may.is_empty() { "nothing of ours".to_owned() } else { room.may.join(", ") };
        format!(
            "floor {}, imports {}, but may import {may}: what two rooms share moves down",
            room.floor, used.name
        )
    };
    Some(Finding::new(room.name, message))
}

fn outside(room: &Room, used: &Use) -> Option<Finding> {
    if used.in_tests_only {
        return None;
    }
    if PURE.contains(&room.name) && IMPURE.contains(&used.name.as_str()) {
        let message = format!(
            "is pure and depends on {}: time, chance and facts are arguments; effects go through a port",
            used.name
        );
        return Some(Finding::new(room.name, message));
    }
    let (_, owners) = OWNED.iter().find(|(name, _)| *name == used.name)?;
    (!owners.contains(&room.name)).then(|| {
        Finding::new(
            room.name,
            format!("depends on {}, which belongs to {}", used.name, owners.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::shown;

    /// All rooms without dependencies, but for one.
    fn house(name: &str, uses: &[(&str, bool)]) -> Vec<Member> {
        let uses: Vec<Use> = uses
            .iter()
            .map(|(name, in_tests_only)| Use {
                name: (*name).to_owned(),
                in_tests_only: *in_tests_only,
            })
            .collect();
        ROOMS
            .iter()
            .map(|room| Member {
                name: room.name.to_owned(),
                uses: if room.name == name { uses.clone() } else { Vec::new() },
            })
            .collect()
    }

    #[track_caller]
    fn clean(name: &str, uses: &[(&str, bool)]) {
        assert_eq!(shown(&check(&house(name, uses))), [""; 0]);
    }

    #[track_caller]
    fn found(name: &str, used: &str, in_tests_only: bool, part: &str) {
        let findings = check(&house(name, &[(used, in_tests_only)]));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].message.contains(part), "{}", findings[0]);
    }

    #[test]
    fn imports_go_down() {
        clean("cc-ci-engine", &[(MODEL, false), (CORE, false), ("tokio", false), (TESTKIT, true)]);
        clean("cc-ci", &[("cc-ci-engine", false), ("cc-ci-host", false), ("anyhow", false)]);
        clean("cc-ci-e2e", &[("xtask", false), (TESTKIT, false)]);
        found(MODEL, CORE, false, "may import nothing of ours");
        found("cc-ci-engine", "cc-ci-store", false, "floor 2, imports cc-ci-store");
        found("cc-ci-engine", "cc-ci-store", true, "floor 2, imports cc-ci-store");
        found("cc-ci", TESTKIT, false, "make it a dev-dependency");
        found("cc-ci-report", "cc-ci", true, "imports cc-ci,");
    }

    #[test]
    fn pure_rooms_stay_pure() {
        found(CORE, "tokio", false, "is pure");
        found(MODEL, "rand", false, "is pure");
        clean(CORE, &[("proptest", true), ("tempfile", true)]);
    }

    #[test]
    fn outside_crates_stay_with_their_owners() {
        found("cc-ci-engine", "bollard", false, "belongs to cc-ci-swarm");
        found("cc-ci-store", "anyhow", false, "belongs to cc-ci, xtask");
        clean("cc-ci-store", &[("anyhow", true)]);
    }

    #[test]
    fn every_crate_has_a_floor() {
        let mut members = house(MODEL, &[]);
        members.retain(|member| member.name != "cc-ci-host");
        members.push(Member { name: "cc-ci-new".to_owned(), uses: Vec::new() });
        let findings = shown(&check(&members));
        assert!(findings[0].starts_with("cc-ci-new: this crate has no floor"), "{findings:?}");
        assert!(findings[1].starts_with("cc-ci-host: xtask/src/tidy/floors.rs"), "{findings:?}");
    }

    #[test]
    fn members_are_read_from_cargo_metadata() {
        let metadata = serde_json::json!({ "packages": [{ "name": "cc-ci-core", "dependencies": [
            { "name": "cc-ci-model", "kind": null }, { "name": "proptest", "kind": "dev" },
        ] }] });
        let members = members(&metadata).unwrap();
        assert_eq!(members[0].name, "cc-ci-core");
        assert!(!members[0].uses[0].in_tests_only);
        assert!(members[0].uses[1].in_tests_only);
    }
}
