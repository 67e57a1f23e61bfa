//! Finding a program before it is started.
//!
//! The operating system would search in its own way, and a helper that replaces itself by the
//! program could not say that it is missing other than by an exit code.
//!
//! Tests: at the end of this file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cc_ci_core::ports::CommandLine;

/// The program's path, or what is wrong.
pub(crate) fn program(command: &CommandLine) -> Result<PathBuf, String> {
    if !command.directory.is_dir() {
        return Err(format!("its directory `{}` is not there", command.directory.display()));
    }
    if command.program.contains('/') {
        return executable(&command.directory.join(&command.program))
            .ok_or_else(|| "no such program, or it is not executable".to_owned());
    }
    let path = command.environment.get("PATH").map_or("", String::as_str);
    path.split(':')
        .filter(|directory| !directory.is_empty())
        .find_map(|directory| executable(&Path::new(directory).join(&command.program)))
        .ok_or_else(|| format!("not found on its PATH `{path}`"))
}

fn executable(path: &Path) -> Option<PathBuf> {
    let metadata = fs::metadata(path).ok()?;
    let is_executable = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    is_executable.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cc_ci_model::time::Timestamp;

    use super::*;

    #[track_caller]
    fn check(program_name: &str, directory: &str, expected: Result<&str, &str>) {
        let command = CommandLine {
            program: program_name.into(),
            arguments: Vec::new(),
            environment: BTreeMap::from([("PATH".into(), "/nonexistent::/bin".into())]),
            directory: directory.into(),
            input: Vec::new(),
            deadline: Timestamp::default(),
        };
        let expected = expected.map(PathBuf::from).map_err(str::to_owned);
        assert_eq!(program(&command), expected);
    }

    #[test]
    fn programs_are_found_on_their_own_path() {
        check("sh", "/", Ok("/bin/sh"));
        check("bin/sh", "/", Ok("/bin/sh"));
        check("/bin/sh", "/tmp", Ok("/bin/sh"));
        check("no-such", "/", Err("not found on its PATH `/nonexistent::/bin`"));
        check("/etc/passwd", "/", Err("no such program, or it is not executable"));
        check("sh", "/nonexistent", Err("its directory `/nonexistent` is not there"));
    }
}
