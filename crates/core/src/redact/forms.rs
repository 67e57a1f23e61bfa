//! The ways in which a program may write a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Every way, each once: as it is, as JSON, percent-encoded, as Base64.
pub(super) fn all(value: &str) -> Vec<String> {
    let mut all = vec![value.to_owned(), json(value), ascii_json(value)];
    for text in [json(value), ascii_json(value)] {
        all.push(text.replace('/', "\\/"));
    }
    all.push(percent(value));
    all.push(lower_case_escapes(&percent(value)));
    all.push(percent_except(value, b"-_.!~*'()"));
    all.push(percent_except(value, b"*-._ ").replace(' ', "+"));
    for shift in 0..3 {
        let text = base64(value.as_bytes(), shift);
        all.push(text.replace('+', "-").replace('/', "_"));
        all.push(text);
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// As JSON writes it (RFC 8259), without the quotation marks around it.
pub(super) fn json(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

/// The same in ASCII alone, as Python and PHP write it unless told otherwise.
fn ascii_json(value: &str) -> String {
    let json = json(value);
    let written = json.encode_utf16().map(|unit| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        Ok(_) | Err(_) => format!("\\u{unit:04x}"),
    });
    written.collect()
}

/// Percent-encoded; letters, digits and `-_.~` stay (RFC 3986, section 2.3).
pub(super) fn percent(value: &str) -> String {
    percent_except(value, b"-_.~")
}

/// Percent-encoded; letters, digits and what is in `kept` stay.
fn percent_except(value: &str, kept: &[u8]) -> String {
    let encoded = value.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect()
}

/// `%2f` instead of `%2F`; everything else stays as it is.
fn lower_case_escapes(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(2));
        text.push('%');
        text.push_str(&digits.to_lowercase());
        text.push_str(rest);
    }
    text
}

/// Base64 (RFC 4648, section 4) of the value with `shift` bytes before it, without padding:
/// those characters that the bytes before have no part in. A value inside a longer text is
/// encoded at one of three alignments (`user:password` of an HTTP login). In the middle of one
/// the last character may be another.
fn base64(value: &[u8], shift: usize) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(value);
    // A character holds six bits.
    let first = (shift * 8).div_ceil(6);
    STANDARD_NO_PAD.encode(&bytes).split_off(first)
}
