//! What is on the engine, asked by the docker CLI: independent of the code under test.

use std::process::Command;

/// Everything on the engine that carries the run's label or belongs to one of its stacks.
pub fn leftovers(run_id: &str, stacks: &[String]) -> Vec<String> {
    let mut labels = vec![format!("label=cc-ci.run={run_id}")];
    labels.extend(stacks.iter().map(|stack| format!("label=com.docker.stack.namespace={stack}")));
    let mut left = Vec::new();
    for label in &labels {
        for kind in ["service", "network", "secret", "config", "volume"] {
            left.extend(list(&[kind, "ls", "--filter", label, "--format", "{{.Name}}"], kind));
        }
        left.extend(list(
            &["ps", "--all", "--filter", label, "--format", "{{.Names}}"],
            "container",
        ));
    }
    left.sort();
    left.dedup();
    left
}

/// Whether an object of that kind and name is there.
pub fn object_exists(kind: &str, name: &str) -> bool {
    docker(&[kind, "inspect", name]).status.success()
}

fn list(arguments: &[&str], kind: &str) -> Vec<String> {
    let output = docker(arguments);
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|name| format!("{kind} {name}")).collect()
}

#[expect(clippy::disallowed_methods, reason = "tests look at the engine from outside")]
fn docker(arguments: &[&str]) -> std::process::Output {
    let output = Command::new("docker").args(arguments).output();
    output.unwrap_or_else(|error| panic!("cannot run docker: {error}"))
}
