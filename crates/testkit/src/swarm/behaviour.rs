//! How the tasks of one service behave.

use std::time::Duration;

/// How the tasks of one service, or of one image, behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// What its tasks do, one after another; the last one repeats.
    pub lives: Vec<Life>,
    /// From the acceptance of a new service to its first task.
    pub appears_after: Duration,
    /// From the end of a task to the start of the next one.
    pub restart_delay: Duration,
    /// How often a slot is filled again after its tasks ended; 0 is without a limit.
    pub max_attempts: u64,
    /// Between two health checks.
    pub check_every: Duration,
    /// A process that has not ended this long after TERM is killed (exit code 137).
    pub stop_grace: Duration,
    /// From the acceptance of an update to its beginning. Until then the engine shows the old
    /// task, running, and no update state (incident 238).
    pub update_begins_after: Duration,
    /// How long a stopped container stays once its service is gone.
    pub lingers: Duration,
    /// Where its image mounts a volume that nobody named.
    pub anonymous: Vec<String>,
    /// Those volumes stay when their container goes.
    pub anonymous_stay: bool,
    /// Files it writes into its container's own layer when it starts.
    pub writes: Vec<String>,
    /// The port it listens on.
    pub port: u16,
    /// What it answers over HTTP, request by request; the last one repeats.
    pub answers: Vec<Answer>,
}

/// What one task does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// From its creation to the start of its process.
    pub starts_after: Duration,
    /// What keeps it from starting at all.
    pub obstacle: Option<Obstacle>,
    /// How its process ends by itself, counted from its start.
    pub ends: Option<Exit>,
    /// The kernel ends it, because its memory ran out.
    pub oom: bool,
    /// How it ends on TERM, counted from there.
    pub on_term: Exit,
    /// What its health checks say.
    pub health: Health,
    /// From its start to its first answer.
    pub listens_after: Duration,
}

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// After that long.
    pub after: Duration,
    /// With that code.
    pub code: i64,
}

/// What keeps a task from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The node refuses it, with these words.
    Refused(String),
    /// No node takes it, with these words.
    NoNode(String),
}

/// What health checks say, by the age of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// There are none.
    Unchecked,
    /// They succeed from that age on.
    From(Duration),
    /// They succeed until that age, and never again.
    Until(Duration),
    /// They succeed, but not between those two ages.
    Except(Duration, Duration),
    /// They never succeed.
    Never,
}

/// What a process answers over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status, with a body.
    Status(u16, String),
    /// A redirect to there. One within the domain that was asked is followed.
    Redirect(String),
    /// It closes the connection.
    Reset,
    /// It says nothing until the request's time is up.
    Silence,
}

impl Health {
    /// What a check says at that age; `None` when there is no check.
    pub(super) fn at(self, age: Duration) -> Option<bool> {
        match self {
            Health::Unchecked => None,
            Health::From(from) => Some(age >= from),
            Health::Until(until) => Some(age < until),
            Health::Except(from, until) => Some(age < from || age >= until),
            Health::Never => Some(false),
        }
    }
}

impl Life {
    /// Starts within a second, is healthy at once, runs until it is stopped.
    pub fn steady() -> Self {
        Self {
            starts_after: Duration::from_secs(1),
            obstacle: None,
            ends: None,
            oom: false,
            on_term: Exit { after: Duration::from_millis(300), code: 0 },
            health: Health::From(Duration::ZERO),
            listens_after: Duration::ZERO,
        }
    }

    /// Ends by itself.
    pub fn ending(after: Duration, code: i64) -> Self {
        Self { ends: Some(Exit { after, code }), health: Health::Unchecked, ..Self::steady() }
    }

    /// Never starts.
    pub fn stopped_by(obstacle: Obstacle) -> Self {
        Self { obstacle: Some(obstacle), ..Self::steady() }
    }

    /// Its health checks say that.
    pub fn with_health(health: Health) -> Self {
        Self { health, ..Self::steady() }
    }
}

impl Behaviour {
    /// Every task is a [`Life::steady`] one and answers 200.
    pub fn steady() -> Self {
        Self::lives([Life::steady()])
    }

    /// Tasks live those lives, one after another; the last one repeats.
    pub fn lives(lives: impl IntoIterator<Item = Life>) -> Self {
        Self {
            lives: lives.into_iter().collect(),
            appears_after: Duration::from_millis(50),
            restart_delay: Duration::from_secs(5),
            max_attempts: 0,
            check_every: Duration::from_secs(1),
            stop_grace: Duration::from_secs(10),
            update_begins_after: Duration::from_millis(200),
            lingers: Duration::from_secs(3),
            anonymous: Vec::new(),
            anonymous_stay: false,
            writes: Vec::new(),
            port: 80,
            answers: vec![Answer::Status(200, "<title>Welcome</title>".into())],
        }
    }

    /// Never becomes healthy; exits with that code on TERM.
    pub fn never_healthy(code_on_term: i64) -> Self {
        let on_term = Exit { after: Duration::from_millis(300), code: code_on_term };
        Self::lives([Life { on_term, ..Life::with_health(Health::Never) }])
    }

    /// Ends with an error shortly after every start.
    pub fn crash_loop() -> Self {
        Self::lives([Life::ending(Duration::from_millis(500), 1)])
    }

    /// Does its work and ends with exit code 0.
    pub fn one_shot(after: Duration) -> Self {
        Self::lives([Life::ending(after, 0)])
    }

    /// Answers like that, request by request; the last one repeats.
    #[must_use]
    pub fn answering(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers = answers.into_iter().collect();
        self
    }

    pub(super) fn life(&self, nth: usize) -> Life {
        let last = self.lives.len().saturating_sub(1);
        self.lives.get(nth.min(last)).cloned().unwrap_or_else(Life::steady)
    }
}
