//! Text people wrote, and how to point at a place in it.
//!
//! Every parser of foreign text in this crate ends in a [`TextError`], for refusals and for
//! warnings alike. Hints are data: whoever prints decides where they go. Nothing here reads
//! files; the name of a file is only what the reader is told.
//!
//! Tests: at the end of this file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest piece of a line that is shown.
const SHOWN_CHARS: usize = 160;

/// Where something is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file, as the reader knows it.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Something about a text that its author should know: a refusal or a warning.
///
/// It prints as `file:line:column: message`, followed by the line and a caret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{}", self.rendered())]
pub struct TextError {
    /// What is the matter: a lower-case fragment.
    pub message: String,
    /// Where; `None` when it is about the text as a whole.
    pub place: Option<Place>,
    /// The line at that place.
    pub line_text: Option<String>,
    /// What the author can do about it.
    pub hint: Option<String>,
    /// Whose it is.
    #[serde(default)]
    pub whose: Whose,
}

/// Who has to see to what is wrong with a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The text's own author.
    #[default]
    Author,
    /// The author of the pack that adds to it.
    Pack,
    /// Nobody: cc-ci can not do what the text asks for.
    CcCi,
}

impl TextError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            line_text: None,
            hint: None,
            whose: Whose::Author,
        }
    }

    /// An error at the 1-based `line` and `column` of `text`.
    pub fn at(message: impl Into<String>, file: &str, text: &str, line: u32, column: u32) -> Self {
        Self {
            message: message.into(),
            place: Some(Place { file: file.to_owned(), line, column }),
            line_text: line_of(text, line).map(str::to_owned),
            ..Self::new("")
        }
    }

    /// An error at a byte offset of `text`.
    pub fn at_offset(message: impl Into<String>, file: &str, text: &str, offset: usize) -> Self {
        let (line, column) = line_and_column(text, offset);
        Self::at(message, file, text, line, column)
    }

    /// The same error as somebody else's.
    #[must_use]
    pub fn of(mut self, whose: Whose) -> Self {
        self.whose = whose;
        self
    }

    /// The same error with advice.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error with its place and, behind it, what the author can do: for places where a hint
    /// has no line of its own.
    pub fn with_advice(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{self}\n{hint}"),
            None => self.to_string(),
        }
    }

    fn rendered(&self) -> String {
        let Some(place) = &self.place else {
            return self.message.clone();
        };
        let head = format!("{place}: {}", self.message);
        match &self.line_text {
            Some(line_text) => format!("{head}\n{}", snippet(place, line_text)),
            None => head,
        }
    }
}

/// The 1-based line and column of a byte offset; an offset behind the end is the end.
pub fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before.rsplit('\n').next().map_or(0, |start| start.chars().count());
    (to_u32(line).saturating_add(1), to_u32(column).saturating_add(1))
}

/// A number of lines or columns; absurdly long texts saturate.
pub(crate) fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The 1-based `line` of `text`, without its line break.
fn line_of(text: &str, line: u32) -> Option<&str> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    Some(text.split('\n').nth(index)?.trim_end_matches('\r'))
}

fn snippet(place: &Place, line_text: &str) -> String {
    let column = usize::try_from(place.column).unwrap_or(usize::MAX).saturating_sub(1);
    let skipped = column.saturating_sub(SHOWN_CHARS / 2);
    let shown: String = line_text.chars().skip(skipped).take(SHOWN_CHARS).map(printable).collect();
    // Tabs stay tabs, so that the caret lands under its character at any tab width.
    let padding: String =
        shown.chars().take(column - skipped).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    format!(" {number} | {shown}\n {margin} | {padding}^")
}

/// Control characters of a foreign text do not reach a terminal.
fn printable(c: char) -> char {
    if c.is_control() && c != '\t' { '\u{fffd}' } else { c }
}

/// A number with its noun: `1 service`, `2 services`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_place_and_a_caret() {
        let text = "services:\n  app:\n    image: ${X\n";
        let error = TextError::at_offset("invalid template", "compose.yml", text, 30);
        assert_eq!(
            error.to_string(),
            "compose.yml:3:14: invalid template\n 3 |     image: ${X\n   |              ^"
        );
        assert_eq!(error.place.as_ref().unwrap().to_string(), "compose.yml:3:14");
    }

    #[test]
    fn advice_stands_behind_the_place() {
        let error = TextError::new("bad");
        assert_eq!(error.with_advice(), "bad");
        assert_eq!(error.with_hint("mend it").with_advice(), "bad\nmend it");
    }

    #[test]
    fn tabs_and_control_characters_are_kept_harmless() {
        let error = TextError::at("bad", "a", "\tx\u{1b}[31m\r\n", 1, 3);
        assert_eq!(error.to_string(), "a:1:3: bad\n 1 | \tx\u{fffd}[31m\n   | \t ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_column() {
        let text = "x".repeat(10_000);
        let error = TextError::at("bad", "a", &text, 1, 5_000);
        assert!(error.to_string().lines().all(|line| line.chars().count() < 200));
    }

    #[test]
    fn places_outside_the_text_do_not_panic() {
        for (line, column) in [(0, 0), (1, 0), (9, 9), (u32::MAX, u32::MAX)] {
            let error = TextError::at("bad", "a", "ä\n", line, column);
            assert!(error.to_string().starts_with("a:"));
        }
        assert_eq!(line_and_column("ä\nb", 1), (1, 1));
        assert_eq!(line_and_column("ä\nb", 99), (2, 2));
        assert_eq!(TextError::new("whole").to_string(), "whole");
    }
}
