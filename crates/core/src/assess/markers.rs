//! Markers (STG-9): planted in every named volume, found again after the upgrade through the
//! mounts of the tasks that run then. A renamed volume still exists; only a mount tells.

use cc_ci_model::backup::BackupSpec;
use cc_ci_model::evidence::{Act, Evidence, MarkerSeen};
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::{AppRole, Finding, Revision};

use crate::backup_labels::backup_spec;
use crate::text::count;

use super::{Assessment, Check, Context, storage};

/// A marker that can not be planted proves nothing: unverified, never passed.
pub(super) fn assess_planted(context: Context<'_>, markers: &[MarkerSeen]) -> Assessment {
    let mut assessment = Assessment::default();
    for planned in &context.plan.markers {
        let volume = planned.volume.as_str();
        let seen = markers.iter().find(|marker| marker.volume == volume);
        let outcome = match seen {
            Some(seen) if stood(seen) => continue,
            Some(seen) => Outcome::unverified(format!(
                "volume {volume} could not be marked: {}",
                seen.problem.as_deref().unwrap_or("what was read back is not what was written")
            )),
            None => Outcome::unverified(format!("volume {volume} was not marked")),
        };
        assessment.checks.push(Check::with("plant", outcome));
    }
    if assessment.checks.is_empty() {
        let detail = match markers.len() {
            0 => "the base has no named volume: there is nothing to lose".to_owned(),
            number => format!("{} marked", count(number, "volume")),
        };
        assessment.checks.push(Check::passed("plant", detail));
    }
    assessment
}

/// Every planted marker must be seen again. What was never there is not lost: that a volume could
/// not be marked is said where it was tried.
pub(super) fn assess_sought(context: Context<'_>, markers: &[MarkerSeen]) -> Assessment {
    let planted = planted(context);
    let mut assessment = Assessment::default();
    let mut found = 0;
    for planned in &context.plan.markers {
        let volume = planned.volume.as_str();
        let nonce = planted.iter().find(|marker| marker.volume == volume);
        if nonce.is_some_and(|marker| !stood(marker)) {
            continue;
        }
        found += 1;
        let seen = markers.iter().find(|marker| marker.volume == volume);
        match judge(context, volume, nonce.map(|marker| &marker.nonce), seen) {
            Sought::There => {}
            Sought::Bad(outcome) => assessment.checks.push(Check::with("markers", outcome)),
            Sought::Replaceable(finding) => assessment.warnings.push(finding),
        }
    }
    if assessment.checks.is_empty() {
        assessment.checks.push(match (found, context.plan.markers.len()) {
            (0, 0) => {
                Check::passed("markers", "the base has no named volume: there was nothing to lose")
            }
            (0, _) => Check::with("markers", Outcome::unverified("no volume could be marked")),
            (number, _) => {
                Check::passed("markers", format!("{} looked for", count(number, "marker")))
            }
        });
    }
    assessment
}

/// Whether a marker was read back as it was written.
fn stood(marker: &MarkerSeen) -> bool {
    marker.found.as_ref() == Some(&marker.nonce)
}

enum Sought {
    There,
    Bad(Outcome),
    /// Lost from a volume that the recipe itself does not back up, while it does others.
    Replaceable(Finding),
}

fn judge(
    context: Context<'_>,
    volume: &str,
    nonce: Option<&String>,
    seen: Option<&MarkerSeen>,
) -> Sought {
    let (Some(nonce), Some(seen)) = (nonce, seen) else {
        let why = format!("nobody looked for a marker in volume {volume}");
        return Sought::Bad(Outcome::unverified(why));
    };
    let (spec, data) = (&context.plan.backup, &context.plan.data.base);
    let base = context.plan.declared(AppRole::Upgraded, Revision::Base);
    if base.is_some_and(|base| storage::holds_database(base, spec, data, volume)) {
        return Sought::Bad(Outcome::unverified(format!(
            "volume {volume} holds a database: a file in it proves nothing about its data, and no database marker is declared"
        )));
    }
    if seen.found.as_ref() == Some(nonce) {
        return Sought::There;
    }
    if let Some(problem) = &seen.problem {
        let why = format!("the marker of volume {volume} could not be looked for: {problem}");
        return Sought::Bad(Outcome::errored(why));
    }
    if is_left_out(context, volume) {
        let message = format!("{}; the recipe does not back it up either", lost(volume, seen));
        let place = Some(volume.to_owned());
        return Sought::Replaceable(Finding::new("unsaved_volume_lost", message, place));
    }
    Sought::Bad(Outcome::failed(lost(volume, seen)))
}

