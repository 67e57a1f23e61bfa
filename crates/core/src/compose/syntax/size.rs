//! Sizes as docker reads them: `512m`, `1.5GiB`, `100`.

/// A size in bytes: binary units, in either case, with or without `b` or `ib`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "docker computes sizes in floats and cuts the fraction off"
)]
pub(in crate::compose) fn bytes(text: &str) -> Option<i64> {
    let last = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')?;
    let (number, suffix) = match text.as_bytes().get(last)? {
        b' ' => (&text[..last], &text[last + 1..]),
        _ => text.split_at(last + 1),
    };
    let is_number =
        number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let number: f64 = number.parse().ok().filter(|number: &f64| is_number && *number >= 0.0)?;
    let suffix = suffix.to_ascii_lowercase();
    let (unit, rest) = match suffix.as_bytes() {
        [] | [b'b'] => return Some(number as i64),
        [unit, rest @ ..] => (*unit, rest),
    };
    if !matches!(rest, [] | [b'b'] | [b'i', b'b']) {
        return None;
    }
    let power = b"kmgtp".iter().position(|known| *known == unit)? + 1;
    Some((number * (1_u64 << (10 * power)) as f64) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_docker_reads() {
        for (text, expected) in [
            ("10M", Some(10_485_760)),
            ("1.5g", Some(1_610_612_736)),
            ("1.5GiB", Some(1_610_612_736)),
            ("64 MB", Some(67_108_864)),
            ("100", Some(100)),
            ("100b", Some(100)),
            ("1kb", Some(1024)),
            ("1bb", None),
            ("1x", None),
            ("m", None),
            ("", None),
            ("-1m", None),
            ("inf", None),
            ("1ä", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
