//! Image references, as far as pulling needs them.
//!
//! Tests: at the end of this file.

/// An image reference cut into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Registry and repository as written.
    pub(crate) name: String,
    /// The tag, if one is written.
    pub(crate) tag: Option<String>,
    /// The digest, `sha256:…`, if one is written.
    pub(crate) digest: Option<String>,
}

impl Reference {
    /// Cuts a reference; whether it makes sense is for the engine to say.
    pub(crate) fn parse(text: &str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        // A colon before the last slash belongs to a registry's port.
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[last..].find(':') {
            Some(colon) => (&rest[..last + colon], Some(rest[last + colon + 1..].to_owned())),
            None => (rest, None),
        };
        Self { name: name.to_owned(), tag, digest }
    }

    /// It names one image for good, as far as people keep to that (ENG-5).
    pub(crate) fn is_pinned(&self) -> bool {
        self.digest.is_some() || self.tag.as_deref().is_some_and(|tag| tag != "latest")
    }

    /// `name@digest`, else `name:tag`. With a digest the tag counts for nothing. Without a tag
    /// it is `latest`: the pull API would fetch every tag there is.
    pub(crate) fn exact(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", self.name),
            None => format!("{}:{}", self.name, self.tag_or_latest()),
        }
    }

    /// The tag that is meant.
    pub(crate) fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, exact: &str, is_pinned: bool) {
        let reference = Reference::parse(text);
        assert_eq!((reference.exact().as_str(), reference.is_pinned()), (exact, is_pinned));
    }

    #[test]
    fn references_are_pinned_by_tag_or_digest() {
        check("nginx", "nginx:latest", false);
        check("nginx:latest", "nginx:latest", false);
        check("nginx:1.27", "nginx:1.27", true);
        check("host:5000/a/b", "host:5000/a/b:latest", false);
        check("host:5000/a/b:2", "host:5000/a/b:2", true);
        check("nginx@sha256:ab", "nginx@sha256:ab", true);
        check("host:5000/a:latest@sha256:ab", "host:5000/a@sha256:ab", true);
    }
}
