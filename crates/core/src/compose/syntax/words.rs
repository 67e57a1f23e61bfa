//! A command as one text, split into words as docker does (google/shlex): quotes, backslashes
//! and comments are understood, variables are not.

/// The words of a command.
///
/// # Errors
/// A quote that is not closed, or a backslash at the end.
pub(in crate::compose) fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => {
                rest.by_ref().find(|c| *c == '\n');
            }
            '\\' => {
                word.get_or_insert_default().push(rest.next().ok_or("it ends with a backslash")?);
            }
            '\'' => single_quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

const UNCLOSED: &str = "a quote is not closed";

fn single_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match rest.next().ok_or(UNCLOSED)? {
            '\'' => return Ok(()),
            c => word.push(c),
        }
    }
}

fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match rest.next().ok_or(UNCLOSED)? {
            '"' => return Ok(()),
            '\\' => word.push(rest.next().ok_or(UNCLOSED)?),
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_as_docker_splits_them() {
        for (text, expected) in [
            ("a 'b c' \"d\" # x", Some(vec!["a", "b c", "d"])),
            ("sh -c 'a b'", Some(vec!["sh", "-c", "a b"])),
            ("a\\ b \"c\\\"d\\n\" e'f'g", Some(vec!["a b", "c\"dn", "efg"])),
            ("", Some(vec![])),
            ("''", Some(vec![""])),
            ("a#b #c\nd", Some(vec!["a#b", "d"])),
            ("a 'b", None),
            ("a \"b", None),
            ("a\\", None),
        ] {
            let words = words(text).ok();
            let words = words.as_ref().map(|words| words.iter().map(String::as_str).collect());
            assert_eq!(words, expected, "{text}");
        }
    }
}
