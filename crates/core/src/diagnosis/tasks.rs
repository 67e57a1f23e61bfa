//! Why a service does not run, from how its tasks ended, what its health checks say and what it
//! wrote. One service is named, and not the one that merely waits for it.

use cc_ci_model::compose::ServiceMode;
use cc_ci_model::diagnosis::CauseClass;
use cc_ci_model::evidence::Act;
use cc_ci_model::stack::{
    ContainerFacts, ServiceFacts, StackFacts, TaskFacts, TaskState, UpdateState,
};

use super::evidence::{first_line, size};
use super::{Cause, Red, hints};
use crate::text::count;

/// What is said of a program that finds its port taken by another one in the same container.
pub(super) const OWN_PORT: &str = "finds a port of its own container taken";

/// What it means for a service that writes such a line.
const WROTE: &[(CauseClass, &str)] = &[
    (CauseClass::Migration, "does not come to terms with the data it finds"),
    (CauseClass::Dns, "can not look up a name"),
    (CauseClass::Secret, "misses a secret"),
    (CauseClass::Port, OWN_PORT),
    (CauseClass::Oom, "ran out of memory, as it says itself"),
    (CauseClass::Resources, "finds no room left"),
];

/// Ended tasks that are looked at, from the newest.
const LOOKED_AT: usize = 20;

/// Every service, those first whose tasks are in trouble.
pub fn trouble_first(facts: &StackFacts) -> Vec<&str> {
    let mut names: Vec<&str> = facts.services.iter().map(|service| service.name.as_str()).collect();
    names.sort_by_key(|name| !is_in_trouble(facts, name));
    names
}

/// Whether a service does not run what it should, or did not a while ago.
pub(super) fn is_in_trouble(facts: &StackFacts, name: &str) -> bool {
    let Some(service) = facts.service(name) else {
        return false;
    };
    let up = facts.tasks_of(name).filter(|task| is_up(task)).count() as u64;
    let missing = match service.mode {
        ServiceMode::Replicated { replicas } => up < replicas,
        ServiceMode::Global => up < service.desired_tasks,
        ServiceMode::ReplicatedJob { .. } | ServiceMode::GlobalJob => false,
    };
    let ended = ended(service, facts);
    let is_finished = ended.first().is_some_and(|task| is_clean(task));
    missing && !is_finished || is_rolled_back(service) || ended.iter().any(|task| !is_clean(task))
}

/// It did its work, as far as the task tells: a one-shot looks like that.
fn is_clean(task: &TaskFacts) -> bool {
    let is_sick = task.container.as_ref().is_some_and(|container| is_sick(task, container));
    task.state == TaskState::Complete && !is_sick
}

fn is_up(task: &TaskFacts) -> bool {
    task.current && task.state == TaskState::Running && task.desired == TaskState::Running
}

fn is_rolled_back(service: &ServiceFacts) -> bool {
    match service.update {
        UpdateState::RollbackStarted
        | UpdateState::RollbackPaused
        | UpdateState::RollbackCompleted => true,
        UpdateState::None
        | UpdateState::Updating
        | UpdateState::Paused
        | UpdateState::Completed
        | UpdateState::Unknown(_) => false,
    }
}

/// Tasks that ended though they should not have, newest first. After a rollback the old spec is
/// current again: what failed is not.
pub(super) fn ended<'a>(service: &ServiceFacts, facts: &'a StackFacts) -> Vec<&'a TaskFacts> {
    let is_current = !is_rolled_back(service);
    let of_it = facts.tasks.iter().filter(|task| task.service == service.name);
    let bad = of_it.filter(|task| task.current == is_current && ended_badly(service, task));
    let mut all: Vec<&TaskFacts> = bad.collect();
    all.reverse();
    all.truncate(LOOKED_AT);
    all
}

/// Exit code 0 too, unless it is a job. What is none may be a one-shot all the same: whether it is
/// in trouble is another question.
fn ended_badly(service: &ServiceFacts, task: &TaskFacts) -> bool {
    let is_job = matches!(service.mode, ServiceMode::ReplicatedJob { .. } | ServiceMode::GlobalJob);
    match task.state {
        TaskState::Failed | TaskState::Rejected | TaskState::Orphaned => true,
        TaskState::Complete => !is_job,
        TaskState::New
        | TaskState::Allocated
        | TaskState::Pending
        | TaskState::Assigned
        | TaskState::Accepted
        | TaskState::Preparing
        | TaskState::Ready
        | TaskState::Starting
        | TaskState::Running
        | TaskState::Shutdown
        | TaskState::Remove => false,
    }
}

