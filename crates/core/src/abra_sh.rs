//! `abra.sh`: which variables it exports, read without running it.
//!
//! Only `export NAME=literal` at the top level counts. Everything that would need a shell to
//! know (a command substitution, another variable, a condition) is a warning with its place;
//! functions are for `abra app cmd` and are skipped.
//!
//! Tests: `abra_sh/tests.rs`.

mod lexer;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::text::TextError;
use lexer::{Lexer, Separator, Token, Word};

/// What an `abra.sh` exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbraSh {
    /// The literal exports; the last one of a name wins.
    pub exports: BTreeMap<String, String>,
    /// Exports that were not taken, and text that ends too early.
    pub warnings: Vec<TextError>,
}

impl AbraSh {
    /// Reads `text`; `name` is what warnings call the file.
    pub fn parse(name: &str, text: &str) -> Self {
        let mut reader = Reader {
            name,
            text,
            lexer: Lexer::new(text),
            frames: Vec::new(),
            words: Vec::new(),
            defines: Defines::Nothing,
            is_guarded: false,
            found: Self::default(),
        };
        while let Some(token) = reader.lexer.next_token() {
            reader.take(token);
        }
        reader.end_command(Separator::Plain);
        if let Some(start) = reader.lexer.unclosed {
            reader.warn(start, "this is never closed: exports behind it were not seen");
        }
        reader.found
    }
}

/// What encloses a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Function,
    Group,
    Subshell,
    If,
    Loop,
    Case,
}

/// Whether a function is being defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Defines {
    Nothing,
    /// `function` was read, its name comes next.
    Name,
    /// The body comes next.
    Body,
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    lexer: Lexer<'t>,
    frames: Vec<Frame>,
    words: Vec<Word<'t>>,
    defines: Defines,
    /// Whether the command runs depends on another one, before `&&` or `||`.
    is_guarded: bool,
    found: AbraSh,
}

impl<'t> Reader<'t> {
    fn take(&mut self, token: Token<'t>) {
        match token {
            Token::Word(_) if self.defines == Defines::Name => self.defines = Defines::Body,
            Token::Word(word) if self.words.is_empty() => self.first_word(word),
            Token::Word(word) => self.words.push(word),
            Token::Separator(separator) => self.end_command(separator),
            Token::Open => self.open(),
            Token::Close => self.close(),
        }
    }

    fn first_word(&mut self, word: Word<'t>) {
        match word.raw {
            "{" => self.enter(Frame::Group),
            "}" => self.leave(&[Frame::Group, Frame::Function]),
            "if" => self.frames.push(Frame::If),
            "fi" => self.leave(&[Frame::If]),
            "for" | "while" | "until" | "select" => self.frames.push(Frame::Loop),
            "done" => self.leave(&[Frame::Loop]),
            "case" => self.frames.push(Frame::Case),
            "esac" => self.leave(&[Frame::Case]),
            "then" | "else" | "elif" | "do" | "!" | "time" => {}
            "function" => self.defines = Defines::Name,
            _ => self.words.push(word),
        }
    }

    fn enter(&mut self, frame: Frame) {
        let is_body = self.defines == Defines::Body;
        self.defines = Defines::Nothing;
        self.frames.push(if is_body { Frame::Function } else { frame });
    }

    fn leave(&mut self, frames: &[Frame]) {
        if self.frames.last().is_some_and(|top| frames.contains(top)) {
            self.frames.pop();
        }
    }

    fn open(&mut self) {
        if self.defines == Defines::Body && self.lexer.take_close() {
            return;
        }
        match self.words.as_mut_slice() {
            [_] if self.lexer.take_close() => {
                self.words.clear();
                self.defines = Defines::Body;
            }
            [.., last] => {
                // An array, or syntax we do not know: no literal in either case.
                last.literal = None;
                self.lexer.skip_parentheses();
            }
            [] if self.frames.last() != Some(&Frame::Case) => self.enter(Frame::Subshell),
            [] => {}
        }
    }

    fn close(&mut self) {
        if self.frames.last() == Some(&Frame::Case) {
            self.words.clear();
            return;
        }
        self.end_command(Separator::Plain);
        self.leave(&[Frame::Subshell, Frame::Function]);
    }

    fn end_command(&mut self, separator: Separator) {
        let words = std::mem::take(&mut self.words);
        let Some((first, arguments)) = words.split_first() else {
            return;
        };
        self.defines = Defines::Nothing;
        let was_guarded = self.is_guarded;
        let is_declaration = matches!(first.raw, "declare" | "typeset" | "readonly");
        let exports = first.raw == "export"
            || is_declaration
                && arguments.iter().any(|word| word.raw.starts_with('-') && word.raw.contains('x'));
        self.is_guarded = separator == Separator::Conditional && (was_guarded || !exports);
        if !exports || self.frames.contains(&Frame::Function) {
            return;
        }
        let is_certain = !was_guarded && self.frames.iter().all(|frame| *frame == Frame::Group);
        if is_certain && !is_declaration {
            for word in arguments {
                self.export(word);
            }
        } else {
            self.warn(
                first.start,
                "this export is not taken: only `export NAME=literal` that always runs is",
            );
        }
    }

    fn export(&mut self, word: &Word<'t>) {
        let assignment = word.literal.as_deref().and_then(|literal| literal.split_once('='));
        match assignment {
            Some((name, value)) if is_name(name) => {
                self.found.exports.insert(name.to_owned(), value.to_owned());
            }
            _ => {
                let message = format!("`{}` is not taken: it is not `NAME=literal`", word.raw);
                self.warn(word.start, &message);
            }
        }
    }

    fn warn(&mut self, offset: usize, message: &str) {
        self.found.warnings.push(TextError::at_offset(message, self.name, self.text, offset));
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
