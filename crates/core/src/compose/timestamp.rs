//! Unquoted dates: Go's yaml.v3 turns them into timestamps, and docker prints those.

/// How docker prints an unquoted date or time; `None` when the text is neither.
pub(super) fn printed(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked(text.find(['T', 't', ' ']).unwrap_or(text.len()))?;
    let (year, month, day) = self::date(date)?;
    let (time, zone) = match rest.chars().next() {
        None => ("0:0:0", "+0000 UTC".to_owned()),
        Some(' ') => (&rest[1..], "+0000 UTC".to_owned()),
        Some(_) => {
            let zone_at = rest.find(['Z', '+', '-'])?;
            (&rest[1..zone_at], zone(&rest[zone_at..])?)
        }
    };
    Some(format!("{year}-{month:02}-{day:02} {} {zone}", self::time(time)?))
}

fn date(text: &str) -> Option<(&str, u32, u32)> {
    let mut parts = text.split('-');
    let year = parts.next().filter(|year| year.len() == 4)?;
    let number: u32 = digits(year)?;
    let (month, day) = (short(parts.next()?)?, short(parts.next()?)?);
    let is_leap =
        number.is_multiple_of(4) && (!number.is_multiple_of(100) || number.is_multiple_of(400));
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_valid = parts.next().is_none() && (1..=12).contains(&month) && (1..=days).contains(&day);
    is_valid.then_some((year, month, day))
}

fn time(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let (hour, minute, second) =
        (short(parts.next()?)?, short(parts.next()?)?, short(parts.next()?)?);
    let is_valid = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    if !is_valid || text.ends_with('.') || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}"))
}

/// `Z` or `+02:00`, as Go prints a zone without a name.
fn zone(text: &str) -> Option<String> {
    if text == "Z" {
        return Some("+0000 UTC".to_owned());
    }
    let (hours, minutes) = text[1..].split_once(':')?;
    if text.starts_with('Z') || hours.len() != 2 || minutes.len() != 2 {
        return None;
    }
    digits(hours).and(digits(minutes))?;
    let offset = format!("{}{hours}{minutes}", &text[..1]);
    let name = if hours == "00" && minutes == "00" { "UTC" } else { &offset };
    Some(format!("{} {name}", if name == "UTC" { "+0000" } else { &offset }))
}

/// One or two digits.
fn short(text: &str) -> Option<u32> {
    (1..=2).contains(&text.len()).then(|| digits(text)).flatten()
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_print_as_go_prints_them() {
        for (text, expected) in [
            ("2020-1-2", Some("2020-01-02 00:00:00 +0000 UTC")),
            ("2020-02-30", None),
            ("2020-01-02 3:4:5.60", Some("2020-01-02 03:04:05.6 +0000 UTC")),
            ("2020-01-02T03:04:05Z", Some("2020-01-02 03:04:05 +0000 UTC")),
            ("2020-01-02t03:04:05+02:00", Some("2020-01-02 03:04:05 +0200 +0200")),
            ("2020-01-02T03:04:05", None),
            ("2020-01", None),
            ("20200102", None),
            ("2020-01-02 ä", None),
        ] {
            assert_eq!(printed(text).as_deref(), expected, "{text}");
        }
    }
}
