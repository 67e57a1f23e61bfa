//! What every port promises, as code: one suite for each, which the fake and the real adapter
//! both pass.
//!
//! A suite is a list of cases over the port's own trait and a small `Stage`, by which either side
//! brings a situation about and looks at what came of it. `check` runs every case on a stage of
//! its own and says `contract Volumes: 11 of 11`. The fake's side is in `testkit/tests/it`, the
//! adapter's in its own `tests/it`; `cargo xtask tidy` finds a port that lacks either. Where the
//! two differ, the real engine, git or kernel is right and the fake is mended.

pub mod clock;
pub mod commands;
pub mod deployer;
pub mod engine_view;
pub mod entropy;
pub mod exec;
pub mod files;
pub mod host_view;
pub mod images;
pub mod objects;
pub mod probe;
pub mod processes;
pub mod recipes;
pub mod restarts;
pub mod signals;
pub mod snapshots;
pub mod stack_view;
pub mod stack_watch;
pub mod stage;
pub mod state_view;
pub mod store;
pub mod volumes;

use std::io::Write;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// Names the port, the stage and the cases of a suite, and makes `CASES` and `check` of them. A
/// case is `async fn name<S: Stage>(stage: &S)`; one that is not listed is dead code.
macro_rules! contract {
    ($port:ident: [$($case:ident),+ $(,)?]) => {
        /// The cases, in the order in which they are run.
        pub const CASES: &[&str] = &[$(stringify!($case)),+];

        /// Runs every case on a stage of its own and says how many were kept.
        ///
        /// # Panics
        /// When a case is not kept, once all of them have run.
        pub async fn check<S: Stage>(mut stage: impl AsyncFnMut() -> S) {
            let mut tally = $crate::contract::Tally::of(stringify!($port), CASES.len());
            $(tally.run(stringify!($case), Box::pin(async {
                let stage = stage().await;
                $case(&stage).await;
            })).await;)+
            tally.end();
        }
    };
}
pub(crate) use contract;

/// Counts the cases of one suite.
#[derive(Debug)]
pub struct Tally {
    port: &'static str,
    cases: usize,
    kept: usize,
    broken: Vec<&'static str>,
}

impl Tally {
    /// Of a port's suite, before its first case.
    pub fn of(port: &'static str, cases: usize) -> Self {
        Self { port, cases, kept: 0, broken: Vec::new() }
    }

    /// Runs one case. One that panics does not keep the others from running.
    pub async fn run(&mut self, name: &'static str, case: impl Future<Output = ()>) {
        match AssertUnwindSafe(case).catch_unwind().await {
            Ok(()) => self.kept += 1,
            Err(_told_by_the_panic_hook) => self.broken.push(name),
        }
    }

    /// Says the result, past the test harness, which would keep the output of a test that passes.
    ///
    /// # Panics
    /// When a case was not kept, or did not run.
    pub fn end(self) {
        let told = format!("contract {}: {} of {}\n", self.port, self.kept, self.cases);
        let _nobody_listens = std::io::stderr().write_all(told.as_bytes());
        let broken = self.broken.join(", ");
        assert!(self.kept == self.cases, "contract {}: not kept: {broken}", self.port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_case_that_breaks_is_told_after_all_have_run() {
        let mut tally = Tally::of("Broken on purpose", 3);
        tally.run("one", async {}).await;
        tally.run("two", async { panic!("broken on purpose") }).await;
        tally.run("three", async {}).await;
        assert_eq!((tally.kept, tally.broken.as_slice()), (2, ["two"].as_slice()));
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| tally.end())).unwrap_err();
        assert_eq!(
            ended.downcast_ref::<String>().unwrap(),
            "contract Broken on purpose: not kept: two"
        );
    }

    /// A case that never ran is none that was kept.
    #[test]
    #[should_panic(expected = "contract Broken on purpose: not kept")]
    fn a_case_that_did_not_run_is_not_kept() {
        Tally::of("Broken on purpose", 1).end();
    }
}
