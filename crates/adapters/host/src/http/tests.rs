//! Tests of the HTTP probe against sockets that speak raw HTTP.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use cc_ci_core::ports::HttpSend;
use cc_ci_core::redact::MARGIN;

use super::*;

/// Answers one connection after another with `answers`; gives the requests.
async fn app(answers: Vec<String>) -> (HttpRequest, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            requests.push(String::from_utf8_lossy(&request[..read]).into_owned());
            // A probe that has read enough hangs up.
            let _hung_up = stream.write_all(answer.as_bytes()).await;
        }
        requests
    });
    let request = HttpRequest {
        address: Ipv4Addr::LOCALHOST.into(),
        port,
        domain: "app.example.org".into(),
        path: "/".into(),
        send: HttpSend::default(),
        timeout: Duration::from_secs(5),
    };
    (request, served)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    )
}

fn redirect(to: &str) -> String {
    answer("302 Found", &format!("Location: {to}\r\n"), "")
}

#[tokio::test]
async fn the_task_is_asked_for_the_domain() {
    let ok = answer("200 OK", "Content-Type: text/html\r\n", "<h1>hello</h1>");
    let (request, served) = app(vec![ok]).await;
    let seen = HttpProbe::new().unwrap().http(&request).await.unwrap();
    assert_eq!((seen.status, seen.bytes, seen.redirects), (200, 14, 0));
    assert_eq!(seen.url, format!("http://127.0.0.1:{}/", request.port));
    assert_eq!(seen.content_type.as_deref(), Some("text/html"));
    assert_eq!(seen.excerpt, "<h1>hello</h1>");
    let asked = served.await.unwrap()[0].to_lowercase();
    assert!(asked.starts_with("get / http/1.1\r\n"), "{asked}");
    for header in [
        "\r\nhost: app.example.org\r\n",
        "\r\nx-forwarded-host: app.example.org\r\n",
        "\r\nx-forwarded-proto: https\r\n",
    ] {
        assert!(asked.contains(header), "{asked}");
    }
}

#[tokio::test]
async fn redirects_to_the_own_domain_go_to_the_same_task() {
    let answers = vec![
        redirect("https://app.example.org/login?a=b"),
        redirect("welcome"),
        answer("200 OK", "", "in"),
    ];
    let (request, served) = app(answers).await;
    let seen = HttpProbe::new().unwrap().http(&request).await.unwrap();
    assert_eq!((seen.status, seen.redirects, seen.location), (200, 2, None));
    assert_eq!(seen.url, format!("http://127.0.0.1:{}/welcome", request.port));
    let asked = served.await.unwrap();
    assert!(asked[1].starts_with("GET /login?a=b HTTP/1.1\r\n"), "{}", asked[1]);
    assert!(asked[1].to_lowercase().contains("host: app.example.org\r\n"), "{}", asked[1]);
}

/// What puts something there is sent as it is said, and where it leads to is nobody's business.
#[tokio::test]
async fn a_request_that_sends_something_is_not_repeated_elsewhere() {
    let (mut request, served) = app(vec![redirect("https://app.example.org/x")]).await;
    request.send = HttpSend {
        method: Some("PUT".into()),
        body: Some("0a1b".into()),
        content_type: Some("text/plain".into()),
    };
    let seen = HttpProbe::new().unwrap().http(&request).await.unwrap();
    assert_eq!((seen.status, seen.redirects), (302, 0));
    let asked = served.await.unwrap()[0].to_lowercase();
    assert!(asked.starts_with("put / http/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\ncontent-type: text/plain\r\n"), "{asked}");
    assert!(asked.contains("\r\ncontent-length: 4\r\n"), "{asked}");

    request.send.method = Some("NO METHOD".into());
    assert!(HttpProbe::new().unwrap().http(&request).await.is_err());
}

/// A body that breaks off is no answer.
#[tokio::test]
async fn half_a_body_is_a_problem() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned();
    let (request, _served) = app(vec![half]).await;
    assert!(HttpProbe::new().unwrap().http(&request).await.is_err());
}

#[tokio::test]
async fn a_body_is_read_up_to_a_limit() {
    let (request, _served) = app(vec![answer("200 OK", "", &"x".repeat(9 << 20))]).await;
    let seen = HttpProbe::new().unwrap().http(&request).await.unwrap();
    assert_eq!((seen.bytes, seen.excerpt.len()), (8 << 20, 2048 + MARGIN));
}
