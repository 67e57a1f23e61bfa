//! Plans in a few words.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_core::backup_labels::backup_spec;
use cc_ci_core::data_markers::found;
use cc_ci_core::difference::difference;
use cc_ci_core::planning::markers;
use cc_ci_model::backup::BackupSpec;
use cc_ci_model::host::{HostFacts, SwarmRole, Tried};
use cc_ci_model::integrity::{BackupChecks, RestoreMode};
use cc_ci_model::marker::PlannedData;
use cc_ci_model::name::{AppId, CommitSha, StackName};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{
    Adaptation, AdaptationKind, AppRole, Base, BaseChoice, Budgets, Doing, EngineId, Head,
    HttpGate, Ingress, Plan, PlannedApp, PlannedStage, PlannedTest, TestsFrom,
};
use cc_ci_model::stage::{Rung, Stage};

use super::stack::{StackBuilder, compose_name, service, stack};

/// A plan that installs one routed service, `app`, and does nothing else.
pub fn minimal_plan() -> Plan {
    PlanBuilder::new(stack([service("app").routed(80)])).build()
}

/// A plan that installs a routed service `app` and its database `db`.
pub fn two_service_plan() -> Plan {
    PlanBuilder::new(stack([service("app").routed(80), service("db").volume("data", "/data")]))
        .build()
}

/// An app id.
///
/// # Panics
/// When it is none.
pub fn app_id(text: &str) -> AppId {
    text.parse().expect("tests use valid app ids")
}

/// The commit of the head of every built plan.
///
/// # Panics
/// Never: it is a valid id.
pub fn head_commit() -> CommitSha {
    "aaaaaaaabbbbbbbbccccccccdddddddd00000001".parse().expect("a commit id")
}

/// The commit of the base of every built plan.
///
/// # Panics
/// Never: it is a valid id.
pub fn base_commit() -> CommitSha {
    "aaaaaaaabbbbbbbbccccccccdddddddd00000002".parse().expect("a commit id")
}

/// Builds a [`Plan`]; what is not said is as in a run that only installs.
#[derive(Debug, Clone)]
pub struct PlanBuilder {
    head: StackBuilder,
    base: Option<StackBuilder>,
    later: Vec<Stage>,
    not: BTreeMap<Stage, Outcome>,
    tests: Vec<PlannedTest>,
    change: Vec<fn(&mut Plan)>,
}

impl PlanBuilder {
    /// Installs that head.
    pub fn new(head: StackBuilder) -> Self {
        Self {
            head,
            base: None,
            later: Vec::new(),
            not: BTreeMap::new(),
            tests: Vec::new(),
            change: Vec::new(),
        }
    }

    /// Upgrades from that base too.
    #[must_use]
    pub fn base(mut self, base: StackBuilder) -> Self {
        self.base = Some(base);
        self
    }

    /// Runs a later stage too.
    #[must_use]
    pub fn run(mut self, stage: Stage) -> Self {
        self.later.push(stage);
        self
    }

    /// Runs a test of the pack, and the functional stage with it.
    #[must_use]
    pub fn test(mut self, name: &str) -> Self {
        self.tests.push(PlannedTest { name: name.to_owned(), from: TestsFrom::Pack });
        self.run(Stage::Functional)
    }

    /// Runs a test that the recipe carries beside the pack, and the stage of those with it.
    #[must_use]
    pub fn own_test(mut self, name: &str) -> Self {
        self.tests.push(PlannedTest { name: name.to_owned(), from: TestsFrom::Beside });
        self.run(Stage::RecipeLocal)
    }

    /// A stage that does not run, and what is said of it.
    #[must_use]
    pub fn not(mut self, stage: Stage, outcome: Outcome) -> Self {
        self.not.insert(stage, outcome);
        self
    }

    /// Any other change.
    #[must_use]
    pub fn with(mut self, change: fn(&mut Plan)) -> Self {
        self.change.push(change);
        self
    }

    /// The plan.
    ///
    /// # Panics
    /// Never: every name in it is valid.
    pub fn build(&self) -> Plan {
        let mut plan = self.bare();
        plan.adaptations = adaptations(&plan);
        plan.backup = backup_spec(&plan.head.declared);
        plan.data.head = found(&plan.head.declared);
        plan.tests.clone_from(&self.tests);
        if let BaseChoice::Release(base) = &plan.base {
            plan.difference = Some(difference(&base.declared, &plan.head.declared));
            plan.markers = markers(&base.declared);
            plan.data.base = found(&base.declared);
        }
        for change in &self.change {
            change(&mut plan);
        }
        plan
    }

