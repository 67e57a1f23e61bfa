//! The first style sheet or script a page names, if it is the app's own (TEST-4).
//!
//! Not an HTML parser: it looks for two tags in the beginning of a page, and finds nothing rather
//! than something wrong.

/// The path of the first asset, as a request to the same app.
pub fn first_asset(html: &str, page: &str, domain: &str) -> Option<String> {
    let tags = html.match_indices('<').map(|(start, _)| &html[start..]);
    let mut links = tags.filter_map(|rest| {
        let tag = &rest[..rest.find('>')?];
        let lower = tag.to_lowercase();
        let name = if lower.starts_with("<link") && lower.contains("stylesheet") {
            "href"
        } else if lower.starts_with("<script") {
            "src"
        } else {
            return None;
        };
        attribute(tag, &lower, name)
    });
    links.find_map(|link| own_path(&link, page, domain))
}

/// The value of an attribute, quoted or not.
fn attribute(tag: &str, lower: &str, name: &str) -> Option<String> {
    if tag.len() != lower.len() {
        return None;
    }
    let start = lower
        .match_indices(name)
        .map(|(start, _)| start)
        .find(|start| lower[..*start].ends_with([' ', '\n', '\t', '"', '\'']))?;
    let rest = tag[start + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let value = match rest.chars().next()? {
        quote @ ('"' | '\'') => rest[1..].split(quote).next()?,
        _ => rest.split([' ', '\n', '\t']).next()?,
    };
    Some(value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A link as a path of this app; `None` when it leads elsewhere.
fn own_path(link: &str, page: &str, domain: &str) -> Option<String> {
    let link = link.split('#').next()?.replace("&amp;", "&");
    for scheme in ["https://", "http://", "//"] {
        if let Some(rest) = link.strip_prefix(scheme) {
            let path = rest.strip_prefix(domain)?;
            return path.starts_with('/').then(|| path.to_owned());
        }
    }
    let has_scheme = link.split('/').next()?.contains(':');
    if has_scheme || link.contains("..") || link.is_empty() {
        return None;
    }
    if link.starts_with('/') {
        return Some(link);
    }
    let folder = &page[..=page.rfind('/')?];
    Some(format!("{folder}{link}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: Option<&str>) {
        assert_eq!(first_asset(html, "/app/page", "x.test").as_deref(), expected, "{html}");
    }

    #[test]
    fn the_first_own_style_sheet_or_script_is_found() {
        check("<link rel=\"stylesheet\" href=\"/a.css?v=1&amp;w=2\">", Some("/a.css?v=1&w=2"));
        check("<LINK HREF='b.css' REL=stylesheet>", Some("/app/b.css"));
        check("<link rel=icon href=i.png><script defer src=c.js></script>", Some("/app/c.js"));
        check(
            "<script src=\"https://cdn.test/x.js\"></script><script src=//x.test/d.js>",
            Some("/d.js"),
        );
        check("<script>let a = 1 < 2;</script>", None);
        check("<script src=\"data:text/javascript,1\"></script>", None);
        check("<link rel=stylesheet href=\"", None);
        check("<script data-src=\"/no.js\" src=\"/yes.js\"></script>", Some("/yes.js"));
        check("", None);
        check("İ<script src=\"/ü.js\"></script>", Some("/ü.js"));
    }
}
