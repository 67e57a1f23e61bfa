//! What is on the engine, asked by the docker CLI: independent of the code under test.

use std::process::{Command, Output};

/// Kinds of objects, as the docker CLI calls them.
const KINDS: [&str; 5] = ["service", "network", "secret", "config", "volume"];

/// Everything on the engine that carries the run's label or belongs to one of its stacks.
#[track_caller]
pub fn leftovers(run_id: &str, stacks: &[String]) -> Vec<String> {
    leftovers_by(&docker, run_id, stacks)
}

/// The same on another engine, whose CLI is given.
#[track_caller]
pub fn leftovers_by(
    docker: &dyn Fn(&[&str]) -> String,
    run_id: &str,
    stacks: &[String],
) -> Vec<String> {
    let mut labels = vec![format!("label=cc-ci.run={run_id}")];
    labels.extend(stacks.iter().map(|stack| format!("label=com.docker.stack.namespace={stack}")));
    let mut left = Vec::new();
    for label in &labels {
        for kind in KINDS {
            let names = docker(&[kind, "ls", "--filter", label, "--format", "{{.Name}}"]);
            left.extend(names.lines().map(|name| format!("{kind} {name}")));
        }
        let names = docker(&["ps", "--all", "--filter", label, "--format", "{{.Names}}"]);
        left.extend(names.lines().map(|name| format!("container {name}")));
    }
    left.sort();
    left.dedup();
    left
}

/// Everything on the engine whose name has that part.
#[track_caller]
pub fn named(part: &str) -> Vec<String> {
    let mut found = Vec::new();
    for kind in KINDS {
        let names = docker(&[kind, "ls", "--format", "{{.Name}}"]);
        found.extend(names.lines().map(|name| format!("{kind} {name}")));
    }
    let names = docker(&["ps", "--all", "--format", "{{.Names}}"]);
    found.extend(names.lines().map(|name| format!("container {name}")));
    found.retain(|object| object.contains(part));
    found
}

/// Whether an object of that kind and name is there.
pub fn object_exists(kind: &str, name: &str) -> bool {
    output(&[kind, "inspect", name]).status.success()
}

/// All the engine says about an object: the same twice when nobody has touched it.
#[track_caller]
pub fn inspect(kind: &str, name: &str) -> String {
    docker(&[kind, "inspect", name])
}

/// Runs the docker CLI, which has to succeed, and gives its standard output.
///
/// # Panics
/// When it fails.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    let output = output(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Runs the docker CLI and does not mind what becomes of it.
pub(crate) fn try_docker(arguments: &[&str]) {
    drop(output(arguments));
}

fn output(arguments: &[&str]) -> Output {
    let output = Command::new("docker").args(arguments).output();
    output.unwrap_or_else(|error| panic!("cannot run docker: {error}"))
}
