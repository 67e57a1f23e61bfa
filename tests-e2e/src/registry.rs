//! A registry that can be asked: Debian's docker-registry on a port of 127.0.0.1, which every
//! engine trusts without TLS.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::engine::{docker, try_docker};
use crate::waiting::wait_for;

/// A registry. Stopped when dropped; the tags that tests pulled from it are removed then.
#[derive(Debug)]
pub struct Registry {
    server: Child,
    address: String,
    /// A docker configuration with a login for it.
    login: Option<PathBuf>,
    images: Vec<String>,
}

impl Registry {
    /// Starts one that keeps its images below `folder`.
    ///
    /// # Errors
    /// When it can not be started, e.g. because the package is not installed.
    pub fn start(folder: &Path) -> Result<Self> {
        Self::start_for(folder, false)
    }

    /// Starts one that wants a login.
    ///
    /// # Errors
    /// When it can not be started, e.g. because the package is not installed.
    pub fn start_private(folder: &Path) -> Result<Self> {
        Self::start_for(folder, true)
    }

    fn start_for(folder: &Path, private: bool) -> Result<Self> {
        // Free now; nobody else takes a port of that range in between.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let folder = folder.join("registry");
        fs::create_dir_all(&folder)?;
        let config = folder.join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nhttp: {{addr: \"{address}\"}}\n\
             storage: {{filesystem: {{rootdirectory: \"{0}\"}}}}\n{1}",
            folder.display(),
            if private { auth(&folder)? } else { String::new() }
        );
        fs::write(&config, text)?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdin(Stdio::null());
        command.stdout(fs::File::create(folder.join("stdout.txt"))?);
        command.stderr(fs::File::create(folder.join("stderr.txt"))?);
        let server = command.spawn().context(
            "cannot run docker-registry; install it: apt-get install --no-install-recommends docker-registry",
        )?;
        let login = if private { Some(login(&folder, &address)?) } else { None };
        let registry = Self { server, address, login, images: Vec::new() };
        let up = wait_for(Duration::from_secs(20), || TcpStream::connect(&registry.address).ok());
        if up.is_none() {
            bail!(
                "docker-registry does not answer: {}",
                fs::read_to_string(folder.join("stderr.txt"))?
            );
        }
        Ok(registry)
    }

    /// The reference of an image in it.
    pub fn image(&mut self, name: &str) -> String {
        let reference = format!("{}/{name}", self.address);
        if !self.images.contains(&reference) {
            self.images.push(reference.clone());
        }
        reference
    }

    /// Puts a fixture image into it, under the same name, and not into the engine's own store.
    pub fn publish(&mut self, name: &str) {
        let reference = self.image(name);
        docker(&["tag", &format!("cc-ci-fixture.invalid/{name}"), &reference]);
        let login = self.login.iter().map(|folder| folder.display().to_string());
        let mut push: Vec<String> =
            login.flat_map(|login| ["--config".to_owned(), login]).collect();
        push.extend(["push".to_owned(), reference.clone()]);
        docker(&push.iter().map(String::as_str).collect::<Vec<_>>());
        docker(&["image", "rm", &reference]);
    }

    /// Puts a fixture image into the engine's own store under this registry's name, and not into
    /// the registry.
    pub fn keep_here(&mut self, name: &str, tag: &str) -> String {
        let reference = self.image(tag);
        docker(&["tag", &format!("cc-ci-fixture.invalid/{name}"), &reference]);
        reference
    }

    /// A folder for `DOCKER_CONFIG` with a login for it, where it wants one.
    pub fn login(&self) -> Option<&Path> {
        self.login.as_deref()
    }

    /// It stops answering.
    pub fn stop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Its configuration of one user, `me` with password `hunter22`.
fn auth(folder: &Path) -> Result<String> {
    let users = folder.join("htpasswd");
    fs::write(&users, "me:$2b$05$abcdefghijklmnopqrstuuZ6QNu0NKXZkZHC5hsQUItfxcGamvB8i\n")?;
    Ok(format!("auth: {{htpasswd: {{realm: test, path: \"{}\"}}}}\n", users.display()))
}

/// What `docker login` would have written.
fn login(folder: &Path, address: &str) -> Result<PathBuf> {
    let folder = folder.join("docker");
    fs::create_dir_all(&folder)?;
    let config = format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"bWU6aHVudGVyMjI=\"}}}}}}");
    fs::write(folder.join("config.json"), config)?;
    Ok(folder)
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
        for image in &self.images {
            try_docker(&["image", "rm", image]);
        }
    }
}
