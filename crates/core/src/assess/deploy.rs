//! A submission: accepted, refused for the recipe's fault, or unanswered (VER-2).

use cc_ci_model::evidence::DeploySeen;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Revision;

use crate::text::count;

use super::{Assessment, Check, Context, identity, taken};

pub(super) fn assess(context: Context<'_>, seen: &DeploySeen) -> Assessment {
    let revision = seen.revision;
    let check = match seen.exit_code {
        Some(0) => accepted(context, seen),
        Some(code) if seen.engine_answers => {
            if let Some(outcome) = taken::refused(context, &seen.said) {
                return Assessment::of(Check::new("deploy", outcome, seen.said.trim()));
            }
            let reason = explain(&seen.said).unwrap_or_else(|| {
                format!(
                    "docker refused to deploy the {revision} (exit code {code}): {}{}",
                    last_line(&seen.said),
                    places(context, seen)
                )
            });
            Check::new("deploy", Outcome::failed(reason), seen.said.trim())
        }
        Some(_) => Check::new(
            "deploy",
            Outcome::errored("the deploy failed and the engine does not answer as a manager"),
            seen.said.trim(),
        ),
        None => Check::new(
            "deploy",
            Outcome::errored("`docker stack deploy` did not come back in time"),
            seen.said.trim(),
        ),
    };
    // Services that could not be read back say nothing about what the recipe did.
    let was_read = check.outcome.is_passed();
    let mut assessment = Assessment::of(check);
    if was_read {
        assessment.checks.push(identity::assess(context, &seen.services));
        assessment.checks.extend(identity::assess_change(context, seen));
    }
    assessment
}

/// Every declared service must have been read back.
fn accepted(context: Context<'_>, seen: &DeploySeen) -> Check {
    let declared = context.declared();
    let missing = declared.and_then(|stack| {
        stack
            .services
            .iter()
            .find(|service| !seen.services.iter().any(|read| read.name == service.name.as_str()))
    });
    match (declared, missing) {
        (Some(_), None) => Check::passed(
            "deploy",
            format!("{} submitted, {}", seen.revision, count(seen.services.len(), "service")),
        ),
        (Some(_), Some(service)) => Check::with(
            "deploy",
            Outcome::errored(format!(
                "service {} was not there right after the deploy",
                service.name
            )),
        ),
        (None, _) => Check::with("deploy", Outcome::errored("the plan has no such revision")),
    }
}

/// Docker's obscure refusals, in words that say what to do (measured, CLI 28 and Engine 20.10).
fn explain(said: &str) -> Option<String> {
    let line = last_line(said);
    if said.contains("only updates to Labels are allowed") {
        return Some(format!(
            "a config or secret changed without a new name: raise its version in abra.sh (`export …_VERSION=`): {line}"
        ));
    }
    if said.contains("secret not found") {
        return Some(format!(
            "a secret is external but nothing declares it: add `SECRET_<NAME>_VERSION=v1` to .env.sample: {line}"
        ));
    }
    None
}

/// Where in the recipe it is, if reading it brought up a doubt about what docker names.
fn places(context: Context<'_>, seen: &DeploySeen) -> String {
    let is_bare = |c: char| !c.is_alphanumeric();
    let words: Vec<&str> =
        last_line(&seen.said).split_whitespace().map(|word| word.trim_matches(is_bare)).collect();
    let findings = context.plan.warnings.iter().filter(|_| seen.revision == Revision::Head);
    findings
        .filter_map(|finding| {
            let place = finding.place.as_ref().filter(|_| finding.code == "recipe")?;
            let named = finding.message.split('`').nth(1)?;
            words.contains(&named).then(|| format!("; see {place}: {}", finding.message))
        })
        .collect()
}

fn last_line(said: &str) -> &str {
    said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing")
}
