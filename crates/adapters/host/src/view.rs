//! This host as this process sees it: kernel, network, memory, limits, folders. Nothing is
//! changed.
//!
//! Tests: at the end of this file.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use cc_ci_core::ports::{HostView, Kernel};
use rustix::fs::{Access, access, statvfs};
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpStream;

use crate::ip_vs::kernel_has_ip_vs;
use crate::proc_files;

/// A port nobody listens on as a rule: a refusal is an answer as well.
const ASKED_PORT: u16 = 1;

/// The host this process runs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThisHost;

#[async_trait]
impl HostView for ThisHost {
    fn kernel(&self) -> Kernel {
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        Kernel { release, memory_bytes: memory("MemTotal").unwrap_or_default() }
    }

    fn world(&self) -> String {
        let boot = proc_files::boot_id().unwrap_or_default();
        let network = fs::read_link("/proc/self/ns/net").unwrap_or_default();
        format!("{boot} {}", network.display())
    }

    fn has_ip_vs(&self) -> bool {
        kernel_has_ip_vs()
    }

    /// The kernel's own routes tell. (Binding to it would not: in a network without any address
    /// every one can be bound to, as was seen on Linux 6.18.)
    fn is_own(&self, address: IpAddr) -> bool {
        fs::read_to_string("/proc/net/fib_trie").is_ok_and(|routes| is_local(&routes, address))
    }

    async fn answers(&self, address: IpAddr, timeout: Duration) -> bool {
        answers_at(SocketAddr::new(address, ASKED_PORT), timeout).await
    }

    fn memory_available_bytes(&self) -> Option<u64> {
        memory("MemAvailable")
    }

    fn open_files(&self) -> Option<u64> {
        getrlimit(Resource::Nofile).current
    }

    fn free_bytes(&self, folder: &Path) -> Result<u64, String> {
        let stat = statvfs(nearest(folder)).map_err(|error| error.to_string())?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn can_list(&self, folder: &Path) -> Result<(), String> {
        fs::read_dir(folder).map(drop).map_err(|error| error.to_string())
    }

    fn can_write(&self, folder: &Path) -> Result<(), String> {
        let there = nearest(folder);
        if !there.is_dir() {
            return Err(format!("`{}` is no folder", there.display()));
        }
        let needed = Access::WRITE_OK | Access::EXEC_OK;
        access(&there, needed).map_err(|error| format!("`{}`: {error}", there.display()))
    }
}

async fn answers_at(address: SocketAddr, timeout: Duration) -> bool {
    match tokio::time::timeout(timeout, TcpStream::connect(address)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => error.kind() == io::ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

/// The folder itself, or the nearest above it that is there.
fn nearest(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|path| path.exists());
    there.unwrap_or(Path::new("/")).to_owned()
}

/// Whether `/proc/net/fib_trie` has an address as one of this network's own: a line
/// `|-- 172.18.0.1`, and below it `/32 host LOCAL`. It knows IPv4 only, and so does the bridge.
fn is_local(routes: &str, address: IpAddr) -> bool {
    let wanted = format!("|-- {address}");
    let mut is_wanted = false;
    for line in routes.lines().map(str::trim) {
        if line.starts_with("|--") {
            is_wanted = line == wanted;
        } else if is_wanted && line == "/32 host LOCAL" {
            return true;
        }
    }
    false
}

/// A line of `/proc/meminfo`, in bytes.
fn memory(name: &str) -> Option<u64> {
    meminfo(&fs::read_to_string("/proc/meminfo").ok()?, name)
}

/// `MemTotal:       24684092 kB`
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn memory_is_told_in_bytes() {
        let text = "MemTotal:       24684092 kB\nMemFree:  1 kB\nMemAvailable:  2 kB\n";
        assert_eq!(meminfo(text, "MemTotal"), Some(25_276_510_208));
        assert_eq!(meminfo(text, "MemAvailable"), Some(2048));
        assert_eq!(meminfo(text, "Mem"), None);
        assert_eq!(meminfo("MemTotal: many\n", "MemTotal"), None);
        assert!(ThisHost.memory_available_bytes().unwrap() <= ThisHost.kernel().memory_bytes);
    }

    #[test]
    fn only_addresses_of_this_host_are_its_own() {
        assert!(ThisHost.is_own("127.0.0.1".parse().unwrap()));
        // TEST-NET-3 (RFC 5737): nobody's.
        assert!(!ThisHost.is_own("203.0.113.77".parse().unwrap()));
        let routes = "Main:\n  |-- 172.18.0.0\n     /16 link UNICAST\nLocal:\n  \
                      |-- 172.18.0.1\n     /32 host LOCAL\n  |-- 172.18.255.255\n     /32 link BROADCAST\n";
        let is_own = |address: &str| is_local(routes, address.parse().unwrap());
        assert!(is_own("172.18.0.1"));
        for other in ["172.18.0.0", "172.18.255.255", "172.18.0.10", "72.18.0.1", "::1"] {
            assert!(!is_own(other), "{other}");
        }
        assert!(!is_local("", "172.18.0.1".parse().unwrap()));
    }

    /// Where a packet goes that nobody takes differs from network to network (there are proxies
    /// that answer for every address), so silence is that of a listener whose queue is full.
    #[tokio::test]
    async fn a_refusal_is_an_answer_and_silence_is_none() {
        let limit = Duration::from_millis(200);
        assert!(ThisHost.answers("127.0.0.1".parse().unwrap(), limit).await);
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while waiting.len() < 16 {
            match tokio::time::timeout(limit, TcpStream::connect(address)).await {
                Ok(stream) => waiting.push(stream.unwrap()),
                Err(_) => break,
            }
        }
        assert!(!answers_at(address, limit).await, "{} connections wait", waiting.len());
    }

    #[test]
    fn a_folder_that_is_not_there_is_where_it_would_be() {
        let parent = tempfile::tempdir().unwrap();
        let wanted = parent.path().join("a/b");
        assert_eq!(ThisHost.can_write(&wanted), Ok(()));
        assert_eq!(nearest(&wanted), parent.path());
        assert!(ThisHost.free_bytes(&wanted).is_ok());
        assert!(!wanted.exists(), "nothing is made");
        assert!(ThisHost.can_list(&wanted).is_err());
        assert_eq!(ThisHost.can_list(parent.path()), Ok(()));
        let file = parent.path().join("file");
        fs::File::create(&file).unwrap();
        assert!(ThisHost.can_write(&file.join("x")).unwrap_err().contains("is no folder"));
        // Root may write anywhere but on a file system that takes nothing.
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o500)).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        assert_eq!(ThisHost.can_write(&wanted).is_ok(), is_root);
        assert!(ThisHost.can_write(Path::new("/proc/cc-ci")).is_err() || is_root);
    }

    #[test]
    fn the_same_process_is_in_the_same_world() {
        let world = ThisHost.world();
        assert!(world.contains(" net:["), "{world}");
        assert_eq!(ThisHost.world(), world);
    }
}
