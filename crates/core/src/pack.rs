//! Reading a pack's `recipe.toml` (IN-3): an unknown key, a wrong type or a bad duration is an
//! error with its place and, where one is near, the key that was probably meant.

use cc_ci_model::pack::Pack;

use crate::text::TextError;

/// Reads a `recipe.toml`.
///
/// # Errors
/// With file, line, column and the line itself.
pub fn parse(name: &str, text: &str) -> Result<Pack, TextError> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim().to_owned();
        let hint = did_you_mean(&message);
        let located = match error.span() {
            Some(span) => TextError::at_offset(message, name, text, span.start),
            None => TextError::new(format!("{name}: {message}")),
        };
        match hint {
            Some(hint) => located.with_hint(hint),
            None => located,
        }
    })
}

/// For an "unknown field `x`, expected one of `a`, `b`": the nearest of those.
fn did_you_mean(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = quoted.split_first()?;
    if !message.starts_with("unknown") {
        return None;
    }
    let (near, distance) = known
        .iter()
        .map(|candidate| (*candidate, distance(unknown, candidate)))
        .min_by_key(|(_, distance)| *distance)?;
    (distance <= 1 + near.len() / 4).then(|| format!("did you mean `{near}`?"))
}

/// Single-letter edits between two words (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, line: u32, says: &str, hints: Option<&str>) {
        let error = parse("recipe.toml", text).unwrap_err();
        let place = error.place.clone().unwrap();
        assert_eq!(place.line, line, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.hint.as_deref(), hints, "{error}");
    }

    #[test]
    fn incident_ignored_metadata_key_an_unknown_key_is_an_error_with_its_place() {
        refused(
            "recipe = \"a\"\n[timeouts]\ndeplyo = \"15m\"\n",
            3,
            "deplyo",
            Some("did you mean `deploy`?"),
        );
        refused("recipe = \"a\"\nzzz = 1\n", 2, "zzz", None);
        refused("recipe = \"a\"\n[timeouts]\ndeploy = 15\n", 3, "a length of time", None);
        refused("recipe = \"a\"\n[timeouts]\ndeploy = \"soon\"\n", 3, "90s", None);
        refused("recipe = \"../x\"\n", 1, "recipe name", None);
        refused("recipe = \"a\"\n[expected_na]\nbackup = \"x\"\n", 3, "backup", None);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let pack =
            parse("recipe.toml", "recipe = \"a\"\n[timeouts]\ndeploy = \"1h 30m\"\n").unwrap();
        assert_eq!(pack.timeouts.deploy.unwrap().duration().as_secs(), 5400);
        assert!(parse("recipe.toml", "recipe = \"a\"\n[timeouts]\ndeploy = \"-5m\"\n").is_err());
    }
}
