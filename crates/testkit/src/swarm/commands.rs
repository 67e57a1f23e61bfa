//! Commands inside simulated containers, and restarts of services.

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, EngineError, Exec, ExecOutput, ExecRequest, Restarts};
use cc_ci_core::redact::MARGIN;

use super::FakeSwarm;

/// The end of a command's output that is kept.
const KEPT: usize = (64 << 10) + MARGIN;

/// What a command inside a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// Ends with that code and says that.
    End(i64, String),
    /// Ends with that code and says that the first time, and is as any other command after that.
    First(i64, String),
    /// Copies a file between volumes, by their full names, and ends with exit code 0.
    Copy {
        /// From that volume and path.
        from: (String, String),
        /// To that volume and path.
        to: (String, String),
    },
    /// Writes a file of a volume, by its full name, and ends with exit code 0.
    Write {
        /// That volume and path.
        to: (String, String),
        /// What is in it then.
        content: String,
    },
    /// Says that and does not end within its time.
    Stuck(String),
}

impl FakeSwarm {
    /// What commands do that contain `words`; all others end with exit code 0 and say nothing.
    pub fn script_command(&self, words: &str, script: Script) {
        self.sim().scripts.push((words.to_owned(), script));
    }

    /// What the first so many commands do that contain `words`.
    pub fn script_first(&self, words: &str, times: usize, script: Script) {
        self.sim().first_scripts.push((words.to_owned(), times, script));
    }

    /// Commands that ran, in order, joined by spaces.
    pub fn commands_run(&self) -> Vec<String> {
        self.sim().commands.clone()
    }
}

#[async_trait]
impl Exec for FakeSwarm {
    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput, EngineError> {
        let run = |sim: &mut super::sim::Sim| sim.run_command(&request.container, &request.command);
        let mut output = self.call("run a command in a container", run).await?;
        let excess = output.said.len().saturating_sub(KEPT);
        output.said.drain(..excess);
        if output.code.is_none() {
            let clock = self.clock();
            clock.sleep_until(clock.now().plus(request.limit)).await;
        }
        Ok(output)
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
    /// How a command ends; without a code when it does not.
    fn run_command(
        &mut self,
        container: &str,
        words: &[String],
    ) -> Result<ExecOutput, EngineError> {
        let command = words.join(" ");
        let refused = |status, message| EngineError::Refused {
            operation: format!("run a command in container {container}"),
            status,
            message,
        };
        match self.containers.iter().find(|known| known.id == container) {
            None => return Err(refused(404, format!("No such container: {container}"))),
            Some(known) if !known.running => {
                return Err(refused(409, format!("Container {container} is not running")));
            }
            Some(_) => {}
        }
        self.commands.push(command.clone());
        let known = self.script_of(&command);
        let said = |code, said| Ok(ExecOutput { code: Some(code), said });
        match known {
            None => match self.run_marker(container, words) {
                Some(output) => Ok(output),
                None => said(0, String::new()),
            },
            Some(Script::End(code, text) | Script::First(code, text)) => {
                said(code, text.replace("{secret}", &self.secret_values.join(", ")))
            }
            Some(Script::Stuck(said)) => Ok(ExecOutput { code: None, said }),
            Some(Script::Write { to, content }) => {
                self.put(&to.0, &to.1, super::files::plain(content.as_bytes()));
                said(0, String::new())
            }
            Some(Script::Copy { from, to }) => match self.file(&from.0, &from.1) {
                Some(file) => {
                    self.put(&to.0, &to.1, file);
                    said(0, String::new())
                }
                None => said(1, format!("cp: cannot stat '{}'", from.1)),
            },
        }
    }

    /// What was said of such a command.
    fn script_of(&mut self, command: &str) -> Option<Script> {
        let mut first = self.first_scripts.iter_mut();
        let due = first.find(|(words, left, _)| *left > 0 && command.contains(words.as_str()));
        if let Some((_, left, script)) = due {
            *left -= 1;
            return Some(script.clone());
        }
        let place = self.scripts.iter().position(|(words, _)| command.contains(words))?;
        if matches!(self.scripts[place].1, Script::First(..)) {
            return Some(self.scripts.remove(place).1);
        }
        Some(self.scripts[place].1.clone())
    }
}
