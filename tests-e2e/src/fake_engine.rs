//! Something that speaks as little of the Docker API as cc-ci asks before a run: what no engine at
//! hand can be made to say.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

/// A fake engine. It answers until its socket's folder goes.
#[derive(Debug)]
pub struct FakeEngine {
    socket: PathBuf,
}

/// What it says about itself.
#[derive(Debug, Clone)]
pub struct Says {
    /// `Swarm` of `/info`.
    pub swarm: Value,
    /// `/nodes`.
    pub nodes: Value,
}

impl Says {
    /// A node of a Swarm in that state, which is a manager or not.
    pub fn node(state: &str, is_manager: bool) -> Self {
        let swarm = json!({ "LocalNodeState": state, "ControlAvailable": is_manager });
        Self { swarm, nodes: json!([]) }
    }

    /// A manager whose only node is this.
    pub fn only_node(availability: &str, state: &str) -> Self {
        let nodes =
            json!([{ "Spec": { "Availability": availability }, "Status": { "State": state } }]);
        Self { nodes, ..Self::node("active", true) }
    }
}

impl FakeEngine {
    /// Listens in a folder, on a socket of that name.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(folder: &Path, name: &str, says: Says) -> Result<Self> {
        let socket = folder.join(name);
        let listener = UnixListener::bind(&socket)?;
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|caller| drop(answer(&caller, &says)));
        });
        Ok(Self { socket })
    }

    /// Where it listens, for `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

/// One request, one answer, one connection.
fn answer(mut caller: &UnixStream, says: &Says) -> std::io::Result<()> {
    let mut lines = BufReader::new(caller).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = request.split(' ').nth(1).unwrap_or_default();
    let body = match path.rsplit('/').next() {
        Some("version") => json!({ "Version": "20.10.24", "ApiVersion": "1.41" }),
        Some("info") => json!({
            "ID": "fake", "SystemTime": "2026-01-01T00:00:00Z", "DockerRootDir": "/nonexistent", "Swarm": says.swarm
        }),
        Some("nodes") => says.nodes.clone(),
        Some(_) | None => json!({ "message": "not here" }),
    };
    let body = body.to_string();
    let head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nApi-Version: 1.41";
    write!(caller, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
