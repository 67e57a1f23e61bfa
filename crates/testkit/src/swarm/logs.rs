//! What simulated tasks write.

use cc_ci_core::ports::EngineError;
use cc_ci_model::name::StackName;

use super::sim::Sim;

impl Sim {
    /// The last lines of a service. Unless the test says something else, it gives its secrets
    /// away, as careless apps do.
    pub(super) fn log_tail(
        &self,
        stack: &StackName,
        service: &str,
        lines: u32,
    ) -> Result<String, EngineError> {
        let is_it =
            |known: &&super::sim::Service| known.stack == stack.as_str() && known.name == service;
        let Some(known) = self.services.iter().find(is_it) else {
            return Err(EngineError::Refused {
                operation: format!("read the log of service {stack}_{service}"),
                status: 404,
                message: format!("service {stack}_{service} not found"),
            });
        };
        let mut tasks = self.tasks.iter().filter(|task| task.service == known.id);
        if !tasks.any(|task| task.container.is_some()) {
            return Ok(String::new());
        }
        let secrets = self.secret_values.join(", ");
        let careless = || vec![format!("last words of {service}; the password is {secrets}")];
        let written = self.written.get(service).cloned().unwrap_or_else(careless);
        let kept = written.len().saturating_sub(usize::try_from(lines).unwrap_or(usize::MAX));
        Ok(written[kept..].join("\n"))
    }
}
