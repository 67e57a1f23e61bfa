//! Secrets of the run are known, so they are taken out of everything that is written by exact
//! match (RES-5): plain, as Base64, percent-encoded and as JSON writes them.
//!
//! Tests: at the end of this file.

use cc_ci_model::secret::Secret;

/// What stands where a secret was.
pub const MASK: &str = "[secret]";

/// Secrets shorter than this are common words, or could be: they are matched as whole words.
pub const SHORT: usize = 8;

/// Takes secrets out of texts.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Longest first, so that one form inside another leaves no rest.
    forms: Vec<Form>,
}

#[derive(Clone, PartialEq, Eq)]
struct Form {
    text: String,
    whole_word: bool,
}

impl Redactor {
    /// Knows one more secret. An empty one is none.
    pub fn keep(&mut self, secret: &Secret) {
        let value = secret.expose();
        if value.is_empty() {
            return;
        }
        let whole_word = value.len() < SHORT;
        let json = serde_json::Value::from(value).to_string();
        let json = json.trim_matches('"').to_owned();
        let encoded = base64(value.as_bytes());
        let unpadded = encoded.trim_end_matches('=').to_owned();
        let url_safe = unpadded.replace('+', "-").replace('/', "_");
        let mut texts = vec![value.to_owned(), json, percent(value)];
        // A few letters' Base64 is as common as they are.
        if !whole_word {
            texts.extend([encoded, unpadded, url_safe]);
        }
        for text in texts {
            let form = Form { text, whole_word };
            if !self.forms.contains(&form) {
                self.forms.push(form);
            }
        }
        self.forms.sort_by_key(|form| std::cmp::Reverse(form.text.len()));
    }

    /// The text without any secret.
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for form in &self.forms {
            clean = replace(&clean, form);
        }
        clean
    }

    /// Whether a secret is in the text.
    pub fn finds_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| next(text, form, 0).is_some())
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} forms)", self.forms.len())
    }
}

fn replace(text: &str, form: &Form) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(start) = next(text, form, from) {
        clean.push_str(&text[from..start]);
        clean.push_str(MASK);
        from = start + form.text.len();
    }
    clean.push_str(&text[from..]);
    clean
}

/// Where the form is found next, at or after `from`.
fn next(text: &str, form: &Form, from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = text.get(at..)?.find(&form.text) {
        let start = at + found;
        if !form.whole_word || is_whole_word(text, start, start + form.text.len()) {
            return Some(start);
        }
        at = start + form.text.chars().next().map_or(1, char::len_utf8);
    }
    None
}

fn is_whole_word(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Base64 with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for secret in secrets {
            redactor.keep(&Secret::new(*secret));
        }
        redactor
    }

    #[track_caller]
    fn check(secrets: &[&str], text: &str, expected: &str) {
        let redactor = redactor(secrets);
        assert_eq!(redactor.scrub(text), expected);
        assert_eq!(redactor.finds_in(text), text != expected, "{text}");
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "p\"ss wörd/+1";
        check(&[secret], &format!("a {secret} b"), "a [secret] b");
        check(&[secret], r#"{"x":"p\"ss wörd/+1"}"#, r#"{"x":"[secret]"}"#);
        check(&[secret], "u:p%22ss%20w%C3%B6rd%2F%2B1@h", "u:[secret]@h");
        check(&[secret], "cCJzcyB3w7ZyZC8rMQ==", "[secret]");
        check(&[secret], "nothing of it", "nothing of it");
    }

    #[test]
    fn short_secrets_are_matched_as_words_only() {
        check(&["abc"], "abc abcd xabc (abc) abc", "[secret] abcd xabc ([secret]) [secret]");
        check(&[""], "text", "text");
    }

    #[test]
    fn one_secret_inside_another_leaves_no_rest() {
        check(&["password1", "password1234"], "password1234 password1", "[secret] [secret]");
    }

    #[test]
    fn scrubbed_json_is_json() {
        let redactor = redactor(&["se\\cr\"et-value"]);
        let line = serde_json::json!({ "said": "it is se\\cr\"et-value!" }).to_string();
        let clean: serde_json::Value = serde_json::from_str(&redactor.scrub(&line)).unwrap();
        assert_eq!(clean["said"], "it is [secret]!");
    }

    #[test]
    fn a_redactor_does_not_print() {
        assert_eq!(format!("{:?}", redactor(&["hunter22"])), "Redactor(3 forms)");
    }
}
