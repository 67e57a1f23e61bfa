//! `${…}` in compose files, as the docker CLI substitutes it for `docker stack deploy`.
//!
//! Its rules are kept where they surprise: defaults do not nest (`${A:-${B:-c}}` gives the
//! literal `${B:-c}`), `$A-b` without braces is a default too, a `-` in a `${A:?message}`
//! turns the message into a default, and of several failures in one text only the last
//! substitution decides. Each of them is said as a doubt.
//!
//! Only the given variables are seen, never the environment of a process.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Fault, Node, Spot, Value};
use crate::text::{Place, Whose};

/// A variable that a compose file uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableUse {
    /// Its name.
    pub name: String,
    /// Where it is used: the keys from the top, e.g. `secrets.db_password.name`.
    pub path: String,
    /// Where that is written.
    pub place: Place,
}

/// A use before its file is known by name.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) spot: Spot,
}

/// Whether a variable belongs to the programs we start, so that no app's env may carry it and
/// no compose file may read it (it would be the host's).
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(name, "PATH" | "HOME") || name.starts_with("LD_") || name.starts_with("DOCKER_")
}

/// Refuses a variable of the host's at `spot`.
pub(super) fn refuse_reserved(name: &str, spot: Spot) -> Result<(), Fault> {
    if !is_reserved(name) {
        return Ok(());
    }
    let message = format!("`{name}` belongs to the host, a compose file cannot use it");
    let fault = Fault::new(spot, message).with_hint("give the variable of the app another name");
    Err(fault.of(Whose::CcCi))
}

/// Substitutes in every text of a tree.
pub(super) struct Interpolation<'e> {
    env: &'e BTreeMap<String, String>,
    pub(super) uses: Vec<Use>,
    pub(super) doubts: Vec<Fault>,
    /// Where a text was changed: docker takes a number or truth value out of such a text, and
    /// out of no other.
    pub(super) changed: BTreeSet<Spot>,
}

impl<'e> Interpolation<'e> {
    pub(super) fn new(env: &'e BTreeMap<String, String>) -> Self {
        Self { env, uses: Vec::new(), doubts: Vec::new(), changed: BTreeSet::new() }
    }

    /// Substitutes in the values of `node`, not in its keys; `path` is where it stands.
    pub(super) fn apply(&mut self, node: &mut Node, path: &str) -> Result<(), Fault> {
        let below =
            |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match &mut node.value {
            Value::Text(text) if text.contains('$') => {
                let substituted = self.text(text, path, node.spot)?;
                if *text != substituted {
                    self.changed.insert(node.spot);
                }
                *text = substituted;
            }
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.apply(item, &below(&index.to_string()))?;
                }
            }
            Value::Map(map) => {
                for (key, member) in map {
                    self.apply(&mut member.node, &below(key))?;
                }
            }
            Value::Text(_) | Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str, path: &str, spot: Spot) -> Result<String, Fault> {
        let substituted = substitute(text, self.env);
        for name in substituted.names {
            refuse_reserved(&name, spot)?;
            self.uses.push(Use { name, path: path.to_owned(), spot });
        }
        self.doubts.extend(substituted.doubts.into_iter().map(|doubt| Fault::new(spot, doubt)));
        match substituted.refused {
            Some(message) if substituted.is_missing => Err(Fault::new(spot, message).with_hint(
                "give it a value in .env.sample, in abra.sh, or as `[app] env` of the pack",
            )),
            Some(message) => Err(Fault::new(spot, message)),
            None => Ok(substituted.text),
        }
    }
}

/// A text with its variables replaced.
#[derive(Debug, Default, PartialEq, Eq)]
struct Substituted {
    text: String,
    /// Why docker refuses the text.
    refused: Option<String>,
    /// That is because a required variable has no value.
    is_missing: bool,
    names: Vec<String>,
    doubts: Vec<String>,
}

