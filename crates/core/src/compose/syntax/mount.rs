//! Mounts in the short syntax: `data:/var/lib/data:ro`, `./x:/y`, `/anonymous`.

/// A mount as written in one text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::compose) struct Mount {
    pub(in crate::compose) source: String,
    pub(in crate::compose) target: String,
    pub(in crate::compose) read_only: bool,
    pub(in crate::compose) nocopy: bool,
    pub(in crate::compose) propagation: String,
}

/// The mount a text describes. A name of one letter is taken for a drive, as docker does:
/// `a:/b` is an anonymous volume at `a:/b`.
///
/// # Errors
/// A text with an empty part, or with too many.
pub(in crate::compose) fn mount(text: &str) -> Result<Mount, &'static str> {
    let mut mount = Mount::default();
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.len() <= 2 {
        text.clone_into(&mut mount.target);
        return Ok(mount);
    }
    let parts = parts(text);
    let last = parts.len() - 1;
    for (index, part) in parts.into_iter().enumerate() {
        if part.is_empty() {
            return Err("there is nothing between two colons");
        }
        if mount.source.is_empty() && index < last {
            mount.source = part;
        } else if mount.target.is_empty() {
            mount.target = part;
        } else if index < last {
            return Err("it has too many colons");
        } else {
            part.split(',').for_each(|option| mount.set(option));
        }
    }
    Ok(mount)
}

impl Mount {
    /// Whether the source is a path of the host, not the name of a volume.
    pub(in crate::compose) fn is_bind(&self) -> bool {
        is_path(&self.source)
    }

    fn set(&mut self, option: &str) {
        match option {
            "ro" => self.read_only = true,
            "rw" => self.read_only = false,
            "nocopy" => self.nocopy = true,
            "rprivate" | "private" | "rshared" | "shared" | "rslave" | "slave" => {
                option.clone_into(&mut self.propagation);
            }
            // Docker ignores what it does not know.
            _ => {}
        }
    }
}

/// The text cut at its colons, but not behind a drive letter.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in text.chars() {
        let part = parts.last().map_or("", String::as_str);
        if c == ':' && !is_letter(part) {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

fn is_letter(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
}

fn is_path(source: &str) -> bool {
    let mut chars = source.chars();
    let (first, second) = (chars.next(), chars.next());
    source.starts_with(['.', '/', '~'])
        || source.starts_with("\\\\")
        || first.is_some_and(char::is_alphabetic) && second == Some(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_mounts_are_what_docker_reads() {
        for (text, expected) in [
            ("data:/b", Some("volume data /b")),
            ("/anon", Some("volume  /anon")),
            ("a:/b", Some("volume  a:/b")),
            ("a:/b:ro:x", Some("bind a:/b ro")),
            ("x1:/y:z", Some("volume x1 /y")),
            ("/a:/b:ro,z,rshared", Some("bind /a /b ro rshared")),
            ("~/x:/b", Some("bind ~/x /b")),
            (".:/b", Some("bind . /b")),
            ("a/b:/c", Some("volume a/b /c")),
            ("C:\\x:/y", Some("bind C:\\x /y")),
            ("data:/b:nocopy", Some("volume data /b nocopy")),
            ("ab", Some("volume  ab")),
            ("", None),
            ("data:/b:", None),
            ("data::/b", None),
            ("aa:bb:cc:dd", None),
            ("ä:/b", Some("volume  ä:/b")),
        ] {
            let found = mount(text).ok().map(|m| {
                let kind = if m.is_bind() { "bind" } else { "volume" };
                let read_only = if m.read_only { " ro" } else { "" };
                let nocopy = if m.nocopy { " nocopy" } else { "" };
                let text = format!(
                    "{kind} {} {}{read_only}{nocopy} {}",
                    m.source, m.target, m.propagation
                );
                text.trim_end().to_owned()
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
