//! Secrets of the run are known, so they are taken out of everything that is written by exact
//! match (RES-5): plain, as Base64 at every alignment, percent-encoded and as JSON writes them.
//!
//! Text is cut and split in many places before it gets here, by docker, by programs and by us,
//! and a cut may go through a secret. So not only whole secrets are taken out but every piece
//! of one that is long enough to be no chance: [`PIECE`] bytes, or [`HEX_PIECE`] of nothing but
//! hexadecimal digits, since ids and checksums are full of those.
//!
//! Tests: `redact/tests.rs`.

use std::collections::HashSet;

use cc_ci_model::event::{Event, EventKind};
use cc_ci_model::secret::Secret;
use serde_json::Value;

mod forms;
#[cfg(test)]
mod tests;

/// What stands where a secret was.
pub const MASK: &str = "[secret]";

/// Secrets shorter than this are common words, or could be: they are matched as whole words.
pub const SHORT: usize = 8;

/// No piece of a secret of that many bytes is left.
pub const PIECE: usize = 8;

/// No piece of a secret of that many bytes is left, even if it is nothing but hexadecimal digits.
pub const HEX_PIECE: usize = 12;

/// Whoever cuts a text before it is scrubbed leaves at least so many more bytes than will be
/// kept on that side: then what a cut left of a secret is found, or is cut away later.
pub const MARGIN: usize = 64;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Short secrets, longest first.
    words: Vec<String>,
    /// Every way to write the others.
    forms: Vec<String>,
    pieces: HashSet<[u8; PIECE]>,
    long_pieces: HashSet<[u8; HEX_PIECE]>,
}

impl Redactor {
    /// Knows one more secret. An empty one is none.
    pub fn keep(&mut self, secret: &Secret) {
        let value = secret.expose();
        if is_short(secret) {
            let written = [value.to_owned(), forms::json(value), forms::percent(value)];
            let new = written.into_iter().filter(|word| !word.is_empty());
            self.words.extend(new);
            self.words
                .sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
            self.words.dedup();
            return;
        }
        for form in forms::all(value) {
            self.pieces.extend(form.as_bytes().array_windows().filter(|piece| !is_hex(*piece)));
            self.long_pieces.extend(form.as_bytes().array_windows::<HEX_PIECE>());
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
    }

    /// The text without any secret.
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = self.without_forms(text);
        for word in &self.words {
            clean = replace_word(&clean, word);
        }
        clean
    }

    /// At most `limit` bytes of the beginning of a text, without any secret. If there are at least
    /// [`MARGIN`] bytes more than that, somebody may have cut it, through a secret.
    pub fn scrub_beginning(&self, text: &str, limit: usize) -> String {
        let too_much = text.len().saturating_sub(limit);
        let mut clean = self.scrub(text);
        let kept = limit.min(clean.len().saturating_sub(too_much));
        clean.truncate(clean.floor_char_boundary(kept));
        clean
    }

    /// At most `limit` bytes of the end of a text, likewise.
    pub fn scrub_end(&self, text: &str, limit: usize) -> String {
        let too_much = text.len().saturating_sub(limit);
        let clean = self.scrub(text);
        let kept = limit.min(clean.len().saturating_sub(too_much));
        clean[clean.ceil_char_boundary(clean.len() - kept)..].to_owned()
    }

    /// The event without any secret. One that can not be scrubbed is not given as it is.
    #[must_use]
    pub fn scrub_event(&self, event: Event) -> Event {
        if self.forms.is_empty() && self.words.is_empty() {
            return event;
        }
        let Ok(mut value) = serde_json::to_value(&event.kind) else {
            return Event { kind: not_scrubbed(), ..event };
        };
        if !self.scrub_value(&mut value) {
            return event;
        }
        let kind = serde_json::from_value(value).unwrap_or_else(|_| not_scrubbed());
        Event { kind, ..event }
    }

    /// Whether something in a document, names of members included, would be taken out.
    pub fn would_change(&self, document: &impl serde::Serialize) -> bool {
        serde_json::to_value(document).map_or(true, |mut value| self.scrub_value(&mut value))
    }

