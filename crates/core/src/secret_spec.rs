//! Secrets a recipe wants made before it is deployed (ENG-2): which, how long, of which
//! characters, from the comments behind `SECRET_<NAME>_VERSION` in its env file.
//!
//! A value is never logged: [`generate`] gives a type that does not print.

use cc_ci_model::compose::DeclaredStack;
use cc_ci_model::name::ComposeName;
use cc_ci_model::secret::Secret;

use crate::env_file::{EnvEntry, EnvFile};
use crate::operator_steps::secret_of;

/// Length of a secret whose comment names none. abra makes a passphrase of words then; ours is as
/// hard to guess, and no recipe can tell.
const DEFAULT_LENGTH: usize = 32;

/// The longest secret Swarm takes (500 kB), with room to spare.
const LONGEST: usize = 4096;

/// A secret to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSpec {
    /// Its compose name.
    pub name: ComposeName,
    /// Its name in Docker.
    pub object: String,
    /// How many characters.
    pub length: usize,
    /// Of which characters.
    pub charset: Charset,
    /// It may be made; otherwise (`generate=false`) somebody has to give its value.
    pub generate: bool,
}

/// Characters a secret is made of (abra's words for them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Letters and digits.
    Default,
    /// Letters, digits and signs.
    Special,
    /// Letters, digits and signs that need no quoting in a shell or a URL's user part.
    SafeSpecial,
    /// Hexadecimal digits.
    Hex,
}

/// What a stack needs, and what nobody can make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Secrets that a variable declares.
    pub specs: Vec<SecretSpec>,
    /// External secrets that none does, by their name in Docker.
    pub undeclared: Vec<String>,
}

/// External secrets that services of the stack use.
pub fn needed(env: &EnvFile, declared: &DeclaredStack, stack: &str) -> Needed {
    let mut needed = Needed::default();
    let is_used = |name: &ComposeName| {
        declared
            .services
            .iter()
            .any(|service| service.secrets.contains(name))
    };
    for secret in declared
        .secrets
        .iter()
        .filter(|secret| secret.external && is_used(&secret.name))
    {
        match env
            .entries
            .iter()
            .rev()
            .find(|entry| names(entry, stack, &secret.object))
        {
            Some(entry) => needed
                .specs
                .push(spec(secret.name.clone(), &secret.object, entry)),
            None => needed.undeclared.push(secret.object.clone()),
        }
    }
    needed
}

/// Whether `SECRET_<NAME>_VERSION=<version>` stands for `<stack>_<name>_<version>`.
fn names(entry: &EnvEntry, stack: &str, object: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    secret_of(&entry.key)
        .is_some_and(|name| plain(object) == plain(&format!("{stack}_{name}_{}", entry.value)))
}

fn spec(name: ComposeName, object: &str, entry: &EnvEntry) -> SecretSpec {
    let comment = entry.comment.as_deref().unwrap_or_default();
    let words = || comment.split([' ', ',', '\t', '#']);
    let modifier = |key: &str| words().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let length = modifier("length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(DEFAULT_LENGTH);
    SecretSpec {
        name,
        object: object.to_owned(),
        length: length.clamp(1, LONGEST),
        charset: charset(modifier("charset").unwrap_or_default()),
        generate: modifier("generate") != Some("false"),
    }
}

fn charset(word: &str) -> Charset {
    match word.to_lowercase().as_str() {
        "special" => Charset::Special,
        "safespecial" => Charset::SafeSpecial,
        "hex" => Charset::Hex,
        _ => Charset::Default,
    }
}

/// Makes a value from random bytes. Bytes that would make some characters likelier than others
/// are thrown away.
pub fn generate(spec: &SecretSpec, random: &mut dyn FnMut() -> u8) -> Secret {
    let characters = spec.charset.characters();
    let count = characters.len();
    let limit = 256 - 256 % count;
    let mut value = String::with_capacity(spec.length);
    while value.len() < spec.length {
        let byte = usize::from(random());
        if byte < limit {
            value.push(char::from(characters[byte % count]));
        }
    }
    Secret::new(value)
}

impl Charset {
    fn characters(self) -> &'static [u8] {
        match self {
            Charset::Default => b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
            Charset::Special => {
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*_-+="
            }
            Charset::SafeSpecial => {
                b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~+="
            }
            Charset::Hex => b"0123456789abcdef",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec_of(line: &str) -> SecretSpec {
        let file = EnvFile::parse(".env.sample", line).unwrap();
        spec("a".parse().unwrap(), "s_a_v1", &file.entries[0])
    }

    #[test]
    fn comments_say_how_a_secret_is_made() {
        let spec = spec_of("SECRET_A_VERSION=v1 # length=12 charset=hex\n");
        assert_eq!(
            (spec.length, spec.charset, spec.generate),
            (12, Charset::Hex, true)
        );
        assert!(!spec_of("SECRET_A_VERSION=v1 # generate=false\n").generate);
        assert_eq!(spec_of("SECRET_A_VERSION=v1\n").length, DEFAULT_LENGTH);
        assert_eq!(spec_of("SECRET_A_VERSION=v1 # length=0\n").length, 1);
        assert_eq!(
            spec_of("SECRET_A_VERSION=v1 # length=99999999999999999999\n").length,
            DEFAULT_LENGTH
        );
    }

    #[test]
    fn a_value_has_its_length_and_characters_and_every_character_is_as_likely() {
        let mut counter = 0_u8;
        let mut next = || {
            counter = counter.wrapping_add(1);
            counter
        };
        let mut spec = spec_of("SECRET_A_VERSION=v1 # length=2480\n");
        let value = generate(&spec, &mut next);
        for character in spec.charset.characters() {
            let times = value
                .expose()
                .bytes()
                .filter(|byte| byte == character)
                .count();
            assert_eq!(times, 40, "{}", char::from(*character));
        }
        spec.charset = Charset::Hex;
        assert!(
            generate(&spec, &mut next)
                .expose()
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit())
        );
    }

    #[test]
    fn a_secret_is_known_by_its_full_name() {
        let file = EnvFile::parse(".env.sample", "SECRET_DB_PASSWORD_VERSION=v2\n").unwrap();
        assert!(names(&file.entries[0], "s", "s_db_password_v2"));
        assert!(names(&file.entries[0], "s", "s_db-password_v2"));
        assert!(!names(&file.entries[0], "s", "s_db_password_v1"));
        assert!(!names(&file.entries[0], "t", "s_db_password_v2"));
    }
}
