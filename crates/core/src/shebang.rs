//! The first line of a script: which program the kernel starts for it (`execve(2)`).

/// What starts a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The kernel does it alone, as far as its first bytes tell.
    Itself,
    /// This program, by path; and what `env` would look for on `PATH`, when it is that.
    By {
        /// As written after `#!`.
        interpreter: String,
        /// E.g. `bash` of `#!/usr/bin/env bash`.
        searched: Option<String>,
    },
    /// Nothing: the kernel refuses it.
    Nobody(&'static str),
}

/// The kernel reads no more of a file to find its interpreter.
pub const READ_BYTES: usize = 256;

/// Reads the beginning of an executable file, [`READ_BYTES`] of it or all.
pub fn read(beginning: &[u8]) -> Start {
    let beginning = &beginning[..beginning.len().min(READ_BYTES)];
    let Some(rest) = beginning.strip_prefix(b"#!") else {
        // Formats other than scripts are for the kernel to know; text is none of them.
        return match std::str::from_utf8(beginning) {
            Ok("") => Start::Nobody("it is empty"),
            Ok(text) if !text.contains('\0') => {
                Start::Nobody("it does not begin with `#!` and the path of what runs it")
            }
            Ok(_) | Err(_) => Start::Itself,
        };
    };
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    if line.ends_with('\r') {
        return Start::Nobody("its first line ends with a carriage return, as on Windows");
    }
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    match words.next() {
        None => Start::Nobody("nothing follows its `#!`"),
        Some(interpreter) => {
            let is_env = interpreter.rsplit('/').next() == Some("env");
            let searched = if is_env { searched(words) } else { None };
            Start::By { interpreter: interpreter.to_owned(), searched }
        }
    }
}

/// The program among `env`'s arguments. The kernel hands the rest of the line over as one
/// argument; `-S` takes it apart again.
fn searched<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = words.next()?;
    if first != "-S" {
        return (!first.starts_with('-') && !first.contains('=')).then(|| first.to_owned());
    }
    let program = words.find(|word| !word.contains('='))?;
    (!program.starts_with('-')).then(|| program.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn by(text: &str, interpreter: &str, searched: Option<&str>) {
        let searched = searched.map(str::to_owned);
        let expected = Start::By { interpreter: interpreter.to_owned(), searched };
        assert_eq!(read(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn scripts_name_what_runs_them() {
        by("#!/bin/sh\nexit 0\n", "/bin/sh", None);
        by("#! /bin/bash -eu\n", "/bin/bash", None);
        by("#!/usr/bin/env bash\n", "/usr/bin/env", Some("bash"));
        by("#!/usr/bin/env -S A=b python3 -u\n", "/usr/bin/env", Some("python3"));
        by("#!/usr/bin/env -i bash", "/usr/bin/env", None);
        by("#!/usr/bin/env", "/usr/bin/env", None);
        by("#!python3\n", "python3", None);
    }

    #[track_caller]
    fn nobody(bytes: &[u8], says: &str) {
        let Start::Nobody(why) = read(bytes) else { panic!("{bytes:?}") };
        assert!(why.contains(says), "{why}");
    }

    #[test]
    fn what_nothing_can_start_is_known() {
        nobody(b"", "empty");
        nobody(b"echo hello\n", "`#!`");
        nobody(b"#!\n", "nothing follows");
        nobody(b"#!/bin/sh\r\nexit 0\r\n", "carriage return");
        assert_eq!(read(b"\x7fELF\x02\x01\x01\0"), Start::Itself);
        assert_eq!(read(b"\0asm\x01\0\0\0"), Start::Itself);
    }
}
