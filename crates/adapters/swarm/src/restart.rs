//! Restarting a service: its spec is sent back as the engine gave it, `ForceUpdate` raised.
//!
//! The spec is kept as JSON from end to end: bollard's model would drop what it does not know,
//! a health check among it (see `raw.rs`), and so change the service.
//!
//! Tests: against a real engine in `tests/it/main.rs`.

use async_trait::async_trait;
use cc_ci_core::ports::{EngineError, Restarts};
use serde_json::{Value, json};

use crate::client::Swarm;
use crate::error::unreachable;
use crate::raw::percent_encode;

#[async_trait]
impl Restarts for Swarm {
    async fn restart(&self, service_id: &str) -> Result<(), EngineError> {
        let operation = format!("restart service {service_id}");
        let path = format!("/services/{}", percent_encode(service_id));
        let service: Value = self.endpoint.get(&operation, &path).await?;
        let version = service.pointer("/Version/Index").and_then(Value::as_u64);
        let raised = service.get("Spec").cloned().and_then(raised);
        let (Some(version), Some(spec)) = (version, raised) else {
            return Err(unreachable(&operation, "the engine's answer is no service"));
        };
        self.endpoint.post(&operation, &format!("{path}/update?version={version}"), &spec).await
    }
}

/// The spec with `ForceUpdate` raised by one.
fn raised(mut spec: Value) -> Option<Value> {
    let template = spec.get_mut("TaskTemplate")?.as_object_mut()?;
    let before = template.get("ForceUpdate").and_then(Value::as_u64).unwrap_or(0);
    template.insert("ForceUpdate".to_owned(), json!(before + 1));
    Some(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_counter_changes() {
        let spec = json!({ "Name": "a", "TaskTemplate": { "ContainerSpec": { "Healthcheck": {} }, "ForceUpdate": 2 } });
        let after = raised(spec.clone()).unwrap();
        assert_eq!(after["TaskTemplate"]["ForceUpdate"], 3);
        assert_eq!(after["TaskTemplate"]["ContainerSpec"], spec["TaskTemplate"]["ContainerSpec"]);
        assert_eq!(
            raised(json!({ "TaskTemplate": {} })).unwrap()["TaskTemplate"]["ForceUpdate"],
            1
        );
        assert_eq!(raised(json!({})), None);
    }
}
