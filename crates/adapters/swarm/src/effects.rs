//! Creating and removing single objects.
//!
//! Tests: at the end of this file, and against a real engine in `tests/it/main.rs`.

use std::collections::HashMap;

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::models::{NetworkCreateRequest, SecretSpec};
use bollard::query_parameters::{RemoveContainerOptionsBuilder, RemoveVolumeOptions};
use cc_ci_core::ports::{EngineError, NAMESPACE_LABEL, Objects, RUN_LABEL, Removal, Scope};
use cc_ci_model::intent::{Object, ObjectKind};
use cc_ci_model::name::{RunId, StackName};
use cc_ci_model::secret::Secret;

use crate::client::Swarm;
use crate::error::engine_error;
use crate::inventory;

#[async_trait]
impl Objects for Swarm {
    async fn inventory(&self, scope: &Scope) -> Result<Vec<Object>, EngineError> {
        inventory::take(self, scope).await
    }

    async fn find(&self, kind: ObjectKind, name: &str) -> Result<Option<Object>, EngineError> {
        inventory::find(self, kind, name).await
    }

    /// `Gone` means that the engine took the request. A network that had a container on this
    /// node is still listed for a moment (half a second was seen).
    async fn remove(&self, object: &Object) -> Result<Removal, EngineError> {
        match self.delete(object).await {
            None => Ok(Removal::InUse {
                message: "a task cannot be removed: it ends with its service".to_owned(),
            }),
            Some(Ok(())) => Ok(Removal::Gone),
            Some(Err(Error::DockerResponseServerError { status_code, message })) => {
                Ok(refused_removal(object, status_code, message.trim()))
            }
            Some(Err(error)) => Err(engine_error(&format!("remove {object}"), &error)),
        }
    }

    async fn create_secret(
        &self,
        run: &RunId,
        stack: &StackName,
        name: &str,
        value: &Secret,
    ) -> Result<(), EngineError> {
        let spec = SecretSpec {
            name: Some(name.to_owned()),
            labels: Some(HashMap::from([
                (RUN_LABEL.to_owned(), run.to_string()),
                (NAMESPACE_LABEL.to_owned(), stack.to_string()),
            ])),
            data: Some(base64(value.expose().as_bytes())),
            ..SecretSpec::default()
        };
        let created = self.docker.create_secret(spec).await;
        created.map(drop).map_err(|error| engine_error(&format!("create secret {name}"), &error))
    }

    async fn create_network(
        &self,
        run: &RunId,
        stack: &StackName,
        name: &str,
    ) -> Result<(), EngineError> {
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("overlay".to_owned()),
            scope: Some("swarm".to_owned()),
            attachable: Some(true),
            labels: Some(HashMap::from([
                (RUN_LABEL.to_owned(), run.to_string()),
                (NAMESPACE_LABEL.to_owned(), stack.to_string()),
            ])),
            ..NetworkCreateRequest::default()
        };
        let created = self.docker.create_network(request).await;
        created.map(drop).map_err(|error| engine_error(&format!("create network {name}"), &error))
    }
}

impl Swarm {
    /// `None` for a task, which has no removal of its own.
    async fn delete(&self, object: &Object) -> Option<Result<(), Error>> {
        let docker = &self.docker;
        let id = object.id.as_str();
        Some(match object.kind {
            ObjectKind::Service => docker.delete_service(id).await,
            ObjectKind::Task => return None,
            ObjectKind::Container => {
                // With its anonymous volumes: nothing leads to them once it is gone.
                let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
                docker.remove_container(id, Some(options)).await
            }
            ObjectKind::Network => docker.remove_network(id).await,
            ObjectKind::Secret => docker.delete_secret(id).await,
            ObjectKind::Config => docker.delete_config(id).await,
            ObjectKind::Volume => docker.remove_volume(id, None::<RemoveVolumeOptions>).await,
        })
    }
}

/// What the engine means when it does not remove something. Its statuses do not tell: a secret
/// in use is a 400, a network with containers a 400 or 403, a volume in use a 409, and a network
/// that is being removed already a 500.
fn refused_removal(object: &Object, status: u16, message: &str) -> Removal {
    let is_gone = message == format!("{} {} not found", object.kind.as_str(), object.id);
    let message = message.to_owned();
    let is_in_use = ["in use", "active endpoints", "already in progress"]
        .iter()
        .any(|words| message.contains(words));
    match status {
        404 => Removal::Gone,
        _ if is_gone => Removal::Gone,
        409 => Removal::InUse { message },
        _ if is_in_use => Removal::InUse { message },
        _ => Removal::Refused { message },
    }
}

/// Base64 with padding (RFC 4648, section 4), as the API wants the data of secrets.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (group >> (18 - 6 * place)) & 63;
            let is_padding = place > chunk.len();
            text.push(if is_padding { '=' } else { char::from(DIGITS[digit as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfb]), "//77");
    }

    #[track_caller]
    fn check(status: u16, message: &str, expected: fn(String) -> Removal) {
        let object = Object {
            kind: ObjectKind::Network,
            id: "x".into(),
            name: "st_default".into(),
            stack: None,
            run: None,
        };
        let removal = refused_removal(&object, status, message);
        assert_eq!(removal, expected(message.to_owned()));
    }

    /// Recorded on Engine 20.10.24.
    #[test]
    fn refusals_are_read() {
        let in_use = |message| Removal::InUse { message };
        for (status, message) in [
            (400, "rpc error: code = FailedPrecondition desc = network x is in use by service y"),
            (400, "rpc error: code = FailedPrecondition desc = network x is in use by task y"),
            (
                400,
                "rpc error: code = InvalidArgument desc = secret 'x' is in use by the following service: y",
            ),
            (409, "remove x: volume is in use - [a954]"),
            (403, "error while removing network: network x id y has active endpoints"),
        ] {
            check(status, message, in_use);
        }
        check(404, "get nope: no such volume", |_| Removal::Gone);
        check(500, "network x not found", |_| Removal::Gone);
        check(500, "plugin \"y\" not found", |message| Removal::Refused { message });
    }
}
