//! Images: what the engine's own store and a registry say together, and whether it is worth asking
//! again (ENG-5).

mod credentials;
mod refusal;

use std::time::Duration;

use cc_ci_model::evidence::ImageFound;

pub use credentials::{CredentialsError, Login, Logins, Source, registry_of};
pub use refusal::{Refusal, refusal};

/// An image in the engine's own store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalImage {
    /// Its id, `sha256:…`.
    pub id: String,
    /// The registry's digest under the name that was asked for, when it came from there.
    pub digest: Option<String>,
}

/// What a registry said of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It has it.
    Yes,
    /// It did not give it, for that reason and in these words.
    No(Refusal, String),
}

/// What both come to. A pinned image that is here is good whatever its registry says, but one
/// that knows of no such image is told: nobody could install the recipe anew. Without its
/// registry nobody knows whether a floating tag that is here is the one others would get.
pub fn found(pinned: bool, local: Option<LocalImage>, said: Said) -> ImageFound {
    match (local, said) {
        (Some(LocalImage { id, digest }), Said::Yes) => {
            ImageFound::Present { id, digest, asked: true }
        }
        (Some(LocalImage { id, .. }), Said::No(Refusal::NotFound, message)) => {
            ImageFound::LocalOnly { id, message }
        }
        (Some(LocalImage { id, digest }), Said::No(_, _)) if pinned => {
            ImageFound::Present { id, digest, asked: false }
        }
        (Some(_), Said::No(Refusal::Busy | Refusal::Unreachable, message)) => {
            let message = format!(
                "a copy is here, but whether its tag means another image by now is not known: {message}"
            );
            ImageFound::Unreachable { message }
        }
        (None, Said::Yes) => ImageFound::Unreachable {
            message: "the engine pulled it and does not have it".to_owned(),
        },
        (None, Said::No(Refusal::NotFound, message)) => ImageFound::NotFound { message },
        (_, Said::No(Refusal::Denied, message)) => ImageFound::Denied { message },
        (None, Said::No(Refusal::Busy | Refusal::Unreachable, message)) => {
            ImageFound::Unreachable { message }
        }
    }
}

/// Seconds to wait before an image is asked for again: a minute and a quarter in all.
const BACK_OFF_S: [u64; 5] = [2, 5, 10, 20, 40];

/// How long to wait before the next try, after that many of them came to nothing; `None` when it
/// is not worth one.
pub fn again_after(found: &ImageFound, retries: u32) -> Option<Duration> {
    match found {
        ImageFound::Unreachable { message } if refusal(message) == Refusal::Busy => {
            let seconds = BACK_OFF_S.get(usize::try_from(retries).ok()?)?;
            Some(Duration::from_secs(*seconds))
        }
        ImageFound::Unreachable { .. }
        | ImageFound::Present { .. }
        | ImageFound::LocalOnly { .. }
        | ImageFound::NotFound { .. }
        | ImageFound::Denied { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ENG-5 as a table: pinned or floating, here or not, and what the registry said.
    #[test]
    fn store_and_registry_together() {
        let no = |refusal| Said::No(refusal, "words".into());
        let table = [
            (true, true, Said::Yes, "present, asked"),
            (true, true, no(Refusal::NotFound), "local only"),
            (true, true, no(Refusal::Denied), "present"),
            (true, true, no(Refusal::Busy), "present"),
            (true, true, no(Refusal::Unreachable), "present"),
            (true, false, no(Refusal::NotFound), "not found"),
            (true, false, no(Refusal::Denied), "denied"),
            (true, false, no(Refusal::Busy), "unreachable"),
            (true, false, no(Refusal::Unreachable), "unreachable"),
            (true, false, Said::Yes, "unreachable"),
            (false, true, Said::Yes, "present, asked"),
            (false, true, no(Refusal::NotFound), "local only"),
            (false, true, no(Refusal::Denied), "denied"),
            (false, true, no(Refusal::Busy), "unreachable"),
            (false, true, no(Refusal::Unreachable), "unreachable"),
            (false, false, no(Refusal::NotFound), "not found"),
            (false, false, no(Refusal::Denied), "denied"),
            (false, false, no(Refusal::Busy), "unreachable"),
            (false, false, no(Refusal::Unreachable), "unreachable"),
            (false, false, Said::Yes, "unreachable"),
        ];
        for (pinned, here, said, expected) in table {
            let local = here.then(|| LocalImage { id: "sha256:1".into(), digest: None });
            let told = match found(pinned, local, said.clone()) {
                ImageFound::Present { asked: true, .. } => "present, asked",
                ImageFound::Present { asked: false, .. } => "present",
                ImageFound::LocalOnly { .. } => "local only",
                ImageFound::NotFound { .. } => "not found",
                ImageFound::Denied { .. } => "denied",
                ImageFound::Unreachable { .. } => "unreachable",
            };
            assert_eq!(told, expected, "pinned: {pinned}, here: {here}, said: {said:?}");
        }
    }

    #[test]
    fn a_busy_registry_is_asked_again_a_few_times() {
        let busy = ImageFound::Unreachable { message: "toomanyrequests: slow down".into() };
        let waits: Vec<_> = (0..).map_while(|retries| again_after(&busy, retries)).collect();
        assert_eq!(waits.iter().map(Duration::as_secs).collect::<Vec<_>>(), BACK_OFF_S);
        let gone = ImageFound::Unreachable { message: "dial tcp: no such host".into() };
        let missing = ImageFound::NotFound { message: "manifest unknown".into() };
        let denied = ImageFound::Denied { message: "429 is in its name: denied".into() };
        for found in [gone, missing, denied] {
            assert_eq!(again_after(&found, 0), None, "{found:?}");
        }
        // What is said of a floating tag that is here keeps the registry's words.
        let local = Some(LocalImage { id: "sha256:1".into(), digest: None });
        let found = found(false, local, Said::No(Refusal::Busy, "toomanyrequests: x".into()));
        assert!(again_after(&found, 0).is_some(), "{found:?}");
    }
}
