//! A registry with one image (an empty layer), as far as a pull needs one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running registry; its image is `<address>/test/web:1` and `:latest`.
pub(crate) struct Registry {
    pub(crate) address: String,
    pub(crate) manifest_digest: String,
    answers: Arc<Mutex<Answers>>,
    server: JoinHandle<()>,
}

/// What it answers, by path, to whom.
struct Answers {
    by_path: BTreeMap<String, Answer>,
    /// `Authorization` it wants, if any.
    login: Option<&'static str>,
    /// How often it is too busy first.
    busy: u32,
}

impl Registry {
    /// It does not have that image any more.
    pub(crate) fn forget(&self, reference: &str) {
        self.lock().by_path.remove(&format!("/v2/test/web/manifests/{reference}"));
    }

    /// From here on it wants that `Authorization`.
    pub(crate) fn wants(&self, login: &'static str) {
        self.lock().login = Some(login);
    }

    /// It is too busy for that many requests.
    pub(crate) fn is_busy(&self, times: u32) {
        self.lock().busy = times;
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct Answer {
    content_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    fn new(content_type: &'static str, body: &[u8]) -> Self {
        Self { content_type, body: body.to_vec() }
    }
}

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Starts it. `salt` makes its image unlike any other.
pub(crate) async fn start(salt: &str) -> Registry {
    let (by_path, manifest_digest) = image(salt);
    let answers = Arc::new(Mutex::new(Answers { by_path, login: None, busy: 0 }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = tokio::spawn(serve(listener, answers.clone()));
    Registry { address, manifest_digest, answers, server }
}

/// Everything there is to ask, and the manifest's digest.
fn image(salt: &str) -> (BTreeMap<String, Answer>, String) {
    let layer = vec![0_u8; 1024];
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "config": { "Labels": { "salt": salt } },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
        "history": [{ "created": "2026-01-01T00:00:00Z" }],
    });
    let config = config.to_string().into_bytes();
    let described = |kind: &str, blob: &[u8]| {
        let kind = format!("application/vnd.docker.{kind}");
        serde_json::json!({ "mediaType": kind, "size": blob.len(), "digest": digest(blob) })
    };
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described("container.image.v1+json", &config),
        "layers": [described("image.rootfs.diff.tar.gzip", &layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    let manifest_digest = digest(&manifest);
    let mut answers = BTreeMap::from([("/v2/".to_owned(), Answer::new("text/plain", b"{}"))]);
    for blob in [&layer, &config] {
        let path = format!("/v2/test/web/blobs/{}", digest(blob));
        answers.insert(path, Answer::new("application/octet-stream", blob));
    }
    for reference in ["1", "latest", &manifest_digest] {
        let path = format!("/v2/test/web/manifests/{reference}");
        answers.insert(path, Answer::new(MANIFEST, &manifest));
    }
    (answers, manifest_digest)
}

impl Answers {
    fn to(&mut self, path: &str, request: &str) -> (&'static str, Answer) {
        let refused = |code: &str| {
            let body = serde_json::json!({ "errors": [{ "code": code, "message": "words" }] });
            Answer::new("application/json", body.to_string().as_bytes())
        };
        let is_known = |login| {
            request.lines().any(|line| line.trim_end() == format!("Authorization: {login}"))
        };
        if self.login.is_some_and(|login| !is_known(login)) {
            return ("401 Unauthorized", refused("UNAUTHORIZED"));
        }
        if path != "/v2/" && self.busy > 0 {
            self.busy -= 1;
            return ("429 Too Many Requests", refused("TOOMANYREQUESTS"));
        }
        match self.by_path.get(path) {
            Some(answer) => ("200 OK", answer.clone()),
            None => ("404 Not Found", refused("MANIFEST_UNKNOWN")),
        }
    }
}

async fn serve(listener: TcpListener, answers: Arc<Mutex<Answers>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let answers = answers.clone();
        tokio::spawn(async move { answer(stream, &answers).await });
    }
}

/// One request a connection.
async fn answer(mut stream: TcpStream, answers: &Mutex<Answers>) -> std::io::Result<()> {
    let mut request = vec![0; 8192];
    let read = stream.read(&mut request).await?;
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let mut words = request.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, answer) =
        answers.lock().unwrap_or_else(PoisonError::into_inner).to(path, &request);
    let digest = if answer.content_type == MANIFEST { digest(&answer.body) } else { String::new() };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nDocker-Content-Digest: \
         {digest}\r\nDocker-Distribution-Api-Version: registry/2.0\r\nWWW-Authenticate: Basic \
         realm=\"test\"\r\nConnection: close\r\n\r\n",
        answer.content_type,
        answer.body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    if method != "HEAD" {
        stream.write_all(&answer.body).await?;
    }
    stream.shutdown().await
}
