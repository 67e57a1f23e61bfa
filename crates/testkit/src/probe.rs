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
        let answer = self.swarm.sim().answer(request.address, request.port);
        let seen = match answer {
            None => Err(refused("connection refused")),
            Some(Answer::Reset) => Err(refused("connection reset by peer")),
            Some(Answer::Silence) => {
                let clock = self.swarm.clock();
                clock.sleep_until(clock.now().plus(request.timeout)).await;
                Err(refused("no answer in time"))
            }
            Some(Answer::Status(status, body)) => {
                Ok(page(request, status, &self.swarm.leaking(&body), None))
            }
            Some(Answer::Redirect(location)) => Ok(page(request, 302, "", Some(location))),
        };
        match fate {
            Fate::Go => seen,
            Fate::Fail | Fate::GoThenFail => Err(refused(&injected("request a page"))),
            Fate::GoThenHang => std::future::pending().await,
        }
    }
}

fn refused(message: &str) -> ProbeError {
    ProbeError { message: message.to_owned() }
}

fn page(request: &HttpRequest, status: u16, body: &str, location: Option<String>) -> HttpSeen {
    let HttpRequest { address, port, path, .. } = request;
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
