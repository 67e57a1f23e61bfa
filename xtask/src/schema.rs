//! `cargo xtask schema`: the JSON Schemas of what cc-ci reads and writes ([`cc_ci_core::schema`],
//! the same that `cc-ci schema` prints), kept in `docs/reference/` and compared there by `--check`.
//!
//! What is in the pages beside the schemas is written by hand, and `tests/it/reference.rs` sees
//! to it that no key and no variant is left out of them.
//!
//! Tests: at the end of this file and `tests/it/schema.rs`.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace;

pub use cc_ci_core::schema::{Document, documents};

/// Where the schemas are committed.
const FOLDER: &str = "docs/reference";

/// How much of a difference is shown.
const SHOWN: usize = 8;

/// Writes the schemas, or with `check` compares them with the committed ones. `Ok(false)` when
/// one differs.
///
/// # Errors
/// When a file can be neither read nor written.
pub fn run(check: bool) -> Result<bool> {
    let mut same = true;
    for document in documents() {
        let path = workspace::root().join(FOLDER).join(document.file());
        let (place, text) = (format!("{FOLDER}/{}", document.file()), document.text());
        if check {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            let difference = difference(&committed, &text);
            if let Some(lines) = &difference {
                println!("{place} is not what the types say (`cargo xtask schema` writes it):");
                println!("{lines}");
            }
            same &= difference.is_none();
        } else {
            fs::create_dir_all(workspace::root().join(FOLDER))?;
            fs::write(&path, text).with_context(|| format!("cannot write `{place}`"))?;
            println!("{place}");
        }
    }
    if check && same {
        println!("schema: {} files are what the types say", documents().len());
    }
    Ok(same)
}

/// What stands between the first and the last line that differ: the first lines of each side.
fn difference(committed: &str, generated: &str) -> Option<String> {
    if committed == generated {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (committed.lines().collect(), generated.lines().collect());
    let first = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[first..], &new[first..]);
    let last = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let shown = |sign: char, lines: &[&str]| -> Vec<String> {
        let differing = lines.iter().take(lines.len() - last).take(SHOWN);
        differing.map(|line| format!("  {sign} {line}")).collect()
    };
    let mut lines = vec![format!("  line {}:", first + 1)];
    lines.extend(shown('-', old));
    lines.extend(shown('+', new));
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let shown = |old: &str, new: &str| difference(old, new).unwrap_or_default();
        assert_eq!(shown("a\nb\n", "a\nb\n"), "");
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), "  line 2:\n  - b\n  + x");
        assert_eq!(shown("a\n", "a\nb\n"), "  line 2:\n  + b");
        assert_eq!(shown("a\na\n", "a\n"), "  line 2:\n  - a");
        assert_eq!(shown("", "a\n"), "  line 1:\n  + a");
        assert_eq!(shown("", &"x\n".repeat(100)).lines().count(), 1 + SHOWN);
    }
}
