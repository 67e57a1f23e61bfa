//! `cargo xtask tidy`: the rules of the house that neither rustc nor clippy can check. Every
//! finding is listed before the command fails.
//!
//! Each check is a pure function from texts to [`Finding`]s; only this file reads anything.

mod contracts;
mod docs;
mod floors;
mod manifests;
mod texts;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace;

/// Something that is not tidy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File, or file and line, or crate.
    pub place: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// The files of the repository that are text, by their path.
type Texts = BTreeMap<String, Text>;

#[derive(Debug, Clone)]
struct Text {
    content: String,
    executable: bool,
}

/// Runs every check and prints what was found. `Ok(false)` when something was.
pub fn run() -> Result<bool> {
    let texts = read()?;
    let crates = floors::members(&workspace::metadata()?)?;
    let mut findings = Vec::new();
    findings.extend(floors::check(&crates));
    findings.extend(manifests::check(&texts));
    findings.extend(texts::check(&texts));
    findings.extend(docs::check(&texts));
    findings.extend(contracts::check(&texts));
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("tidy: {} files, {} crates, nothing to say", texts.len(), crates.len()),
        count => println!("tidy: {count} findings"),
    }
    Ok(findings.is_empty())
}

fn read() -> Result<Texts> {
    let mut texts = Texts::new();
    for path in workspace::files()? {
        let full = workspace::root().join(&path);
        let bytes = fs::read(&full).with_context(|| format!("cannot read `{path}`"))?;
        let executable = fs::metadata(&full)?.permissions().mode() & 0o111 != 0;
        // What is not UTF-8 is a picture or an archive: no rule is about it.
        if let Ok(content) = String::from_utf8(bytes) {
            texts.insert(path, Text { content, executable });
        }
    }
    Ok(texts)
}

/// Whether a file's name ends so.
fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|own| own == ending)
}

#[cfg(test)]
fn texts_of(files: &[(&str, &str)]) -> Texts {
    let text = |content: &str| Text { content: content.to_owned(), executable: false };
    files.iter().map(|(path, content)| ((*path).to_owned(), text(content))).collect()
}

#[cfg(test)]
fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}
