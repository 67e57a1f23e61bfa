//! What a stack should look like once it has settled.

use std::time::Duration;

use cc_ci_model::compose::{DeclaredStack, RestartCondition};

/// What has to be up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The services of the revision that was submitted.
    pub services: Vec<WantedService>,
    /// The least time an observation has to hold.
    pub stability: Duration,
}

/// What has to be true of one service beside what its spec says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedService {
    /// Its name.
    pub name: String,
    /// Why it can not be a one-shot; `None` if it may be one.
    pub must_stay_up: Option<String>,
    /// Swarm starts it again whenever it ends (restart condition `any`, the default).
    pub starts_again: bool,
}

impl Wanted {
    /// What a revision wants; `before` is the revision that ran until now, if any: a service
    /// that ran in it is no one-shot.
    pub fn of(
        declared: &DeclaredStack,
        before: Option<&DeclaredStack>,
        stability: Duration,
    ) -> Self {
        let services = declared
            .services
            .iter()
            .map(|service| {
                let must_stay_up = if !service.ports.is_empty() {
                    Some("it publishes a port".to_owned())
                } else if service.is_routed() {
                    Some("it has a router label".to_owned())
                } else if before.is_some_and(|base| runs_in(base, service.name.as_str())) {
                    Some("it was a running service in the base".to_owned())
                } else {
                    None
                };
                let starts_again =
                    service.restart == RestartCondition::Any && !service.mode.is_job();
                WantedService { name: service.name.to_string(), must_stay_up, starts_again }
            })
            .collect();
        Self { services, stability }
    }
}

/// Whether a service is meant to keep running in `base`. One that may be a one-shot there may
/// be one in the head too.
fn runs_in(base: &DeclaredStack, name: &str) -> bool {
    base.service(name).is_some_and(|service| {
        !service.mode.is_job()
            && (service.restart == RestartCondition::Any
                || !service.ports.is_empty()
                || service.is_routed())
    })
}
