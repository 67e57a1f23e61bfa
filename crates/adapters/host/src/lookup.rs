//! Finding a program before it is started.
//!
//! The operating system would search in its own way, and a helper that replaces itself by the
//! program could not say that it is missing other than by an exit code.
//!
//! Tests: at the end of this file.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cc_ci_core::ports::CommandLine;
use cc_ci_core::shebang::{self, Start};
use rustix::fs::{Access, access};

/// How many scripts may run one another: the kernel's limit.
const DEEPEST: u8 = 4;

/// The path of a program that can be started, or what is wrong.
pub(crate) fn program(command: &CommandLine) -> Result<PathBuf, String> {
    if !command.directory.is_dir() {
        return Err(format!("its directory `{}` is not there", command.directory.display()));
    }
    let program = if command.program.contains('/') {
        executable(&command.directory.join(&command.program))?
    } else {
        on_path(command, &command.program)?
    };
    startable(command, &program, DEEPEST)?;
    Ok(program)
}

fn on_path(command: &CommandLine, name: &str) -> Result<PathBuf, String> {
    let path = command.environment.get("PATH").map_or("", String::as_str);
    path.split(':')
        .filter(|directory| !directory.is_empty())
        .find_map(|directory| executable(&Path::new(directory).join(name)).ok())
        .ok_or_else(|| format!("not found on its PATH `{path}`"))
}

/// What the kernel asks of a file before it reads it: permission of this user, and of the mount.
fn executable(path: &Path) -> Result<PathBuf, String> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err("it is no file".to_owned()),
        Err(error) => return Err(format!("it is not there: {error}")),
    }
    match access(path, Access::EXEC_OK) {
        Ok(()) => Ok(path.to_owned()),
        Err(_) => Err("it is not executable: `chmod +x` it (and mind a `noexec` mount)".to_owned()),
    }
}

/// Whether the kernel finds what runs it.
fn startable(command: &CommandLine, program: &Path, deepest: u8) -> Result<(), String> {
    let mut beginning = Vec::new();
    let readable = File::open(program)
        .and_then(|file| file.take(shebang::READ_BYTES as u64).read_to_end(&mut beginning));
    // A file can be executable and not readable.
    if readable.is_err() {
        return Ok(());
    }
    match shebang::read(&beginning) {
        Start::Itself => Ok(()),
        Start::Nobody(why) => Err(why.to_owned()),
        Start::By { .. } if deepest == 0 => {
            Err("scripts run it that are run by scripts".to_owned())
        }
        Start::By { interpreter, searched } => {
            let missing = |why: String| format!("its interpreter `{interpreter}`: {why}");
            let path = executable(&command.directory.join(&interpreter)).map_err(missing)?;
            startable(command, &path, deepest - 1).map_err(missing)?;
            searched.map_or(Ok(()), |name| {
                let found = on_path(command, &name);
                found.map(drop).map_err(|why| format!("its interpreter `{name}`: {why}"))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    use cc_ci_model::time::Timestamp;

    use super::*;

    fn command(program: &Path, directory: &Path) -> CommandLine {
        CommandLine {
            program: program.display().to_string(),
            arguments: Vec::new(),
            environment: BTreeMap::from([("PATH".into(), "/nonexistent::/bin".into())]),
            directory: directory.to_owned(),
            input: Vec::new(),
            deadline: Timestamp::default(),
        }
    }

    #[track_caller]
    fn check(name: &str, directory: &str, expected: Result<&str, &str>) {
        let found = program(&command(Path::new(name), Path::new(directory)));
        match expected {
            Ok(path) => assert_eq!(found, Ok(PathBuf::from(path)), "{name}"),
            Err(words) => assert!(found.clone().unwrap_err().contains(words), "{name}: {found:?}"),
        }
    }

    #[test]
    fn programs_are_found_on_their_own_path() {
        check("sh", "/", Ok("/bin/sh"));
        check("bin/sh", "/", Ok("/bin/sh"));
        check("/bin/sh", "/tmp", Ok("/bin/sh"));
        check("no-such", "/", Err("not found on its PATH `/nonexistent::/bin`"));
        check("/no-such", "/", Err("it is not there"));
        check("/etc", "/", Err("it is no file"));
        check("/etc/passwd", "/", Err("it is not executable"));
        check("sh", "/nonexistent", Err("its directory `/nonexistent` is not there"));
    }

    /// A helper could only exit with some code, which a test may use itself.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn a_script_whose_interpreter_is_missing_is_not_started() {
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str, content: &str| {
            let path = folder.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            program(&command(&path, folder.path())).map(drop)
        };
        let inner = folder.path().join("inner").display().to_string();
        assert_eq!(script("good", "#!/bin/sh\n"), Ok(()));
        assert_eq!(script("by_env", "#!/usr/bin/env sh\n"), Ok(()));
        assert_eq!(script("inner", "#!/bin/sh\n"), Ok(()));
        assert_eq!(script("by_script", &format!("#!{inner}\n")), Ok(()));
        assert_eq!(script("unusual", "#!/usr/bin/env -i sh\n"), Ok(()));
        for (content, words) in [
            ("#!/no/such/python9\n", "its interpreter `/no/such/python9`: it is not there"),
            ("#!/usr/bin/env python9\n", "its interpreter `python9`: not found on its PATH"),
            ("#!/etc/passwd\n", "its interpreter `/etc/passwd`: it is not executable"),
            ("#!/bin/sh\r\n", "carriage return"),
            ("exit 0\n", "does not begin with `#!`"),
        ] {
            let refused = script("bad", content).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
