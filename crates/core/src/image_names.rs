//! What an image is by its name, and where a database's data lies in it.

/// Where images of other builders keep a database's data, whatever the database.
const OTHER_PATHS: [&str; 2] = ["/bitnami", "/config"];

/// An image's name without registry, owner and tag; lower case.
pub(crate) fn short_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split([':', '@']).next().unwrap_or_default().to_lowercase()
}

/// Whether an image's short name is that of a program that only talks to a database.
pub(crate) fn is_tool(name: &str) -> bool {
    const TOOLS: [&str; 8] =
        ["exporter", "backup", "pgbouncer", "admin", "-client", "commander", "insight", "sentinel"];
    TOOLS.iter().any(|word| name.contains(word))
}

/// A mount at `target` holds a database's data.
pub(crate) fn holds_data(target: &str, path: &str) -> bool {
    covers(target, path) || OTHER_PATHS.iter().any(|other| covers(target, other))
}

/// A mount at `target` holds `path`, or something below it.
pub(crate) fn covers(target: &str, path: &str) -> bool {
    let inside = |outer: &str, inner: &str| {
        inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    let target = target.trim_end_matches('/');
    inside(target, path) || inside(path, target)
}
