//! Reading JSON from the engine as it is.
//!
//! bollard's models follow the API's written description, and lose what the engine really
//! sends where the two differ: a service's `Healthcheck` is called `HealthCheck` there and is
//! dropped, and so is every key of a newer engine. What is compared, listed or counted is
//! therefore read here, with small types of our own that keep what they do not know.
//!
//! One request, one connection, HTTP/1.0: the engine then answers without chunks and closes.
//!
//! Tests: at the end of this file, against a socket that speaks HTTP.

use std::path::PathBuf;
use std::time::Duration;

use cc_ci_core::ports::EngineError;
use cc_ci_model::secret::Secret;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::error::{chain, unreachable};

/// How long one answer may take. Callers have deadlines of their own; this one keeps a hung
/// engine from holding a caller that has none.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Answers are read up to this size.
const ANSWER_LIMIT_BYTES: u64 = 64 << 20;

/// Where an engine listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A socket of this host.
    Unix(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl Endpoint {
    /// Reads `unix://…`, `tcp://…` or `http://…`.
    pub(crate) fn parse(host: &str) -> Option<Self> {
        if let Some(path) = host.strip_prefix("unix://") {
            return Some(Endpoint::Unix(PathBuf::from(path)));
        }
        let address = host.strip_prefix("tcp://").or_else(|| host.strip_prefix("http://"))?;
        Some(Endpoint::Tcp(address.trim_end_matches('/').to_owned()))
    }

    /// Reads `target` and parses it.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        target: &str,
    ) -> Result<T, EngineError> {
        self.get_as(operation, target, None).await
    }

    /// The same, with a registry login for the engine to use.
    pub(crate) async fn get_as<T: DeserializeOwned>(
        &self,
        operation: &str,
        target: &str,
        login: Option<Secret>,
    ) -> Result<T, EngineError> {
        let login = login.map(|login| format!("X-Registry-Auth: {}\r\n", login.expose()));
        let head = format!("GET {target} HTTP/1.0\r\nHost: docker\r\n");
        let request = format!("{head}{}\r\n", login.unwrap_or_default());
        let body = self.ask(operation, &request).await?;
        serde_json::from_slice(&body)
            .map_err(|error| unreachable(operation, &format!("the answer cannot be read: {error}")))
    }

    /// Sends `content` to `target`; what is answered does not matter.
    pub(crate) async fn post(
        &self,
        operation: &str,
        target: &str,
        content: &serde_json::Value,
    ) -> Result<(), EngineError> {
        let content = content.to_string();
        let head = format!(
            "POST {target} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        self.ask(operation, &format!("{head}{content}")).await.map(drop)
    }

    /// One request; the body of its answer.
    async fn ask(&self, operation: &str, request: &str) -> Result<Vec<u8>, EngineError> {
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, self.fetch(request))
            .await
            .map_err(|_| unreachable(operation, "no answer within a minute"))?
            .map_err(|error| unreachable(operation, &chain(&error)))?;
        let (status, body) = split(&answer)
            .ok_or_else(|| unreachable(operation, "the answer is no HTTP, or was cut off"))?;
        if !(200..300).contains(&status) {
            return Err(EngineError::Refused {
                operation: operation.to_owned(),
                status,
                message: message_of(body),
            });
        }
        Ok(body.to_vec())
    }

    async fn fetch(&self, request: &str) -> std::io::Result<Vec<u8>> {
        match self {
            Endpoint::Unix(path) => exchange(UnixStream::connect(path).await?, request).await,
            Endpoint::Tcp(address) => exchange(TcpStream::connect(address).await?, request).await,
        }
    }
}

/// `path?filters={…}`, each filter a name with its values.
pub(crate) fn with_filters(path: &str, filters: &[(&str, &[String])]) -> String {
    let object: serde_json::Map<String, serde_json::Value> = filters
        .iter()
        .map(|(name, values)| ((*name).to_owned(), serde_json::Value::from(values.to_vec())))
        .collect();
    let separator = if path.contains('?') { '&' } else { '?' };
    let encoded = percent_encode(&serde_json::Value::Object(object).to_string());
    format!("{path}{separator}filters={encoded}")
}

/// Text as one component of a URL.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(b"0123456789ABCDEF"[usize::from(byte >> 4)]));
            encoded.push(char::from(b"0123456789ABCDEF"[usize::from(byte & 15)]));
        }
    }
    encoded
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_LIMIT_BYTES).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Status and body, when the answer is whole.
fn split(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let body = &answer[end + 4..];
    let mut lines = head.lines();
    let status = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    match length {
        Some(length) if body.len() < length => None,
        Some(length) => Some((status, &body[..length])),
        None => Some((status, body)),
    }
}

/// The engine's words: `{"message": "…"}`.
fn message_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        message: String,
    }
    serde_json::from_slice::<Said>(body).map_or_else(
        |_| String::from_utf8_lossy(body).trim().to_owned(),
        |said| said.message.trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_become_one_component_of_the_url() {
        assert_eq!(
            with_filters("/tasks?all=1", &[("label", &["a=b".to_owned()])]),
            "/tasks?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D"
        );
    }

    #[test]
    fn only_a_whole_answer_is_an_answer() {
        let whole = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]";
        assert_eq!(split(whole), Some((200, &b"[]"[..])));
        assert_eq!(split(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n[]"), None);
        assert_eq!(split(b"HTTP/1.0 200 OK\r\n\r\n[]"), Some((200, &b"[]"[..])));
        assert_eq!(split(b"HTTP/1.0 200 OK\r\n"), None);
    }

    #[test]
    fn endpoints_are_sockets_or_addresses() {
        assert_eq!(
            Endpoint::parse("unix:///run/docker.sock"),
            Some(Endpoint::Unix("/run/docker.sock".into()))
        );
        assert_eq!(Endpoint::parse("tcp://[::1]:2375/"), Some(Endpoint::Tcp("[::1]:2375".into())));
        assert_eq!(Endpoint::parse("ssh://host"), None);
    }

    #[tokio::test]
    async fn a_refusal_carries_the_words_of_the_engine() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).await.unwrap();
            stream
                .write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n{\"message\":\"invalid filter\"}\n")
                .await
                .unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let seen = Endpoint::Tcp(address).get::<serde_json::Value>("list tasks", "/tasks").await;
        let expected = EngineError::Refused {
            operation: "list tasks".into(),
            status: 400,
            message: "invalid filter".into(),
        };
        assert_eq!(seen, Err(expected));
        assert!(server.await.unwrap().starts_with("GET /tasks HTTP/1.0\r\n"));
    }
}
