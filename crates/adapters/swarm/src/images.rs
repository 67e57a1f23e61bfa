//! Making images present (ENG-5).
//!
//! Tests: against a real engine in `tests/it/main.rs`; what a refusal means, in `pull`.

use async_trait::async_trait;
use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptionsBuilder;
use cc_ci_core::ports::{EngineError, Images};
use cc_ci_model::evidence::ImageFound;
use futures_util::TryStreamExt;
use serde::Deserialize;

use crate::client::Swarm;
use crate::error::chain;
use crate::pull::{Refusal, refusal};
use crate::raw::percent_encode;
use crate::reference::Reference;

#[async_trait]
impl Images for Swarm {
    /// # Cancellation
    /// Dropped half-way, the engine gives the pull up and keeps whole layers.
    async fn ensure(&self, reference: &str) -> ImageFound {
        let wanted = Reference::parse(reference);
        let local = match self.image(&wanted).await {
            Ok(local) => local,
            Err(error) => {
                return ImageFound::Unreachable { message: error.to_string() };
            }
        };
        if let Some(image) = &local
            && wanted.is_pinned()
        {
            return image.present(&wanted, Asked::No);
        }
        match self.pull(&wanted).await {
            Ok(()) => self.pulled(&wanted).await,
            Err((refusal, message)) => refused(refusal, message, local),
        }
    }
}

impl Swarm {
    /// The image in the engine's own store.
    async fn image(&self, wanted: &Reference) -> Result<Option<Image>, EngineError> {
        let exact = wanted.exact();
        let target = format!("/images/{}/json", percent_encode(&exact));
        match self.endpoint.get(&format!("inspect image {exact}"), &target).await {
            Ok(image) => Ok(Some(image)),
            Err(EngineError::Refused { status: 400 | 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn pull(&self, wanted: &Reference) -> Result<(), (Refusal, String)> {
        let options = CreateImageOptionsBuilder::default();
        let options = match &wanted.digest {
            Some(_) => options.from_image(&wanted.exact()),
            None => options.from_image(&wanted.name).tag(wanted.tag_or_latest()),
        };
        let progress = self.docker.create_image(Some(options.build()), None, None);
        progress.try_for_each(|_| async { Ok(()) }).await.map_err(|error| match &error {
            Error::DockerResponseServerError { message, .. }
            | Error::DockerStreamError { error: message } => {
                (refusal(message), message.trim().to_owned())
            }
            _ => (Refusal::Unreachable, chain(&error)),
        })
    }

    async fn pulled(&self, wanted: &Reference) -> ImageFound {
        match self.image(wanted).await {
            Ok(Some(image)) => image.present(wanted, Asked::Yes),
            Ok(None) => ImageFound::Unreachable {
                message: "the engine pulled it and does not have it".to_owned(),
            },
            Err(error) => ImageFound::Unreachable { message: error.to_string() },
        }
    }
}

/// Denied stays denied though an image is there: nobody knows what the registry has.
fn refused(refusal: Refusal, message: String, local: Option<Image>) -> ImageFound {
    match (refusal, local) {
        (Refusal::NotFound | Refusal::Unreachable, Some(image)) => {
            ImageFound::LocalOnly { id: image.id, message }
        }
        (Refusal::NotFound, None) => ImageFound::NotFound { message },
        (Refusal::Unreachable, None) => ImageFound::Unreachable { message },
        (Refusal::Denied, _) => ImageFound::Denied { message },
    }
}

/// Whether a registry was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    No,
    Yes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
    repo_digests: Option<Vec<String>>,
}

impl Image {
    fn present(&self, wanted: &Reference, asked: Asked) -> ImageFound {
        ImageFound::Present {
            id: self.id.clone(),
            digest: self.digest(wanted),
            asked: asked == Asked::Yes,
        }
    }

    /// The registry's digest under the name that was asked for. The same image can have come
    /// from several registries.
    fn digest(&self, wanted: &Reference) -> Option<String> {
        if wanted.digest.is_some() {
            return wanted.digest.clone();
        }
        let digests = self.repo_digests.as_deref().unwrap_or_default();
        digests.iter().find_map(|known| {
            let (name, digest) = known.split_once('@')?;
            (familiar(name) == familiar(&wanted.name)).then(|| digest.to_owned())
        })
    }
}

/// Docker writes `nginx` for `docker.io/library/nginx`.
fn familiar(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image {
            id: "sha256:1".into(),
            repo_digests: Some(vec!["host:5000/nginx@sha256:aa".into(), "nginx@sha256:bb".into()]),
        }
    }

    #[test]
    fn the_digest_is_that_of_the_registry_asked() {
        let digest = |text: &str| image().digest(&Reference::parse(text));
        assert_eq!(digest("docker.io/library/nginx:1").as_deref(), Some("sha256:bb"));
        assert_eq!(digest("host:5000/nginx:1").as_deref(), Some("sha256:aa"));
        assert_eq!(digest("host:5001/nginx:1"), None);
        assert_eq!(digest("x@sha256:cc").as_deref(), Some("sha256:cc"));
    }

    /// ENG-5: whatever the registry said, an image that is only here is told as such.
    #[test]
    fn a_floating_tag_that_is_here_survives_its_registry() {
        let here = |refusal| refused(refusal, "words".into(), Some(image()));
        let nowhere = |refusal| refused(refusal, "words".into(), None);
        assert!(matches!(here(Refusal::NotFound), ImageFound::LocalOnly { .. }));
        assert!(matches!(here(Refusal::Unreachable), ImageFound::LocalOnly { .. }));
        assert!(matches!(here(Refusal::Denied), ImageFound::Denied { .. }));
        assert!(matches!(nowhere(Refusal::NotFound), ImageFound::NotFound { .. }));
        assert!(matches!(nowhere(Refusal::Unreachable), ImageFound::Unreachable { .. }));
        assert!(matches!(nowhere(Refusal::Denied), ImageFound::Denied { .. }));
    }
}
