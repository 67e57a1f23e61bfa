//! Everything the environment says, read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The host's settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where runs are kept.
    pub(crate) state: PathBuf,
    /// The engine's address.
    pub(crate) docker_host: String,
    /// Where programs are found.
    pub(crate) path: String,
    /// The domain below which apps are.
    pub(crate) base_domain: String,
    /// Where a relative path starts.
    pub(crate) directory: PathBuf,
    /// How this program was called.
    pub(crate) program: String,
    /// Nothing is coloured.
    pub(crate) no_color: bool,
    /// A terminal is more than paper, and nobody but a person reads it.
    pub(crate) may_move_the_cursor: bool,
    home: Option<String>,
    docker_config: Option<String>,
}

impl Settings {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn read() -> Result<Self, Failure> {
        let get = |key: &str| std::env::var(key).ok().filter(|value| !value.is_empty());
        let directory = std::env::current_dir()
            .map_err(|error| Failure::error(format!("cannot tell the current folder: {error}")))?;
        let home = get("HOME");
        Ok(Self {
            state: state_folder(get("CC_CI_STATE"), get("XDG_STATE_HOME"), home.as_deref())?,
            docker_host: get("DOCKER_HOST")
                .unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned()),
            path: get("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
            base_domain: get("CC_CI_BASE_DOMAIN").unwrap_or_else(|| "ccci.test".to_owned()),
            directory,
            program: called_as(),
            no_color: get("NO_COLOR").is_some(),
            may_move_the_cursor: moves_the_cursor(get("TERM").as_deref(), get("CI").as_deref()),
            docker_config: get("DOCKER_CONFIG"),
            home,
        })
    }

    /// Where the docker CLI keeps its configuration.
    pub(crate) fn docker_config(&self) -> Option<PathBuf> {
        let home = || self.home.as_ref().map(|home| Path::new(home).join(".docker"));
        self.docker_config.as_ref().map(PathBuf::from).or_else(home)
    }

    /// What the docker CLI gets of this host's environment.
    pub(crate) fn docker_environment(&self) -> BTreeMap<String, String> {
        let config = self.docker_config().map(|folder| folder.display().to_string());
        let known = [
            ("PATH", Some(self.path.clone())),
            ("HOME", self.home.clone()),
            ("DOCKER_HOST", Some(self.docker_host.clone())),
            ("DOCKER_CONFIG", config),
        ];
        known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }
}

/// As it stands on the command line, so that it can be typed again.
fn called_as() -> String {
    let own = std::env::args_os().next();
    own.map_or_else(|| "cc-ci".to_owned(), |own| own.to_string_lossy().into_owned())
}

/// Not on a dumb terminal, and not in a pipeline: some of those pretend to have a terminal and
/// keep every frame in their log.
fn moves_the_cursor(term: Option<&str>, pipeline: Option<&str>) -> bool {
    let is_terminal = term.is_some_and(|term| term != "dumb");
    is_terminal && pipeline.is_none_or(|value| matches!(value, "false" | "0"))
}

/// `CC_CI_STATE`, else `$XDG_STATE_HOME/cc-ci`, else as root `/var/lib/cc-ci`.
fn state_folder(
    own: Option<String>,
    xdg: Option<String>,
    home: Option<&str>,
) -> Result<PathBuf, Failure> {
    if let Some(own) = own {
        return Ok(PathBuf::from(own));
    }
    if let Some(xdg) = xdg {
        return Ok(PathBuf::from(xdg).join("cc-ci"));
    }
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/cc-ci"));
    }
    let home = home.ok_or_else(|| {
        Failure::error("no place to keep runs is known")
            .hint("set CC_CI_STATE to a folder of yours")
    })?;
    Ok(PathBuf::from(home).join(".local/state/cc-ci"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumb_terminal_and_a_pipeline_get_plain_lines() {
        assert!(moves_the_cursor(Some("xterm-256color"), None));
        assert!(moves_the_cursor(Some("xterm"), Some("false")));
        assert!(!moves_the_cursor(Some("dumb"), None));
        assert!(!moves_the_cursor(None, None));
        assert!(!moves_the_cursor(Some("xterm"), Some("true")));
        assert!(!moves_the_cursor(Some("xterm"), Some("woodpecker")));
    }
}
