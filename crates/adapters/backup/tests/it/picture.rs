//! Everything there is to see below a folder, to be compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{lgetxattr, llistxattr};

/// What one name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Type and permissions.
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// When it was changed.
    pub(crate) changed: (i64, i64),
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) target: Option<PathBuf>,
    pub(crate) device: u64,
    pub(crate) attributes: BTreeMap<String, Vec<u8>>,
    /// The first name of the same file.
    pub(crate) same_as: PathBuf,
}

/// A folder and all below it, by their paths; the folder itself is the empty path.
pub(crate) fn picture(root: &Path) -> BTreeMap<PathBuf, Facts> {
    let mut found = BTreeMap::new();
    let mut first_names = BTreeMap::new();
    add(root, Path::new(""), &mut found, &mut first_names);
    found
}

fn add(
    root: &Path,
    name: &Path,
    found: &mut BTreeMap<PathBuf, Facts>,
    first_names: &mut BTreeMap<u64, PathBuf>,
) {
    let path = root.join(name);
    let metadata = fs::symlink_metadata(&path).unwrap();
    let first = first_names.entry(metadata.ino()).or_insert_with(|| name.to_owned());
    let facts = Facts {
        mode: metadata.mode(),
        owner: (metadata.uid(), metadata.gid()),
        changed: (metadata.mtime(), metadata.mtime_nsec()),
        content: metadata.is_file().then(|| fs::read(&path).unwrap()),
        target: metadata.is_symlink().then(|| fs::read_link(&path).unwrap()),
        device: metadata.rdev(),
        attributes: attributes(&path),
        same_as: first.clone(),
    };
    found.insert(name.to_owned(), facts);
    if metadata.is_dir() {
        let mut names: Vec<_> =
            fs::read_dir(&path).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        for child in names {
            add(root, &name.join(child), found, first_names);
        }
    }
}

fn attributes(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0; 65536];
    let length = llistxattr(path, names.as_mut_slice()).unwrap();
    let mut attributes = BTreeMap::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 65536];
        let length = lgetxattr(path, name, value.as_mut_slice()).unwrap();
        attributes.insert(String::from_utf8(name.to_vec()).unwrap(), value[..length].to_vec());
    }
    attributes
}

/// Compares by name, so that a difference can be read.
#[track_caller]
pub(crate) fn assert_same(now: &BTreeMap<PathBuf, Facts>, before: &BTreeMap<PathBuf, Facts>) {
    for (path, facts) in before {
        assert_eq!(now.get(path), Some(facts), "{}", path.display());
    }
    let names = |picture: &BTreeMap<PathBuf, Facts>| picture.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(now), names(before));
}
