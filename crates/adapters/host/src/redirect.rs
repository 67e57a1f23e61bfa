//! Where a redirect leads, seen from an app's own domain (CONV-6).
//!
//! Tests: at the end of this file.

use reqwest::Url;

/// Follows `location` from `path` of the app at `domain`. Gives the next path with its query
/// when it is the app itself, under `http` or `https` and on their usual ports: the task is
/// asked directly, so both are the same address. `None` when it leads elsewhere.
pub(crate) fn own_path(domain: &str, path: &str, location: &str) -> Option<String> {
    let here = Url::parse(&format!("https://{domain}")).ok()?.join(path).ok()?;
    let there = here.join(location).ok()?;
    let is_web = matches!(there.scheme(), "http" | "https");
    let is_usual_port = matches!(there.port(), None | Some(80 | 443));
    let is_own = there.host_str() == here.host_str();
    (is_web && is_usual_port && is_own).then(|| {
        let query = there.query().map_or_else(String::new, |query| format!("?{query}"));
        format!("{}{query}", there.path())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(location: &str, expected: Option<&str>) {
        let path = own_path("app.example.org", "/a/b?c=d", location);
        assert_eq!(path.as_deref(), expected, "{location}");
    }

    #[test]
    fn only_the_app_itself_is_followed() {
        check("/login?next=%2F#top", Some("/login?next=%2F"));
        check("e", Some("/a/e"));
        check("?f", Some("/a/b?f"));
        check("https://app.example.org/x", Some("/x"));
        check("http://APP.example.org:80/", Some("/"));
        check("https://app.example.org:443", Some("/"));
        check("//app.example.org/y", Some("/y"));
        check("https://app.example.org:8443/x", None);
        check("https://login.example.org/x", None);
        check("//elsewhere.org/", None);
        check("ftp://app.example.org/", None);
        check("http://[", None);
    }
}
