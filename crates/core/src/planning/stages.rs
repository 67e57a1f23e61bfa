//! Which stages a run goes through (PLAN-6).

use std::collections::BTreeSet;
use std::str::FromStr;

use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{Doing, PlannedStage};
use cc_ci_model::stage::Stage;

use super::upgrade::BaseSearch;

/// Stages a user can ask for.
const CHOOSABLE: [Stage; 5] =
    [Stage::Install, Stage::Upgrade, Stage::Backup, Stage::Restore, Stage::Functional];

/// The stages asked for, with those they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageChoice {
    chosen: BTreeSet<Stage>,
    added: BTreeSet<Stage>,
}

/// A word that is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no stage: choose from install, upgrade, backup, restore, functional")]
pub struct StageNameError {
    /// The word.
    pub word: String,
}

impl Default for StageChoice {
    fn default() -> Self {
        Self { chosen: CHOOSABLE.into(), added: BTreeSet::new() }
    }
}

impl FromStr for StageChoice {
    type Err = StageNameError;

    fn from_str(text: &str) -> Result<Self, StageNameError> {
        let mut asked = BTreeSet::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let stage = CHOOSABLE.into_iter().find(|stage| stage.as_str() == word);
            asked.insert(stage.ok_or_else(|| StageNameError { word: word.to_owned() })?);
        }
        let mut chosen = asked.clone();
        chosen.insert(Stage::Install);
        if asked.contains(&Stage::Restore) {
            chosen.insert(Stage::Backup);
        }
        let added = chosen.difference(&asked).copied().collect();
        Ok(Self { chosen, added })
    }
}

impl StageChoice {
    /// Whether the stage is part of the run.
    pub fn has(&self, stage: Stage) -> bool {
        self.chosen.contains(&stage)
    }

    /// Stages nobody asked for by name, but which those need.
    pub fn added(&self) -> impl Iterator<Item = Stage> {
        self.added.iter().copied()
    }

    /// Whether an essential stage is left out.
    pub fn is_partial(&self) -> bool {
        CHOOSABLE.into_iter().any(|stage| !self.has(stage))
    }
}

/// What decides which stages run.
#[expect(clippy::struct_excessive_bools, reason = "facts that do not exclude each other")]
pub(super) struct Fitness<'a> {
    /// Why the head can not be installed.
    pub(super) unfit: Option<&'a Outcome>,
    /// The base.
    pub(super) base: &'a BaseSearch,
    /// The version of the docker CLI that deploys.
    pub(super) cli: &'a str,
    /// The head is installed from nothing, too.
    pub(super) fresh_head: bool,
    /// The head's labels ask for a backup.
    pub(super) has_backup: bool,
    /// There are tests.
    pub(super) has_tests: bool,
    /// The recipe carries tests beside the pack that was given.
    pub(super) has_tests_beside: bool,
}

/// What is to become of each stage.
pub(super) fn planned(choice: &StageChoice, fitness: &Fitness<'_>) -> Vec<PlannedStage> {
    let doing = |stage| match (fitness.unfit, stage) {
        (_, stage) if !choice.has(asked_as(stage)) => not_selected(),
        (Some(outcome), Stage::Install) => Doing::Not { outcome: outcome.clone() },
        (Some(_), _) => Doing::Not { outcome: Outcome::Blocked { by: Stage::Install.to_string() } },
        (None, Stage::Install) if !fitness.fresh_head => Doing::Not { outcome: stands_in() },
        (None, Stage::Upgrade) => fitness.base.doing(fitness.cli),
        (None, Stage::Backup | Stage::Restore) if !fitness.has_backup => {
            skipped("no service has the label `backupbot.backup=true`")
        }
        (None, Stage::Functional) if !fitness.has_tests => skipped("the pack has no tests"),
        (None, _) => Doing::Run,
    };
    let beside = fitness.has_tests_beside.then_some(Stage::RecipeLocal);
    let stages = CHOOSABLE.into_iter().chain(beside);
    stages.map(|stage| PlannedStage { stage, doing: doing(stage) }).collect()
}

/// Who asks for tests asks for all of them.
fn asked_as(stage: Stage) -> Stage {
    if stage == Stage::RecipeLocal { Stage::Functional } else { stage }
}

/// STG-2: without a fresh head.
fn stands_in() -> Outcome {
    let reason = "`fresh_head` is off: the base's install and the upgrade stand for it".to_owned();
    Outcome::Skipped { reason, intended: true }
}

/// Why a stage nobody asked for is skipped; a declaration of the pack does not make it intended.
pub const NOT_SELECTED: &str = "not selected";

pub(super) fn not_selected() -> Doing {
    skipped(NOT_SELECTED)
}

fn skipped(reason: &str) -> Doing {
    Doing::Not { outcome: Outcome::Skipped { reason: reason.to_owned(), intended: false } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, chosen: &[Stage], added: &[Stage]) {
        let choice: StageChoice = text.parse().unwrap();
        assert_eq!(choice.chosen, chosen.iter().copied().collect(), "{text}");
        assert_eq!(choice.added().collect::<Vec<_>>(), added, "{text}");
    }

    #[test]
    fn stages_bring_those_they_need() {
        check("install", &[Stage::Install], &[]);
        check(
            "restore",
            &[Stage::Install, Stage::Backup, Stage::Restore],
            &[Stage::Install, Stage::Backup],
        );
        check(
            "upgrade, functional",
            &[Stage::Install, Stage::Upgrade, Stage::Functional],
            &[Stage::Install],
        );
        assert!("instal".parse::<StageChoice>().is_err());
        assert!("teardown".parse::<StageChoice>().is_err());
    }
}
