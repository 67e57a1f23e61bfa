//! Names and ids as validated newtypes: text that reached one of these types is safe to
//! hand to git, docker or a file system as one argument.
//!
//! Tests: at the end of this file.

use std::fmt;
use std::str::FromStr;

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {rule}")]
pub struct NameError {
    /// The refused text.
    pub text: String,
    /// What it should have been, e.g. `recipe name`.
    pub what: &'static str,
    /// The rule it breaks.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(NameError { text: text.to_owned(), what: $what, rule: $rule })
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $rule })
            }
        }
    };
}

name!(
    /// The name of a recipe, which is also the name of its repository.
    RecipeName,
    "recipe name",
    "1 to 64 of a-z, 0-9, `-`, `_` and `.`, starting with a letter or digit",
    |text| starts_plain(text) && text.len() <= 64 && text.bytes().all(is_recipe_byte)
);

name!(
    /// The id of a run: `<UTC yyyymmddThhmmss>-<recipe>-<6 hex>`.
    RunId,
    "run id",
    "`<yyyymmddThhmmss>-<recipe>-<6 hex digits>`",
    is_run_id
);

name!(
    /// The domain an app answers on; lower case.
    AppDomain,
    "app domain",
    "lower-case DNS labels of at most 63 characters, 253 in all",
    is_domain
);

name!(
    /// The name of a stack: the app's domain with `_` for `.` (at most 45 characters, ISO-3).
    StackName,
    "stack name",
    "1 to 45 of a-z, 0-9, `-` and `_`, starting with a letter or digit",
    |text| starts_plain(text) && text.len() <= 45 && text.bytes().all(is_stack_byte)
);

name!(
    /// The name of a service, volume, secret, config or network as compose files write it.
    ComposeName,
    "compose name",
    "1 to 128 of letters, digits, `-`, `_` and `.`, starting with a letter, digit or `_`",
    |text| {
        text.len() <= 128
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    }
);

name!(
    /// A full git commit id.
    CommitSha,
    "commit id",
    "40 lower-case hexadecimal digits",
    |text| text.len() == 40 && text.bytes().all(is_hex_byte)
);

name!(
    /// Which app of a run is meant, e.g. `fresh`.
    AppId,
    "app id",
    "1 to 64 of a-z, 0-9 and `-`",
    |text| starts_plain(text) && text.len() <= 64 && text.bytes().all(is_stack_byte)
);

impl CommitSha {
    /// The first eight digits: what abra writes into `chaos-version`.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl AppDomain {
    /// The stack that serves this domain: `.` becomes `_`.
    ///
    /// # Errors
    /// When the result is longer than a stack name may be.
    pub fn stack(&self) -> Result<StackName, NameError> {
        self.0.replace('.', "_").parse()
    }
}

impl RunId {
    /// The six hexadecimal digits at the end, which tell two runs of one second apart.
    pub fn hex(&self) -> &str {
        &self.0[self.0.len() - 6..]
    }
}

fn starts_plain(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn is_recipe_byte(byte: u8) -> bool {
    is_stack_byte(byte) || byte == b'.'
}

fn is_stack_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
}

fn is_hex_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn is_domain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

fn is_run_id(text: &str) -> bool {
    let Some((stamp, rest)) = text.split_once('-') else {
        return false;
    };
    let Some((recipe, hex)) = rest.rsplit_once('-') else {
        return false;
    };
    let stamp_is_valid = stamp.len() == 15
        && stamp.bytes().enumerate().all(
            |(place, b)| {
                if place == 8 { b == b'T' } else { b.is_ascii_digit() }
            },
        );
    stamp_is_valid
        && recipe.parse::<RecipeName>().is_ok()
        && hex.len() == 6
        && hex.bytes().all(is_hex_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: FromStr>(text: &str, valid: bool) {
        assert_eq!(text.parse::<T>().is_ok(), valid, "{text:?}");
    }

    #[test]
    fn names_that_could_be_read_as_options_or_paths_are_refused() {
        for bad in ["", "-f", "../x", "a/b", "a b", "a\0b", "A", ".git", "a;b", "a$b"] {
            check::<RecipeName>(bad, false);
            check::<StackName>(bad, false);
        }
        check::<RecipeName>("custom-html-tiny", true);
        check::<StackName>("custom-0a1b2c_ccci_test", true);
        check::<StackName>(&"a".repeat(46), false);
    }

    #[test]
    fn run_ids_carry_time_recipe_and_hex() {
        check::<RunId>("20261124T053000-custom-html-0a1b2c", true);
        check::<RunId>("20261124T053000-custom-html-0A1b2c", false);
        check::<RunId>("20261124-custom-html-0a1b2c", false);
        check::<RunId>("../../etc", false);
        let id: RunId = "20261124T053000-a-0a1b2c".parse().unwrap();
        assert_eq!(id.hex(), "0a1b2c");
    }

    #[test]
    fn a_domain_names_its_stack() {
        let domain: AppDomain = "custom-0a1b2c.ccci.test".parse().unwrap();
        assert_eq!(domain.stack().unwrap().as_str(), "custom-0a1b2c_ccci_test");
        check::<AppDomain>("a..b", false);
        check::<AppDomain>("-a.b", false);
        let long: AppDomain = format!("{}.test", "a".repeat(50)).parse().unwrap();
        assert!(long.stack().is_err());
    }
}
