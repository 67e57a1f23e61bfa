//! The whole way from the texts of compose files to what they declare.

use std::collections::{BTreeMap, BTreeSet};

use cc_ci_model::compose::DeclaredStack;

use super::facts;
use super::interpolate::{Interpolation, VariableUse};
use super::merge::merge;
use super::normal::{Canonical, Normal};
use super::parse::parse;
use super::tree::{Fault, Spot};
use crate::text::{Place, TextError};

/// A compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeText {
    /// What messages call it.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl ComposeText {
    /// A file from its bytes.
    ///
    /// # Errors
    /// When they are not UTF-8.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, TextError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { name: name.to_owned(), text: text.to_owned() }),
            Err(error) => {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                Err(TextError::at_offset("the file is not UTF-8", name, &valid, valid.len()))
            }
        }
    }
}

/// What compose files declare, and what was noticed on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCompose {
    /// What they declare.
    pub stack: DeclaredStack,
    /// What the author may not have meant, or what docker will refuse or ignore; sorted by
    /// place, each once.
    pub warnings: Vec<TextError>,
    /// Every use of a variable, file by file, each file in the order of its keys.
    pub variables: Vec<VariableUse>,
}

/// Reads compose files as `docker stack deploy -c a -c b` would with nothing but `env` in its
/// environment.
///
/// `extra` gives the contents of the files they name (`env_file`, and `file` of secrets and
/// configs) by the path as written, after substitution; such a path is relative to the folder
/// of the first file, and may lead out of it: refusing that is up to `extra`. `None` means
/// that there is no such file.
///
/// # Errors
/// What docker refuses too: invalid YAML, an invalid `${…}` or a required variable without a
/// value, a value of the wrong kind, a service without image, a reference to what is not
/// declared, different versions, a file that does not exist. And a variable that belongs to the
/// host (`PATH`, `HOME`, `LD_*`, `DOCKER_*`).
pub fn read(
    files: &[ComposeText],
    env: &BTreeMap<String, String>,
    stack: &str,
    extra: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<ReadCompose, TextError> {
    let sources = Sources(files);
    let mut reader = Reader {
        interpolation: Interpolation::new(env),
        normal: Normal { env, extra, doubts: Vec::new(), changed: BTreeSet::new() },
        doubts: BTreeSet::new(),
    };
    let mut merged: Option<Canonical> = None;
    for (index, file) in files.iter().enumerate() {
        let read = reader.file(&file.text, index).map_err(|fault| sources.error(fault))?;
        match &mut merged {
            Some(base) => {
                let doubts = merge(base, read).map_err(|fault| sources.error(fault))?;
                reader.doubts.extend(doubts);
            }
            None => merged = Some(read),
        }
    }
    let merged = merged.ok_or_else(|| TextError::new("there is no compose file"))?;
    let place = |spot| sources.place(spot).to_string();
    let stack = facts::declared(&merged, stack, extra, &place);
    let stack = stack.map_err(|fault| sources.error(fault))?;
    let mut doubts = reader.doubts;
    doubts.extend(reader.normal.doubts);
    doubts.extend(reader.interpolation.doubts);
    let variables = reader.interpolation.uses.into_iter().map(|used| VariableUse {
        name: used.name,
        path: used.path,
        place: sources.place(used.spot),
    });
    Ok(ReadCompose {
        stack,
        warnings: doubts.into_iter().map(|fault| sources.error(fault)).collect(),
        variables: variables.collect(),
    })
}

struct Reader<'a> {
    interpolation: Interpolation<'a>,
    normal: Normal<'a>,
    doubts: BTreeSet<Fault>,
}

impl Reader<'_> {
    fn file(&mut self, text: &str, index: usize) -> Result<Canonical, Fault> {
        let mut parsed = parse(text, index)?;
        self.doubts.append(&mut parsed.doubts.into_iter().collect());
        self.interpolation.apply(&mut parsed.node, "")?;
        self.normal.changed = std::mem::take(&mut self.interpolation.changed);
        match parsed.node.as_map() {
            Some(root) => self.normal.file(root),
            None => Err(Fault::new(parsed.node.spot, "the top level is not a mapping")),
        }
    }
}

/// The files, to turn places into what a reader can use.
struct Sources<'f>(&'f [ComposeText]);

impl Sources<'_> {
    fn place(&self, spot: Spot) -> Place {
        let file = self.0.get(spot.file).map_or_else(String::new, |file| file.name.clone());
        Place { file, line: spot.line, column: spot.column }
    }

    fn error(&self, fault: Fault) -> TextError {
        let (name, text) = self
            .0
            .get(fault.spot.file)
            .map_or(("", ""), |file| (file.name.as_str(), file.text.as_str()));
        let error = TextError::at(fault.message, name, text, fault.spot.line, fault.spot.column);
        TextError { hint: fault.hint, whose: fault.whose, ..error }
    }
}
