//! The engine's events about one stack, through interruptions.
//!
//! A feed lives as long as it is polled and never ends: when the connection breaks it is
//! opened again, from a moment before the last event, so that nothing is missed. That can fail:
//! the engine keeps its last 256 events only (each run of a health check is three of them), and
//! none over a restart. Whether everything since then is still there is asked and told.
//!
//! Being a stream with its own state, a feed loses nothing when a caller stops waiting for it.
//!
//! Tests: at the end of this file, against a socket that plays an engine.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

/// How long to wait before a broken connection is opened again.
const BACK_OFF: Duration = Duration::from_millis(500);

/// How far before the last event a connection is opened again. Events about Swarm objects carry
/// the time of the object's change, not of the event, so a later event can have an earlier time.
const OVERLAP_NANOSECONDS: i64 = 2_000_000_000;

/// What a feed brings.
#[derive(Debug)]
pub(crate) enum News {
    /// Something happened.
    Event(Box<EventMessage>),
    /// The connection broke.
    Broken,
    /// It is open again.
    Back(Coverage),
}

/// Whether events of the time without a connection were brought after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// All of them.
    Whole,
    /// Some may be lost.
    Lost,
}

/// Filters of the events API.
pub(crate) type Filters = HashMap<&'static str, Vec<String>>;

/// Opens a feed of the events since `since` (nanoseconds after the Unix epoch, engine's clock).
pub(crate) fn open(docker: Docker, filters: Filters, since: i64) -> BoxStream<'static, News> {
    let connection = Some(connect(&docker, &filters, since));
    let line = Line { docker, filters, last: since, connection };
    stream::unfold(line, |mut line| async move {
        let news = line.next().await;
        Some((news, line))
    })
    .boxed()
}

type Events = BoxStream<'static, Result<EventMessage, bollard::errors::Error>>;

struct Line {
    docker: Docker,
    filters: Filters,
    /// The latest time of an event, or that of the beginning.
    last: i64,
    connection: Option<Events>,
}

impl Line {
    async fn next(&mut self) -> News {
        let Some(connection) = &mut self.connection else {
            return News::Back(self.reopen().await);
        };
        if let Some(Ok(event)) = connection.next().await {
            self.last = self.last.max(event.time_nano.unwrap_or_default());
            return News::Event(Box::new(event));
        }
        self.connection = None;
        News::Broken
    }

    async fn reopen(&mut self) -> Coverage {
        loop {
            back_off().await;
            let Some(coverage) = coverage(&self.docker, self.last).await else {
                continue;
            };
            let since = self.last.saturating_sub(OVERLAP_NANOSECONDS);
            self.connection = Some(connect(&self.docker, &self.filters, since));
            return coverage;
        }
    }
}

/// Whether the engine's memory of events reaches back to `last`: it does when it holds any
/// event of that time or before. `None` when the engine does not answer.
async fn coverage(docker: &Docker, last: i64) -> Option<Coverage> {
    let options = EventsOptionsBuilder::default().since("1").until(&seconds(last)).build();
    let mut events = docker.events(Some(options)).boxed();
    match events.next().await {
        Some(Ok(_)) => Some(Coverage::Whole),
        Some(Err(_)) => None,
        None => Some(Coverage::Lost),
    }
}

fn connect(docker: &Docker, filters: &Filters, since: i64) -> Events {
    let options = EventsOptionsBuilder::default().since(&seconds(since)).filters(filters).build();
    docker.events(Some(options)).boxed()
}

/// A time as the events API reads it.
fn seconds(nanoseconds: i64) -> String {
    let nanoseconds = nanoseconds.max(0);
    format!("{}.{:09}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a reconnect must not spin; it is not a wait for anything the engine decides"
)]
async fn back_off() {
    tokio::time::sleep(BACK_OFF).await;
}

#[cfg(test)]
mod tests {
    use bollard::API_DEFAULT_VERSION;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const SINCE: i64 = 1_000_000_000_000_000_007;

    /// Answers one connection after another with these bodies; gives the requests' first lines.
    async fn engine(bodies: Vec<&'static str>) -> (Docker, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut requests = Vec::new();
            for body in bodies {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 2048];
                let read = stream.read(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request[..read]).into_owned();
                requests.push(text.lines().next().unwrap_or_default().to_owned());
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
            requests
        });
        let docker = Docker::connect_with_http(&address, 5, API_DEFAULT_VERSION).unwrap();
        (docker, served)
    }

    const START: &str = r#"{"Type":"container","Action":"start","timeNano":1000000000000000009}
"#;

    async fn play(bodies: Vec<&'static str>, n_news: usize) -> (Vec<String>, Vec<String>) {
        let (docker, served) = engine(bodies).await;
        let feed = open(docker, Filters::from([("type", vec!["container".into()])]), SINCE);
        let news: Vec<String> = feed
            .take(n_news)
            .map(|news| match news {
                News::Event(event) => event.action.unwrap_or_default(),
                News::Broken => "broken".into(),
                News::Back(coverage) => format!("{coverage:?}"),
            })
            .collect()
            .await;
        (news, served.await.unwrap())
    }

    #[tokio::test]
    async fn a_connection_that_ends_is_opened_again_with_an_overlap() {
        let (news, requests) = play(vec![START, START, START], 4).await;
        assert_eq!(news, ["start", "broken", "Whole", "start"]);
        assert!(requests[0].contains("since=1000000000.000000007"), "{}", requests[0]);
        assert!(requests[1].contains("since=1&until=1000000000.000000009"), "{}", requests[1]);
        assert!(requests[2].contains("since=999999998.000000009"), "{}", requests[2]);
    }

    #[tokio::test]
    async fn an_engine_that_forgot_the_past_is_a_gap() {
        let (news, _) = play(vec![START, "", START], 4).await;
        assert_eq!(news, ["start", "broken", "Lost", "start"]);
    }
}
