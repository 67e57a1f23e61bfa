//! Which secrets an app needs before it can be deployed, and how to make them.
//!
//! A secret is declared by a line `SECRET_<NAME>_VERSION=v1 # length=32` of the env file and
//! asked for by an external secret of the compose file whose `name:` uses that variable. The
//! comment says how it is made: `length=`, `charset=`, `generate=false`.
//!
//! Nothing here creates anything; randomness is an argument. Tests: `secret_spec/tests.rs`.

#[cfg(test)]
mod tests;

use cc_ci_model::name::ComposeName;
use cc_ci_model::secret::Secret;

use crate::compose::ReadCompose;
use crate::env_file::{EnvEntry, EnvFile};
use crate::text::TextError;

/// The length of a secret whose declaration names none.
///
/// abra makes a passphrase of words then; any text will do, so ours are letters and digits.
const DEFAULT_LENGTH: usize = 32;

/// The longest secret that is generated.
const MAX_LENGTH: usize = 4096;

/// A secret that has to exist before the deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSpec {
    /// Its name in the compose file.
    pub name: ComposeName,
    /// Its name in Docker.
    pub object: String,
    /// The version its declaration gives, e.g. `v1`.
    pub version: String,
    /// How many characters; `None` leaves it to us.
    pub length: Option<usize>,
    /// What it is made of.
    pub charset: Charset,
    /// Whether it may be generated; otherwise somebody has to give its value.
    pub generate: bool,
}

/// What a generated secret is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Letters and digits.
    Default,
    /// Letters, digits and special characters.
    Special,
    /// Letters, digits and the special characters that no shell or URL minds much: no `$`.
    SafeSpecial,
    /// Lower-case hexadecimal digits.
    Hex,
}

impl Charset {
    /// Its characters.
    pub fn alphabet(self) -> &'static [u8] {
        match self {
            Charset::Default => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            Charset::Special => {
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*_-+="
            }
            Charset::SafeSpecial => {
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#%^&*_-+="
            }
            Charset::Hex => b"0123456789abcdef",
        }
    }
}

/// The secrets of an app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretNeeds {
    /// Declared secrets that services use.
    pub specs: Vec<SecretSpec>,
    /// External secrets that services use and no line of the env file declares: nobody can
    /// know how to make them. Name in the compose file and in Docker.
    pub undeclared: Vec<(ComposeName, String)>,
    /// Orders in comments that are not understood.
    pub warnings: Vec<TextError>,
}

/// The external secrets that services of a compose use.
pub fn needed(env: &EnvFile, compose: &ReadCompose) -> SecretNeeds {
    let mut needs = SecretNeeds::default();
    let is_used = |name: &ComposeName| {
        compose.stack.services.iter().any(|service| service.secrets.contains(name))
    };
    let secrets = compose.stack.secrets.iter();
    for secret in secrets.filter(|secret| secret.external && is_used(&secret.name)) {
        let Some(entry) = declaration(env, compose, &secret.name, &secret.object) else {
            needs.undeclared.push((secret.name.clone(), secret.object.clone()));
            continue;
        };
        let orders = Orders::read(entry, &mut needs.warnings);
        needs.specs.push(SecretSpec {
            name: secret.name.clone(),
            object: secret.object.clone(),
            version: entry.value.clone(),
            length: orders.length,
            charset: orders.charset,
            generate: orders.generate,
        });
    }
    needs
}

/// The line that declares a secret: one whose key is used in its name, and whose value ends
/// its name in Docker.
fn declaration<'e>(
    env: &'e EnvFile,
    compose: &ReadCompose,
    name: &ComposeName,
    object: &str,
) -> Option<&'e EnvEntry> {
    let paths = [format!("secrets.{name}.name"), format!("secrets.{name}.external.name")];
    let is_declaration = |key: &str| key.starts_with("SECRET_") && key.ends_with("_VERSION");
    let mut keys = compose.variables.iter().filter(|used| paths.contains(&used.path));
    keys.find_map(|used| {
        let entry = env.entry(&used.name).filter(|entry| is_declaration(&entry.key))?;
        let is_version = !entry.value.is_empty() && object.ends_with(&format!("_{}", entry.value));
        is_version.then_some(entry)
    })
}

/// Makes the value of a secret from bytes of `random`, which all have to be equally likely.
pub fn generate(spec: &SecretSpec, random: &mut dyn FnMut() -> u8) -> Secret {
    let alphabet = spec.charset.alphabet();
    let length = spec.length.unwrap_or(DEFAULT_LENGTH).min(MAX_LENGTH);
    let value: String =
        (0..length).map(|_| char::from(alphabet[index(alphabet.len(), random)])).collect();
    Secret::new(value)
}

/// A number below `count` (at most 256) without a preference for any: bytes of the last,
/// incomplete round are drawn again.
fn index(count: usize, random: &mut dyn FnMut() -> u8) -> usize {
    /// More draws than that and the source is broken; better a biased value than none.
    const DRAWS: usize = 10_000;
    let complete = 256 - 256 % count;
    let mut drawn = usize::from(random());
    for _ in 0..DRAWS {
        if drawn < complete {
            break;
        }
        drawn = usize::from(random());
    }
    drawn % count
}

/// What the comment of a declaration orders.
struct Orders {
    length: Option<usize>,
    charset: Charset,
    generate: bool,
}

impl Orders {
    fn read(entry: &EnvEntry, warnings: &mut Vec<TextError>) -> Self {
        let mut orders = Self { length: None, charset: Charset::Default, generate: true };
        let comment = entry.comment.as_deref().unwrap_or_default();
        for word in comment.split_whitespace() {
            let Some((key, value)) = word.trim_end_matches([',', ';']).split_once('=') else {
                continue;
            };
            let is_understood = match key {
                "length" => {
                    orders.length =
                        value.parse().ok().filter(|length| (1..=MAX_LENGTH).contains(length));
                    orders.length.is_some()
                }
                "charset" => orders.set_charset(value),
                "generate" => {
                    orders.generate = value != "false";
                    matches!(value, "true" | "false")
                }
                _ => true,
            };
            if !is_understood {
                let message = format!(
                    "line {}: `{word}` of `{}` is not understood and has no effect",
                    entry.line, entry.key
                );
                warnings.push(TextError::new(message).with_hint(
                    "known are `length=` up to 4096, `charset=` default, special, safespecial, hex, and `generate=false`",
                ));
            }
        }
        orders
    }

    /// Takes the widest of several names.
    fn set_charset(&mut self, names: &str) -> bool {
        let mut is_understood = true;
        for name in names.split(',').filter(|name| !name.is_empty()) {
            self.charset = match (name, self.charset) {
                ("special", _) | (_, Charset::Special) => Charset::Special,
                ("safespecial", _) | (_, Charset::SafeSpecial) => Charset::SafeSpecial,
                ("hex", Charset::Default) if names == "hex" => Charset::Hex,
                ("default" | "hex", charset) => charset,
                (_, charset) => {
                    is_understood = false;
                    charset
                }
            };
        }
        is_understood
    }
}
