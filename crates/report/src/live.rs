//! One line of a terminal that is written over, and lines that stay above it.
//!
//! The cursor rests at the beginning of the live line, and what is cleared is cleared from there
//! to the end of the screen: a terminal that was made narrower and has broken the line in two
//! keeps the cursor before the first of them. The cursor is never hidden and no mode is changed,
//! so a process that is killed leaves a terminal as it was.
//!
//! Nothing is written here: every function gives the text to write.
//!
//! Tests: at the end of this file, on a small terminal of their own.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// To the beginning of the line, then clear everything from there on.
const CLEAR: &str = "\r\u{1b}[J";

/// The live line of a terminal.
#[derive(Debug, Default)]
pub struct LiveLine {
    /// What stands there.
    shown: String,
}

impl LiveLine {
    /// Writes the live line over; nothing, if it stands there already.
    pub fn draw(&mut self, text: &str, columns: usize) -> String {
        let row = fitted(text, columns);
        if row == self.shown {
            return String::new();
        }
        let drawn = format!("{CLEAR}{row}\r");
        self.shown = row;
        drawn
    }

    /// Puts lines above the live line, which stays as it is.
    pub fn above(&self, lines: &str) -> String {
        if self.shown.is_empty() {
            return format!("{lines}\n");
        }
        format!("{CLEAR}{lines}\n{}\r", self.shown)
    }

    /// Takes the live line away.
    pub fn clear(&mut self) -> String {
        if std::mem::take(&mut self.shown).is_empty() { String::new() } else { CLEAR.to_owned() }
    }
}

/// A text that is no wider than a line: its end is cut off. The last column stays free: there
/// some terminals break the line.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    let text = text.lines().next().unwrap_or_default();
    if text.width() <= room {
        return text.to_owned();
    }
    let mut row = String::new();
    for c in text.chars() {
        if row.width() + c.width().unwrap_or(0) + 1 > room {
            break;
        }
        row.push(c);
    }
    format!("{}…", row.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As much of a terminal as the live line needs.
    struct Terminal {
        columns: usize,
        rows: Vec<String>,
        at: (usize, usize),
    }

    impl Terminal {
        fn new(columns: usize) -> Self {
            Self { columns, rows: vec![String::new()], at: (0, 0) }
        }

        fn write(&mut self, text: &str) {
            let mut chars = text.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\r' => self.at.1 = 0,
                    '\n' => {
                        self.at = (self.at.0 + 1, 0);
                        self.rows.resize(self.rows.len().max(self.at.0 + 1), String::new());
                    }
                    '\u{1b}' => {
                        assert_eq!((chars.next(), chars.next()), (Some('['), Some('J')));
                        self.rows.truncate(self.at.0 + 1);
                        let kept: String = self.rows[self.at.0].chars().take(self.at.1).collect();
                        self.rows[self.at.0] = kept;
                    }
                    c => self.put(c),
                }
            }
        }

        fn put(&mut self, c: char) {
            if self.at.1 + c.width().unwrap_or(0) > self.columns {
                self.write("\r\n");
            }
            let mut row: Vec<char> = self.rows[self.at.0].chars().collect();
            row.truncate(self.at.1);
            row.push(c);
            self.rows[self.at.0] = row.into_iter().collect();
            self.at.1 += c.width().unwrap_or(0);
        }

        /// A terminal that breaks its lines anew, as most do; the cursor stays where it is in the
        /// text.
        fn narrow(&mut self, columns: usize) {
            let (row, column) = self.at;
            let before: usize = self.rows[..row]
                .iter()
                .map(|row| row.chars().count().div_ceil(columns).max(1))
                .sum();
            let broken = self.rows.iter().flat_map(|row| {
                let chars: Vec<char> = row.chars().collect();
                let parts: Vec<String> =
                    chars.chunks(columns).map(|part| part.iter().collect()).collect();
                if parts.is_empty() { vec![String::new()] } else { parts }
            });
            self.rows = broken.collect();
            self.at = (before + column / columns, column % columns);
            self.columns = columns;
        }
    }

    #[test]
    fn the_live_line_is_written_over_and_lines_stay_above_it() {
        let (mut line, mut terminal) = (LiveLine::default(), Terminal::new(40));
        terminal.write(&line.above("run x"));
        terminal.write(&line.draw("  settling, 1 s of 10 min: service app", 40));
        terminal.write(&line.draw("  settling, 2 s of 10 min", 40));
        assert_eq!(terminal.rows, ["run x", "  settling, 2 s of 10 min"]);
        terminal.write(&line.above("warning: one\nwarning: two that is longer than a row of it"));
        let expected = [
            "run x",
            "warning: one",
            "warning: two that is longer than a row o",
            "f it",
            "  settling, 2 s of 10 min",
        ];
        assert_eq!(terminal.rows, expected);
        terminal.write(&line.clear());
        terminal.write(&line.above("done"));
        assert_eq!(terminal.rows[4..], ["done", ""]);
    }

    #[test]
    fn what_stands_there_is_not_written_again() {
        let mut line = LiveLine::default();
        assert_ne!(line.draw("a", 40), "");
        assert_eq!(line.draw("a", 40), "");
        assert_ne!(line.clear(), "");
        assert_eq!(line.clear(), "");
    }

    #[test]
    fn a_terminal_that_becomes_narrow_keeps_nothing_of_the_old_line() {
        let (mut line, mut terminal) = (LiveLine::default(), Terminal::new(60));
        terminal.write(&line.above("a line that stays"));
        terminal.write(&line.draw("  settling, 1 s of 10 min: service app: 0 of 1 tasks", 60));
        terminal.narrow(20);
        assert_eq!(terminal.rows.len(), 4, "the terminal broke it: {:?}", terminal.rows);
        terminal.write(&line.draw("  settling, 2 s of 10 min: service app: 0 of 1 tasks", 20));
        assert_eq!(terminal.rows, ["a line that stays", "  settling, 2 s of…"]);
    }

    #[test]
    fn a_line_is_cut_by_what_is_seen_and_never_breaks() {
        for (text, columns, expected) in [
            ("abcdef", 7, "abcdef"),
            ("abcdef", 6, "abcd…"),
            ("漢字漢字", 9, "漢字漢字"),
            ("漢字漢字", 8, "漢字漢…"),
            ("漢字漢字", 7, "漢字…"),
            ("e\u{301}e\u{301}e\u{301}", 4, "e\u{301}e\u{301}e\u{301}"),
            ("one two", 6, "one…"),
            ("a\nb", 9, "a"),
            ("abc", 1, "…"),
            ("abc", 0, "…"),
        ] {
            assert_eq!(fitted(text, columns), expected, "{text} in {columns}");
        }
    }
}
