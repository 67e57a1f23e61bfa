//! What a plain YAML scalar means to the docker CLI (Go's yaml.v3), and how Go prints it.
//!
//! `yes`, `on` and the like are text; leading zeros mean octal; dates become timestamps.

use super::timestamp;
use super::tree::Value;

/// The value of an unquoted scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let number = match text.bytes().next() {
        Some(b'0'..=b'9' | b'+' | b'-') => {
            if let Some(printed) = timestamp::printed(text) {
                return Value::Text(printed);
            }
            let digits = text.replace('_', "");
            integer(&digits).map(Value::Int).or_else(|| float(&digits).map(Value::Float))
        }
        Some(b'.') => float(text).map(Value::Float),
        _ => None,
    };
    number.unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// Whether older docker CLIs (yaml.v2: 20.10, for one) read this text as a truth value.
pub(super) fn was_boolean(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(lower.as_str(), "y" | "yes" | "on" | "n" | "no" | "off")
        && (text == text.to_ascii_uppercase() || text[1..] == lower[1..])
}

/// An integer in decimal, hexadecimal, binary or octal, the latter as `0o17` and as `017`.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let number = sign * i128::from_str_radix(digits, radix).ok()?;
    let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number);
    fits.then_some(number)
}

/// A float as YAML writes it: digits, a point, an exponent.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && are_digits(digits)
    });
    let is_float = are_digits(whole)
        && are_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_is_fine;
    if !is_float {
        return None;
    }
    // Go refuses what does not fit; it is a text then.
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// A float as Go's `fmt.Sprint` prints it.
pub(super) fn go_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if number == 0.0 || (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::tree::{Node, Spot};

    fn printed(text: &str) -> Option<String> {
        Node::new(Spot { file: 0, line: 1, column: 1 }, plain(text)).printed()
    }

    #[test]
    fn scalars_print_as_docker_prints_them() {
        for (text, expected) in [
            ("1.10", "1.1"),
            ("1e3", "1000"),
            ("0777", "511"),
            ("1_000", "1000"),
            ("yes", "yes"),
            ("0x1F", "31"),
            ("1e30", "1e+30"),
            (".5", "0.5"),
            ("12345678.9", "1.23456789e+07"),
            ("100000000000000000000000", "1e+23"),
            ("-0", "0"),
            ("1.0", "1"),
            ("+5", "5"),
            ("0o17", "15"),
            ("0b11", "3"),
            ("08", "8"),
            ("1:30", "1:30"),
            ("infinity", "infinity"),
            (".infinity", ".infinity"),
            ("0.1e-7", "1e-08"),
            ("100000.5", "100000.5"),
            ("1000000.0", "1e+06"),
            ("0x1p-2", "0x1p-2"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("1e400", "1e400"),
            ("1.2.3", "1.2.3"),
            ("-", "-"),
            ("2020-01-01", "2020-01-01 00:00:00 +0000 UTC"),
            ("True", "true"),
        ] {
            assert_eq!(printed(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "~", "NULL"] {
            assert_eq!(printed(text), None);
        }
    }

    #[test]
    fn old_truth_values_are_known() {
        for (text, expected) in [
            ("yes", true),
            ("On", true),
            ("OFF", true),
            ("y", true),
            ("oN", false),
            ("", false),
            ("ä", false),
        ] {
            assert_eq!(was_boolean(text), expected, "{text}");
        }
    }
}