fn substitute(template: &str, env: &BTreeMap<String, String>) -> Substituted {
    let mut done = Substituted::default();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        done.text.push_str(&rest[..at]);
        let reference = Reference::read(&rest[at + 1..]);
        rest = &rest[at + 1 + reference.length..];
        let Some(variable) = reference.variable else {
            if reference.is_escaped {
                done.text.push('$');
            } else {
                done.is_missing = false;
                done.refused = Some(format!(
                    "invalid interpolation format: `{template}` (a literal `$` is written `$$`)"
                ));
            }
            continue;
        };
        // Docker keeps only what the last substitution had to say.
        if let Some(masked) = done.refused.take() {
            done.doubts
                .push(format!("docker does not report this, because of what follows: {masked}"));
        }
        done.take(&variable, env);
    }
    done.text.push_str(rest);
    done
}

impl Substituted {
    fn take(&mut self, variable: &Variable<'_>, env: &BTreeMap<String, String>) {
        let expression = variable.expression;
        self.names.push(variable.name.to_owned());
        self.doubts.extend(variable.doubts());
        let value = |name: &str| env.get(name).map(String::as_str);
        let result = if let Some((name, default)) = expression.split_once(":-") {
            Ok(value(name).filter(|value| !value.is_empty()).unwrap_or(default))
        } else if let Some((name, default)) = expression.split_once('-') {
            Ok(value(name).unwrap_or(default))
        } else if let Some((name, message)) = expression.split_once(":?") {
            value(name).filter(|value| !value.is_empty()).ok_or((name, message))
        } else if let Some((name, message)) = expression.split_once('?') {
            value(name).ok_or((name, message))
        } else {
            if value(expression).is_none() {
                self.doubts
                    .push(format!("`{expression}` is not set: docker puts nothing in its place"));
            }
            Ok(value(expression).unwrap_or_default())
        };
        match result {
            Ok(text) => self.text.push_str(text),
            Err((name, message)) => {
                self.is_missing = true;
                self.refused =
                    Some(format!("required variable `{name}` is missing a value: {message}"));
            }
        }
    }
}

/// What follows a `$`.
struct Reference<'t> {
    variable: Option<Variable<'t>>,
    /// It was `$$`.
    is_escaped: bool,
    /// The bytes behind the `$` that belong to it.
    length: usize,
}

struct Variable<'t> {
    name: &'t str,
    /// The name and what to do when it has no value.
    expression: &'t str,
    has_braces: bool,
}

impl<'t> Reference<'t> {
    fn read(rest: &'t str) -> Self {
        if rest.starts_with('$') {
            return Self { variable: None, is_escaped: true, length: 1 };
        }
        if let Some(variable) = Variable::read(rest, false) {
            let length = variable.expression.len();
            return Self { variable: Some(variable), is_escaped: false, length };
        }
        let braced = rest.strip_prefix('{').and_then(|inner| Variable::read(inner, true));
        match braced {
            Some(variable) if rest[variable.expression.len() + 1..].starts_with('}') => {
                let length = variable.expression.len() + 2;
                Self { variable: Some(variable), is_escaped: false, length }
            }
            _ => Self { variable: None, is_escaped: false, length: 0 },
        }
    }
}

