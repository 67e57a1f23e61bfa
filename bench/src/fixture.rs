//! What is deployed: two small services, one with a health check.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What a stack's services carry the revision in, so that it is seen when it was submitted.
pub(crate) const REVISION_LABEL: &str = "cc-ci.bench.revision";

/// Services of the stack.
pub(crate) const SERVICES: [&str; 2] = ["app", "worker"];

const IMAGE: &str = "cc-ci-fixture.invalid/static-web:2.2.0";

/// A revision's compose file.
fn compose(revision: u32, order: &str) -> String {
    let deploy = format!(
        "    environment:\n      REVISION: \"{revision}\"\n    deploy:\n      labels:\n        {REVISION_LABEL}: \"{revision}\"\n      \
         update_config:\n        order: {order}\n        monitor: 1s\n        failure_action: pause\n"
    );
    format!(
        "version: \"3.8\"\nservices:\n  app:\n    image: {IMAGE}\n    healthcheck:\n      test: [\"CMD\", \"wget\", \"-q\", \"-O\", \
         \"/dev/null\", \"http://127.0.0.1/\"]\n      interval: 1s\n{deploy}  worker:\n    image: {IMAGE}\n{deploy}"
    )
}

/// Writes a revision's compose file.
pub(crate) fn write(folder: &Path, revision: u32, order: &str) -> Result<PathBuf> {
    let path = folder.join(format!("compose.{revision}.yml"));
    std::fs::write(&path, compose(revision, order))?;
    Ok(path)
}

/// Runs the docker CLI to its end.
pub(crate) fn docker(arguments: &[&str]) -> Result<String> {
    let output = Command::new("docker").args(arguments).output().context("cannot run `docker`")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`docker {}`: {}", arguments.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A stack that goes with this.
#[derive(Debug)]
pub(crate) struct Stack(pub(crate) String);

impl Drop for Stack {
    fn drop(&mut self) {
        let mut remove = Command::new("docker");
        remove.args(["stack", "rm", &self.0]).stdout(Stdio::null()).stderr(Stdio::null());
        if remove.status().is_err() {
            eprintln!("stack {} may still be there", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_services_carry_the_revision() {
        let text = compose(7, "stop-first");
        assert_eq!(text.matches("cc-ci.bench.revision: \"7\"").count(), SERVICES.len());
        assert_eq!(text.matches("order: stop-first").count(), SERVICES.len());
    }
}
