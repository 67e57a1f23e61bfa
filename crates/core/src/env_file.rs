//! `.env.sample` and the env files of apps, read as the godotenv library reads them.
//!
//! Later lines may refer to earlier ones (`COMPOSE_FILE="$COMPOSE_FILE:compose.x.yml"`
//! accumulates); the environment of the process is never consulted. What godotenv does is
//! kept even where it surprises, and then said in [`EnvFile::warnings`]. Comments stay with
//! their key, because `# length=32` is an order to whoever generates the secret.
//!
//! Tests: `env_file/tests.rs`.

mod edit;
mod expand;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::text::{TextError, line_and_column};
use scan::Statement;

/// A parsed env file that can be changed without touching its other lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    /// The assignments in the order of the file; a key may occur more than once.
    pub entries: Vec<EnvEntry>,
    /// Assignments that are commented out, unexpanded.
    pub commented: Vec<EnvEntry>,
    /// What the author may not have meant.
    pub warnings: Vec<TextError>,
    name: String,
    /// With `\n` line breaks, as the parser wants it.
    text: String,
    has_crlf: bool,
    /// For each entry where its value is in `text`, quotes included.
    values: Vec<Range<usize>>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvEntry {
    /// The name left of `=`.
    pub key: String,
    /// The value, unquoted and expanded.
    pub value: String,
    /// The comment at the end of its line, without `#`.
    pub comment: Option<String>,
    /// The line it starts on, counted from 1.
    pub line: u32,
}

impl EnvFile {
    /// Parses `text`; `name` is what errors call the file.
    ///
    /// # Errors
    /// A line that is no assignment, or a quote that is never closed.
    pub fn parse(name: &str, text: &str) -> Result<Self, TextError> {
        let has_crlf = text.contains("\r\n");
        let text = text.replace("\r\n", "\n");
        let mut file = Self {
            entries: Vec::new(),
            commented: commented_keys(&text),
            warnings: Vec::new(),
            name: name.to_owned(),
            text: String::new(),
            has_crlf,
            values: Vec::new(),
        };
        let mut known = BTreeMap::new();
        let mut offset = 0;
        loop {
            match scan::next_statement(&text, offset) {
                Ok(Some(statement)) => {
                    offset = statement.end;
                    file.take(&statement, &text, &mut known);
                }
                Ok(None) => break,
                Err((place, message)) => {
                    return Err(TextError::at_offset(message, name, &text, place));
                }
            }
        }
        file.text = text;
        Ok(file)
    }

    /// The value of a key: its last assignment wins.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| entry.value.as_str())
    }

    /// The last assignment of a key.
    pub fn entry(&self, key: &str) -> Option<&EnvEntry> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    /// All keys with their last values.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        self.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }

    /// The file as text, with the line breaks it came with.
    pub fn to_text(&self) -> String {
        if self.has_crlf { self.text.replace('\n', "\r\n") } else { self.text.clone() }
    }

    fn take(
        &mut self,
        statement: &Statement<'_>,
        text: &str,
        known: &mut BTreeMap<String, String>,
    ) {
        let value = expand::value(statement, known);
        for doubt in scan::doubts(statement, text).into_iter().chain(value.doubts) {
            let start = statement.value.start;
            self.warnings.push(TextError::at_offset(doubt, &self.name, text, start));
        }
        if statement.key.is_empty() {
            // godotenv keeps it under the empty name, where nobody can ask for it.
            self.warnings.push(TextError::at_offset(
                "not an assignment, ignored: expected `NAME=value`",
                &self.name,
                text,
                statement.start,
            ));
            return;
        }
        known.insert(statement.key.to_owned(), value.text.clone());
        self.entries.push(EnvEntry {
            key: statement.key.to_owned(),
            value: value.text,
            comment: statement.comment.map(str::to_owned),
            line: line_and_column(text, statement.start).0,
        });
        self.values.push(statement.value.clone());
    }
}

/// Lines such as `#SECRET_SMTP_VERSION=v1 # length=32`.
fn commented_keys(text: &str) -> Vec<EnvEntry> {
    text.lines().zip(1_u32..).filter_map(|(line, number)| commented_key(line, number)).collect()
}

fn commented_key(line: &str, number: u32) -> Option<EnvEntry> {
    let body = line.trim_start().strip_prefix('#')?.trim_start_matches('#').trim_start();
    let name = body.strip_prefix("export ").unwrap_or(body).trim_start().split('=').next()?;
    let is_key = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !is_key || !body.contains('=') {
        return None;
    }
    let statement = scan::next_statement(body, 0).ok()??;
    Some(EnvEntry {
        key: statement.key.to_owned(),
        value: statement.content.to_owned(),
        comment: statement.comment.map(str::to_owned),
        line: number,
    })
}