/// How sure a cause is to be the first one: what the engine says before what the app writes,
/// both before what may only follow from it.
fn rank(class: CauseClass) -> u8 {
    match class {
        CauseClass::Image
        | CauseClass::Port
        | CauseClass::Resources
        | CauseClass::Start
        | CauseClass::Oom => 0,
        CauseClass::Migration | CauseClass::Secret => 1,
        CauseClass::Dns | CauseClass::CrashLoop => 2,
        CauseClass::Health => 3,
        CauseClass::Registry
        | CauseClass::Compose
        | CauseClass::ConfigVersion
        | CauseClass::Readiness
        | CauseClass::Update
        | CauseClass::Timeout
        | CauseClass::Hook
        | CauseClass::Backup
        | CauseClass::Data
        | CauseClass::Test
        | CauseClass::Infrastructure => 4,
    }
}

impl Red<'_> {
    /// The service that is to blame and why; `None` when no task is in trouble.
    pub(super) fn of_tasks(&self) -> Option<Cause> {
        let facts = self.facts?;
        let named = self.named(facts)?;
        let first = self.of_service(facts, named);
        let others = facts.services.iter().map(|service| service.name.as_str());
        let others: Vec<&str> =
            others.filter(|name| *name != named && is_in_trouble(facts, name)).collect();
        let missed = others.iter().find_map(|other| Some((*other, self.misses(named, other)?)));
        if let Some((other, line)) = missed {
            let cause = self.of_service(facts, other);
            let message = format!("{}; service {named} can not reach it: {line}", cause.message);
            return Some(Cause { message, ..cause });
        }
        let causes = others.iter().map(|other| self.of_service(facts, other));
        let earlier = causes.min_by_key(|cause| rank(cause.class));
        match earlier.filter(|cause| rank(cause.class) < rank(first.class)) {
            Some(cause) => {
                let message = format!("{}; service {named} is not up either", cause.message);
                Some(Cause { message, ..cause })
            }
            None => Some(first),
        }
    }

    fn misses(&self, service: &str, other: &str) -> Option<&str> {
        hints::misses(self.log(service), other)
    }

    /// The service that the reason speaks of, else the first one in trouble.
    fn named<'a>(&self, facts: &'a StackFacts) -> Option<&'a str> {
        let all = trouble_first(facts);
        let asks = self.act.is_some_and(|act| act.act == Act::Answer);
        let troubled = || all.iter().copied().filter(|name| is_in_trouble(facts, name));
        let spoken_of = |name: &&str| speaks_of(self.reason(), name);
        // Who is asked for an answer is named in any case, and may be well.
        let named = || all.iter().copied().find(|name| !asks && spoken_of(name));
        troubled().find(spoken_of).or_else(named).or_else(|| troubled().next())
    }

    /// Why that one does not run.
    fn of_service(&self, facts: &StackFacts, name: &str) -> Cause {
        let cause = Self::of_engine(facts, name).or_else(|| self.of_words(name));
        let cause = cause.unwrap_or_else(|| self.of_endings(facts, name));
        Cause { service: Some(name.to_owned()), ..cause }
    }

    /// What the engine itself says.
    fn of_engine(facts: &StackFacts, name: &str) -> Option<Cause> {
        let service = facts.service(name)?;
        let pending = facts.tasks_of(name).filter(|task| task.current);
        let pending = pending.filter(|task| task.state == TaskState::Pending);
        let waits = pending.map(said).find(|said| said.contains("no suitable node"));
        if let Some(said) = waits {
            return Some(no_node(name, said));
        }
        let ended = ended(service, facts);
        if let Some(cause) = ended.iter().find_map(|task| refused(name, task)) {
            return Some(cause);
        }
        let oom = ended.iter().filter_map(|task| task.container.as_ref());
        oom.into_iter().any(|container| container.oom_killed).then(|| out_of_memory(service))
    }

    /// What the service wrote.
    fn of_words(&self, name: &str) -> Option<Cause> {
        let hint = hints::hint(self.log(name))?;
        let what = WROTE.iter().find(|(class, _)| *class == hint.class);
        let what = what.map_or("does not run", |(_, what)| what);
        Some(Cause::new(hint.class, format!("service {name} {what}: {}", hint.line)))
    }

    /// How its tasks ended, or that they did not.
    fn of_endings(&self, facts: &StackFacts, name: &str) -> Cause {
        let Some(service) = facts.service(name) else {
            return self.said(CauseClass::Timeout);
        };
        let ended = ended(service, facts);
        let sick = facts.tasks_of(name).filter(|task| task.current || is_rolled_back(service));
        let sick = sick.filter_map(|task| Some((task, task.container.as_ref()?)));
        let sick = sick.filter(|(task, container)| is_sick(task, container)).last();
        let wrote = self.log(name).last();
        let wrote = wrote.map(|line| format!("; the last thing it wrote: {line}"));
        let wrote = wrote.unwrap_or_default();
        if let Some((_, container)) = sick {
            return unhealthy(name, container);
        }
        match ended.first() {
            Some(last) if said(last).contains("unhealthy") => Cause::new(
                CauseClass::Health,
                format!("service {name}: its health check fails and Swarm stops it{wrote}"),
            ),
            Some(last) if is_rolled_back(service) && is_clean(last) => {
                self.said(CauseClass::Update)
            }
            Some(last) => ends(name, &ended, last, &wrote),
            None if is_rolled_back(service) || service.update == UpdateState::Paused => {
                self.said(CauseClass::Update)
            }
            None => self.said(CauseClass::Timeout),
        }
    }
}

