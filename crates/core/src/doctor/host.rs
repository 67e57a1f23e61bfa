//! Folders, disks, memory, limits and programs of this host.

use cc_ci_model::doctor::{Finding, FindingId};

use super::{Disk, Facts, Program};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Images of one recipe and a snapshot of its data fit into this, as a rule.
const DISK_LOW_BYTES: u64 = 5 * GIB;
/// Hardly any image fits into this.
const DISK_FULL_BYTES: u64 = GIB;

/// A small app with its database fits into this.
const MEMORY_LOW_BYTES: u64 = GIB;
/// Not even one container of most apps does.
const MEMORY_SHORT_BYTES: u64 = 256 * MIB;

/// What Linux allows a process unless somebody lowered it.
const OPEN_FILES_LOW: u64 = 1024;

/// Programs without which no run works. The docker CLI has a finding of its own.
const NEEDED: [&str; 1] = ["git"];

pub(super) fn volumes(facts: &Facts) -> Option<Finding> {
    let (folder, listed) = facts.volumes.as_ref()?;
    Some(match listed {
        Ok(()) => Finding::new(FindingId::Volumes, "their files can be read", folder.as_str()),
        Err(why) => Finding::new(
            FindingId::VolumesUnreadable,
            format!(
                "their files cannot be read ({why}): neither upgrade nor backup could be proven"
            ),
            folder.as_str(),
        )
        .next("run cc-ci as root, on the engine's own host"),
    })
}

pub(super) fn state_folder(facts: &Facts) -> Finding {
    let place = facts.state_folder.clone();
    match &facts.state_writable {
        Ok(()) => Finding::new(FindingId::StateFolder, "runs can be kept", place),
        Err(why) => Finding::new(
            FindingId::StateFolderReadonly,
            format!("runs cannot be kept: {why}"),
            place,
        )
        .next("set CC_CI_STATE to a folder of yours, or run cc-ci as root"),
    }
}

pub(super) fn disk(disk: &Disk) -> Finding {
    let (id, judged) = match disk.free_bytes {
        ..DISK_FULL_BYTES => (FindingId::DiskFull, ": too little for any image"),
        DISK_FULL_BYTES..DISK_LOW_BYTES => {
            (FindingId::DiskLow, ": little for images and snapshots")
        }
        DISK_LOW_BYTES.. => (FindingId::Disk, ""),
    };
    let what = format!("{} free for {}{judged}", size(disk.free_bytes), disk.what);
    let finding = Finding::new(id, what, disk.folder.clone());
    if id == FindingId::Disk {
        return finding;
    }
    finding
        .next("make room: `docker system df` and old runs in the state folder show what takes it")
}

pub(super) fn memory(facts: &Facts) -> Finding {
    let place = "this host";
    let Some(bytes) = facts.memory_available_bytes else {
        return Finding::new(FindingId::MemoryUnknown, "not known", place)
            .next("mount /proc: cc-ci reads `MemAvailable` of /proc/meminfo");
    };
    let what = format!("{} available", size(bytes));
    let next = "stop what is not needed, or use a larger machine: an app that is killed for memory looks like a broken recipe";
    match bytes {
        ..MEMORY_SHORT_BYTES => Finding::new(FindingId::MemoryShort, what, place).next(next),
        MEMORY_SHORT_BYTES..MEMORY_LOW_BYTES => {
            Finding::new(FindingId::MemoryLow, what, place).next(next)
        }
        MEMORY_LOW_BYTES.. => Finding::new(FindingId::Memory, what, place),
    }
}

pub(super) fn open_files(facts: &Facts) -> Finding {
    let place = "this process";
    match facts.open_files {
        Some(limit) if limit < OPEN_FILES_LOW => {
            let what = format!("at most {limit} at once: a backup may need more");
            Finding::new(FindingId::OpenFilesLow, what, place)
                .next("ulimit -n 1024, or `LimitNOFILE=` of the unit that starts cc-ci")
        }
        Some(limit) => Finding::new(FindingId::OpenFiles, format!("{limit} at once"), place),
        None => Finding::new(FindingId::OpenFiles, "without a limit", place),
    }
}

/// Those that are there in one finding, each that is missing in one of its own.
pub(super) fn programs(facts: &Facts) -> Vec<Finding> {
    let there: Vec<&str> = facts
        .programs
        .iter()
        .filter(|program| program.said.is_ok())
        .map(|program| program.name.as_str())
        .collect();
    let missing = facts.programs.iter().filter(|program| program.said.is_err());
    let mut found: Vec<Finding> = missing.map(missing_program).collect();
    if !there.is_empty() {
        found.insert(0, Finding::new(FindingId::Tools, there.join(", "), "PATH"));
    }
    found
}

fn missing_program(program: &Program) -> Finding {
    let name = &program.name;
    let place = format!("`{name}` on PATH");
    let install = format!("install {name}");
    if NEEDED.contains(&name.as_str()) {
        let what = format!("{name} is missing: recipes are git repositories");
        return Finding::new(FindingId::ToolMissing, what, place).next(install);
    }
    let what = format!("{name} is missing: a test of a pack that calls it fails");
    Finding::new(FindingId::ToolWanted, what, place)
        .next(format!("{install}, if your tests need it"))
}

/// A number of bytes as people say it: `23.5 GiB`.
fn size(bytes: u64) -> String {
    let (unit, name) = if bytes < GIB { (MIB, "MiB") } else { (GIB, "GiB") };
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}
