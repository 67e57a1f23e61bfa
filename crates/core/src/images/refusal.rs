//! What a refused pull means.
//!
//! The engine passes a registry's answer on as text, with a status of its own making (500 for
//! nearly everything), so the text decides.
//!
//! Tests: at the end of this file, with messages of real engines.

/// Why an image could not be pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The registry says there is no such image, or none for this platform, or the reference
    /// is none.
    NotFound,
    /// The registry wants a login, or forbids it. Docker Hub says the same of repositories that
    /// do not exist.
    Denied,
    /// The registry, or the way to it, is busy or broke off: worth another try.
    Busy,
    /// The registry could not be asked, or the image could not be fetched to its end.
    Unreachable,
}

/// Words of an engine that did not get through to a registry.
const NO_ANSWER: [&str; 4] =
    ["dial tcp", "connection refused", "no such host", "no space left on device"];

/// Words of a registry that has too much to do, and of an answer that broke off. A name server's
/// trouble is worth another try; that a name does not exist is not.
const BUSY: [&str; 9] = [
    "toomanyrequests",
    "too many requests",
    "connection reset",
    "i/o timeout",
    "handshake timeout",
    "context deadline exceeded",
    "unexpected eof",
    "server misbehaving",
    "temporary failure",
];

/// A registry that knows.
const CERTAINLY_NOT_FOUND: [&str; 4] =
    ["manifest unknown", "name unknown", "no matching manifest", "invalid reference format"];

const DENIED: [&str; 7] = [
    "denied",
    "unauthorized",
    "authentication required",
    "no basic auth credentials",
    "authorization failed",
    "forbidden",
    "may require",
];

const NOT_FOUND: [&str; 2] = ["not found", "does not exist"];

/// Reads the engine's words about a pull that failed. An image can be called `access-denied`, so
/// the surest words come first.
pub fn refusal(message: &str) -> Refusal {
    let message = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if says(&BUSY) {
        return Refusal::Busy;
    }
    if says(&NO_ANSWER) {
        return Refusal::Unreachable;
    }
    if says(&CERTAINLY_NOT_FOUND) {
        return Refusal::NotFound;
    }
    match passed_on_status(&message) {
        Some(429 | 500..) => return Refusal::Busy,
        Some(401 | 403) => return Refusal::Denied,
        // A 404 without the registry's own words may come from anything that speaks HTTP.
        _ => {}
    }
    if says(&DENIED) {
        return Refusal::Denied;
    }
    if says(&NOT_FOUND) {
        return Refusal::NotFound;
    }
    Refusal::Unreachable
}

/// The status a registry answered with, where the engine tells it: `received unexpected HTTP
/// status: 503 Service Unavailable`, `error parsing HTTP 429 response body: …`, `unexpected
/// status from HEAD request to https://…: 403 Forbidden`.
fn passed_on_status(message: &str) -> Option<u16> {
    if !message.contains("unexpected") && !message.contains("error parsing http") {
        return None;
    }
    message
        .split_whitespace()
        .filter(|word| word.len() == 3)
        .filter_map(|word| word.parse().ok())
        .find(|status| (400..600).contains(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: Refusal) {
        assert_eq!(refusal(message), expected, "{message}");
    }

    /// Recorded on Engine 20.10.24.
    #[test]
    fn messages_of_an_older_engine() {
        check(
            r#"Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused"#,
            Refusal::Unreachable,
        );
        check(
            "Get \"https://no-such-host.invalid/v2/\": dial tcp: lookup no-such-host.invalid on \
             10.255.255.53:53: no such host",
            Refusal::Unreachable,
        );
        check("invalid reference format: repository name must be lowercase", Refusal::NotFound);
        check(
            "manifest for 127.0.0.1:35871/access-denied/web:2 not found: manifest unknown: \
             manifest unknown",
            Refusal::NotFound,
        );
        check(
            r#"Head "http://127.0.0.1:35872/v2/a/web/manifests/1": no basic auth credentials"#,
            Refusal::Denied,
        );
        check("received unexpected HTTP status: 503 Service Unavailable", Refusal::Busy);
        check("toomanyrequests: slow down", Refusal::Busy);
        // Asked for a manifest only (`GET /distribution/…`).
        check("manifest unknown: manifest unknown", Refusal::NotFound);
        check("name unknown: repository name not known to registry", Refusal::NotFound);
        check("denied: denied", Refusal::Denied);
        for (status, expected) in
            [(429, Refusal::Busy), (403, Refusal::Denied), (404, Refusal::Unreachable)]
        {
            let message = format!(
                "error parsing HTTP {status} response body: no error details found in HTTP \
                 response body: \"{{}}\""
            );
            check(&message, expected);
        }
    }

    /// Written down in public threads about these engines and registries.
    #[test]
    fn messages_of_registries() {
        for message in [
            "manifest for nginx:9.99 not found: manifest unknown: manifest unknown",
            "repository host/x not found: name unknown: repository name not known to registry",
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "failed to resolve reference \"docker.io/library/x:1\": docker.io/library/x:1: not found",
        ] {
            check(message, Refusal::NotFound);
        }
        for message in [
            "pull access denied for x, repository does not exist or may require 'docker login': \
             denied: requested access to the resource is denied",
            "Head \"https://ghcr.io/v2/x/y/manifests/1\": unauthorized",
            "Get \"https://quay.io/v2/x/manifests/1\": unauthorized: access to the requested \
             resource is not authorized",
            "no basic auth credentials",
            "unexpected status from HEAD request to https://x/v2/y/manifests/1: 403 Forbidden",
        ] {
            check(message, Refusal::Denied);
        }
        for message in [
            "Get \"https://x/v2/\": http: server gave HTTP response to HTTPS client",
            "x509: certificate signed by unknown authority",
            "write /var/lib/docker/tmp/GetImageBlob1: no space left on device",
            "Get \"https://x/v2/\": dial tcp: lookup x on 127.0.0.53:53: no such host",
            "Get \"https://x/v2/\": dial tcp 10.0.0.1:443: connect: connection refused",
        ] {
            check(message, Refusal::Unreachable);
        }
        for message in [
            "toomanyrequests: You have reached your pull rate limit. You may increase the limit by \
             authenticating and upgrading: https://www.docker.com/increase-rate-limit",
            "unexpected status from HEAD request to https://x/v2/y/manifests/1: 502 Bad Gateway",
            "net/http: TLS handshake timeout",
            "read tcp 10.0.0.2:5->10.0.0.1:443: read: connection reset by peer",
            "Get \"https://x/v2/\": dial tcp 10.0.0.1:443: i/o timeout",
            "Get \"https://x/v2/\": dial tcp: lookup x on 127.0.0.53:53: server misbehaving",
        ] {
            check(message, Refusal::Busy);
        }
    }
}
