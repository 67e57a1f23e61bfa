//! An engine that says what the test says: a socket that speaks as much HTTP as cc-ci asks for.
//! Answers are as Engine 20.10.24 gives them, shortened.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Where it listens, and what it is in a Swarm.
pub(crate) struct Engine {
    pub(crate) socket: PathBuf,
}

impl Engine {
    /// Listens until the test ends. `swarm` is the member of that name of `/info`; `nodes` the
    /// answer to `/nodes`.
    pub(crate) fn start(folder: &Path, swarm: &'static str, nodes: &'static str) -> Self {
        let socket = folder.join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                drop(stream.and_then(|stream| answer(stream, swarm, nodes)));
            }
        });
        Self { socket }
    }
}

fn answer(mut stream: UnixStream, swarm: &str, nodes: &str) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let read = stream.read(&mut request)?;
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    let target = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match target.split('?').next().unwrap_or_default() {
        "/version" => ("200 OK", r#"{"Version":"20.10.24+dfsg1","ApiVersion":"1.41"}"#.to_owned()),
        "/info" => ("200 OK", info(swarm)),
        "/nodes" if nodes.starts_with('[') => ("200 OK", nodes.to_owned()),
        "/nodes" => ("503 Service Unavailable", format!(r#"{{"message":"{nodes}"}}"#)),
        "/networks/docker_gwbridge" => ("404 Not Found", r#"{"message":"not found"}"#.to_owned()),
        "/volumes" => ("200 OK", r#"{"Volumes":null,"Warnings":null}"#.to_owned()),
        _ => ("200 OK", "[]".to_owned()),
    };
    write!(stream, "HTTP/1.0 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn info(swarm: &str) -> String {
    format!(
        r#"{{"ID":"ID","DockerRootDir":"/nonexistent/docker","KernelVersion":"5.0-elsewhere",
        "MemTotal":1,"SystemTime":"2026-11-24T08:44:27.936736665Z","Swarm":{swarm}}}"#
    )
}
