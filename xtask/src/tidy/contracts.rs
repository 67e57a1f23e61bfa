//! Every port has a contract, and both the fake and an adapter are held to it.
//!
//! Read from the text: a `pub trait` in `core::ports`, `contract!(Port: …)` in a module of
//! `testkit::contract`, and a call of that module's `check` in the tests of either side. That all
//! cases of it ran is `check`'s own business.

use super::{Finding, Texts};

const PORTS: &str = "crates/core/src/ports/";
const CONTRACTS: &str = "crates/testkit/src/contract/";

/// Who hears of something and answers nothing: there is nothing to hold it to. That a [`ChildLog`]
/// is told is part of the contract of `Commands`.
///
/// [`ChildLog`]: the log of child processes in `core::ports`
const LISTENERS: [&str; 2] = ["ChildLog", "Listener"];

pub(super) fn check(texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| path.starts_with(PORTS)) {
        for port in ports(&text.content).filter(|port| !LISTENERS.contains(port)) {
            findings.extend(lacks(port, texts).map(|what| Finding::new(path, what)));
        }
    }
    findings
}

/// The ports a file declares.
fn ports(content: &str) -> impl Iterator<Item = &str> {
    let declared = content.lines().filter_map(|line| line.strip_prefix("pub trait "));
    declared.filter_map(|rest| rest.split([':', ' ', '<', '{']).next())
}

/// What a port lacks.
fn lacks(port: &str, texts: &Texts) -> Option<String> {
    let head = format!("contract!({port}:");
    let mut modules = texts.iter().filter(|(path, _)| path.starts_with(CONTRACTS));
    let Some((path, _)) = modules.find(|(_, text)| text.content.contains(&head)) else {
        return Some(format!("the port {port} has no contract: write `{CONTRACTS}…` for it"));
    };
    let module = path.rsplit('/').next()?.strip_suffix(".rs")?;
    let call = format!("{module}::check(");
    let is_kept = |folder: &str| {
        let mut tests = texts.iter().filter(|(path, _)| path.starts_with(folder));
        tests.any(|(path, text)| path.contains("/tests/") && text.content.contains(&call))
    };
    let side = [("fake", "crates/testkit/"), ("adapter", "crates/adapters/")]
        .into_iter()
        .find(|(_, folder)| !is_kept(folder))?;
    let (who, folder) = side;
    Some(format!("no {who} is held to the contract of {port}: call `{call}…)` below `{folder}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, texts_of};

    const PORT: (&str, &str) =
        ("crates/core/src/ports/a.rs", "#[x]\npub trait Doors: Send {\npub trait Listener {\n");
    const CONTRACT: (&str, &str) =
        ("crates/testkit/src/contract/door.rs", "super::contract!(Doors: [\n");
    const FAKE: (&str, &str) = ("crates/testkit/tests/it/c.rs", "contract::door::check(x)");
    const REAL: (&str, &str) = ("crates/adapters/x/tests/it/c.rs", "contract::door::check(x)");

    #[track_caller]
    fn found(files: &[(&str, &str)], part: &str) {
        let findings = shown(&check(&texts_of(files)));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("crates/core/src/ports/a.rs: "), "{findings:?}");
        assert!(findings[0].contains(part), "{findings:?}");
    }

    #[test]
    fn a_port_comes_with_a_contract_that_both_sides_keep() {
        assert_eq!(shown(&check(&texts_of(&[PORT, CONTRACT, FAKE, REAL]))), [""; 0]);
        found(&[PORT, FAKE, REAL], "the port Doors has no contract");
        found(&[PORT, CONTRACT, REAL], "no fake is held to the contract of Doors");
        found(&[PORT, CONTRACT, FAKE], "no adapter is held to the contract of Doors");
        let elsewhere = ("crates/adapters/x/src/c.rs", "door::check(x)");
        found(&[PORT, CONTRACT, FAKE, elsewhere], "no adapter is held");
        let other = ("crates/testkit/src/contract/door.rs", "super::contract!(DoorsToo: [\n");
        found(&[PORT, other, FAKE, REAL], "has no contract");
    }
}
