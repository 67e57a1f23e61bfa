//! Durations as Go writes them: `300ms`, `1.5h`, `2h45m`.

const SECOND: i128 = 1_000_000_000;

/// A duration in nanoseconds, as Go's `time.ParseDuration` reads it.
pub(in crate::compose) fn nanoseconds(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(unit_at);
        let next = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let (unit, after) = behind.split_at(next);
        total = total.checked_add(scaled(number, unit_nanoseconds(unit)?)?)?;
        rest = after;
    }
    i64::try_from(sign * total).ok()
}

fn unit_nanoseconds(unit: &str) -> Option<i128> {
    match unit {
        "ns" => Some(1),
        "us" | "µs" | "μs" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(SECOND),
        "m" => Some(60 * SECOND),
        "h" => Some(3_600 * SECOND),
        _ => None,
    }
}

fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || whole.len() > 20 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(18)];
    let digits = u32::try_from(fraction.len()).ok()?;
    let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    whole.checked_mul(unit)?.checked_add(parts * unit / 10_i128.pow(digits))
}

/// Nanoseconds in the largest unit that needs no fraction: `90s`, `1500ms`.
pub(in crate::compose) fn printed(nanoseconds: i64) -> String {
    for (unit, length) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanoseconds % length == 0 {
            return format!("{}{unit}", nanoseconds / length);
        }
    }
    format!("{nanoseconds}ns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_what_go_reads() {
        for (text, expected) in [
            ("1m30s", Some("90s")),
            ("1h1m1.5s", Some("3661500ms")),
            ("1.5h", Some("5400s")),
            ("-5s", Some("-5s")),
            ("0", Some("0s")),
            ("+.5s", Some("500ms")),
            ("1us", Some("1us")),
            ("1.s", Some("1s")),
            ("3ns", Some("3ns")),
            ("", None),
            ("-", None),
            ("5", None),
            ("5d", None),
            ("5 s", None),
            (".s", None),
            ("1.2.3s", None),
            ("9999999999999h", None),
            ("99999999999999999999999999h", None),
            ("1ä", None),
        ] {
            assert_eq!(nanoseconds(text).map(printed).as_deref(), expected, "{text}");
        }
    }
}