    /// Whether a whole secret, or a piece of one of at least [`HEX_PIECE`] bytes, is in there.
    /// Short ones are not looked for: a number in a finished file is no sign of them.
    pub fn survives_in(&self, bytes: &[u8]) -> bool {
        let has_piece = || bytes.array_windows().any(|window| self.long_pieces.contains(window));
        let has_form = || {
            let short = self.forms.iter().filter(|form| form.len() < HEX_PIECE);
            short.into_iter().any(|form| bytes.windows(form.len()).any(|w| w == form.as_bytes()))
        };
        !self.forms.is_empty() && (has_piece() || has_form())
    }

    /// How many bytes a form of a secret can have at most.
    pub fn longest(&self) -> usize {
        self.forms.iter().map(String::len).max().unwrap_or_default()
    }

    /// Scrubs every text in a document, names of members included; whether any changed.
    fn scrub_value(&self, value: &mut Value) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
            Value::String(text) => {
                let clean = self.scrub(text);
                let changed = clean != *text;
                *text = clean;
                changed
            }
            Value::Array(items) => {
                items.iter_mut().fold(false, |changed, item| self.scrub_value(item) | changed)
            }
            Value::Object(members) => {
                let mut changed = false;
                let old = std::mem::take(members);
                for (name, mut member) in old {
                    changed |= self.scrub_value(&mut member);
                    // Short words are names of fields, too.
                    let clean = self.without_forms(&name);
                    changed |= clean != name;
                    members.insert(clean, member);
                }
                changed
            }
        }
    }

    /// The text without secrets that are not short, and without pieces of them.
    fn without_forms(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in self.spans(text) {
            clean.push_str(&text[from..start]);
            clean.push_str(MASK);
            from = end;
        }
        clean.push_str(&text[from..]);
        clean
    }

    /// Where secrets and pieces of them stand, in order, on boundaries of characters.
    fn spans(&self, text: &str) -> Vec<(usize, usize)> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        if self.forms.is_empty() {
            return found;
        }
        found.extend(places(bytes, |piece| self.pieces.contains(piece)));
        found.extend(places(bytes, |piece| self.long_pieces.contains(piece)));
        for form in self.forms.iter().filter(|form| form.len() < HEX_PIECE) {
            found.extend(text.match_indices(form.as_str()).map(|(at, _)| (at, at + form.len())));
        }
        found.sort_unstable();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            let (start, end) = (text.floor_char_boundary(start), text.ceil_char_boundary(end));
            match spans.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                Some(_) | None => spans.push((start, end)),
            }
        }
        spans
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len() + self.words.len())
    }
}

/// Whether a secret is so short that it is matched as a whole word only.
pub fn is_short(secret: &Secret) -> bool {
    secret.expose().len() < SHORT
}

fn not_scrubbed() -> EventKind {
    let message = "evidence held a secret of the run and could not be scrubbed".to_owned();
    EventKind::ActErrored { message }
}

fn places<const N: usize>(
    bytes: &[u8],
    is_piece: impl Fn(&[u8; N]) -> bool,
) -> impl Iterator<Item = (usize, usize)> {
    let windows = bytes.array_windows::<N>().enumerate();
    windows.filter_map(move |(at, window)| is_piece(window).then_some((at, at + N)))
}

fn is_hex(piece: &[u8]) -> bool {
    piece.iter().all(u8::is_ascii_hexdigit)
}

fn replace_word(text: &str, word: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(start) = next(text, word, from) {
        clean.push_str(&text[from..start]);
        clean.push_str(MASK);
        from = start + word.len();
    }
    clean.push_str(&text[from..]);
    clean
}

/// Where the word is found next, at or after `from`.
fn next(text: &str, word: &str, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = text.get(at..)?.find(word) {
        let start = at + found;
        if is_whole_word(text, start, start + word.len()) {
            return Some(start);
        }
        at = start + word.chars().next().map_or(1, char::len_utf8);
    }
    None
}

fn is_whole_word(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}
