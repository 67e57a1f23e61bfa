//! Commands inside simulated containers, and restarts of services.

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, EngineError, Exec, ExecOutput, ExecRequest, Restarts};

use super::FakeSwarm;

/// What a command inside a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// Ends with that code and says that.
    End(i64, String),
    /// Copies a file between volumes, by their full names, and ends with exit code 0.
    Copy {
        /// From that volume and path.
        from: (String, String),
        /// To that volume and path.
        to: (String, String),
    },
    /// Does not end within its time.
    Stuck,
}

impl FakeSwarm {
    /// What commands do that contain `words`; all others end with exit code 0 and say nothing.
    pub fn script_command(&self, words: &str, script: Script) {
        self.sim().scripts.push((words.to_owned(), script));
    }

    /// Commands that ran, in order, joined by spaces.
    pub fn commands_run(&self) -> Vec<String> {
        self.sim().commands.clone()
    }
}

#[async_trait]
impl Exec for FakeSwarm {
    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput, EngineError> {
        let command = request.command.join(" ");
        let run = |sim: &mut super::sim::Sim| sim.run_command(&request.container, &command);
        let script = self.call("run a command in a container", run).await?;
        if let Some(output) = script {
            return Ok(output);
        }
        let clock = self.clock();
        clock.sleep_until(clock.now().plus(request.limit)).await;
        Ok(ExecOutput { code: None, said: String::new() })
    }
}

#[async_trait]
impl Restarts for FakeSwarm {
    async fn restart(&self, service_id: &str) -> Result<(), EngineError> {
        let restart = |sim: &mut super::sim::Sim| {
            if sim.force(service_id) {
                return Ok(());
            }
            Err(EngineError::Refused {
                operation: format!("restart service {service_id}"),
                status: 404,
                message: format!("service {service_id} not found"),
            })
        };
        self.call("restart a service", restart).await
    }
}

impl super::sim::Sim {
    /// How a command ends; `None` when it does not.
    fn run_command(
        &mut self,
        container: &str,
        command: &str,
    ) -> Result<Option<ExecOutput>, EngineError> {
        let is_up = self.containers.iter().any(|known| known.id == container && known.running);
        if !is_up {
            return Err(EngineError::Refused {
                operation: format!("run a command in container {container}"),
                status: 409,
                message: format!("Container {container} is not running"),
            });
        }
        self.commands.push(command.to_owned());
        let known = self
            .scripts
            .iter()
            .find(|(words, _)| command.contains(words))
            .map(|(_, script)| script.clone());
        let said = |code, said| Ok(Some(ExecOutput { code: Some(code), said }));
        match known {
            None => said(0, String::new()),
            Some(Script::End(code, text)) => {
                said(code, text.replace("{secret}", &self.secret_values.join(", ")))
            }
            Some(Script::Stuck) => Ok(None),
            Some(Script::Copy { from, to }) => match self.file(&from.0, &from.1) {
                Some(file) => {
                    self.put(&to.0, &to.1, file);
                    said(0, String::new())
                }
                None => said(1, format!("cp: cannot stat '{}'", from.1)),
            },
        }
    }
}
