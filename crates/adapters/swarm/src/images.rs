//! Making images present (ENG-5).
//!
//! What store and registry come to together is decided in `core::images`. Mirrors are the engine's
//! own affair (`registry-mirrors` of its `daemon.json`).
//!
//! Tests: against a real engine in `tests/it/images.rs`.

use std::time::Duration;

use async_trait::async_trait;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptionsBuilder;
use cc_ci_core::images::{LocalImage, Login, Refusal, Said, found, refusal, registry_of};
use cc_ci_core::ports::{EngineError, Images};
use cc_ci_model::evidence::ImageFound;
use futures_util::TryStreamExt;
use serde::Deserialize;

use crate::client::Swarm;
use crate::error::chain;
use crate::raw::percent_encode;
use crate::reference::Reference;

/// How long a registry may take to say whether it has an image that is here already.
const SAYS_WITHIN: Duration = Duration::from_secs(5);

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
        if local.is_some() && wanted.is_pinned() {
            return found(true, local, self.says(&wanted).await);
        }
        let said = self.pull(&wanted).await;
        let local = match said {
            Said::Yes => self.image(&wanted).await.ok().flatten(),
            Said::No(_, _) => local,
        };
        found(wanted.is_pinned(), local, said)
    }
}

impl Swarm {
    /// The image in the engine's own store.
    async fn image(&self, wanted: &Reference) -> Result<Option<LocalImage>, EngineError> {
        let exact = wanted.exact();
        let target = format!("/images/{}/json", percent_encode(&exact));
        match self.endpoint.get::<Image>(&format!("inspect image {exact}"), &target).await {
            Ok(image) => Ok(Some(image.local(wanted))),
            Err(EngineError::Refused { status: 400 | 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn pull(&self, wanted: &Reference) -> Said {
        let options = CreateImageOptionsBuilder::default();
        let options = match &wanted.digest {
            Some(_) => options.from_image(&wanted.exact()),
            None => options.from_image(&wanted.name).tag(wanted.tag_or_latest()),
        };
        let (login, problem) = self.login(wanted).await;
        let login = login.map(|login| to_bollard(&login, registry_of(&wanted.name)));
        let progress = self.docker.create_image(Some(options.build()), None, login);
        let pulled = progress.try_for_each(|_| async { Ok(()) }).await;
        let said = pulled.map_or_else(|error| no(&error), |()| Said::Yes);
        with_problem(said, problem)
    }

    /// Whether the registry has an image, without fetching it. Asked once in the life of this
    /// program for each image: a registry that does not answer may take its time.
    async fn says(&self, wanted: &Reference) -> Said {
        let exact = wanted.exact();
        if let Some(said) = self.said.get(&exact) {
            return said;
        }
        let (login, _) = self.login(wanted).await;
        let header = login.map(|login| login.header(registry_of(&wanted.name)));
        let target = format!("/distribution/{}/json", percent_encode(&exact));
        let operation = format!("ask the registry for {exact}");
        let asked = self.endpoint.get_as::<serde::de::IgnoredAny>(&operation, &target, header);
        let said = match tokio::time::timeout(SAYS_WITHIN, asked).await {
            Ok(Ok(_)) => Said::Yes,
            Ok(Err(EngineError::Refused { message, .. })) => Said::No(refusal(&message), message),
            Ok(Err(error)) => Said::No(Refusal::Unreachable, error.to_string()),
            Err(_) => Said::No(Refusal::Unreachable, "it did not answer in time".to_owned()),
        };
        self.said.keep(exact, said.clone());
        said
    }

    /// The user's login for an image's registry, and why there is none although there should be.
    async fn login(&self, wanted: &Reference) -> (Option<Login>, Option<String>) {
        let Some(credentials) = &self.credentials else {
            return (None, None);
        };
        match credentials.login(registry_of(&wanted.name)).await {
            Ok(login) => (login, None),
            Err(error) => (None, Some(error.to_string())),
        }
    }
}

fn to_bollard(login: &Login, registry: &str) -> DockerCredentials {
    let serveraddress = Some(registry.to_owned());
    match login {
        Login::Password { user, password } => DockerCredentials {
            username: Some(user.clone()),
            password: Some(password.expose().to_owned()),
            serveraddress,
            ..DockerCredentials::default()
        },
        Login::Token(token) => DockerCredentials {
            identitytoken: Some(token.expose().to_owned()),
            serveraddress,
            ..DockerCredentials::default()
        },
    }
}

fn no(error: &Error) -> Said {
    match error {
        Error::DockerResponseServerError { message, .. }
        | Error::DockerStreamError { error: message } => {
            Said::No(refusal(message), message.trim().to_owned())
        }
        _ => Said::No(Refusal::Unreachable, chain(error)),
    }
}

/// Who is denied has to know that no login was sent.
fn with_problem(said: Said, problem: Option<String>) -> Said {
    match (said, problem) {
        (Said::No(Refusal::Denied, message), Some(problem)) => {
            Said::No(Refusal::Denied, format!("{message} (no login was sent: {problem})"))
        }
        (said, _) => said,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
    repo_digests: Option<Vec<String>>,
}

impl Image {
    fn local(&self, wanted: &Reference) -> LocalImage {
        LocalImage { id: self.id.clone(), digest: self.digest(wanted) }
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

    #[test]
    fn who_is_denied_hears_that_no_login_was_sent() {
        let said = |refusal| with_problem(Said::No(refusal, "x".into()), Some("locked".into()));
        let told = Said::No(Refusal::Denied, "x (no login was sent: locked)".into());
        assert_eq!(said(Refusal::Denied), told);
        assert_eq!(said(Refusal::NotFound), Said::No(Refusal::NotFound, "x".into()));
    }
}
