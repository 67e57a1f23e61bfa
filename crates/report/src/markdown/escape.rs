//! Text from outside that stays text in Markdown.

use crate::words;

/// What could begin markup in the middle of a line, HTML and table cells included.
const SIGNS: [char; 13] = ['\\', '`', '*', '_', '[', ']', '<', '>', '|', '~', '#', '&', '@'];

/// Text on one line, every sign of it read as itself.
pub(crate) fn plain(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in words::harmless(text.trim()).chars() {
        if c == '\n' {
            clean.push(' ');
            continue;
        }
        if SIGNS.contains(&c) {
            clean.push('\\');
        }
        clean.push(c);
    }
    clean
}

/// Text as it is, in a block that nothing in it can end.
pub(crate) fn fenced(text: &str) -> String {
    fenced_as("text", text)
}

/// The same, in a language.
pub(crate) fn fenced_as(language: &str, text: &str) -> String {
    let text = words::harmless(text.trim_end());
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_no_markup() {
        assert_eq!(
            plain("a | b\n<script> `x` ![y](z) @all #1"),
            "a \\| b \\<script\\> \\`x\\` !\\[y\\](z) \\@all \\#1"
        );
        assert_eq!(plain("\u{1b}[1mplain\u{1b}[0m text"), "plain text");
    }

    #[test]
    fn nothing_ends_a_block_from_within() {
        assert_eq!(fenced("a\nb\n"), "```text\na\nb\n```\n");
        assert_eq!(fenced("x\n````\ny"), "`````text\nx\n````\ny\n`````\n");
    }
}
