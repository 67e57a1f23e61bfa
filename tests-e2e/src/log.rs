//! A run's log, read as any other reader of the published format would, not with our own types.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The events of a run as far as they were written.
#[derive(Debug, Clone)]
pub struct Log {
    events: Vec<Value>,
}

impl Log {
    /// The log in a run directory; empty when there is none yet. A line that is only half there
    /// is left out.
    pub fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join("events.jsonl")).unwrap_or_default();
        let events = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Self { events }
    }

    /// The plan, once it was written.
    pub fn plan(&self) -> Option<&Value> {
        self.events.first().map(|event| &event["plan"]).filter(|plan| plan.is_object())
    }

    /// The run's id.
    ///
    /// # Panics
    /// When there is no plan yet.
    #[track_caller]
    pub fn run_id(&self) -> String {
        let plan = self.plan().expect("the log begins with a plan");
        plan["run_id"].as_str().unwrap_or_default().to_owned()
    }

    /// The stacks the run may create.
    pub fn stacks(&self) -> Vec<String> {
        let apps = self.plan().and_then(|plan| plan["apps"].as_array());
        let stacks = apps.into_iter().flatten().filter_map(|app| app["stack"].as_str());
        stacks.map(str::to_owned).collect()
    }

    /// The event of that kind, as often as it was written.
    pub fn events(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == kind).collect()
    }

    /// Whether that act was begun, at that revision if the act has one.
    pub fn has_begun(&self, act: &str, revision: Option<&str>) -> bool {
        let began = self.events("act_began").into_iter().map(|event| &event["act"]);
        let mut those = began.filter(|begun| begun["act"] == act);
        those.any(|begun| revision.is_none_or(|revision| begun["revision"] == revision))
    }

    /// Anonymous volumes of the run's containers: nothing on the engine tells whose they are.
    pub fn anonymous_volumes(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.events.iter().for_each(|event| collect(event, &mut names));
        names
    }
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let volumes = object.get("anonymous_volumes").and_then(Value::as_array);
            let found = volumes.into_iter().flatten().filter_map(|volume| volume["name"].as_str());
            names.extend(found.map(str::to_owned));
            object.values().for_each(|inner| collect(inner, names));
        }
        Value::Array(values) => values.iter().for_each(|inner| collect(inner, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
