//! Asking an app over HTTP, straight at one of its tasks.
//!
//! Tests: at the end of this file, against sockets that speak raw HTTP.

use std::net::SocketAddr;

use async_trait::async_trait;
use cc_ci_core::ports::{HttpRequest, Probe, ProbeError};
use cc_ci_core::redact::MARGIN;
use cc_ci_model::evidence::HttpSeen;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, LOCATION};
use reqwest::{Client, Method, Response, redirect};

use crate::redirect::own_path;

/// Redirects followed at most.
const REDIRECTS: u32 = 5;

/// Bytes of a body that are counted; the rest is not read.
const BODY_BYTES: u64 = 8 << 20;

/// Bytes of a body that are looked at, and how many characters of them are told. What a reader
/// keeps is less, so that what this cut leaves of a secret is found.
const LOOKED_AT_BYTES: usize = 64 << 10;
const EXCERPT_CHARACTERS: usize = 2048 + MARGIN;

/// Asks over plain HTTP/1.1; every request has a connection of its own.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    client: Client,
}

impl HttpProbe {
    /// A probe without a proxy, whatever the environment says.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new() -> Result<Self, ProbeError> {
        let client = Client::builder()
            .no_proxy()
            .http1_only()
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("cc-ci/", env!("CARGO_PKG_VERSION")))
            .build();
        client.map(|client| Self { client }).map_err(|error| problem(&error))
    }

    async fn follow(&self, request: &HttpRequest) -> Result<HttpSeen, ProbeError> {
        let mut path = request.path.clone();
        let mut redirects = 0;
        loop {
            let url = address_of(request, &path);
            let response = self.ask(request, &url).await?;
            let location = location(&response);
            let asks = request.send.method.as_deref().is_none_or(|method| method == "GET");
            let location_of_question = location.as_deref().filter(|_| asks);
            let next = location_of_question.and_then(|to| own_path(&request.domain, &path, to));
            match next {
                Some(next) if redirects < REDIRECTS => {
                    path = next;
                    redirects += 1;
                }
                _ => return seen(url, redirects, location, response).await,
            }
        }
    }

    async fn ask(&self, request: &HttpRequest, url: &str) -> Result<Response, ProbeError> {
        let send = &request.send;
        let method = send.method.as_deref().unwrap_or("GET");
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| ProbeError { message: format!("`{method}` is no HTTP method") })?;
        let mut asking = self.client.request(method, url);
        if let Some(kind) = &send.content_type {
            asking = asking.header(CONTENT_TYPE, kind);
        }
        if let Some(body) = &send.body {
            asking = asking.body(body.clone());
        }
        asking
            .header(HOST, &request.domain)
            .header(HeaderName::from_static("x-forwarded-host"), &request.domain)
            .header(HeaderName::from_static("x-forwarded-proto"), "https")
            .header(ACCEPT, "*/*")
            .send()
            .await
            .map_err(|error| problem(&error))
    }
}

#[async_trait]
impl Probe for HttpProbe {
    async fn http(&self, request: &HttpRequest) -> Result<HttpSeen, ProbeError> {
        match tokio::time::timeout(request.timeout, self.follow(request)).await {
            Ok(seen) => seen,
            Err(_) => Err(ProbeError {
                message: format!("no whole answer within {} ms", request.timeout.as_millis()),
            }),
        }
    }
}

fn address_of(request: &HttpRequest, path: &str) -> String {
    let slash = if path.starts_with('/') { "" } else { "/" };
    format!("http://{}{slash}{path}", SocketAddr::new(request.address, request.port))
}

/// `Location` of a redirect; other answers may carry one too, which then leads nowhere.
fn location(response: &Response) -> Option<String> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let value = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

async fn seen(
    url: String,
    redirects: u32,
    location: Option<String>,
    mut response: Response,
) -> Result<HttpSeen, ProbeError> {
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type =
        content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let status = response.status().as_u16();
    let mut bytes = 0;
    let mut beginning = Vec::new();
    while bytes < BODY_BYTES {
        let Some(chunk) = response.chunk().await.map_err(|error| problem(&error))? else {
            break;
        };
        bytes += chunk.len() as u64;
        let wanted = chunk.len().min(LOOKED_AT_BYTES - beginning.len());
        beginning.extend_from_slice(&chunk[..wanted]);
    }
    let text = String::from_utf8_lossy(&beginning);
    Ok(HttpSeen {
        url,
        status,
        redirects,
        location,
        content_type,
        bytes: bytes.min(BODY_BYTES),
        excerpt: text.chars().take(EXCERPT_CHARACTERS).collect(),
    })
}

/// The innermost cause: `Connection refused (os error 111)` says more than the layers above.
fn problem(error: &reqwest::Error) -> ProbeError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    ProbeError { message: cause.to_string() }
}

#[cfg(test)]
mod tests;
