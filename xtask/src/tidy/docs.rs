//! Documents that must not rot: links to files that are gone, rules that are listed twice, code
//! and tests that `docs/rules.md` names and that nobody finds any more.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{Finding, Texts, has_ending};

/// The rules that hold, with where each lives and which test shows it.
const RULES: &str = "docs/rules.md";

pub(super) fn check(texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in texts.iter().filter(|(path, _)| has_ending(path, "md")) {
        findings.extend(links(path, &text.content, texts));
    }
    if let Some(rules) = texts.get(RULES) {
        findings.extend(listed_twice(&rules.content));
        findings.extend(places(&rules.content, texts));
    }
    findings
}

/// Links to files of the repository that do not lead anywhere.
fn links(path: &str, content: &str, texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in prose(content) {
        for target in targets(line) {
            let file = target.split('#').next().unwrap_or_default();
            let is_elsewhere =
                target.contains("://") || target.starts_with("mailto:") || file.is_empty();
            if !is_elsewhere && !leads_somewhere(path, file, texts) {
                let message = format!("the link to `{target}` leads nowhere");
                findings.push(Finding::new(format!("{path}:{index}"), message));
            }
        }
    }
    findings
}

/// Lines with their numbers, without fenced code.
fn prose(content: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    content.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((number, line))
    })
}

/// What the inline links of a line point at; code in backticks is no link.
fn targets(line: &str) -> Vec<&str> {
    let outside_code = line.split('`').step_by(2);
    let opened = outside_code.flat_map(|text| text.split("](").skip(1));
    opened.filter_map(|rest| rest.split([')', ' ']).next()).collect()
}

fn leads_somewhere(from: &str, target: &str, texts: &Texts) -> bool {
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    let mut place = PathBuf::new();
    for component in folder.join(target).components() {
        match component {
            Component::ParentDir => {
                if !place.pop() {
                    return false;
                }
            }
            Component::Normal(part) => place.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    let (file, folder) = (place.to_string_lossy(), format!("{}/", place.display()));
    texts.contains_key(file.as_ref()) || texts.keys().any(|path| path.starts_with(&folder))
}

/// Rule ids that head more than one section.
fn listed_twice(rules: &str) -> Vec<Finding> {
    let mut first = BTreeMap::new();
    let mut findings = Vec::new();
    for (line, id) in
        rules.lines().zip(1..).filter_map(|(line, number)| Some((number, rule_id(line)?)))
    {
        if let Some(before) = first.get(id) {
            let message = format!("{id} is listed in line {before} already");
            findings.push(Finding::new(format!("{RULES}:{line}"), message));
        }
        first.entry(id).or_insert(line);
    }
    findings
}

/// The id a heading such as `### IN-6 Compose files` names.
fn rule_id(line: &str) -> Option<&str> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim_start();
    let word = heading.split([' ', ':']).next()?;
    let (area, number) = word.split_once('-')?;
    let is_area = !area.is_empty() && area.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_area && number.starts_with(|c: char| c.is_ascii_digit())).then_some(word)
}

/// Paths and tests in backticks that are not there: `crates/core/src/x.rs` has to be a file or a
/// folder; in a line that begins with `Shown by`, a bare name has to be a function of some Rust file
/// or a mutation.
fn places(rules: &str, texts: &Texts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, number) in rules.lines().zip(1..) {
        let shows = line.starts_with("Shown by");
        for code in line.split('`').skip(1).step_by(2) {
            let top = code.split('/').next().unwrap_or_default();
            let is_path =
                code.contains('/') && texts.keys().any(|path| path.split('/').next() == Some(top));
            let problem = if is_path && !leads_somewhere("", code, texts) {
                format!("there is no `{code}`")
            } else if shows && !is_path && is_name(code) && !is_known(code, texts) {
                format!("no test and no mutation is called `{code}`")
            } else {
                continue;
            };
            findings.push(Finding::new(format!("{RULES}:{number}"), problem));
        }
    }
    findings
}

fn is_name(code: &str) -> bool {
    !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-' | b'0'..=b'9'))
}

fn is_known(name: &str, texts: &Texts) -> bool {
    // A case of a contract takes its stage as a parameter of a type.
    let functions = [format!("fn {name}("), format!("fn {name}<")];
    let is_in = |text: &str| functions.iter().any(|function| text.contains(function));
    let is_entry =
        |kind: &str| texts.contains_key(&format!("tests-e2e/catalogue/{kind}/{name}.toml"));
    ["faults", "weather"].iter().any(|kind| is_entry(kind))
        || texts.iter().any(|(path, text)| has_ending(path, "rs") && is_in(&text.content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::{shown, texts_of};

    #[test]
    fn links_lead_to_files_or_folders() {
        let page = "[a](../README.md#x) [b](rules.md) [c](adr) [d](gone.md)\n\
            [e](https://example.org/x) [f](#here) `[g](code)` [h](../../x) ![i](pic.png \"t\")\n\
            ```\n[j](fenced.md)\n```\n";
        let texts = texts_of(&[
            ("README.md", ""),
            ("docs/a.md", page),
            ("docs/rules.md", ""),
            ("docs/adr/1.md", ""),
        ]);
        assert_eq!(
            shown(&check(&texts)),
            [
                "docs/a.md:1: the link to `gone.md` leads nowhere",
                "docs/a.md:2: the link to `../../x` leads nowhere",
                "docs/a.md:2: the link to `pic.png` leads nowhere",
            ]
        );
    }

    #[test]
    fn a_rule_is_listed_once() {
        let rules = "# Rules\n## Input\n### IN-6 x\n### IN-7: y\n### IN-6 z\nIN-6\n### STG-3a q\n### in-6\n";
        assert_eq!(
            shown(&listed_twice(rules)),
            ["docs/rules.md:5: IN-6 is listed in line 3 already"]
        );
    }

    #[test]
    fn what_rules_point_at_is_there() {
        let rules = "Lives in `crates/core/src/a.rs`, `crates/gone.rs` and `and/or`.\n\
            Shown by `a_test`, `exits-at-start` and `gone_test` (`Outcome::Failed`).\n";
        let texts = texts_of(&[
            ("docs/rules.md", rules),
            ("crates/core/src/a.rs", "//! A\nfn a_test() {}"),
            ("tests-e2e/catalogue/faults/exits-at-start.toml", ""),
        ]);
        assert_eq!(
            shown(&check(&texts)),
            [
                "docs/rules.md:1: there is no `crates/gone.rs`",
                "docs/rules.md:2: no test and no mutation is called `gone_test`",
            ]
        );
    }
}
