//! An engine of a test's own: a second `dockerd` with folders, a network namespace and mounts of
//! its own, so that it can be drained, stopped and started without anybody else noticing. It
//! needs root, and tools that every Debian has (`unshare`, `nsenter`, `setpriv`, `ip`).

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::waiting::wait_for;

/// An engine starts and stops within that, however busy the machine.
const LIMIT: Duration = Duration::from_mins(1);

/// In namespaces of its own; `/run/docker` is where every engine keeps its network namespaces.
/// It dies with the thread that started it.
const BEGIN: &str = "mount --make-rprivate / && mkdir -p /run/docker && mount -t tmpfs tmpfs /run/docker \
                     && ip link set lo up && exec setpriv --pdeathsig TERM dockerd \"$@\"";

/// A private engine. Ended when dropped; its folder belongs to the lab.
#[derive(Debug)]
pub struct PrivateEngine {
    folder: PathBuf,
    daemon: RefCell<Option<Child>>,
}

impl PrivateEngine {
    /// Starts one that keeps everything in `folder`, which is made. It is in no Swarm.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder.join("docker-config"))?;
        fs::write(folder.join("daemon.json"), "{}\n")?;
        let engine = Self { folder: folder.to_owned(), daemon: RefCell::default() };
        engine.start_again()?;
        Ok(engine)
    }

    /// Starts it again after [`PrivateEngine::stop`], with all it had.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_again(&self) -> Result<()> {
        let log = fs::File::options().create(true).append(true).open(self.log())?;
        let path = |name: &str| self.folder.join(name).display().to_string();
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", BEGIN, "dockerd"]);
        command.args(["--config-file", &path("daemon.json"), "--data-root", &path("data")]);
        command.args(["--exec-root", &path("exec"), "--pidfile", &path("pid")]);
        command.args(["--host", &self.host()]).stdin(Stdio::null());
        let daemon = command.stdout(log.try_clone()?).stderr(log).spawn();
        *self.daemon.borrow_mut() = Some(daemon.context("cannot start an engine")?);
        let answers = || self.output(&["version"]).ok().filter(|answer| answer.status.success());
        if wait_for(LIMIT, answers).is_none() {
            bail!("a private engine does not come up: {}", fs::read_to_string(self.log())?);
        }
        Ok(())
    }

    /// Ends it as an administrator does, and waits until it is gone.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&self) -> Result<()> {
        let Some(mut daemon) = self.daemon.borrow_mut().take() else {
            return Ok(());
        };
        kill_process(pid_of(&daemon)?, Signal::TERM)?;
        if wait_for(LIMIT, || daemon.try_wait().ok().flatten()).is_none() {
            daemon.kill()?;
            daemon.wait()?;
            bail!("a private engine did not end in time: {}", fs::read_to_string(self.log())?);
        }
        Ok(())
    }

    /// Where it listens, for `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.folder.join("sock").display())
    }

    /// A folder for `DOCKER_CONFIG`: nobody's own is read or written.
    pub fn config(&self) -> PathBuf {
        self.folder.join("docker-config")
    }

    /// Makes it a Swarm of its own, reached by that address of its network.
    ///
    /// # Panics
    /// When it refuses.
    #[track_caller]
    pub fn init_swarm(&self, address: &str) {
        let listen = format!("{address}:2377");
        self.docker(&["swarm", "init", "--advertise-addr", address, "--listen-addr", &listen]);
    }

    /// Lays a cable to another private engine, and gives each end an address.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn connect(&self, own: &str, other: &Self, theirs: &str) -> Result<()> {
        let there = other.pid()?.as_raw_nonzero().to_string();
        let peer = ["link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns"];
        self.ip(&[&peer[..], &[&there]].concat())?;
        for (engine, address) in [(self, own), (other, theirs)] {
            engine.ip(&["addr", "add", &format!("{address}/24"), "dev", "cable"])?;
            engine.ip(&["link", "set", "cable", "up"])?;
        }
        Ok(())
    }

    /// Copies images from the shared engine.
    ///
    /// # Errors
    /// When one is not there.
    pub fn load(&self, images: &[&str]) -> Result<()> {
        let mut save = Command::new("docker");
        let mut save = save.arg("save").args(images).stdout(Stdio::piped()).spawn()?;
        let archive = save.stdout.take().context("no output")?;
        let loaded = self.command(&["load", "--quiet"]).stdin(archive).output()?;
        ensure!(save.wait()?.success() && loaded.status.success(), "images: {loaded:?}");
        Ok(())
    }

    /// Runs the docker CLI against it, which has to succeed.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).unwrap_or_else(|error| panic!("no docker: {error}"));
        assert!(output.status.success(), "docker {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A program that runs where the engine's tasks can be reached by address; the program and
    /// its arguments are added by the caller.
    pub(crate) fn inside(&self) -> Command {
        let Ok(pid) = self.pid() else {
            // It does not run: there is nothing to reach.
            return Command::new("env");
        };
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", pid.as_raw_nonzero()));
        command
    }

    fn pid(&self) -> Result<Pid> {
        pid_of(self.daemon.borrow().as_ref().context("the engine does not run")?)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn ip(&self, arguments: &[&str]) -> Result<()> {
        let output = self.inside().arg("ip").args(arguments).output()?;
        ensure!(output.status.success(), "ip {arguments:?}: {output:?}");
        Ok(())
    }

    fn output(&self, arguments: &[&str]) -> std::io::Result<Output> {
        self.command(arguments).output()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", self.host()).env("DOCKER_CONFIG", self.config());
        command.args(arguments).stdin(Stdio::null());
        command
    }
}

fn pid_of(daemon: &Child) -> Result<Pid> {
    i32::try_from(daemon.id()).ok().and_then(Pid::from_raw).context("no process id")
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        drop(self.stop());
    }
}
