//! A plan as `cc-ci plan` prints it: what would happen, why, and what the upgrade changes.
//!
//! Tests: at the end of this file.

use cc_ci_model::host::{HostFacts, Tried};
use cc_ci_model::integrity::RestoreMode;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{
    BaseChoice, Doing, Finding, HttpGate, Plan, PlannedApp, PlannedTest, TestsFrom,
};

use crate::upgrade::{changes, step};
use crate::words;

/// The plan, with a line break at the end.
pub fn text(plan: &Plan) -> String {
    let mut page = Page::default();
    heading(&mut page, plan);
    stages(&mut page, plan);
    page.list("host", host(&plan.host).into_iter());
    page.list("apps", plan.apps.iter().map(app));
    page.list("ready when it answers", plan.gate.iter().map(gate));
    let changes = plan.difference.iter().flat_map(changes);
    page.list("the upgrade changes", changes);
    page.list("an operator has to", plan.operator_steps.iter().map(step));
    let markers = plan.markers.iter().map(|marker| {
        format!("volume {}, through {} of service {}", marker.volume, marker.target, marker.service)
    });
    let values = values(plan);
    page.list("markers", markers.chain(values));
    page.list("backup", backup(plan).into_iter());
    page.list("tests", plan.tests.iter().map(test));
    page.list("images", images(plan).into_iter());
    let adapted = plan.adaptations.iter().map(|one| format!("{}: {}", one.subject, one.why));
    page.list("changed for this host", adapted);
    page.list("warnings", plan.warnings.iter().map(warning));
    page.list("time limits", limits(plan).into_iter());
    page.text
}

/// Values in databases and the like: those of the head, and of the base what the head lacks.
fn values(plan: &Plan) -> Vec<String> {
    let data = &plan.data;
    let only_base =
        data.base.iter().filter(|old| data.head.iter().all(|marker| marker.name != old.name));
    let of_base =
        only_base.map(|marker| format!("{}, of the base only: {}", marker.name, marker.why));
    let of_head = data.head.iter().map(|marker| format!("{}: {}", marker.name, marker.why));
    of_head.chain(of_base).collect()
}

/// What was found out about the ways to an app (PLAN-1).
fn host(host: &HostFacts) -> [String; 3] {
    let told = |tried: Tried, unknown: &str| match tried {
        Tried::Works => "answer".to_owned(),
        Tried::Fails => "do not answer".to_owned(),
        Tried::Unknown => format!("unknown: {unknown}"),
    };
    [
        format!("docker CLI {}, engine {}", host.cli_version, host.engine_version),
        format!("service VIPs: {}", told(host.vips, "the engine runs on another kernel")),
        format!(
            "task addresses: {}",
            told(
                host.task_addresses,
                "not tried since the host started; `cc-ci doctor` and a run do"
            )
        ),
    ]
}

fn app(app: &PlannedApp) -> String {
    let when = if app.contingent { ", only if the upgrade leaves no head standing" } else { "" };
    format!("{}: {} (stack {}){when}", app.id, app.domain, app.stack)
}

fn gate(gate: &HttpGate) -> String {
    let asked = format!("service {} on port {}, path {}", gate.service, gate.port, gate.path);
    format!("{asked}: {} in a row ({})", gate.successes, gate.why)
}

fn test(test: &PlannedTest) -> String {
    match test.from {
        TestsFrom::Pack | TestsFrom::Recipe => test.name.clone(),
        TestsFrom::Beside => format!("{}, the recipe's own, beside the pack", test.name),
    }
}

fn warning(warning: &Finding) -> String {
    match &warning.place {
        Some(place) => format!("{place}: {}", warning.message),
        None => warning.message.clone(),
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(&words::harmless(line));
        self.text.push('\n');
    }

    fn list(&mut self, title: &str, items: impl Iterator<Item = String>) {
        for (place, item) in items.enumerate() {
            if place == 0 {
                self.line("");
                self.line(title);
            }
            self.line(&format!("  {item}"));
        }
    }
}

fn heading(page: &mut Page, plan: &Plan) {
    let head = &plan.head;
    let version = head.version.as_deref().unwrap_or("no version");
    page.line(&format!("{} at {} ({version})", plan.recipe, head.commit.short()));
    if let Some(clean) = &head.dirty_of {
        page.line(&format!("  a working copy with changes, on top of {}", clean.short()));
    }
    match &plan.base {
        BaseChoice::Release(base) => {
            page.line(&format!(
                "  base: {} at {}: {}",
                base.version,
                base.commit.short(),
                base.why
            ));
        }
        BaseChoice::None { why } => page.line(&format!("  base: none: {why}")),
    }
    page.line(&format!("  engine: {} {}, ingress: direct", plan.engine.name, plan.engine.version));
}

