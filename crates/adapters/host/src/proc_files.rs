//! What `/proc` says about processes.
//!
//! Tests: at the end of this file.

use std::fs;
use std::io;

use cc_ci_model::intent::ProcessId;

/// A process as `/proc/<pid>/stat` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Clock ticks between boot and its start: with the boot, this tells it apart from any other
    /// process that ever has the same id.
    pub(crate) started_ticks: u64,
    /// It has ended, and its parent has not asked how.
    pub(crate) is_zombie: bool,
    /// The id of its process group; 0 where the group's leader is outside the pid namespace
    /// (`pid_namespaces(7)`), in a container say.
    pub(crate) group: i32,
}

/// The id of this boot.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The process of that id, if there is one.
pub(crate) fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// That very process, if it is there: running, or ended and not asked about.
pub(crate) fn find(process: &ProcessId, boot_id: &str) -> Option<Stat> {
    let stat = stat(process.pid).filter(|stat| stat.started_ticks == process.started_ticks)?;
    (process.boot_id == boot_id).then_some(stat)
}

/// The second field, the program's name, is in parentheses and may hold anything, so fields are
/// counted from the last parenthesis: state is field 3, the process group field 5, the start time
/// field 22.
fn parse(stat: &str) -> Option<Stat> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    Some(Stat {
        started_ticks: fields.get(19)?.parse().ok()?,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
        group: fields.get(2)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_confuses_nobody() {
        let line = "42 (a) R (b) Z 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 7654 9 9";
        assert_eq!(parse(line), Some(Stat { started_ticks: 7654, is_zombie: true, group: 42 }));
        // The leader of its group is outside the pid namespace.
        let line = line.replace("1 42 42", "1 0 0");
        assert_eq!(parse(&line).map(|stat| stat.group), Some(0));
        assert_eq!(parse("42 (short) S 1"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_process_is_itself_only_in_its_boot_and_with_its_start() {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let boot_id = boot_id().unwrap();
        let own = stat(pid).unwrap();
        let started_ticks = own.started_ticks;
        let process = |started_ticks, boot_id: &str| ProcessId {
            pid,
            started_ticks,
            boot_id: boot_id.to_owned(),
        };
        assert_eq!(find(&process(started_ticks, &boot_id), &boot_id), Some(own));
        assert_eq!(find(&process(started_ticks + 1, &boot_id), &boot_id), None);
        assert_eq!(find(&process(started_ticks, "another"), &boot_id), None);
    }
}
