//! Changes one key of an env file and leaves every other line as it is.

use super::{EnvEntry, EnvFile};
use crate::text::TextError;

impl EnvFile {
    /// Sets `key`: its last assignment is replaced in place, with its comment kept; a new key
    /// is added at the end. The value is quoted so that it reads back as it was given.
    ///
    /// # Errors
    /// A key that is no name of a variable, or a value that no quoting brings back unchanged
    /// (it has both kinds of quotes, line breaks and a backslash at its end, say).
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), TextError> {
        if !is_name(key) {
            return Err(TextError::new(format!("`{key}` is not the name of a variable")));
        }
        for quoted in quotings(value) {
            let changed = Self::parse(&self.name, &self.with(key, &quoted));
            if let Ok(changed) = changed
                && changed.get(key) == Some(value)
                && changed.keeps_others(self, key)
            {
                let has_crlf = self.has_crlf;
                *self = Self { has_crlf, ..changed };
                return Ok(());
            }
        }
        Err(TextError::new(format!("the value of `{key}` cannot be written into an env file")))
    }

    /// Takes over an assignment of another env file, with the orders in its comment
    /// (`# length=32`).
    ///
    /// # Errors
    /// As [`EnvFile::set`].
    pub fn adopt(&mut self, entry: &EnvEntry) -> Result<(), TextError> {
        let is_new = self.entry(&entry.key).is_none();
        self.set(&entry.key, &entry.value)?;
        let Some(comment) = entry.comment.as_ref().filter(|_| is_new) else {
            return Ok(());
        };
        // A new assignment is the last line.
        let text = format!("{} # {comment}\n", self.text.trim_end_matches('\n'));
        let has_crlf = self.has_crlf;
        let adopted = Self::parse(&self.name, &text)?;
        if adopted.get(&entry.key) == Some(&entry.value) {
            *self = Self { has_crlf, ..adopted };
        }
        Ok(())
    }

    /// The text with one value replaced or added.
    fn with(&self, key: &str, quoted: &str) -> String {
        let mut text = self.text.clone();
        let last = self.entries.iter().rposition(|entry| entry.key == key);
        if let Some(place) = last.and_then(|index| self.values.get(index)) {
            text.replace_range(place.clone(), quoted);
            return text;
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.extend([key, "=", quoted, "\n"]);
        text
    }

    /// Whether the same keys are assigned as before, and the comments are still comments.
    fn keeps_others(&self, before: &EnvFile, key: &str) -> bool {
        let is_new = before.entry(key).is_none();
        let mut keys_before: Vec<_> = before.entries.iter().map(|e| (&e.key, &e.comment)).collect();
        let new = (&key.to_owned(), &None);
        if is_new {
            keys_before.push(new);
        }
        self.entries.iter().map(|e| (&e.key, &e.comment)).eq(keys_before)
    }
}

fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// The ways to write a value, the plainest first; [`EnvFile::set`] takes the first that reads
/// back as the value.
fn quotings(value: &str) -> Vec<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.,:/@%+=-".contains(c);
    let mut ways = Vec::new();
    if value.chars().all(is_plain) {
        ways.push(value.to_owned());
    }
    ways.push(format!("\"{}\"", escaped(value, &['\\', '"', '$'])));
    ways.push(format!("'{value}'"));
    ways.push(escaped(value, &['$']));
    ways
}

fn escaped(value: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if special.contains(&c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