fn stages(page: &mut Page, plan: &Plan) {
    let lines = plan.stages.iter().map(|planned| match &planned.doing {
        Doing::Run => format!("{:<11} runs", planned.stage.as_str()),
        Doing::Not { outcome } => {
            let status = words::status(outcome.status());
            format!("{:<11} {status}{}", planned.stage.as_str(), because(outcome))
        }
    });
    page.list("stages", lines);
}

fn because(outcome: &Outcome) -> String {
    match (outcome, outcome.reason()) {
        (Outcome::Blocked { by }, _) => format!(": by {by}"),
        (_, Some(reason)) => format!(": {reason}"),
        (_, None) => String::new(),
    }
}

fn images(plan: &Plan) -> Vec<String> {
    let base = match &plan.base {
        BaseChoice::Release(base) => base.declared.services.as_slice(),
        BaseChoice::None { .. } => &[],
    };
    let all = base.iter().chain(&plan.head.declared.services).map(|service| service.image.clone());
    let mut all: Vec<String> = all.collect();
    all.sort();
    all.dedup();
    all
}

fn backup(plan: &Plan) -> Vec<String> {
    let spec = &plan.backup;
    let mut lines: Vec<String> = spec
        .volumes
        .iter()
        .map(|volume| match volume.paths.as_slice() {
            [] => format!("volume {}", volume.volume),
            paths => format!("volume {}: {}", volume.volume, paths.join(", ")),
        })
        .collect();
    lines.extend(
        spec.excluded.iter().map(|out| format!("not volume {}: {}", out.volume, out.reason)),
    );
    lines.extend(spec.hooks.iter().map(|hook| {
        format!("{} of service {}: {}", hook.when.label(), hook.service, hook.command)
    }));
    lines.extend(spec.problems.clone());
    if spec.labelled.is_empty() {
        return lines;
    }
    let verify = plan.backup_checks.verify.iter();
    lines.extend(verify.map(|verify| {
        format!("verified in service {}: {}", verify.service, verify.command.join(" "))
    }));
    let expect = plan.backup_checks.expect.iter();
    lines.extend(expect.map(|path| format!("expected in the snapshot: {path}")));
    lines.push(match plan.restore_mode {
        RestoreMode::InPlace => "restored in place".to_owned(),
        RestoreMode::Disaster => {
            "restored after a disaster: the app is undeployed, its volumes are deleted, it is deployed anew with the same secrets"
                .to_owned()
        }
    });
    lines
}

fn limits(plan: &Plan) -> Vec<String> {
    let budgets = &plan.budgets;
    let named = [
        ("images", budgets.images_ms),
        ("deploy", budgets.deploy_ms),
        ("upgrade", budgets.upgrade_ms),
        ("backup", budgets.backup_ms),
        ("restore", budgets.restore_ms),
        ("one test", budgets.test_ms),
        ("teardown", budgets.teardown_ms),
    ];
    let all = named.iter().map(|(name, ms)| format!("{name}: {}", words::duration(*ms)));
    let down = plan.downtime_budget_ms;
    let down = down.map(|ms| format!("down while upgraded: {}", words::duration(ms)));
    all.chain(down).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cc_ci_testkit::{PlanBuilder, service, stack};

    #[test]
    fn a_plan_is_read_from_top_to_bottom() {
        let base = stack([service("app").routed(80), service("db").volume("data", "/data")]);
        let head = stack([service("app").routed(80)]);
        let plan = PlanBuilder::new(head).base(base).build();
        assert_eq!(text(&plan), PLAN);
    }

    const PLAN: &str = "\
recipe at aaaaaaaa (1.1.0+1.1)
  base: 1.0.0+1.0 at aaaaaaaa: the newest release before the head
  engine: native 0.0.0, ingress: direct

stages
  install     runs
  upgrade     runs
  backup      skipped: not selected
  restore     skipped: not selected
  functional  skipped: not selected

host
  docker CLI 28.2.2, engine 20.10.24
  service VIPs: answer
  task addresses: answer

apps
  fresh: recipe-0a1b2c.ccci.test (stack recipe-0a1b2c_ccci_test)
  upgraded: recipe-3d4e5f.ccci.test (stack recipe-3d4e5f_ccci_test)

ready when it answers
  service app on port 80, path /: 2 in a row (its router label)

the upgrade changes
  service db: no longer defined; it stays running until somebody removes it
  volume data: gone

markers
  volume data, through /data of service db

images
  registry.test/app:1.0.0
  registry.test/db:1.0.0

time limits
  images: 15 min
  deploy: 10 min
  upgrade: 10 min
  backup: 5 min
  restore: 10 min
  one test: 1 min
  teardown: 5 min
";
}
