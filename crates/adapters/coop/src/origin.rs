//! Where a repository comes from: paths and URLs as git reads them, and what a clone that failed
//! means.
//!
//! Tests: at the end of this file, and in `tests/it/` against git itself.

use std::path::Path;

use cc_ci_core::ports::RecipeError;

/// A remote of the repository at `top`, for a git that runs elsewhere: a relative path is meant
/// from `top`.
pub(crate) fn seen_from(top: &Path, remote: &str) -> String {
    if is_path(remote) { top.join(remote).display().to_string() } else { remote.to_owned() }
}

/// git's own rule: no scheme, and no colon before the first slash (`host:path` is SSH).
fn is_path(remote: &str) -> bool {
    let first = remote.split('/').next().unwrap_or_default();
    !remote.contains("://") && !first.contains(':')
}

/// What git (with `LC_ALL=C`) says where there is no repository, whoever was asked. That a host
/// is silent, broken or wants a login is none of these: what it has is not known.
const NO_REPOSITORY: [&str; 4] = [
    "does not appear to be a git repository",
    "not valid: is this a git repository?",
    "does not exist",
    "repository not found",
];

/// What a clone of `from` that ended with these words means.
pub(crate) fn refusal(from: &str, said: &str) -> RecipeError {
    let shown = without_credentials(from);
    let said = said.replace(from, &shown);
    let low = said.to_lowercase();
    let not_found = low.contains("fatal: repository '") && low.contains("' not found");
    if not_found || NO_REPOSITORY.iter().any(|words| low.contains(words)) {
        return RecipeError::NotThere {
            message: format!("there is no git repository at `{shown}`: {said}"),
            hint: "check the address; `git ls-remote` with it shows what is there".to_owned(),
        };
    }
    RecipeError::Failed { operation: format!("clone `{shown}`"), message: said }
}

/// A URL as it may be shown: without user and password.
pub(crate) fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn origin(remote: &str, expected: &str) {
        assert_eq!(seen_from(Path::new("/home/me/recipe"), remote), expected);
    }

    #[test]
    fn a_relative_path_is_meant_from_the_repository() {
        origin("../origin.git", "/home/me/recipe/../origin.git");
        origin("./with:colon", "/home/me/recipe/./with:colon");
        origin("/srv/origin.git", "/srv/origin.git");
        origin("https://forge/x.git", "https://forge/x.git");
        origin("file:///srv/x", "file:///srv/x");
        origin("git@forge:x/y.git", "git@forge:x/y.git");
        origin("forge:x", "forge:x");
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let url = "https://me:hunter22@forge/x.git";
        for said in ["fatal: repository '{}' not found", "fatal: unable to access '{}': 503"] {
            let told = format!("{:?}", refusal(url, &said.replace("{}", url)));
            assert!(told.contains("https://forge/x.git") && !told.contains("hunter22"), "{told}");
        }
        assert_eq!(without_credentials("git@forge:x/y"), "git@forge:x/y");
        assert_eq!(without_credentials("https://forge"), "https://forge");
    }

    #[track_caller]
    fn clone_said(words: &str, is_mistake: bool) {
        let refused = refusal("https://forge/x", words);
        assert_eq!(matches!(refused, RecipeError::NotThere { .. }), is_mistake, "{words}");
    }

    /// Words of git 2.39 and 2.47, and of forges over SSH.
    #[test]
    fn only_who_was_asked_can_say_that_there_is_nothing() {
        clone_said("fatal: repository 'https://forge/x/' not found", true);
        clone_said("fatal: '/srv/x' does not appear to be a git repository", true);
        clone_said("fatal: repository '/srv/x' does not exist", true);
        clone_said("fatal: https://forge/x/info/refs not valid: is this a git repository?", true);
        clone_said("ERROR: Repository not found.; fatal: Could not read from remote", true);
        clone_said(
            "fatal: unable to access 'https://forge/x/': Could not resolve host: forge",
            false,
        );
        clone_said(
            "fatal: unable to access 'https://forge/x/': The requested URL returned error: 503",
            false,
        );
        clone_said(
            "fatal: could not read Username for 'https://forge': terminal prompts disabled",
            false,
        );
        clone_said("ssh: connect to host forge port 22: Connection refused", false);
        clone_said("it did not end in time", false);
    }
}
