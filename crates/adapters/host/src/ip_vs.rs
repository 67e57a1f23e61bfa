//! Whether this host's kernel can answer for service VIPs.
//!
//! A Swarm service's virtual address is an `ip_vs` entry. Where the kernel has none, connections
//! to the address time out (measured, Engine 20.10 on a kernel without it). The engine loads the
//! module when it joins a Swarm, so on a Swarm's own host its absence can be seen.

use std::path::Path;

/// Places where a loaded or built-in `ip_vs` shows.
const SIGNS: [&str; 2] = ["/proc/net/ip_vs", "/sys/module/ip_vs"];

/// Whether the kernel of this host has `ip_vs` at the ready.
pub(crate) fn kernel_has_ip_vs() -> bool {
    SIGNS.iter().any(|sign| Path::new(sign).exists())
}
