//! Tar archives of one file, as the engine takes and gives files.
//!
//! Tests: at the end of this file.

use std::io::{self, Read};

/// An archive with one file: owner root, mode 0644, the epoch as its time.
///
/// # Errors
/// When the name is no plain name.
pub(crate) fn pack(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    if name.is_empty() || name.contains('/') || matches!(name, "." | "..") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain name"));
    }
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, name, content)?;
    archive.into_inner()
}

/// What is first in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// A file with this content.
    File(Vec<u8>),
    /// Something else: a folder, a link, a device.
    Other,
}

/// Reads what is first in an archive.
///
/// # Errors
/// When the archive is cut off or none.
pub(crate) fn first(archive: &[u8]) -> io::Result<First> {
    let mut archive = tar::Archive::new(archive);
    let entry = archive.entries()?.next();
    let mut entry = entry.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
    if !entry.header().entry_type().is_file() {
        return Ok(First::Other);
    }
    let mut content = Vec::new();
    let expected = entry.size();
    entry.read_to_end(&mut content)?;
    if content.len() as u64 != expected {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(First::File(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_read() {
        for content in [&b""[..], b"marker", &[7; 512], &[7; 513]] {
            let archive = pack("marker.txt", content).unwrap();
            assert_eq!(first(&archive).unwrap(), First::File(content.to_vec()));
        }
        for bad in ["", ".", "..", "a/b", "/etc/x"] {
            assert!(pack(bad, b"").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn anything_else_is_told() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        archive.append_data(&mut header, "folder", io::empty()).unwrap();
        assert_eq!(first(&archive.into_inner().unwrap()).unwrap(), First::Other);
        let whole = pack("marker", b"content").unwrap();
        for cut in [0, 100, 512 + 3] {
            assert!(first(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
