//! A real terminal: a command in a pty of `script` (bsdutils), and what its screen shows.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

/// What a command left on a terminal.
#[derive(Debug)]
pub struct Shown {
    /// The exit code.
    pub exit: Option<i32>,
    /// Every byte that was written.
    pub raw: String,
    /// The rows at the end, cut at the last one that is not empty.
    pub rows: Vec<String>,
    /// The last row whenever it was written over, each once.
    pub frames: Vec<String>,
}

/// Runs a line of shell in a terminal of so many columns.
///
/// # Errors
/// When there is no `script`, or its output is no text.
pub fn in_terminal(
    directory: &Path,
    environment: &[(&str, &str)],
    columns: usize,
    line: &str,
) -> Result<Shown> {
    let sized = format!("stty cols {columns} rows 40; {line}");
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &sized, "/dev/null"]);
    command.current_dir(directory).env_remove("CI").env_remove("NO_COLOR");
    command.env("TERM", "xterm").envs(environment.iter().copied()).stdin(Stdio::null());
    let output = command.output().context("`script` of bsdutils is needed")?;
    let raw = String::from_utf8(output.stdout)?;
    let mut screen = Screen::default();
    screen.write(&raw);
    let rows = screen.rows.iter().map(|row| row.trim_end().to_owned());
    Ok(Shown { exit: output.status.code(), raw, rows: rows.collect(), frames: screen.frames })
}

/// As much of a terminal as is needed, without a width: what is too wide is seen as too wide.
#[derive(Debug, Default)]
struct Screen {
    rows: Vec<String>,
    row: usize,
    column: usize,
    frames: Vec<String>,
}

impl Screen {
    fn write(&mut self, text: &str) {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.row += 1,
                '\u{1b}' => {
                    let rest: String = chars.by_ref().take_while(|c| !c.is_alphabetic()).collect();
                    // `take_while` has taken the letter: only clearing has no parameters here.
                    if rest == "[" {
                        self.clear();
                    }
                }
                c => self.put(c),
            }
        }
    }

    fn current(&mut self) -> &mut String {
        self.rows.resize(self.rows.len().max(self.row + 1), String::new());
        &mut self.rows[self.row]
    }

    fn clear(&mut self) {
        let column = self.column;
        let row = self.current();
        let shown = row.clone();
        *row = row.chars().take(column).collect();
        self.rows.truncate(self.row + 1);
        if !shown.is_empty() && self.frames.last() != Some(&shown) {
            self.frames.push(shown);
        }
    }

    fn put(&mut self, c: char) {
        let column = self.column;
        let row = self.current();
        let mut chars: Vec<char> = row.chars().collect();
        chars.resize(chars.len().max(column + 1), ' ');
        chars[column] = c;
        *row = chars.into_iter().collect();
        self.column += 1;
    }
}
