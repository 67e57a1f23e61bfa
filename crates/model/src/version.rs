//! Versions of recipes: `<recipe semver>+<app version>`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A recipe version such as `1.2.0+26.6.2`.
///
/// Ordered by the recipe part as semver, then by the app part (PLAN-3): runs of digits as
/// numbers, everything else as text, a leading `v` left out; then by the text itself.
/// The `semver` crate alone does not do: it refuses `_` in the app part, and its precedence
/// ignores that part.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RecipeVersion {
    recipe: semver::Version,
    app: String,
    text: String,
}

/// Why a text is no recipe version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a recipe version: expected `<X.Y.Z>+<app version>`")]
pub struct VersionError {
    /// The refused text.
    pub text: String,
}

impl RecipeVersion {
    /// The version as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for RecipeVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let refused = || VersionError { text: text.to_owned() };
        let (recipe, app) = text.split_once('+').ok_or_else(refused)?;
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
        if app.is_empty() || !app.bytes().all(is_safe) {
            return Err(refused());
        }
        Ok(Self {
            recipe: recipe.parse().map_err(|_| refused())?,
            app: app.to_owned(),
            text: text.to_owned(),
        })
    }
}

impl Ord for RecipeVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.recipe
            .cmp(&other.recipe)
            .then_with(|| natural(&self.app).cmp(&natural(&other.app)))
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for RecipeVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RecipeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RecipeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl serde::Serialize for RecipeVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for RecipeVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for RecipeVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecipeVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+[^+]*\+[0-9A-Za-z._+-]+$" })
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    Number(u128),
}

/// Cuts an app version into numbers and texts.
fn natural(app: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = app.strip_prefix('v').unwrap_or(app);
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(end);
        parts.push(match part.parse() {
            Ok(number) if is_digit => Part::Number(number),
            Ok(_) | Err(_) => Part::Text(part.to_owned()),
        });
        rest = tail;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_by_recipe_part_then_by_app_part() {
        let ascending = [
            "0.9.0+9.0.0",
            "1.0.0+1.9.0",
            "1.0.0+v1.10.0",
            "1.0.0+1.10.0-alpine_3",
            "1.1.0+1.0.0",
            "1.10.0+1.0.0",
            "2.0.0+25.04.9.4.1",
        ];
        let mut versions: Vec<RecipeVersion> =
            ascending.iter().map(|text| text.parse().unwrap()).collect();
        versions.reverse();
        versions.sort();
        let sorted: Vec<&str> = versions.iter().map(RecipeVersion::as_str).collect();
        assert_eq!(sorted, ascending);
    }

    #[test]
    fn malformed_tags_are_no_versions() {
        for bad in ["", "1.0.0", "v1.0.0+1", "1.0+1", "1.0.0+", "1.0.0+a b", "1.0.0+a/b", "latest"]
        {
            assert!(bad.parse::<RecipeVersion>().is_err(), "{bad:?}");
        }
    }
}
