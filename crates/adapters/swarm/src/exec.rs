//! Commands inside containers.
//!
//! Tests: against a real engine in `tests/it/main.rs`.

use std::time::Duration;

use async_trait::async_trait;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use cc_ci_core::ports::{EngineError, Exec, ExecOutput, ExecRequest};
use cc_ci_core::redact::MARGIN;
use futures_util::StreamExt as _;

use crate::client::Swarm;
use crate::error::{engine_error, unreachable};

/// Looks at a command whose streams are closed.
const LOOKS: u32 = 100;

/// The end of a command's output that is given; what a reader keeps of it is less, so that what
/// this cut leaves of a secret is found.
const GIVEN: usize = (64 << 10) + MARGIN;

#[async_trait]
impl Exec for Swarm {
    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput, EngineError> {
        let program = request.command.first().map(String::as_str).unwrap_or_default();
        let operation = format!("run {program} in container {}", request.container);
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(request.command.clone()),
            ..ExecConfig::default()
        };
        let created = self.docker.create_exec(&request.container, config).await;
        let id = created.map_err(|error| engine_error(&operation, &error))?.id;
        let mut said = Vec::new();
        let ended =
            tokio::time::timeout(request.limit, self.listen(&id, &operation, &mut said)).await;
        let code = match ended {
            Ok(Ok(())) => self.exit_code(&id, &operation).await?,
            Ok(Err(error)) => return Err(error),
            Err(_) => None,
        };
        Ok(ExecOutput { code, said: String::from_utf8_lossy(&said).into_owned() })
    }
}

impl Swarm {
    /// Reads both streams until the command ends.
    async fn listen(
        &self,
        id: &str,
        operation: &str,
        said: &mut Vec<u8>,
    ) -> Result<(), EngineError> {
        let started = self.docker.start_exec(id, None).await;
        match started.map_err(|error| engine_error(operation, &error))? {
            StartExecResults::Attached { mut output, .. } => {
                while let Some(part) = output.next().await {
                    let part = part.map_err(|error| engine_error(operation, &error))?;
                    said.extend_from_slice(&part.into_bytes());
                    let excess = said.len().saturating_sub(GIVEN);
                    said.drain(..excess);
                }
                Ok(())
            }
            StartExecResults::Detached => {
                Err(unreachable(operation, "the engine did not attach to it"))
            }
        }
    }

    /// The exit code. The engine closes the streams a moment before it knows it.
    async fn exit_code(&self, id: &str, operation: &str) -> Result<Option<i64>, EngineError> {
        for _ in 0..LOOKS {
            let seen = self.docker.inspect_exec(id).await;
            let seen = seen.map_err(|error| engine_error(operation, &error))?;
            if let (Some(false), Some(code)) = (seen.running, seen.exit_code) {
                return Ok(Some(code));
            }
            pause().await;
        }
        Err(unreachable(operation, "its output ended, but the engine says that it still runs"))
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks of one call, bounded by LOOKS")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
