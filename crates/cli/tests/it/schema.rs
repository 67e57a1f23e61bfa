//! `cc-ci schema` (IN-3).

use std::fs;
use std::path::Path;

use cc_ci_core::schema::NAMES;

use crate::support::{cc_ci, said};

/// What the binary prints is what is committed, byte for byte.
#[test]
fn a_schema_is_the_committed_one() {
    let folder = tempfile::tempdir().unwrap();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    for name in NAMES {
        let output = cc_ci(folder.path()).args(["schema", name]).output().unwrap();
        let committed = fs::read_to_string(reference.join(format!("{name}.schema.json"))).unwrap();
        let (code, printed, error) = said(&output);
        assert_eq!((code, error.as_str()), (Some(0), ""), "{name}");
        assert!(printed == committed, "{name}: `cargo xtask schema` writes what is printed");
    }
}

#[test]
fn without_a_name_the_formats_are_listed_and_another_name_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let (code, list, _) = said(&cc_ci(folder.path()).arg("schema").output().unwrap());
    assert_eq!((code, list.lines().count()), (Some(0), NAMES.len()));
    assert!(NAMES.iter().all(|name| list.contains(&format!("cc-ci schema {name}"))), "{list}");
    let (code, out, error) =
        said(&cc_ci(folder.path()).args(["schema", "result"]).output().unwrap());
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("results"), "{error}");
}
