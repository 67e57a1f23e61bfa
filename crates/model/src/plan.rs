//! What a run is going to do, complete before anything is created (PLAN-1).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::backup::BackupSpec;
use crate::compose::DeclaredStack;
use crate::difference::{Difference, OperatorStep};
use crate::host::HostFacts;
use crate::integrity::{BackupChecks, RestoreMode};
use crate::marker::PlannedData;
use crate::name::{AppDomain, AppId, CommitSha, ComposeName, RecipeName, RunId, StackName};
use crate::outcome::Outcome;
use crate::stage::{Rung, Stage};
use crate::version::RecipeVersion;

mod of_pack;

pub use of_pack::{PlannedOverlay, PlannedTest, TestsFrom};

/// A run, decided. Recorded whole as the first event, so that the log alone can be judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "four choices that do not exclude each other")]
pub struct Plan {
    /// The run.
    pub run_id: RunId,
    /// The recipe.
    pub recipe: RecipeName,
    /// Where it was taken from, as asked for.
    pub source: String,
    /// The commit under test.
    pub head: Head,
    /// The release the upgrade starts from, or why there is none.
    pub base: BaseChoice,
    /// How apps are deployed.
    pub engine: EngineId,
    /// How apps are reached.
    pub ingress: Ingress,
    /// The host it was planned for.
    pub host: HostFacts,
    /// What the upgrade changes, from base to head; `None` without a base.
    pub difference: Option<Difference>,
    /// What an operator has to do by hand when upgrading.
    pub operator_steps: Vec<OperatorStep>,
    /// Data planted before the upgrade, one for each named volume of the base.
    pub markers: Vec<PlannedMarker>,
    /// Data planted in databases and the like.
    #[serde(default, skip_serializing_if = "PlannedData::is_empty")]
    pub data: PlannedData,
    /// What the head's labels say of its backup.
    pub backup: BackupSpec,
    /// What the pack asks of the backup besides.
    #[serde(default, skip_serializing_if = "BackupChecks::is_empty")]
    pub backup_checks: BackupChecks,
    /// How the restore is proven; in place when it is absent.
    #[serde(default, skip_serializing_if = "RestoreMode::is_in_place")]
    pub restore_mode: RestoreMode,
    /// Tests of the pack, in the order in which they run.
    pub tests: Vec<PlannedTest>,
    /// The apps it may create, in order.
    pub apps: Vec<PlannedApp>,
    /// What it will do, in order, and what it will not.
    pub stages: Vec<PlannedStage>,
    /// Variables the pack sets in every app's env.
    pub env: BTreeMap<String, String>,
    /// Further compose files of the recipe that the pack asks for.
    #[serde(default)]
    pub compose: Vec<String>,
    /// Compose files of the pack.
    #[serde(default)]
    pub overlays: Vec<PlannedOverlay>,
    /// Secrets whose values the pack gives, by their names in the compose files.
    #[serde(default)]
    pub given_secrets: BTreeSet<ComposeName>,
    /// Variables the pack sets for the head of an upgrade (`[upgrade] env`).
    pub upgrade_env: BTreeMap<String, String>,
    /// Rungs the pack declares not to apply, with the reason.
    pub expected_na: BTreeMap<Rung, String>,
    /// What readiness means; `None` only when nothing is going to be installed.
    pub gate: Option<HttpGate>,
    /// Time limits.
    pub budgets: Budgets,
    /// How long the app may be down while it is upgraded, milliseconds (`upgrade.downtime_budget`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downtime_budget_ms: Option<u64>,
    /// What cc-ci has to change about the recipe on this host.
    pub adaptations: Vec<Adaptation>,
    /// What the recipe itself should be warned about.
    pub warnings: Vec<Finding>,
    /// The head is installed from nothing, as an app of its own. Otherwise the upgrade stands for
    /// the install too.
    pub fresh_head: bool,
    /// The fresh head is installed while the base is installed and upgraded, not before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
    /// Not every essential stage was asked for.
    pub partial: bool,
    /// The last app stays when the run is over.
    pub keep: bool,
    /// A pass below this level is not good enough (`--require-level`).
    pub require_level: Option<u8>,
}

/// The commit under test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Head {
    /// The ref that was asked for, or what stands for it (`HEAD`).
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit.
    pub commit: CommitSha,
    /// Its version: its tag, else the label of service `app`.
    pub version: Option<String>,
    /// The commit a dirty working copy was based on; `commit` is then synthetic.
    pub dirty_of: Option<CommitSha>,
    /// What it declares for an app installed from nothing.
    pub declared: DeclaredStack,
    /// The stack whose name is in `declared`.
    pub declared_for: StackName,
    /// What it declares for the app that is upgraded to it: that one keeps its env file.
    pub declared_upgraded: Option<DeclaredStack>,
    /// Its compose files, in merge order.
    pub compose_files: Vec<String>,
}

/// The release an upgrade starts from, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "choice", rename_all = "snake_case")]
pub enum BaseChoice {
    /// This release.
    Release(Box<Base>),
    /// None.
    None {
        /// Why.
        why: String,
    },
}

/// The release an upgrade starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Base {
    /// Its version.
    pub version: RecipeVersion,
    /// Its commit.
    pub commit: CommitSha,
    /// Why this one.
    pub why: String,
    /// What it declares.
    pub declared: DeclaredStack,
    /// Its compose files, in merge order.
    pub compose_files: Vec<String>,
}

