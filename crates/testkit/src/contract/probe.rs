//! What [`Probe`] promises.

use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{HttpRequest, Probe, ProbeError};
use cc_ci_core::redact::MARGIN;
use cc_ci_model::evidence::HttpSeen;

use crate::swarm::behaviour::Answer;

super::contract!(Probe: [
    an_answer_is_seen_as_it_is,
    an_error_status_is_an_answer,
    redirects_within_the_own_domain_are_followed_at_the_same_address,
    a_redirect_elsewhere_is_the_answer,
    a_redirect_loop_ends_after_five,
    of_a_long_body_the_beginning_is_told,
    where_nobody_listens_it_is_refused,
    a_connection_that_breaks_is_no_answer,
    an_app_that_says_nothing_is_given_up,
]);

/// Something that answers HTTP.
#[async_trait(?Send)]
pub trait Stage {
    /// The port.
    fn probe(&self) -> &dyn Probe;

    /// Has an app answer like that, request by request (the last one repeats), every body as
    /// `text/html`. Gives the request for its path `/` and for a domain of its own.
    async fn app(&self, answers: Vec<Answer>) -> HttpRequest;

    /// An address and port at which nobody listens.
    async fn nobody(&self) -> HttpRequest;
}

const DOMAIN: &str = "app.example.org";

fn status(code: u16, body: &str) -> Answer {
    Answer::Status(code, body.to_owned())
}

fn redirect(to: &str) -> Answer {
    Answer::Redirect(to.to_owned())
}

async fn ask<S: Stage>(stage: &S, answers: Vec<Answer>) -> (HttpRequest, HttpSeen) {
    let request = HttpRequest { domain: DOMAIN.into(), ..stage.app(answers).await };
    let seen = stage.probe().http(&request).await.expect("it answers");
    (request, seen)
}

fn url(request: &HttpRequest, path: &str) -> String {
    format!("http://{}{path}", std::net::SocketAddr::new(request.address, request.port))
}

async fn an_answer_is_seen_as_it_is<S: Stage>(stage: &S) {
    let (request, seen) = ask(stage, vec![status(200, "<h1>ü</h1>")]).await;
    let expected = HttpSeen {
        url: url(&request, "/"),
        status: 200,
        redirects: 0,
        location: None,
        content_type: Some("text/html".into()),
        bytes: 11,
        excerpt: "<h1>ü</h1>".into(),
    };
    assert_eq!(seen, expected);
}

async fn an_error_status_is_an_answer<S: Stage>(stage: &S) {
    for code in [404, 500, 503] {
        let (_, seen) = ask(stage, vec![status(code, "sorry")]).await;
        assert_eq!((seen.status, seen.excerpt.as_str()), (code, "sorry"));
        assert_eq!((seen.location, seen.redirects), (None, 0));
    }
}

async fn redirects_within_the_own_domain_are_followed_at_the_same_address<S: Stage>(stage: &S) {
    let answers = vec![
        redirect("https://app.example.org/login?a=b"),
        redirect("welcome"),
        redirect("/in/"),
        status(200, "in"),
    ];
    let (request, seen) = ask(stage, answers).await;
    assert_eq!((seen.status, seen.redirects, seen.location), (200, 3, None));
    assert_eq!((seen.url, seen.excerpt.as_str()), (url(&request, "/in/"), "in"));
}

async fn a_redirect_elsewhere_is_the_answer<S: Stage>(stage: &S) {
    for to in ["https://login.example.org/", "https://app.example.org.evil.org/"] {
        let (_, seen) = ask(stage, vec![redirect(to), status(200, "never asked")]).await;
        assert_eq!((seen.status, seen.redirects), (302, 0), "{to}");
        assert_eq!(seen.location.as_deref(), Some(to));
    }
}

async fn a_redirect_loop_ends_after_five<S: Stage>(stage: &S) {
    let (request, seen) = ask(stage, vec![redirect("/")]).await;
    assert_eq!((seen.status, seen.redirects), (302, 5));
    assert_eq!((seen.location.as_deref(), seen.url), (Some("/"), url(&request, "/")));
}

async fn of_a_long_body_the_beginning_is_told<S: Stage>(stage: &S) {
    let body = format!("<h1>begin{}", "ü".repeat(100_000));
    let (_, seen) = ask(stage, vec![status(200, &body)]).await;
    assert_eq!(seen.bytes, body.len() as u64);
    assert_eq!(seen.excerpt, body.chars().take(2048 + MARGIN).collect::<String>());
}

async fn refused<S: Stage>(stage: &S, request: &HttpRequest) -> ProbeError {
    stage.probe().http(request).await.expect_err("there is no answer")
}

async fn where_nobody_listens_it_is_refused<S: Stage>(stage: &S) {
    let request = stage.nobody().await;
    let error = refused(stage, &request).await;
    assert!(error.message.to_lowercase().contains("connection refused"), "{error}");
}

async fn a_connection_that_breaks_is_no_answer<S: Stage>(stage: &S) {
    let request = stage.app(vec![Answer::Reset]).await;
    let error = refused(stage, &request).await;
    assert!(!error.message.is_empty());
}

async fn an_app_that_says_nothing_is_given_up<S: Stage>(stage: &S) {
    let timeout = Duration::from_millis(50);
    let request = HttpRequest { timeout, ..stage.app(vec![Answer::Silence]).await };
    let error = refused(stage, &request).await;
    assert_eq!(error.message, "no whole answer within 50 ms");
}
