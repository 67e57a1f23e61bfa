//! Names and paths from outside, checked before anything is opened, and how paths are shown.
//!
//! Tests: at the end of this file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// Docker's own rule for names of volumes: it leaves out slashes, `.` and `..`.
pub(crate) fn check_volume(name: &str) -> io::Result<()> {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let begins_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if begins_well && name.bytes().all(is_inside) {
        return Ok(());
    }
    Err(refused("that is no name of a volume"))
}

/// The names on the way from a volume's root; none for the root itself.
pub(crate) fn parts(path: &Path) -> io::Result<Vec<OsString>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => parts.push(name.to_owned()),
            Component::CurDir => {}
            Component::ParentDir => return Err(refused("the path has `..` in it")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(refused("the path is absolute, not relative to the volume's root"));
            }
        }
    }
    Ok(parts)
}

/// The folder a path is in, and its name there.
pub(crate) fn folder_and_name(path: &Path) -> io::Result<(Vec<OsString>, OsString)> {
    let mut parts = parts(path)?;
    match parts.pop() {
        Some(name) => Ok((parts, name)),
        None => Err(refused("the path is empty: that is the volume itself")),
    }
}

/// Whether it is one name in a folder, and not a path.
pub(crate) fn is_single(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/')
}

/// A path in one line, in backticks.
pub(crate) fn shown(path: &Path) -> String {
    let mut text = String::from("`");
    for character in path.to_string_lossy().chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text.push('`');
    text
}

/// Says where something failed.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let shown = shown(path);
    move |error| io::Error::new(error.kind(), format!("{shown}: {error}"))
}

pub(crate) fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_volumes_are_dockers() {
        for good in ["a", "app_db", "app_example_com_db-data", "0.1"] {
            assert!(check_volume(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "/a", "-a", "_a", "a b", "ä", "a\n", "a\0"] {
            assert!(check_volume(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_stay_inside() {
        let names = |path: &str| parts(Path::new(path)).map_err(|error| error.to_string());
        assert_eq!(names(""), Ok(vec![]));
        assert_eq!(names("."), Ok(vec![]));
        assert_eq!(names("./a//b/./c/"), Ok(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(names("a/-rf *\n"), Ok(vec!["a".into(), "-rf *\n".into()]));
        assert!(names("a/../b").unwrap_err().contains(".."));
        assert!(names("/etc/passwd").unwrap_err().contains("absolute"));
        assert!(folder_and_name(Path::new("./")).is_err());
    }

    #[test]
    fn a_shown_path_is_one_line() {
        assert_eq!(shown(Path::new("a b/ü\n\u{1b}[2J")), "`a b/ü\\n\\u{1b}[2J`");
    }
}