/// Data planted to prove that data survives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedMarker {
    /// The volume's compose name.
    pub volume: ComposeName,
    /// The volume's name in Docker.
    pub object: String,
    /// The service through whose mount it is planted.
    pub service: ComposeName,
    /// Where that service mounts the volume.
    pub target: String,
}

/// Which of the two revisions of a run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Revision {
    /// The release people run today.
    Base,
    /// The commit under test.
    Head,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Revision::Base => "base",
            Revision::Head => "head",
        })
    }
}

/// How apps are deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EngineId {
    /// `native`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How apps are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ingress {
    /// Straight to the task's own address, without a proxy.
    Direct,
}

/// One deployment of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedApp {
    /// Its id in this run.
    pub id: AppId,
    /// What it is for.
    pub role: AppRole,
    /// Its domain.
    pub domain: AppDomain,
    /// Its stack.
    pub stack: StackName,
    /// The network that stands for every external network of the recipe.
    pub network: String,
    /// How often its spec is submitted; a restore after a disaster submits it once more.
    pub deploys: u32,
    /// It is deployed only if the upgrade leaves no head standing.
    pub contingent: bool,
}

/// What an app is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppRole {
    /// The head, installed from nothing.
    Fresh,
    /// The base, upgraded to the head.
    Upgraded,
}

/// A stage of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlannedStage {
    /// The stage.
    pub stage: Stage,
    /// What is to become of it.
    pub doing: Doing,
}

/// What is to become of a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "doing", rename_all = "snake_case")]
pub enum Doing {
    /// It runs.
    Run,
    /// It does not run, and this is what is said of it.
    Not {
        /// Skipped or unverified, with the reason.
        outcome: Outcome,
    },
}

/// What readiness over HTTP means (CONV-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HttpGate {
    /// The service that answers.
    pub service: ComposeName,
    /// The port it answers on, in the container.
    pub port: u16,
    /// How that service and port were found.
    pub why: String,
    /// The path asked for.
    pub path: String,
    /// Statuses that count as an answer; redirects within the domain are followed first.
    pub statuses: BTreeSet<u16>,
    /// Successes in a row that are needed.
    pub successes: u32,
    /// Milliseconds between two requests.
    pub interval_ms: u64,
    /// An unknown path has to be answered with 404.
    pub not_found: bool,
}

/// Time limits, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Budgets {
    /// Making one revision's images present.
    pub images_ms: u64,
    /// Installing: deploy, converge and ready together.
    pub deploy_ms: u64,
    /// Upgrading: deploy, converge and ready together.
    pub upgrade_ms: u64,
    /// Taking a backup: every attempt, from the first marker on. The first wait for the stack to
    /// settle has as long before it, at most five minutes.
    pub backup_ms: u64,
    /// Restoring: hooks, restart, converge and ready together; after a disaster a new install too.
    pub restore_ms: u64,
    /// One test.
    pub test_ms: u64,
    /// Removing one app.
    pub teardown_ms: u64,
    /// A stack must hold still this long before it counts as converged.
    pub stability_ms: u64,
}

/// A change cc-ci makes to what the recipe says, because of this host or ingress.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Adaptation {
    /// What kind of change.
    pub kind: AdaptationKind,
    /// What it is made to.
    pub subject: String,
    /// Why.
    pub why: String,
}

/// Kinds of [`Adaptation`].
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AdaptationKind {
    /// An external network is mapped to one of the run.
    Network,
    /// A service gets `endpoint_mode: dnsrr`.
    EndpointMode,
    /// Ports a service publishes through the ingress mesh get `mode: host`, and its updates stop
    /// the old task first.
    HostPorts,
}

/// Something a reader should know that decides nothing by itself.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Finding {
    /// A stable word for it, e.g. `update_paused`.
    pub code: String,
    /// The sentence.
    pub message: String,
    /// What it is about.
    pub place: Option<String>,
}

impl Finding {
    /// A finding.
    pub fn new(code: &str, message: impl Into<String>, place: Option<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), place }
    }
}

impl Plan {
    /// What a revision declares for an app of that role; `None` for the base of a run that has
    /// none.
    pub fn declared(&self, role: AppRole, revision: Revision) -> Option<&DeclaredStack> {
        match (revision, role, &self.base) {
            (Revision::Head, AppRole::Fresh, _) => Some(&self.head.declared),
            (Revision::Head, AppRole::Upgraded, _) => self.head.declared_upgraded.as_ref(),
            (Revision::Base, _, BaseChoice::Release(base)) => Some(&base.declared),
            (Revision::Base, _, BaseChoice::None { .. }) => None,
        }
    }

    /// The tests a stage runs, in order.
    pub fn tests_of(&self, stage: Stage) -> impl Iterator<Item = &PlannedTest> {
        self.tests.iter().filter(move |test| match test.from {
            TestsFrom::Pack | TestsFrom::Recipe => stage == Stage::Functional,
            TestsFrom::Beside => stage == Stage::RecipeLocal,
        })
    }

    /// The app of that id.
    pub fn app(&self, id: &AppId) -> Option<&PlannedApp> {
        self.apps.iter().find(|app| app.id == *id)
    }

    /// What the plan says about a stage.
    pub fn doing(&self, stage: Stage) -> Option<&Doing> {
        self.stages.iter().find(|planned| planned.stage == stage).map(|planned| &planned.doing)
    }
}
