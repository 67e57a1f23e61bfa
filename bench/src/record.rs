//! When a stack had settled, by the engine's own record: asked afterwards, when nothing changes
//! any more.

use anyhow::{Context, Result};
use cc_ci_model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fixture::docker;

/// The last change of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct LastChange {
    /// When it happened: the state of a task, the end of an update.
    pub(crate) happened: Timestamp,
    /// When the engine had it in its record, where it can be asked for. Managers take in what
    /// nodes report at most twice a second.
    pub(crate) recorded: Timestamp,
}

/// The last change of a stack of those services.
pub(crate) fn last_change(stack: &str, services: &[&str]) -> Result<LastChange> {
    let names: Vec<String> = services.iter().map(|service| format!("{stack}_{service}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tasks = docker(&[&["service", "ps", "--quiet", "--no-trunc"], &names[..]].concat())?;
    let tasks: Vec<&str> = tasks.lines().collect();
    let tasks = docker(&[&["inspect", "--type", "task"], &tasks[..]].concat())?;
    let services = docker(&[&["service", "inspect"], &names[..]].concat())?;
    of(&tasks, &services)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    updated_at: String,
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    timestamp: String,
}

fn of(tasks: &str, services: &str) -> Result<LastChange> {
    let tasks: Vec<Task> = serde_json::from_str(tasks).context("cannot read the tasks")?;
    let services: Vec<Value> = serde_json::from_str(services).context("cannot read services")?;
    let mut happened = Vec::new();
    let mut recorded = Vec::new();
    for task in &tasks {
        happened.push(task.status.timestamp.as_str());
        recorded.push(task.updated_at.as_str());
    }
    for service in &services {
        happened.extend(service["UpdateStatus"]["CompletedAt"].as_str());
        recorded.extend(service["UpdatedAt"].as_str());
    }
    Ok(LastChange { happened: latest(&happened)?, recorded: latest(&recorded)? })
}

fn latest(times: &[&str]) -> Result<Timestamp> {
    let read: Result<Vec<Timestamp>, _> = times.iter().map(|time| time.parse()).collect();
    let read = read.context("the engine's time cannot be read")?;
    read.into_iter().max().context("the stack has no tasks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_all_counts() {
        let task = |status: &str, updated: &str| serde_json::json!({ "UpdatedAt": updated, "Status": { "Timestamp": status } });
        let tasks = serde_json::json!([
            task("2026-11-24T09:00:01.5Z", "2026-11-24T09:00:01.9Z"),
            task("2026-11-24T09:00:03.123456789Z", "2026-11-24T09:00:03.4Z"),
        ]);
        let services = |completed: Value| {
            let update = serde_json::json!({ "CompletedAt": completed });
            serde_json::json!([{ "UpdatedAt": "2026-11-24T09:00:00Z", "UpdateStatus": update }])
        };
        let found = of(&tasks.to_string(), &services(Value::Null).to_string()).unwrap();
        assert_eq!(found.happened.to_string(), "2026-11-24T09:00:03.123Z");
        assert_eq!(found.recorded.to_string(), "2026-11-24T09:00:03.400Z");
        let later = services("2026-11-24T09:00:05Z".into());
        let found = of(&tasks.to_string(), &later.to_string()).unwrap();
        assert_eq!(found.happened.to_string(), "2026-11-24T09:00:05.000Z");
        assert!(of("[]", "[]").is_err());
    }
}
