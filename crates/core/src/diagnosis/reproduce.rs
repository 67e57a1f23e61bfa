//! The one line that gives the same again, on any machine with a Swarm (RES-7).

use cc_ci_model::plan::Plan;
use cc_ci_model::stage::Stage;

/// The line, for a POSIX shell. An uncommitted change is in no commit that could be named.
pub(super) fn line(plan: &Plan, stage: Stage) -> String {
    let mut words = vec!["cc-ci".to_owned(), "run".to_owned(), quoted(&plan.source)];
    if plan.head.dirty_of.is_none() {
        words.extend(["--ref".to_owned(), plan.head.commit.to_string()]);
    }
    words.extend(["--stages".to_owned(), asked_for(stage).to_string(), "--keep".to_owned()]);
    words.join(" ")
}

/// The stage to ask for. Some cannot be asked for alone: they come with another one.
fn asked_for(stage: Stage) -> Stage {
    match stage {
        Stage::Install | Stage::Teardown => Stage::Install,
        Stage::Upgrade | Stage::Reinstall => Stage::Upgrade,
        Stage::Backup | Stage::Restore => stage,
        Stage::Functional | Stage::RecipeLocal => Stage::Functional,
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
