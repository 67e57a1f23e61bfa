//! `cargo xtask ci`: everything that needs no Swarm, in one gate, the same everywhere.
//!
//! The cheapest check comes first and the tests last, so that the end of the output is theirs.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{schema, tidy, workspace};

/// A step: its name, how to run it by hand, and how to run it now.
struct Step {
    name: &'static str,
    by_hand: &'static str,
    run: fn() -> Result<bool>,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        by_hand: "cargo fmt --all",
        run: || cargo(&["fmt", "--all", "--check"], &[]),
    },
    Step { name: "tidy", by_hand: "cargo xtask tidy", run: tidy::run },
    Step { name: "schemas", by_hand: "cargo xtask schema", run: || schema::run(true) },
    Step {
        name: "lints",
        by_hand: "cargo clippy --workspace --all-targets -- -D warnings",
        run: || {
            cargo(
                &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
                &[],
            )
        },
    },
    Step {
        name: "documentation",
        by_hand: "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --workspace",
        run: || {
            cargo(
                &["doc", "--locked", "--no-deps", "--workspace", "--quiet"],
                &[("RUSTDOCFLAGS", "-D warnings")],
            )
        },
    },
    Step {
        name: "tests",
        by_hand: "cargo test --workspace --exclude cc-ci-e2e --lib --bins --tests",
        run: || {
            cargo(
                &[
                    "test",
                    "--locked",
                    "--workspace",
                    "--exclude",
                    "cc-ci-e2e",
                    "--lib",
                    "--bins",
                    "--tests",
                ],
                &[],
            )
        },
    },
];

/// Runs all steps up to the first that fails. `Ok(false)` when one did.
pub fn run() -> Result<bool> {
    for (step, number) in STEPS.iter().zip(1..) {
        println!("== {}", step.name);
        let began = Instant::now();
        let passed = (step.run)()?;
        let seconds = began.elapsed().as_secs_f64();
        if !passed {
            println!(
                "== {} failed after {seconds:.1} s; to run it again: {}",
                step.name, step.by_hand
            );
            return Ok(false);
        }
        // What the tests say is the last word.
        if number < STEPS.len() {
            println!("== {} passed in {seconds:.1} s", step.name);
        }
    }
    Ok(true)
}

/// Runs cargo at the root. Real-Swarm tests are not asked for, whatever the caller's environment says.
fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<bool> {
    let mut command: Command = workspace::cargo();
    command.args(arguments).envs(environment.iter().copied());
    command.env_remove("CC_CI_E2E").env_remove("CC_CI_E2E_ALL");
    let status =
        command.status().with_context(|| format!("cannot run `cargo {}`", arguments.join(" ")))?;
    Ok(status.success())
}
