//! Cargo manifests and the lock file: versions in one place, not too many dependencies, no crate
//! without anything in it.

use toml::{Table, Value};

use super::{Finding, Text, Texts, has_ending};

/// Packages in `Cargo.lock`, ours included. Raising it is a decision: dependencies cost.
const MOST_PACKAGES: usize = 400;

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn check(texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(lock) = texts.get("Cargo.lock") {
        findings.extend(lock_size(&lock.content));
    }
    for (path, text) in texts {
        let Some(folder) = path.strip_suffix("/Cargo.toml") else {
            continue;
        };
        findings.extend(manifest(path, text));
        findings.extend(empty(folder, texts));
    }
    findings
}

fn lock_size(lock: &str) -> Option<Finding> {
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    (count > MOST_PACKAGES).then(|| {
        Finding::new(
            "Cargo.lock",
            format!("{count} packages, at most {MOST_PACKAGES}: which one can be spared?"),
        )
    })
}

fn manifest(path: &str, text: &Text) -> Vec<Finding> {
    let table: Table = match toml::from_str(&text.content) {
        Ok(table) => table,
        Err(error) => {
            return vec![Finding::new(path, format!("cannot be read: {}", error.message()))];
        }
    };
    let mut findings = Vec::new();
    let targets =
        table.get("target").and_then(Value::as_table).into_iter().flat_map(|all| all.values());
    let tables = targets.filter_map(Value::as_table).chain([&table]);
    for (kind, of) in tables.flat_map(|table| KINDS.map(|kind| (kind, table.get(kind)))) {
        for (name, value) in of.and_then(Value::as_table).into_iter().flatten() {
            if !has_no_version(value) {
                let message = format!(
                    "{kind} {name}: its version belongs to the root Cargo.toml; say `{name}.workspace = true` here"
                );
                findings.push(Finding::new(path, message));
            }
        }
    }
    let version = table.get("package").and_then(|package| package.get("version"));
    if version.is_some_and(Value::is_str) {
        findings.push(Finding::new(
            path,
            "say `version.workspace = true`: all crates have one version",
        ));
    }
    findings
}

/// It says none, or that the workspace says it.
fn has_no_version(dependency: &Value) -> bool {
    let is_ours = dependency.get("path").is_some() && dependency.get("version").is_none();
    is_ours || dependency.get("workspace") == Some(&Value::Boolean(true))
}

/// A crate whose Rust files hold nothing but comments.
fn empty(folder: &str, texts: &Texts) -> Option<Finding> {
    let inside = format!("{folder}/");
    let mut sources =
        texts.iter().filter(|(path, _)| path.starts_with(&inside) && has_ending(path, "rs"));
    let is_code = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let has_code = sources.any(|(_, text)| text.content.lines().any(is_code));
    (!has_code).then(|| Finding::new(folder, "this crate has nothing in it: fill it or remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, texts_of};

    #[test]
    fn versions_stand_in_the_root_only() {
        let manifest = "
            [package]
            version = '0.1.0'
            [dependencies]
            serde.workspace = true
            hex = '1'
            [dev-dependencies]
            toml = { workspace = true }
            xtask = { path = '../xtask' }
            [target.'cfg(unix)'.dependencies]
            libc = { version = '0.2' }";
        let texts = texts_of(&[
            ("a/Cargo.toml", manifest),
            ("a/src/lib.rs", "fn a() {}"),
            ("Cargo.toml", "x = 1"),
        ]);
        let findings = shown(&check(&texts));
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(
            findings[0].starts_with("a/Cargo.toml: dependencies libc: its version"),
            "{findings:?}"
        );
        assert!(findings[1].contains("dependencies hex"), "{findings:?}");
        assert!(findings[2].contains("version.workspace"), "{findings:?}");
    }

    #[test]
    fn a_crate_with_comments_only_is_empty() {
        let texts = texts_of(&[
            ("a/Cargo.toml", ""),
            ("a/src/lib.rs", "//! Later.\n\n// Much later.\n"),
            ("b/Cargo.toml", ""),
            ("b/src/lib.rs", "//! Now.\npub mod x;"),
        ]);
        assert_eq!(
            shown(&check(&texts)),
            ["a: this crate has nothing in it: fill it or remove it"]
        );
    }

    #[test]
    fn the_lock_file_has_a_limit() {
        assert_eq!(lock_size(&"[[package]]\n".repeat(MOST_PACKAGES)), None);
        assert!(lock_size(&"[[package]]\n".repeat(MOST_PACKAGES + 1)).is_some());
    }
}
