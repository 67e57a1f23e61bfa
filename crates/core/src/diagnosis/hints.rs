//! What an app's own log says about why it does not run: words that mean one thing whoever
//! writes them. The newest line that says anything counts, since earlier ones were overcome.

use cc_ci_model::diagnosis::CauseClass;

/// Lines from the end that are looked at: what was written long before is another matter.
const LOOKED_AT: usize = 15;

/// A line that says what kind of cause it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hint<'a> {
    pub(super) class: CauseClass,
    pub(super) line: &'a str,
}

/// All of these words in one line mean this.
type Words = (CauseClass, &'static [&'static str]);

const WORDS: &[Words] = &[
    (CauseClass::Resources, &["no space left on device"]),
    (CauseClass::Resources, &["disk quota exceeded"]),
    (CauseClass::Oom, &["outofmemoryerror"]),
    (CauseClass::Oom, &["heap out of memory"]),
    (CauseClass::Oom, &["cannot allocate memory"]),
    (CauseClass::Oom, &["runtime: out of memory"]),
    (CauseClass::Oom, &["memoryerror"]),
    (CauseClass::Secret, &["/run/secrets/", "no such file"]),
    (CauseClass::Secret, &["/run/secrets/", "not found"]),
    (CauseClass::Secret, &["/run/secrets/", "does not exist"]),
    (CauseClass::Secret, &["/run/secrets/", "nonexistent"]),
    (CauseClass::Secret, &["/run/secrets/", "enoent"]),
    (CauseClass::Dns, &["could not resolve host"]),
    (CauseClass::Dns, &["couldn't resolve host"]),
    (CauseClass::Dns, &["could not translate host name"]),
    (CauseClass::Dns, &["name or service not known"]),
    (CauseClass::Dns, &["temporary failure in name resolution"]),
    (CauseClass::Dns, &["name does not resolve"]),
    (CauseClass::Dns, &["nodename nor servname"]),
    (CauseClass::Dns, &["getaddrinfo", "enotfound"]),
    (CauseClass::Dns, &["getaddrinfo", "eai_again"]),
    (CauseClass::Dns, &["lookup", "no such host"]),
    (CauseClass::Dns, &["bad address '"]),
    (CauseClass::Dns, &["unknownhostexception"]),
    (CauseClass::Dns, &["unknown mysql server host"]),
    (CauseClass::Port, &["address already in use"]),
    (CauseClass::Port, &["eaddrinuse"]),
    (CauseClass::Migration, &["database files are incompatible"]),
    (CauseClass::Migration, &["database was initialized", "not compatible"]),
    (CauseClass::Migration, &["initialized by postgresql version"]),
    (CauseClass::Migration, &["invalid mysql server upgrade"]),
    (CauseClass::Migration, &["no such table"]),
    (CauseClass::Migration, &["no such column"]),
    (CauseClass::Migration, &["unknown column"]),
    (CauseClass::Migration, &["er_bad_field_error"]),
    (CauseClass::Migration, &["relation \"", "does not exist"]),
    (CauseClass::Migration, &["column \"", "does not exist"]),
    (CauseClass::Migration, &["schema version", "unsupported"]),
    (CauseClass::Migration, &["schema version", "newer"]),
    (CauseClass::Migration, &["downgrade", "not supported"]),
    (CauseClass::Migration, &["migrat", "fail"]),
    (CauseClass::Migration, &["migrat", "error"]),
    (CauseClass::Migration, &["migrat", "could not"]),
    (CauseClass::Migration, &["migrat", "cannot"]),
    (CauseClass::Migration, &["migrat", "unable"]),
    (CauseClass::Migration, &["migrat", "refus"]),
    (CauseClass::Migration, &["migrat", "abort"]),
];

/// A line with one of these says that all is well.
const GOOD: &[&str] = &["without error", "no error", " 0 error", " 0 failed", "not failed"];

/// The newest line that says why.
pub(super) fn hint(lines: &[String]) -> Option<Hint<'_>> {
    lines.iter().rev().take(LOOKED_AT).find_map(|line| Some(Hint { class: class(line)?, line }))
}

/// What a line says.
pub(super) fn class(line: &str) -> Option<CauseClass> {
    let line = line.to_lowercase();
    if GOOD.iter().any(|good| line.contains(good)) {
        return None;
    }
    let says = |words: &[&str]| words.iter().all(|word| line.contains(word));
    WORDS.iter().find(|(_, words)| says(words)).map(|(class, _)| *class)
}

/// Whether somebody says that there is no room left.
pub(super) fn is_full(said: &str) -> bool {
    said.to_lowercase().contains("no space left on device")
}

/// Words of a line that is about reaching somebody else.
const REACHING: &[&str] = &[
    "connect",
    "resolve",
    "refused",
    "unreachable",
    "lookup",
    "getaddrinfo",
    "bad address",
    "host name",
    "waiting for",
    "wait for",
];

/// The newest line in which a service says that it can not reach that other one.
pub(super) fn misses<'a>(lines: &'a [String], other: &str) -> Option<&'a str> {
    let is_about = |line: &&String| {
        let lower = line.to_lowercase();
        REACHING.iter().any(|word| lower.contains(word)) && has_word(&lower, other)
    };
    lines.iter().rev().take(LOOKED_AT).find(is_about).map(String::as_str)
}

/// Whether a name stands in a line, and not as a part of another one.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    line.match_indices(word).any(|(at, found)| {
        let before = line[..at].chars().next_back();
        let after = line[at + found.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}