/// Whether the recipe itself leaves a volume out of its backups while it backs up others. Each
/// revision is asked only about volumes it has: one that the head renamed is none of its own.
fn is_left_out(context: Context<'_>, volume: &str) -> bool {
    let declared = |revision| context.plan.declared(AppRole::Upgraded, revision);
    let stacks = [declared(Revision::Base), declared(Revision::Head)];
    let mut own = stacks
        .into_iter()
        .flatten()
        .filter(|stack| stack.own_volumes().any(|known| known.name.as_str() == volume))
        .map(backup_spec)
        .peekable();
    let leaves_out = |spec: BackupSpec| {
        let backs_up = spec.volumes.iter().any(|backed| backed.volume.as_str() == volume);
        !spec.volumes.is_empty() && !backs_up
    };
    own.peek().is_some() && own.all(leaves_out)
}

fn lost(volume: &str, seen: &MarkerSeen) -> String {
    let place = match (&seen.service, &seen.path) {
        (Some(service), Some(path)) => format!("{path} in service {service}"),
        (_, _) => {
            return format!(
                "data lost: no service of the head mounts volume {volume} any more, so what users had in it is out of reach"
            );
        }
    };
    match &seen.found {
        None => format!(
            "data lost: the marker planted in volume {volume} before the upgrade is gone (looked for at {place})"
        ),
        Some(_) => format!(
            "data changed: the marker in volume {volume}, seen at {place}, is not the one that was planted"
        ),
    }
}

fn planted(context: Context<'_>) -> &[MarkerSeen] {
    let act = context.run.act(Act::Plant);
    match act.and_then(|act| act.evidence.as_ref()) {
        Some(Evidence::Planted { markers, .. }) => markers,
        Some(_) | None => &[],
    }
}

#[cfg(test)]
mod tests {
    use cc_ci_testkit::{PlanBuilder, service, stack};

    use super::super::scene::Scene;
    use super::*;

    fn marker(volume: &str, found: bool, problem: Option<&str>) -> MarkerSeen {
        MarkerSeen {
            volume: volume.into(),
            nonce: "0a1b2c".into(),
            service: Some("app".into()),
            path: Some(format!("/{volume}/marker")),
            found: found.then(|| "0a1b2c".to_owned()),
            problem: problem.map(str::to_owned),
        }
    }

    /// What an upgrade says that planted and found those markers in volumes `a` and `b`.
    fn told(planted: [MarkerSeen; 2], sought: [MarkerSeen; 2]) -> Vec<String> {
        let app = || service("app").routed(80).volume("a", "/a").volume("b", "/b");
        let plan = PlanBuilder::new(stack([app()])).base(stack([app().image("app:0")])).build();
        let acts = [
            (Act::Plant, Evidence::Planted { markers: planted.into(), data: Vec::new() }),
            (Act::Seek, Evidence::Sought { markers: sought.into(), data: Vec::new() }),
        ];
        Scene::of(plan).stage(cc_ci_model::stage::Stage::Upgrade, acts).told()
    }

    /// Mounted read-only, say: nothing shows that it survives, and nothing that it does not.
    #[test]
    fn what_was_never_planted_is_not_lost() {
        let unmarked = |volume| marker(volume, false, Some("marked read-only"));
        let gone = |volume| marker(volume, false, None);
        let there = |volume| marker(volume, true, None);

        let one = told([unmarked("a"), there("b")], [gone("a"), there("b")]);
        assert_eq!(one, ["passed markers: 1 marker looked for"]);
        let lost = told([unmarked("a"), there("b")], [gone("a"), gone("b")]);
        assert!(
            lost.iter()
                .any(|line| line.starts_with("failed markers: ") && line.contains("volume b")),
            "{lost:?}"
        );
        let none = told([unmarked("a"), unmarked("b")], [gone("a"), gone("b")]);
        assert!(
            none.iter().any(|line| line == "unverified markers: no volume could be marked"),
            "{none:?}"
        );
    }
}
