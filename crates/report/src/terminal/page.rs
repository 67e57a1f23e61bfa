//! Lines of a terminal report: indented, wrapped, coloured.

use cc_ci_model::outcome::Status;

use super::Style;
use crate::words;

/// What a colour is for, not which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Green,
    Red,
    Yellow,
    Dim,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Paint::Green => "32",
            Paint::Red => "31",
            Paint::Yellow => "33",
            Paint::Dim => "2",
        }
    }
}

/// The colour of a status.
pub(crate) fn paint(status: Status) -> Paint {
    match status {
        Status::Passed => Paint::Green,
        Status::Failed => Paint::Red,
        Status::Errored | Status::Unverified => Paint::Yellow,
        Status::Blocked | Status::Skipped | Status::NotApplicable => Paint::Dim,
    }
}

/// A report as it grows.
pub(crate) struct Page {
    style: Style,
    lines: Vec<String>,
}

impl Page {
    pub(crate) fn new(style: Style) -> Self {
        let width = style.width.clamp(40, 120);
        Self { style: Style { width, ..style }, lines: Vec::new() }
    }

    pub(crate) fn width(&self) -> usize {
        self.style.width
    }

    pub(crate) fn paint(&self, text: &str, paint: Paint) -> String {
        self.escaped(text, paint.code())
    }

    pub(crate) fn strong(&self, text: &str, paint: Paint) -> String {
        self.escaped(text, &format!("1;{}", paint.code()))
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        self.escaped(text, "1")
    }

    fn escaped(&self, text: &str, code: &str) -> String {
        if self.style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn blank(&mut self) {
        self.lines.push(String::new());
    }

    /// The name of a section, after an empty line.
    pub(crate) fn title(&mut self, text: &str) {
        self.blank();
        self.lines.push(self.bold(text));
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, indent: usize, text: &str) {
        self.lines.push(format!("{}{text}", " ".repeat(indent)));
    }

    /// Wrapped text.
    pub(crate) fn block(&mut self, indent: usize, text: &str) {
        for line in wrapped(text, self.style.width.saturating_sub(indent)) {
            self.line(indent, &line);
        }
    }

    /// Wrapped text whose first line begins with `start`; `start` may be coloured and is `indent`
    /// columns wide.
    pub(crate) fn hanging(&mut self, start: &str, indent: usize, text: &str) {
        let lines = wrapped(text, self.style.width.saturating_sub(indent));
        for (index, line) in lines.iter().enumerate() {
            if index == 0 {
                self.lines.push(format!("{start}{line}"));
            } else {
                self.line(indent, line);
            }
        }
    }

    /// A section of points, if there are any.
    pub(crate) fn list(&mut self, title: &str, points: Vec<String>) {
        if points.is_empty() {
            return;
        }
        self.title(title);
        for point in points {
            self.hanging("  - ", 4, &words::harmless(&point));
        }
    }

    pub(crate) fn finish(self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }
}

/// Cuts text into lines of at most `width` columns, between words. A line that fits is kept as
/// it is, so that aligned texts such as a caret under a place stay aligned; a word that does not
/// fit is not cut, so that it can be copied.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    text.trim_end().split('\n').flat_map(|line| wrapped_line(line.trim_end(), width)).collect()
}

fn wrapped_line(line: &str, width: usize) -> Vec<String> {
    if line.chars().count() <= width {
        return vec![line.to_owned()];
    }
    let words = line.trim_start();
    let margin = " ".repeat(line.len() - words.len());
    let mut lines = Vec::new();
    let mut current = margin.clone();
    for word in words.split(' ') {
        let is_first = current.len() == margin.len();
        let needed = current.chars().count() + usize::from(!is_first) + word.chars().count();
        if !is_first && needed > width {
            lines.push(std::mem::replace(&mut current, margin.clone()));
        } else if !is_first {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_words_and_aligned_text_is_kept() {
        assert_eq!(wrapped("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("a  b\n   ^", 9), ["a  b", "   ^"]);
        assert_eq!(wrapped("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(
            wrapped("https://example.org/very/long x", 9),
            ["https://example.org/very/long", "x"]
        );
        assert_eq!(wrapped("äöü äöü äöü", 7), ["äöü äöü", "äöü"]);
        assert_eq!(wrapped("", 9), [""]);
        assert_eq!(wrapped("a\n\nb\n", 9), ["a", "", "b"]);
    }
}