/// Swarm stopped it for its health, or is about to: checks fail in a row.
fn is_sick(task: &TaskFacts, container: &ContainerFacts) -> bool {
    let health = container.health.as_ref();
    let fails = health.is_some_and(|health| {
        let is_due = !task.state.is_terminal() || health.failing_streak >= health.retries;
        health.failing_streak > 0 && is_due
    });
    container.unhealthy_seen || fails
}

fn unhealthy(name: &str, container: &ContainerFacts) -> Cause {
    let health = container.health.as_ref();
    let streak = health.map_or(0, |health| health.failing_streak);
    let said = health.and_then(|health| health.log.last()).map(|text| first_line(text));
    let said = said.map(|line| format!("; the check says: {line}")).unwrap_or_default();
    let message =
        format!("service {name}: its health check fails, {} in a row{said}", count_of(streak));
    Cause::new(CauseClass::Health, message)
}

fn count_of(streak: u64) -> String {
    count(usize::try_from(streak).unwrap_or(usize::MAX), "time")
}

fn ends(name: &str, ended: &[&TaskFacts], last: &TaskFacts, wrote: &str) -> Cause {
    let code = match last.exit_code {
        Some(code) => format!("with exit code {code}"),
        None => format!("({})", said(last)),
    };
    let often = match ended.len() {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    Cause::new(CauseClass::CrashLoop, format!("service {name} ends {code}, {often}{wrote}"))
}

fn said(task: &TaskFacts) -> &str {
    task.error.as_deref().unwrap_or(&task.message)
}

/// The words of the scheduler (Engine 20.10 and newer).
fn no_node(name: &str, said: &str) -> Cause {
    let is_port = said.contains("port already in use");
    let class = if is_port { CauseClass::Port } else { CauseClass::Resources };
    Cause::new(class, format!("no node can take a task of service {name}: {said}"))
}

/// What kept a container from starting, in the engine's words.
fn refused(name: &str, task: &TaskFacts) -> Option<Cause> {
    const CLASSES: &[(&str, CauseClass)] = &[
        ("no such image", CauseClass::Image),
        ("address already in use", CauseClass::Port),
        ("port is already allocated", CauseClass::Port),
        ("no space left on device", CauseClass::Resources),
        ("cannot allocate memory", CauseClass::Resources),
        ("oci runtime", CauseClass::Start),
        ("executable file not found", CauseClass::Start),
        ("invalid mount config", CauseClass::Start),
        ("bind source path does not exist", CauseClass::Start),
        ("failed to mount", CauseClass::Start),
        ("starting container failed", CauseClass::Start),
    ];
    let said = said(task);
    let lower = said.to_lowercase();
    let known = CLASSES.iter().find(|(words, _)| lower.contains(words)).map(|(_, class)| *class);
    let class =
        known.or_else(|| (task.state == TaskState::Rejected).then_some(CauseClass::Start))?;
    Some(Cause::new(class, format!("a task of service {name} can not be started: {said}")))
}

/// Whose memory it was.
fn out_of_memory(service: &ServiceFacts) -> Cause {
    let limit = limit(service);
    let had = match limit {
        Some(limit) => format!("it may have {}", size(limit)),
        None => "it has no limit of its own, so it was the host's memory that ran out".to_owned(),
    };
    let message = format!("service {}: the kernel ended it for its memory; {had}", service.name);
    Cause::new(CauseClass::Oom, message)
}

/// What the service says that its tasks may have, in bytes.
pub(super) fn limit(service: &ServiceFacts) -> Option<u64> {
    service.template.get("Resources.Limits.MemoryBytes")?.parse().ok().filter(|bytes| *bytes > 0)
}

/// Whether a sentence speaks of that service, and not of one whose name begins so.
fn speaks_of(reason: &str, service: &str) -> bool {
    ["service", "job"].iter().any(|kind| hints::has_word(reason, &format!("{kind} {service}")))
}