impl<'t> Variable<'t> {
    fn read(text: &'t str, has_braces: bool) -> Option<Self> {
        // Docker matches names without regard to case, in Unicode: two letters fold to ASCII.
        let is_letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | 'ſ' | '\u{212a}');
        if !text.starts_with(is_letter) {
            return None;
        }
        let end = text.find(|c: char| !is_letter(c) && !c.is_ascii_digit()).unwrap_or(text.len());
        let behind = &text[end..];
        let has_operator = behind.strip_prefix(':').unwrap_or(behind).starts_with(['-', '?']);
        let length = if has_operator { behind.find('}').unwrap_or(behind.len()) } else { 0 };
        Some(Self { name: &text[..end], expression: &text[..end + length], has_braces })
    }

    fn doubts(&self) -> Vec<String> {
        let (name, operation) = (self.name, &self.expression[self.name.len()..]);
        let mut doubts = Vec::new();
        if operation.contains('$') {
            doubts.push(format!(
                "docker does not evaluate defaults in defaults: `{operation}` behind `{name}` is kept as text, up to the first closing brace"
            ));
        }
        if !operation.is_empty() && !self.has_braces {
            doubts.push(format!("without braces docker still reads `{operation}` as what to do when `{name}` has no value"));
        }
        if operation.trim_start_matches(':').starts_with('?') && operation.contains('-') {
            doubts.push(format!("because of the `-` in its message docker reads a default, and does not require `{name}`"));
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn env() -> BTreeMap<String, String> {
        [("A", "aval"), ("EMPTY", ""), ("B", "bee")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    #[track_caller]
    fn check(template: &str, expected: Result<&str, &str>, doubted: bool) {
        let done = substitute(template, &env());
        match expected {
            Ok(text) => {
                assert_eq!((done.text.as_str(), &done.refused), (text, &None), "{template}");
            }
            Err(said) => {
                let refused = done.refused.clone().unwrap_or_default();
                assert!(refused.contains(said), "{template}: {refused}");
            }
        }
        assert_eq!(!done.doubts.is_empty(), doubted, "{template}: {:?}", done.doubts);
    }

    #[test]
    fn plain_forms_are_substituted() {
        check("$A ${B}.", Ok("aval bee."), false);
        check("$$A $${A}", Ok("$A ${A}"), false);
        check("${EMPTY-d} ${EMPTY:-d} ${NOPE-d} ${NOPE:-d}", Ok(" d d d"), false);
        check("${A:?x} ${A?x} ${EMPTY?x}", Ok("aval aval "), false);
        check("$NOPE${NOPE}.", Ok("."), true);
        check("$A.b", Ok("aval.b"), false);
    }

    #[test]
    fn what_surprises_is_kept_and_said() {
        check("${NOPE:-${B:-c}}", Ok("${B:-c}"), true);
        check("${A:-${B:-c}}", Ok("aval}"), true);
        check("$NOPE-zz", Ok("zz"), true);
        check("$A-two", Ok("aval"), true);
        check("$A:-foo} bar", Ok("aval} bar"), true);
        check("${NOPE:?msg-with-dash}", Ok("with-dash"), true);
        check("${NOPE-a-b}", Ok("a-b"), false);
        check("${NOPE:-x:?y}", Ok("x:?y"), false);
        check("${NOPE?missing} ${B}", Ok(" bee"), true);
        check("${ ${B}", Ok("{ bee"), true);
    }

    #[test]
    fn what_docker_refuses_is_refused() {
        for template in ["$", "a$", "$-", "$1", "${}", "${A", "${A:b}", "${NOPE?missing} ${"] {
            check(template, Err("invalid interpolation format"), false);
        }
        check(
            "${NOPE?missing E}",
            Err("required variable `NOPE` is missing a value: missing E"),
            false,
        );
        check("${EMPTY:?e} $$", Err("required variable `EMPTY`"), false);
    }

    #[test]
    fn names_of_the_host_are_known() {
        for name in ["PATH", "HOME", "LD_PRELOAD", "DOCKER_HOST"] {
            assert!(is_reserved(name));
        }
        for name in ["DOMAIN", "HOMEPAGE", "OLD_X", "PATHS", "STACK_NAME"] {
            assert!(!is_reserved(name));
        }
    }

    proptest! {
        #[test]
        fn no_template_makes_it_panic(template in "(\\$|\\{|\\}|:|-|\\?|A|B|NOPE|ä|ſ| ){0,30}") {
            substitute(&template, &env());
        }

        #[test]
        fn no_text_makes_it_panic(template in any::<String>()) {
            substitute(&template, &env());
        }

        #[test]
        fn escaped_text_comes_back(text in any::<String>()) {
            let done = substitute(&text.replace('$', "$$"), &BTreeMap::new());
            prop_assert_eq!((done.text, done.refused), (text, None));
        }
    }
}
