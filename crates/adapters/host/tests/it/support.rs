//! What these tests share.

use std::fs;
use std::time::{Duration, Instant};

/// Looks again and again until `condition` holds, at most for five seconds.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "real processes end in real time")]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(5), "not after 5 s: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A time to measure from.
#[expect(clippy::disallowed_methods, reason = "bounds are measured in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whether a process of that id runs (a zombie does not).
pub(crate) fn runs(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| Some(!stat.rsplit_once(") ")?.1.starts_with('Z')))
        .unwrap_or(false)
}

/// Whether a process ignores SIGTERM, which is the fifteenth.
pub(crate) fn ignores_term(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    // Others may be ignored too: under `nohup` SIGHUP is.
    u64::from_str_radix(ignored, 16).unwrap() & (1 << 14) != 0
}
