//! Reads the files of a run again, for secrets that survived (RES-5).
//!
//! Tests: at the end of this file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use cc_ci_core::ports::StoreError;
use cc_ci_core::redact::Redactor;

use crate::run_dir::WORK_FOLDER;

/// Read at once.
const PART_BYTES: usize = 1 << 20;

/// Files and folders looked at; a run makes a few dozen.
const ENTRIES: usize = 100_000;

/// Files with a secret in them, as names inside the folder, in order.
pub(crate) fn unclean(folder: &Path, secrets: &Redactor) -> Result<Vec<String>, StoreError> {
    let mut unclean = Vec::new();
    let mut folders = vec![String::new()];
    let mut n_entries = 0;
    while let Some(inner) = folders.pop() {
        let path = folder.join(&inner);
        let at = |source| StoreError { path: path.display().to_string(), source };
        for entry in fs::read_dir(&path).map_err(at)? {
            n_entries += 1;
            if n_entries > ENTRIES {
                return Err(at(io::Error::other("too many files to read them all again")));
            }
            let entry = entry.map_err(at)?;
            let kind = entry.file_type().map_err(at)?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(at(io::Error::other("a file has a name that is no text")));
            };
            let name = if inner.is_empty() { name } else { format!("{inner}/{name}") };
            if kind.is_dir() && name != WORK_FOLDER {
                folders.push(name);
            } else if kind.is_file() && holds(&folder.join(&name), secrets).map_err(at)? {
                unclean.push(name);
            }
        }
    }
    unclean.sort();
    Ok(unclean)
}

/// Why a file is not written.
pub(crate) fn secret() -> io::Error {
    io::Error::other("a secret of the run is in it")
}

/// Part after part, each with the end of the one before: a secret may begin in one and end in
/// the next.
fn holds(path: &Path, secrets: &Redactor) -> io::Result<bool> {
    let file = File::open(path)?;
    holds_in(file, PART_BYTES, secrets)
}

fn holds_in(mut file: impl Read, part_bytes: usize, secrets: &Redactor) -> io::Result<bool> {
    let mut part = Vec::new();
    loop {
        let overlap = part.len().saturating_sub(secrets.longest());
        part.drain(..overlap);
        let read = file.by_ref().take(part_bytes as u64).read_to_end(&mut part)?;
        if secrets.survives_in(&part) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use cc_ci_model::secret::Secret;

    use super::*;

    const SECRET: &str = "Zq8vN2wXr5TjLk3M";

    fn secrets() -> Redactor {
        let mut secrets = Redactor::default();
        secrets.keep(&Secret::new(SECRET));
        secrets
    }

    #[test]
    fn a_secret_is_found_across_parts() {
        for before in 0..40 {
            let text = format!("{}{SECRET}", "x".repeat(before));
            assert!(holds_in(text.as_bytes(), 7, &secrets()).unwrap(), "{before}");
            assert!(!holds_in(&text.as_bytes()[..before + 7], 7, &secrets()).unwrap());
        }
    }

    #[test]
    fn every_file_is_read_again_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            io::Write::write_all(&mut File::create(path).unwrap(), text.as_bytes()).unwrap();
        };
        put("events.jsonl", SECRET);
        put("logs/a.log", "nothing");
        put("logs/deep/b.log", SECRET);
        put("work/volumes/c", SECRET);
        put("logs/work/d", SECRET);
        io::Write::write_all(&mut elsewhere.as_file(), SECRET.as_bytes()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let found = unclean(folder.path(), &secrets()).unwrap();
        assert_eq!(found, ["events.jsonl", "logs/deep/b.log", "logs/work/d"]);
        assert_eq!(unclean(folder.path(), &Redactor::default()).unwrap(), [""; 0]);
    }
}