    /// The plan without what follows from what it declares.
    fn bare(&self) -> Plan {
        let apps = self.apps();
        let first = apps[0].stack.clone();
        Plan {
            run_id: "20261124T053000-recipe-0a1b2c".parse().expect("a run id"),
            recipe: "recipe".parse().expect("a recipe name"),
            source: "recipe".into(),
            head: self.planned_head(&first),
            base: self.planned_base(&first),
            engine: EngineId { name: "native".into(), version: "0.0.0".into() },
            ingress: Ingress::Direct,
            host: host_facts(),
            apps,
            stages: self.stages(),
            difference: None,
            operator_steps: Vec::new(),
            markers: Vec::new(),
            data: PlannedData::default(),
            backup: BackupSpec::default(),
            backup_checks: BackupChecks::default(),
            restore_mode: RestoreMode::InPlace,
            tests: Vec::new(),
            env: BTreeMap::new(),
            compose: Vec::new(),
            overlays: Vec::new(),
            given_secrets: BTreeSet::new(),
            upgrade_env: BTreeMap::new(),
            expected_na: BTreeMap::<Rung, String>::new(),
            gate: Some(gate()),
            budgets: budgets(),
            downtime_budget_ms: None,
            adaptations: Vec::new(),
            warnings: Vec::new(),
            fresh_head: true,
            beside: false,
            partial: false,
            keep: false,
            require_level: None,
        }
    }

    /// What the head is built from.
    pub fn head_stack(&self) -> &StackBuilder {
        &self.head
    }

    /// What the base is built from.
    pub fn base_stack(&self) -> Option<&StackBuilder> {
        self.base.as_ref()
    }

    fn apps(&self) -> Vec<PlannedApp> {
        let mut apps = vec![app("fresh", AppRole::Fresh, "0a1b2c", 1)];
        if self.base.is_some() {
            apps.push(app("upgraded", AppRole::Upgraded, "3d4e5f", 2));
        }
        if self.base.is_some() && !self.later.is_empty() {
            apps.push(PlannedApp { contingent: true, ..app("again", AppRole::Fresh, "6a7b8c", 1) });
        }
        apps
    }

    fn planned_head(&self, stack: &StackName) -> Head {
        Head {
            reference: "HEAD".into(),
            commit: head_commit(),
            version: Some("1.1.0+1.1".into()),
            dirty_of: None,
            declared: self.head.declared(stack),
            declared_for: stack.clone(),
            declared_upgraded: self.base.as_ref().map(|_| self.head.declared(stack)),
            compose_files: vec!["compose.yml".into()],
        }
    }

    fn planned_base(&self, stack: &StackName) -> BaseChoice {
        match &self.base {
            None => BaseChoice::None { why: "no earlier release".into() },
            Some(base) => BaseChoice::Release(Box::new(Base {
                version: "1.0.0+1.0".parse().expect("a version"),
                commit: base_commit(),
                why: "the newest release before the head".into(),
                declared: base.declared(stack),
                compose_files: vec!["compose.yml".into()],
            })),
        }
    }

    fn stages(&self) -> Vec<PlannedStage> {
        let doing = |stage| {
            let runs = match stage {
                Stage::Install => true,
                Stage::Upgrade => self.base.is_some(),
                other => self.later.contains(&other),
            };
            match self.not.get(&stage) {
                Some(outcome) => Doing::Not { outcome: outcome.clone() },
                None if runs => Doing::Run,
                None => Doing::Not {
                    outcome: Outcome::Skipped { reason: "not selected".into(), intended: false },
                },
            }
        };
        let stages =
            [Stage::Install, Stage::Upgrade, Stage::Backup, Stage::Restore, Stage::Functional];
        let beside = self.later.contains(&Stage::RecipeLocal).then_some(Stage::RecipeLocal);
        stages
            .into_iter()
            .chain(beside)
            .map(|stage| PlannedStage { stage, doing: doing(stage) })
            .collect()
    }
}

fn app(id: &str, role: AppRole, hex: &str, deploys: u32) -> PlannedApp {
    let domain: cc_ci_model::name::AppDomain =
        format!("recipe-{hex}.ccci.test").parse().expect("a domain");
    let stack = domain.stack().expect("a stack name");
    let network = format!("{stack}_cc-ci");
    PlannedApp { id: app_id(id), role, domain, stack, network, deploys, contingent: false }
}

fn gate() -> HttpGate {
    HttpGate {
        service: compose_name("app"),
        port: 80,
        why: "its router label".into(),
        path: "/".into(),
        statuses: [200, 204, 401].into(),
        successes: 2,
        interval_ms: 500,
        not_found: false,
    }
}

fn budgets() -> Budgets {
    Budgets {
        images_ms: 900_000,
        deploy_ms: 600_000,
        upgrade_ms: 600_000,
        backup_ms: 300_000,
        restore_ms: 600_000,
        test_ms: 60_000,
        teardown_ms: 300_000,
        stability_ms: 3000,
    }
}

/// A manager whose VIPs answer and whose tasks are reached.
pub fn host_facts() -> HostFacts {
    HostFacts {
        capacity: None,
        engine_id: "ENGINE".into(),
        engine_version: "20.10.24".into(),
        api_version: "1.41".into(),
        cli_version: "28.2.2".into(),
        swarm: SwarmRole::Manager,
        vips: Tried::Works,
        task_addresses: Tried::Works,
        volume_root: None,
    }
}

fn adaptations(plan: &Plan) -> Vec<Adaptation> {
    let external = plan.head.declared.networks.iter().filter(|network| network.external);
    let adapted = external.map(|network| Adaptation {
        kind: AdaptationKind::Network,
        subject: network.name.to_string(),
        why: "`direct` ingress needs no proxy".into(),
    });
    adapted.collect()
}
