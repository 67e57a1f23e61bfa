//! Markers before a backup, and the backup itself (STG-4): every volume carries a fresh nonce,
//! every backed-up path is there, and no hook failed. What the snapshot holds is another room's.
//!
//! Tests: `backup/tests.rs`.

use cc_ci_model::backup::{BackupSeen, HookSeen, KeptMarker, PathWeight};
use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::outcome::Outcome;
use cc_ci_model::plan::Finding;

use super::{Assessment, Check, Context};

#[cfg(test)]
mod tests;

/// Every volume must carry a fresh nonce.
pub(super) fn assess_marked(
    context: Context<'_>,
    before: &[PathWeight],
    markers: &[KeptMarker],
) -> Assessment {
    let mut assessment = Assessment::default();
    for problem in &context.plan.backup.problems {
        assessment.checks.push(Check::with("labels", Outcome::failed(problem)));
    }
    for volume in context.declared().into_iter().flat_map(DeclaredStack::own_volumes) {
        let name = volume.name.as_str();
        let mut own = markers.iter().filter(|marker| marker.volume == name).peekable();
        if own.peek().is_none() {
            let why = Outcome::unverified(format!("volume {name} was not marked"));
            assessment.checks.push(Check::with("mark", why));
        }
        let unmarked = own
            .filter(|marker| marker.file.as_ref().is_none_or(|file| file.content != marker.nonce));
        assessment.checks.extend(unmarked.map(|marker| {
            let why =
                marker.problem.as_deref().unwrap_or("what was read back is not what was written");
            Check::with(
                "mark",
                Outcome::unverified(format!("volume {name} could not be marked: {why}")),
            )
        }));
    }
    if assessment.checks.is_empty() {
        let detail = format!(
            "{} markers planted, {} backed-up paths looked at",
            markers.len(),
            before.len()
        );
        assessment.checks.push(Check::passed("mark", detail));
    }
    assessment
}

/// Hooks that failed and paths that are missing are the recipe's; the rest is infrastructure.
pub(super) fn assess_backed_up(seen: &BackupSeen) -> Assessment {
    let mut assessment =
        hooks(&seen.hooks, "the bot would have gone on and called the backup a success");
    for missing in &seen.missing {
        let why = format!("a backed-up path is not there: {missing}: a backup of it is empty");
        assessment.checks.push(Check::with("backup", Outcome::failed(why)));
    }
    match (&seen.snapshot, &seen.problem) {
        (Some(id), _) => {
            let short: String = id.chars().take(8).collect();
            assessment.checks.push(Check::passed("backup", format!("snapshot {short}")));
        }
        (None, problem) if seen.missing.is_empty() => {
            let why = problem.as_deref().unwrap_or("no snapshot was taken");
            assessment.checks.push(Check::with("backup", Outcome::errored(why)));
        }
        (None, _) => {}
    }
    assessment
}

/// Failed hooks as failed checks, hooks without `bash` as warnings.
pub(super) fn hooks(hooks: &[HookSeen], otherwise: &str) -> Assessment {
    let mut assessment = Assessment::default();
    for hook in hooks {
        let label = hook.when.label();
        let place = format!("`{label}` of service {}", hook.service);
        match hook.code {
            Some(0) => {}
            Some(code) => {
                let why = format!(
                    "{place} ended with exit code {code} ({otherwise}): {}",
                    last_lines(&hook.said)
                );
                assessment.checks.push(Check::with("hook", Outcome::failed(why)));
            }
            None => {
                let why = format!(
                    "{place} did not end in time, or could not be run: {}",
                    last_lines(&hook.said)
                );
                assessment.checks.push(Check::with("hook", Outcome::failed(why)));
            }
        }
        if hook.by_sh {
            let message = format!(
                "{place} was run by `sh`: the image has no `bash`, so a failure inside a pipe goes unseen"
            );
            assessment.warnings.push(Finding::new(
                "hook_without_bash",
                message,
                Some(hook.service.clone()),
            ));
        }
    }
    assessment
}

/// The end of what a program said, on one line.
pub(super) fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => "it said nothing".to_owned(),
        [.., before, last] => format!("{before}; {last}"),
        [last] => (*last).to_owned(),
    }
}
