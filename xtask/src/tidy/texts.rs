//! Rules about the text of files: size, headers, words that must not land, executable scripts.

use super::{Finding, Text, Texts, has_ending};

const MOST_LINES: usize = 400;
const MOST_LINES_OF_TESTS: usize = 1500;

/// What must not stand in a Rust file, and what to do instead. Written in two parts each, so
/// that this list does not find itself.
const IN_RUST: &[(&str, &str, &str)] = &[
    ("#[", "allow(", "say `#[expect(…, reason = \"…\")]`, which tells when it is no longer needed"),
    (
        "#![",
        "allow(",
        "say `#![expect(…, reason = \"…\")]`, which tells when it is no longer needed",
    ),
    ("todo", "!(", "write it, or open an issue and leave it out"),
    ("FIX", "ME", "mend it, or open an issue and say here what holds today"),
    ("XX", "X", "mend it, or open an issue and say here what holds today"),
];

/// What must not stand in any file: places that exist on one machine only.
const ANYWHERE: &[(&str, &str, &str)] = &[
    ("../", "shared", "the product does not refer to papers outside its repository"),
    ("/wo", "rk/", "the product does not know the machine it is written on"),
];

pub(super) fn check(texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in texts {
        if has_ending(path, "rs") {
            findings.extend(size(path, text));
            findings.extend(header(path, text));
            findings.extend(words(path, text, IN_RUST));
        }
        findings.extend(words(path, text, ANYWHERE));
        findings.extend(script(path, text));
    }
    findings
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests")
}

fn size(path: &str, text: &Text) -> Option<Finding> {
    let lines = text.content.lines().count();
    let most = if is_test(path) { MOST_LINES_OF_TESTS } else { MOST_LINES };
    (lines > most).then(|| {
        Finding::new(
            path,
            format!("{lines} lines, at most {most}: which part of it is a room of its own?"),
        )
    })
}

fn header(path: &str, text: &Text) -> Option<Finding> {
    (!text.content.starts_with("//!")).then(|| {
        Finding::new(
            path,
            "does not begin with `//!`: what is it for, and what does it deliberately not do?",
        )
    })
}

fn words(path: &str, text: &Text, refused: &[(&str, &str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (first, second, instead) in refused {
        let word = format!("{first}{second}");
        let lines = text.content.lines().enumerate().filter(|(_, line)| stands_in(line, &word));
        findings.extend(lines.map(|(index, _)| {
            Finding::new(format!("{path}:{}", index + 1), format!("`{word}`: {instead}"))
        }));
    }
    findings
}

/// Whether a word stands in a line and is not the end or the beginning of a longer one.
fn stands_in(line: &str, word: &str) -> bool {
    let is_letter = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    line.match_indices(word).any(|(start, _)| {
        let before = line.as_bytes().get(start.wrapping_sub(1)).copied();
        let after = line.as_bytes().get(start + word.len()).copied();
        let goes_on = is_letter(word.bytes().last()) && is_letter(after);
        !is_letter(before) && !goes_on
    })
}

/// Fixtures are other people's files: what a mode is for there, their recipe says.
fn script(path: &str, text: &Text) -> Option<Finding> {
    let shell = text
        .content
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("#!") && line.ends_with("sh"));
    (shell && !text.executable && !path.starts_with("fixtures/recipes/"))
        .then(|| Finding::new(path, "is a shell script and not executable: chmod +x"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, texts_of};

    #[track_caller]
    fn found(path: &str, content: &str, expected: &[&str]) {
        let findings = shown(&check(&texts_of(&[(path, content)])));
        assert_eq!(findings.len(), expected.len(), "{findings:?}");
        for (finding, part) in findings.iter().zip(expected) {
            assert!(finding.contains(part), "{finding}");
        }
    }

    #[test]
    fn files_have_a_header_and_a_size() {
        found("a.rs", "//! A.\nfn a() {}\n", &[]);
        found("a.rs", "fn a() {}\n", &["a.rs: does not begin with"]);
        found("a.rs", "", &["does not begin with"]);
        let long = format!("//! A.\n{}", "\n".repeat(MOST_LINES));
        found("a.rs", &long, &["401 lines, at most 400"]);
        found("a/tests.rs", &long, &[]);
        found("a/tests/it/b.rs", &long, &[]);
        found("a.md", &long, &[]);
    }

    #[test]
    fn words_that_must_not_land_are_found_with_their_line() {
        let line = |first: &str, second: &str| format!("//! A.\n{first}{second} x\n");
        found("a.rs", &line("#[", "allow(dead_code)]"), &["a.rs:2: `#["]);
        found("a.rs", &line("// FIX", "ME:"), &["a.rs:2"]);
        found("a.rs", &line("XX", "X"), &["a.rs:2"]);
        found("a.rs", &line("XX", "XXXX"), &[]);
        found("a.sh", &line("mktemp x.XX", "XX"), &[]);
        found("a.rs", &line("mytodo", "!()"), &[]);
        found("a.md", &line("see ../", "shared/spec.md"), &["a.md:2"]);
        found("a.toml", &line("path = '/wo", "rk/main'"), &["a.toml:2"]);
        found("a.md", "/home/me/work/x\nhttps://example.org/work/x\n", &[]);
    }

    #[test]
    fn shell_scripts_can_be_run() {
        found("scripts/x", "#!/usr/bin/env bash\n", &["chmod +x"]);
        found("scripts/lib/x.sh", "# shellcheck shell=bash\n", &[]);
        found("fixtures/recipes/x/head/entrypoint.sh", "#!/bin/sh\n", &[]);
    }
}
