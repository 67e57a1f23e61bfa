//! Requests to the tasks of the simulated Swarm.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use cc_ci_core::ports::{Clock, HttpRequest, Probe, ProbeError};
use cc_ci_core::redact::MARGIN;
use cc_ci_model::evidence::HttpSeen;

use crate::faults::{Fate, Faults, injected};
use crate::swarm::FakeSwarm;
use crate::swarm::behaviour::Answer;

/// How much of a page the real one gives.
const EXCERPT: usize = 2048 + MARGIN;

/// Redirects followed at most.
const REDIRECTS: u32 = 5;

/// Asks whatever runs at an address: nothing does, unless a task is up and listens.
#[derive(Debug)]
pub struct FakeProbe {
    swarm: FakeSwarm,
    faults: Arc<Faults>,
}

impl FakeProbe {
    /// A probe into that Swarm.
    pub fn new(swarm: FakeSwarm, faults: Arc<Faults>) -> Self {
        Self { swarm, faults }
    }
}

#[async_trait]
impl Probe for FakeProbe {
    async fn http(&self, request: &HttpRequest) -> Result<HttpSeen, ProbeError> {
        let fate = self.faults.enter("request a page").await;
        if fate == Fate::Fail {
            return Err(refused(&injected("request a page")));
        }
        let seen = self.follow(request).await;
        match fate {
            Fate::Go => seen,
            Fate::Fail | Fate::GoThenFail => Err(refused(&injected("request a page"))),
            Fate::GoThenHang => std::future::pending().await,
        }
    }
}

impl FakeProbe {
    async fn follow(&self, request: &HttpRequest) -> Result<HttpSeen, ProbeError> {
        let mut path = request.path.clone();
        let mut redirects = 0;
        loop {
            let answer = self.swarm.sim().answer(request.address, request.port);
            let seen = self.seen(request, &path, answer).await?;
            let next = seen.location.as_deref().and_then(|to| own_path(&request.domain, &path, to));
            match next {
                Some(next) if redirects < REDIRECTS => (path, redirects) = (next, redirects + 1),
                _ => return Ok(HttpSeen { redirects, ..seen }),
            }
        }
    }

    async fn seen(
        &self,
        request: &HttpRequest,
        path: &str,
        answer: Option<Answer>,
    ) -> Result<HttpSeen, ProbeError> {
        match answer {
            None => Err(refused("Connection refused (os error 111)")),
            Some(Answer::Reset) => Err(refused("connection reset by peer")),
            Some(Answer::Silence) => {
                let clock = self.swarm.clock();
                clock.sleep_until(clock.now().plus(request.timeout)).await;
                let millis = request.timeout.as_millis();
                Err(refused(&format!("no whole answer within {millis} ms")))
            }
            Some(Answer::Status(status, body)) => {
                Ok(page(request, path, status, &self.swarm.leaking(&body), None))
            }
            Some(Answer::Redirect(to)) => Ok(page(request, path, 302, "", Some(to))),
        }
    }
}

/// Where a redirect leads within the app's own domain.
fn own_path(domain: &str, path: &str, to: &str) -> Option<String> {
    if let Some((_, rest)) = to.split_once("://") {
        let (host, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        return (host == domain).then(|| if rest.is_empty() { "/".into() } else { rest.into() });
    }
    if to.starts_with('/') {
        return Some(to.to_owned());
    }
    let folder = path.split('?').next().and_then(|path| path.rsplit_once('/'));
    Some(format!("{}/{to}", folder.map_or("", |(folder, _)| folder)))
}

fn refused(message: &str) -> ProbeError {
    ProbeError { message: message.to_owned() }
}

fn page(
    request: &HttpRequest,
    path: &str,
    status: u16,
    body: &str,
    location: Option<String>,
) -> HttpSeen {
    let HttpRequest { address, port, .. } = request;
    HttpSeen {
        url: format!("http://{}{path}", host(*address, *port)),
        status,
        redirects: 0,
        location,
        content_type: Some("text/html".into()),
        bytes: body.len() as u64,
        excerpt: body.chars().take(EXCERPT).collect(),
    }
}

fn host(address: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(address, port).to_string()
}
