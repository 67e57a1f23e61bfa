//! Cuts shell text into words and separators; quotes, here-documents and substitutions are
//! understood well enough to be skipped.

/// How deep quotes and substitutions may nest before the rest is given up.
const MAX_DEPTH: usize = 50;

/// A piece of shell text.
#[derive(Debug)]
pub(super) enum Token<'t> {
    Word(Word<'t>),
    Separator(Separator),
    /// `(`
    Open,
    /// `)`
    Close,
}

/// What stands between two commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// A line break, `;`, `&` or `|`.
    Plain,
    /// `&&` or `||`.
    Conditional,
}

/// A word of a command.
#[derive(Debug)]
pub(super) struct Word<'t> {
    /// As written.
    pub(super) raw: &'t str,
    /// Its value; `None` when only a shell could tell.
    pub(super) literal: Option<String>,
    /// Where it starts.
    pub(super) start: usize,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Delimiters of here-documents that start on the next line.
    documents: Vec<String>,
    /// Where something starts that the text does not close.
    pub(super) unclosed: Option<usize>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, documents: Vec::new(), unclosed: None }
    }

    pub(super) fn next_token(&mut self) -> Option<Token<'t>> {
        loop {
            self.skip_blanks();
            let c = self.peek()?;
            match c {
                '\n' => {
                    self.at += 1;
                    self.skip_documents();
                    return Some(Token::Separator(Separator::Plain));
                }
                ';' | '&' | '|' => return Some(self.separator(c)),
                '(' if self.rest().starts_with("((") => {
                    self.at += 1;
                    self.skip_parentheses();
                    self.take(")");
                }
                '(' => {
                    self.at += 1;
                    return Some(Token::Open);
                }
                ')' => {
                    self.at += 1;
                    return Some(Token::Close);
                }
                '<' | '>' => self.redirection(),
                _ => return Some(Token::Word(self.word())),
            }
        }
    }

    /// Consumes `)` if it comes next.
    pub(super) fn take_close(&mut self) -> bool {
        self.skip_blanks();
        self.take(")")
    }

    /// Skips to behind the `)` of a `(` that was read already.
    pub(super) fn skip_parentheses(&mut self) {
        self.skip_to(')', 0);
    }

    fn separator(&mut self, c: char) -> Token<'t> {
        let start = self.at;
        while self.peek() == Some(c) {
            self.at += 1;
        }
        let is_conditional = c != ';' && self.at - start > 1;
        Token::Separator(if is_conditional { Separator::Conditional } else { Separator::Plain })
    }

    fn redirection(&mut self) {
        let operator_start = self.at;
        while matches!(self.peek(), Some('<' | '>' | '&' | '|')) {
            self.at += 1;
        }
        let is_document = &self.text[operator_start..self.at] == "<<";
        if is_document {
            self.take("-");
        }
        if self.take("(") {
            self.skip_parentheses();
            return;
        }
        self.skip_blanks();
        if matches!(self.peek(), None | Some('\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>')) {
            return;
        }
        let target = self.word();
        if is_document {
            self.documents.push(target.literal.unwrap_or_else(|| target.raw.to_owned()));
        }
    }

    fn skip_documents(&mut self) {
        for delimiter in std::mem::take(&mut self.documents) {
            let start = self.at;
            loop {
                if self.rest().is_empty() {
                    self.unclosed.get_or_insert(start);
                    return;
                }
                let line = self.rest().split_inclusive('\n').next().unwrap_or_default();
                self.at += line.len();
                if line.trim_end_matches(['\n', '\r']).trim_start_matches('\t') == delimiter {
                    break;
                }
            }
        }
    }

    fn word(&mut self) -> Word<'t> {
        let start = self.at;
        let mut literal = Some(String::new());
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => self.single_quoted(&mut literal),
                '"' => self.double_quoted(&mut literal),
                '\\' => self.escaped(&mut literal),
                '$' | '`' => {
                    literal = None;
                    self.substitution(0);
                }
                _ => {
                    self.at += c.len_utf8();
                    let is_pattern = "*?[]{}~!".contains(c);
                    literal = literal.filter(|_| !is_pattern);
                    push(&mut literal, c);
                }
            }
        }
        Word { raw: &self.text[start..self.at], literal, start }
    }

    fn single_quoted(&mut self, literal: &mut Option<String>) {
        let start = self.at;
        self.at += 1;
        if let Some(length) = self.rest().find('\'') {
            if let Some(text) = literal {
                text.push_str(&self.text[self.at..self.at + length]);
            }
            self.at += length + 1;
        } else {
            *literal = None;
            self.give_up(start);
        }
    }

    fn double_quoted(&mut self, literal: &mut Option<String>) {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '$' | '`' => {
                    *literal = None;
                    self.substitution(0);
                }
                '\\' => self.escaped_in_quotes(literal),
                _ => {
                    self.at += c.len_utf8();
                    push(literal, c);
                }
            }
        }
        *literal = None;
        self.give_up(start);
    }

    fn escaped(&mut self, literal: &mut Option<String>) {
        self.at += 1;
        if let Some(c) = self.peek() {
            self.at += c.len_utf8();
            if c != '\n' {
                push(literal, c);
            }
        }
    }

    fn escaped_in_quotes(&mut self, literal: &mut Option<String>) {
        let next = self.rest().chars().nth(1);
        if matches!(next, Some('$' | '`' | '"' | '\\' | '\n')) {
            self.escaped(literal);
        } else {
            self.at += 1;
            push(literal, '\\');
        }
    }

    /// Skips `$x`, `$(…)`, `${…}`, `$'…'` or a back-quoted command.
    fn substitution(&mut self, depth: usize) {
        let is_backquote = self.peek() == Some('`');
        self.at += 1;
        if is_backquote {
            self.skip_to('`', depth);
        } else if self.take("(") {
            self.skip_to(')', depth);
        } else if self.take("{") {
            self.skip_to('}', depth);
        }
    }

    /// Skips to behind the closing `end`, over quotes and what nests in it.
    fn skip_to(&mut self, end: char, depth: usize) {
        let start = self.at.saturating_sub(1);
        if depth > MAX_DEPTH {
            return self.give_up(start);
        }
        while let Some(c) = self.peek() {
            let in_quotes = end == '"';
            match c {
                _ if c == end => {
                    self.at += 1;
                    return;
                }
                '\\' => self.escaped(&mut None),
                '\'' if !in_quotes => self.single_quoted(&mut None),
                '"' => {
                    self.at += 1;
                    self.skip_to('"', depth + 1);
                }
                '(' if end == ')' => {
                    self.at += 1;
                    self.skip_to(')', depth + 1);
                }
                '$' | '`' => self.substitution(depth + 1),
                _ => self.at += c.len_utf8(),
            }
        }
        self.give_up(start);
    }

    fn give_up(&mut self, start: usize) {
        self.unclosed.get_or_insert(start);
        self.at = self.text.len();
    }

    /// Skips blanks, continued lines and a comment.
    fn skip_blanks(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                _ => return,
            }
        }
    }

    fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }
}

fn push(literal: &mut Option<String>, c: char) {
    if let Some(text) = literal {
        text.push(c);
    }
}
