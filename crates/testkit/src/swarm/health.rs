//! Health checks of simulated tasks, as the engine does them.

use std::sync::Arc;
use std::time::Duration;

use cc_ci_model::compose::HealthCheck;
use cc_ci_model::stack::TaskState;

use super::sim::{Alarm, Sim};

/// What is known of a container's health.
#[derive(Clone)]
pub(super) struct Checked {
    /// `State.Health.Status`.
    pub(super) status: &'static str,
    pub(super) streak: u64,
    pub(super) retries: u64,
    pub(super) past: Past,
    /// An event `health_status: unhealthy` was sent and could be heard.
    pub(super) unhealthy_heard: bool,
}

/// What has become of it so far.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    NeverHealthy,
    WasHealthy,
    /// It is being stopped because it is unhealthy.
    Condemned,
}

/// Whether failures count yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    StartPeriod,
    Counting,
}

impl Sim {
    /// One health check.
    pub(super) fn check(&mut self, id: &str) {
        let now = self.now;
        let Some(task) = self.task(id) else { return };
        let (health, spec, service) =
            (task.life.health, Arc::clone(&task.spec), task.service.clone());
        let grace = start_period(&spec.declared.health);
        let Some(container) = self.container_of_mut(id).filter(|container| container.running)
        else {
            return;
        };
        let age = now.since(container.started);
        let (Some(checked), Some(good)) = (&mut container.health, health.at(age)) else { return };
        let phase = if age < grace { Phase::StartPeriod } else { Phase::Counting };
        let verdict = checked.take(good, phase);
        match verdict {
            Told::Healthy => self.is_healthy(id, &service),
            Told::Unhealthy => {
                let heard = self.announce();
                let container = self.container_of_mut(id);
                if let Some(checked) = container.and_then(|container| container.health.as_mut()) {
                    checked.unhealthy_heard = heard;
                }
                self.term(id);
            }
            Told::Nothing => {}
        }
        if verdict != Told::Unhealthy {
            let every = self.behaviour(&spec.declared).check_every;
            self.after(every, Alarm::Check(id.to_owned()));
        }
    }

    fn is_healthy(&mut self, id: &str, service: &str) {
        let Some(task) = self.task_mut(id).filter(|task| task.state == TaskState::Starting) else {
            return;
        };
        task.state = TaskState::Running;
        task.message = "started".into();
        self.announce();
        self.orchestrate(service);
    }
}

/// What one check means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Healthy,
    Unhealthy,
    Nothing,
}

impl Checked {
    pub(super) fn new(declared: &HealthCheck) -> Self {
        let retries = match declared {
            HealthCheck::Command { retries, .. } => retries.unwrap_or(3),
            HealthCheck::Undeclared | HealthCheck::Disabled => 3,
        };
        let (status, past) = ("starting", Past::NeverHealthy);
        Self { status, streak: 0, retries, past, unhealthy_heard: false }
    }

    fn take(&mut self, good: bool, phase: Phase) -> Told {
        if good {
            let is_new = self.status != "healthy";
            (self.status, self.streak, self.past) = ("healthy", 0, Past::WasHealthy);
            return if is_new { Told::Healthy } else { Told::Nothing };
        }
        if phase == Phase::StartPeriod && self.past == Past::NeverHealthy {
            return Told::Nothing;
        }
        self.streak += 1;
        if self.streak < self.retries {
            return Told::Nothing;
        }
        (self.status, self.past) = ("unhealthy", Past::Condemned);
        Told::Unhealthy
    }
}

fn start_period(declared: &HealthCheck) -> Duration {
    match declared {
        HealthCheck::Command { start_period_ms, .. } => {
            Duration::from_millis(start_period_ms.unwrap_or_default())
        }
        HealthCheck::Undeclared | HealthCheck::Disabled => Duration::ZERO,
    }
}
