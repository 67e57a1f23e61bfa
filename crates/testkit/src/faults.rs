//! One counter that every fake call passes, and what befalls one of them.
//!
//! A test runs its scenario once without faults, then again and again with call 1, 2, 3 … failing,
//! hanging or losing its answer, until [`Faults::fired`] says that the run was over before.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Every call a run, planning or a cleanup can make of a port. (What only `cc-ci doctor` asks is
/// not among them.)
pub const CALLS: [&str; 36] = [
    "append to the log",
    "check out a commit",
    "create a network",
    "create a secret",
    "deploy a stack",
    "end a process",
    "ensure an image",
    "find a volume",
    "find an object",
    "list a snapshot",
    "list the changes of a container",
    "look at a file",
    "look at a stack",
    "look at an owner",
    "look up addresses",
    "open a recipe",
    "ping",
    "read a commit",
    "read a file of a volume",
    "read a file",
    "read logs",
    "read the files again",
    "remove a file",
    "remove an object",
    "request a page",
    "restart a service",
    "restore a snapshot",
    "run a command in a container",
    "run a program",
    "search a snapshot",
    "take a snapshot",
    "take the inventory",
    "watch a stack",
    "weigh a path of a volume",
    "write a file of a volume",
    "write a file",
];

/// A run that makes more calls than this does not come to its end.
const RUNAWAY: usize = 50_000;

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It returns the port's error and has had no effect.
    Fail,
    /// It has its effect and returns the port's error: the answer was lost.
    LoseAnswer,
    /// It never returns and has no effect.
    Hang,
    /// It has its effect and never returns.
    HangAfter,
    /// It panics: a bug of an adapter.
    Panic,
}

/// What a call is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its effect, and return its answer.
    Go,
    /// Return the port's error at once.
    Fail,
    /// Its effect, then return the port's error.
    GoThenFail,
    /// Its effect, then never return.
    GoThenHang,
}

type Hook = Box<dyn FnOnce() + Send>;

/// The shared counter.
#[derive(Default)]
pub struct Faults {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    calls: Vec<String>,
    fault: Option<(usize, Fault)>,
    fired: Option<String>,
    hooks: Vec<(usize, Hook)>,
}

impl Faults {
    /// Nothing fails.
    pub fn none() -> Self {
        Self::default()
    }

    /// Call number `nth` (from 1) meets that fault.
    pub fn arm(&self, nth: usize, fault: Fault) {
        self.lock().fault = Some((nth, fault));
    }

    /// `hook` runs right before call number `nth` (from 1).
    pub fn before(&self, nth: usize, hook: impl FnOnce() + Send + 'static) {
        self.lock().hooks.push((nth, Box::new(hook)));
    }

    /// Names of all calls so far, in order.
    pub fn calls(&self) -> Vec<String> {
        self.lock().calls.clone()
    }

    /// The call that met the fault, if one did.
    pub fn fired(&self) -> Option<String> {
        self.lock().fired.clone()
    }

    /// Counts an asynchronous call. Does not return when the call is to hang.
    pub async fn enter(&self, call: &str) -> Fate {
        let (fate, hangs) = self.count(call, true);
        if hangs {
            std::future::pending::<()>().await;
        }
        fate
    }

    /// Counts a synchronous call: one that can fail but not hang.
    pub fn enter_now(&self, call: &str) -> Fate {
        self.count(call, false).0
    }

    /// Carries out `effect` as the call's fate is.
    ///
    /// # Errors
    /// What `error` makes of a failed call, or the effect's own.
    pub async fn around<T, E>(
        &self,
        call: &str,
        error: impl FnOnce(String) -> E + Send,
        effect: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<T, E> {
        match self.enter(call).await {
            Fate::Go => effect(),
            Fate::Fail => Err(error(injected(call))),
            Fate::GoThenFail => {
                drop(effect());
                Err(error(injected(call)))
            }
            Fate::GoThenHang => {
                drop(effect());
                std::future::pending().await
            }
        }
    }

    fn count(&self, call: &str, can_hang: bool) -> (Fate, bool) {
        let (hooks, fault) = {
            let mut inner = self.lock();
            inner.calls.push(call.to_owned());
            let nth = inner.calls.len();
            assert!(nth < RUNAWAY, "call {nth} of a run that should have ended: {call}");
            let due = inner.hooks.iter().position(|(at, _)| *at == nth);
            let hook = due.map(|place| inner.hooks.swap_remove(place).1);
            let fault = inner.fault.filter(|(at, _)| *at == nth).map(|(_, fault)| fault);
            let fits =
                fault.filter(|fault| can_hang || !matches!(fault, Fault::Hang | Fault::HangAfter));
            if fits.is_some() {
                inner.fired = Some(format!("call {nth}: {call}"));
            }
            (hook, fits)
        };
        if let Some(hook) = hooks {
            hook();
        }
        match fault {
            None => (Fate::Go, false),
            Some(Fault::Fail) => (Fate::Fail, false),
            Some(Fault::LoseAnswer) => (Fate::GoThenFail, false),
            Some(Fault::Hang) => (Fate::Go, true),
            Some(Fault::HangAfter) => (Fate::GoThenHang, false),
            Some(Fault::Panic) => panic!("{}", injected(call)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of every injected failure.
pub fn injected(call: &str) -> String {
    format!("injected failure of `{call}`")
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Faults")
            .field("calls", &inner.calls.len())
            .field("fault", &inner.fault)
            .field("fired", &inner.fired)
            .finish_non_exhaustive()
    }
}
