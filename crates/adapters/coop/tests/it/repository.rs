//! A git repository of a test's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A repository in a folder that goes with it.
pub(crate) struct Repository {
    _folder: TempDir,
    path: PathBuf,
}

impl Repository {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join(name);
        std::fs::create_dir(&path).expect("a folder for the repository");
        let repository = Self { _folder: folder, path };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository
    }

    pub(crate) fn clone_to(&self, name: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join(name);
        let from = format!("file://{}", self.path.display());
        let to = path.display().to_string();
        let mut arguments = vec!["clone", "--quiet"];
        arguments.extend(more);
        arguments.extend([from.as_str(), to.as_str()]);
        self.git(&arguments);
        Self { _folder: folder, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        write(&self.path.join(name), content);
    }

    /// Writes a file and commits everything; gives the commit.
    pub(crate) fn commit(&self, name: &str, content: &str) -> String {
        self.write(name, content);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", name]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Everything a reader of the working copy could have changed.
    pub(crate) fn status(&self) -> String {
        let status = self.git(&["status", "--porcelain", "--ignored"]);
        format!("{status}\n{}", self.git(&["count-objects", "--verbose"]))
    }

    #[expect(clippy::disallowed_methods, reason = "a test prepares its repository with git itself")]
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@example.org"])
            .args(arguments)
            .current_dir(&self.path)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git can be run");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("git writes UTF-8").trim().to_owned()
    }
}

pub(crate) fn write(path: &Path, content: &str) {
    write_bytes(path, content.as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
pub(crate) fn write_bytes(path: &Path, content: &[u8]) {
    let folder = path.parent().expect("a file is in a folder");
    std::fs::create_dir_all(folder).expect("its folder can be made");
    std::fs::write(path, content).expect("it can be written");
}
