//! Escapes and variables in the values of env files, as godotenv expands them: `$A`, `${A}`,
//! upper-case names only, and no defaults.

use std::collections::BTreeMap;

use super::scan::{Quote, Statement};

/// An expanded value, and what its author may not have meant.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) text: String,
    pub(super) doubts: Vec<String>,
}

/// The value of a statement; `known` are the keys of earlier lines.
pub(super) fn value(statement: &Statement<'_>, known: &BTreeMap<String, String>) -> Expanded {
    match statement.quote {
        Quote::None => variables(statement.content, known),
        Quote::Single => Expanded { text: statement.content.to_owned(), doubts: Vec::new() },
        Quote::Double => variables(&escapes(statement.content), known),
    }
}

/// `\n` and `\r` become line breaks; any other backslash that is not before `$` goes.
fn escapes(text: &str) -> String {
    let mut broken = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some('\n') | None) => broken.push(c),
            ('\\', Some(escaped)) => {
                rest.next();
                match escaped {
                    'n' => broken.push('\n'),
                    'r' => broken.push('\r'),
                    other => broken.extend(['\\', other]),
                }
            }
            _ => broken.push(c),
        }
    }
    without_backslashes(&broken)
}

fn without_backslashes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some('$') | None) => out.push(c),
            ('\\', Some(escaped)) => {
                rest.next();
                out.push(escaped);
            }
            _ => out.push(c),
        }
    }
    out
}

fn variables(text: &str, known: &BTreeMap<String, String>) -> Expanded {
    let mut expanded = Expanded::default();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let escaped = rest[..at].ends_with('\\');
        expanded.text.push_str(&rest[..at - usize::from(escaped)]);
        let reference = Reference::read(&rest[at..]);
        rest = &rest[at + reference.text.len()..];
        if escaped || reference.name.is_empty() {
            expanded.text.push_str(reference.text);
        } else {
            expanded.doubts.extend(reference.doubt(known));
            expanded.text.push_str(known.get(reference.name).map_or("", String::as_str));
        }
    }
    expanded.text.push_str(rest);
    expanded
}

/// `$NAME`, `${NAME}` or what godotenv takes for one of them, `$(NAME` included.
struct Reference<'t> {
    text: &'t str,
    name: &'t str,
}

impl<'t> Reference<'t> {
    /// Reads the reference at the start of `text`, which starts with `$`.
    fn read(text: &'t str) -> Self {
        let mut rest = &text[1..];
        take(&mut rest, '(');
        take(&mut rest, '{');
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name = &rest[..rest.len() - rest.trim_start_matches(is_part).len()];
        rest = &rest[name.len()..];
        take(&mut rest, '}');
        Self { text: &text[..text.len() - rest.len()], name }
    }

    fn doubt(&self, known: &BTreeMap<String, String>) -> Option<String> {
        let name = self.name;
        if self.text.contains('{') && !self.text.ends_with('}') {
            return Some(format!(
                "env files have no defaults: `{}` is the value of `{name}`, and what follows is kept as text",
                self.text
            ));
        }
        (!known.contains_key(name))
            .then(|| format!("`{name}` is not set on an earlier line: empty"))
    }
}

fn take(rest: &mut &str, c: char) {
    *rest = rest.strip_prefix(c).unwrap_or(rest);
}
