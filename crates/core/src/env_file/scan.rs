//! Finds assignments in the text of an env file: where key, value and comment are.
//!
//! A port of the rules of godotenv 1.5.1, kept so close that the two can be compared on
//! random input. Values are not expanded here.

use std::ops::Range;

/// One assignment, as written.
#[derive(Debug)]
pub(super) struct Statement<'t> {
    /// Where it starts, `export` included.
    pub(super) start: usize,
    /// The name; empty when there is none.
    pub(super) key: &'t str,
    /// How the value is quoted.
    pub(super) quote: Quote,
    /// Where the value is, quotes included.
    pub(super) value: Range<usize>,
    /// The value without its quotes, not expanded.
    pub(super) content: &'t str,
    /// The comment behind it, without `#`.
    pub(super) comment: Option<&'t str>,
    /// Where to go on.
    pub(super) end: usize,
}

/// How a value is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// Not at all.
    None,
    /// `'…'`: nothing is expanded.
    Single,
    /// `"…"`: escapes and variables are expanded.
    Double,
}

type Refused = (usize, String);

/// The next assignment at or behind `offset`, skipping blank lines and comments.
pub(super) fn next_statement(text: &str, offset: usize) -> Result<Option<Statement<'_>>, Refused> {
    let Some(start) = statement_start(text, offset) else {
        return Ok(None);
    };
    let (key, value_start) = key(text, start)?;
    let statement = match text[value_start..].chars().next() {
        Some('\'') => quoted(text, value_start, Quote::Single)?,
        Some('"') => quoted(text, value_start, Quote::Double)?,
        _ => unquoted(text, value_start),
    };
    Ok(Some(Statement { start, key, ..statement }))
}

/// What in an assignment its author may not have meant.
pub(super) fn doubts(statement: &Statement<'_>, text: &str) -> Vec<String> {
    let mut doubts = Vec::new();
    if statement.key.chars().any(char::is_whitespace) {
        doubts.push(format!("the name `{}` has a space in it", statement.key));
    }
    let content = statement.content;
    if statement.quote == Quote::None && (content.starts_with('#') || content.contains(" #")) {
        doubts.push(format!("`{content}` is the value, `#` included: only the last comment of a line, behind a value and a space, is one"));
    }
    let rest = text[statement.end..].lines().next().unwrap_or_default().trim();
    if statement.quote != Quote::None && !rest.is_empty() && !rest.starts_with('#') {
        doubts
            .push(format!("`{rest}` behind the closing quote is read as an assignment of its own"));
    }
    doubts
}

fn statement_start(text: &str, offset: usize) -> Option<usize> {
    let mut offset = offset;
    loop {
        let rest = &text[offset..];
        let at = offset + rest.find(|c: char| !c.is_whitespace())?;
        if !text[at..].starts_with('#') {
            return Some(at);
        }
        offset = at + text[at..].find('\n')?;
    }
}

/// The name and where the value starts.
fn key(text: &str, start: usize) -> Result<(&str, usize), Refused> {
    let start = behind_export(text, start);
    for (at, c) in text[start..].char_indices() {
        match c {
            '=' | ':' => {
                let name = text[start..start + at].trim_end();
                return Ok((name, behind_spaces(text, start + at + 1)));
            }
            '_' | '.' => {}
            _ if c.is_alphanumeric() || is_space(c) => {}
            _ => {
                let message = format!("unexpected character {c:?} in the name of a variable");
                return Err((start + at, message));
            }
        }
    }
    Ok(("", start))
}

fn behind_export(text: &str, start: usize) -> usize {
    match text[start..].strip_prefix("export") {
        Some(rest) if rest.starts_with(is_space) => behind_spaces(text, text.len() - rest.len()),
        _ => start,
    }
}

fn behind_spaces(text: &str, offset: usize) -> usize {
    text.len() - text[offset..].trim_start_matches(is_space).len()
}

fn unquoted(text: &str, start: usize) -> Statement<'_> {
    let end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let line = &text[start..end];
    // The last `#` behind a space, and never the first character, starts the comment.
    let hash = line
        .char_indices()
        .rev()
        .find(|(at, c)| *c == '#' && line[..*at].ends_with(is_space))
        .map(|(at, _)| at);
    let content = line[..hash.unwrap_or(line.len())].trim_matches(is_space);
    Statement {
        start,
        key: "",
        quote: Quote::None,
        value: start..start + content.len(),
        content,
        comment: hash.map(|at| line[at + 1..].trim()),
        end,
    }
}

fn quoted(text: &str, start: usize, quote: Quote) -> Result<Statement<'_>, Refused> {
    let mark = if quote == Quote::Single { '\'' } else { '"' };
    let inner = &text[start + 1..];
    let close = inner.match_indices(mark).map(|(at, _)| start + 1 + at).find(|at| {
        // The character before an escaped quote is a backslash, escaped itself or not.
        text.as_bytes()[at - 1] != b'\\'
    });
    let Some(close) = close else {
        return Err((start, "the quote is never closed".to_owned()));
    };
    let end = close + 1;
    let rest = text[end..].lines().next().unwrap_or_default();
    Ok(Statement {
        start,
        key: "",
        quote,
        value: start..end,
        // godotenv trims all quotes, those of the value itself too.
        content: text[start..close].trim_matches(mark),
        comment: rest.trim_start().strip_prefix('#').map(str::trim),
        end,
    })
}

/// A space that does not end a line.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}
